"""That a problem is fixed, said in a language, as text and as HTML: days and amounts as that language writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_percent, get_currency_precision
from jinja2 import Environment, PackageLoader, StrictUndefined

from tenure_server.adapters.request_mail import threading_headers
from tenure_server.domain.outgoing_mail import WordedMail
from tenure_server.domain.problem_news import LicenceNews, ProblemNews
from tenure_server.domain.problem_words import WORDS, ProblemWords
from tenure_server.domain.reminder_words import WORDS as REMINDER_WORDS
from tenure_server.domain.reminder_words import language_spoken
from tenure_server.domain.reminders import PricedTerm
from tenure_server.domain.request_mail import subject_of
from tenure_server.domain.support_messages import SupportMessage
from tenure_server.domain.support_requests import SupportRequest
from tenure_signing.releases import Money

_LOCALES = {"en": "en_GB"}  # days as the customer's page writes them


class ProblemMail:
    """Templates are read once; the HTML one escapes everything."""

    def __init__(self) -> None:
        options: Mapping[str, object] = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
        loader = PackageLoader("tenure_server.adapters", "mail_templates")
        self._text = Environment(loader=loader, autoescape=False, **options).get_template("problem.txt.j2")  # type: ignore[arg-type]  # noqa: S701 (plain text)
        self._html = Environment(loader=loader, autoescape=True, **options).get_template("problem.html.j2")  # type: ignore[arg-type]

    def __call__(
        self,
        news: ProblemNews,
        language: str,
        to: str,
        *,
        request: SupportRequest | None = None,
        thread: Sequence[SupportMessage] = (),
    ) -> WordedMail:
        language = language_spoken(language)
        voice = _Voice(WORDS[language], Locale.parse(_LOCALES.get(language, language)), language)
        words, licence = voice.words, news.licence
        subject = words.subject.format(product=news.product, number=news.number, version=news.version)
        if request is not None:
            subject = subject_of(request.number, request.subject)
        values = {
            "language": language,
            "subject": subject,
            "words": asdict(words),
            "news": news,
            "greeting": words.greeting.format(name=news.name),
            "fixed": words.fixed.format(product=news.product, version=news.version, day=voice.day(news.released_on)),
            "problem": words.problem.format(number=news.number, title=news.title),
            "coverage": voice.coverage(news),
            "offer": voice.offer(licence) if licence is not None else "",
            "terms": [voice.term(term) for term in licence.terms] if licence is not None else [],
            "is_covered": licence is not None and licence.is_covered,
            "licence": voice.licence(licence) if licence is not None else "",
        }
        headers = {"Auto-Submitted": "auto-generated", **threading_headers(thread)}
        text = self._text.render(values) + "\n"
        return WordedMail(to, subject, text, self._html.render(values), tuple(headers.items()))


@dataclass(frozen=True, slots=True)
class _Voice:
    words: ProblemWords
    locale: Locale
    language: str

    def coverage(self, news: ProblemNews) -> str:
        """Whether the reporter's licence covers the fix, and why or why not."""
        licence = news.licence
        if licence is None:
            return self.words.unknown
        why: str = getattr(self.words, licence.standing.value)
        said = why.format(
            day=self.day(news.released_on),
            last=self.day(licence.last_paid_day) if licence.last_paid_day is not None else "",
            price=self.money(licence.price) if licence.price is not None else "",
        )
        return (self.words.covered if licence.is_covered else self.words.not_covered).format(why=said)

    def offer(self, licence: LicenceNews) -> str:
        """What can be done about it."""
        if licence.is_covered:
            return ""
        if licence.terms:
            return self.words.terms_today if licence.only_today else self.words.terms
        return self.words.contact

    def term(self, term: PricedTerm) -> str:
        words = REMINDER_WORDS[self.language]
        percent = format_percent(Decimal(term.percent) / 100, locale=self.locale, decimal_quantization=False)
        return words.term.format(
            years=words.one_year if term.years == 1 else words.two_years,
            starts=self.day(term.period.starts_on),
            ends=self.day(term.period.ends_on),
            price=self.money(term.price),
            arithmetic=words.arithmetic.format(count=term.years, percent=percent, total=self.money(term.total)),
        )

    def licence(self, licence: LicenceNews) -> str:
        return self.words.licence.format(licence=licence.licence_id, edition=licence.edition, seats=licence.seats)

    def day(self, value: date) -> str:
        return format_date(value, format="long", locale=self.locale)

    def money(self, amount: Money) -> str:
        exact = Decimal(amount.minor_units).scaleb(-get_currency_precision(amount.currency))
        return format_currency(exact, amount.currency, format="¤¤ #,##0.00", locale=self.locale)
