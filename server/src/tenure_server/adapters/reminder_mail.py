"""Reminders said in a language, as text and as HTML: days, amounts and percentages as that language writes them (CLDR,
through Babel)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal

from babel import Locale
from babel.dates import format_date, format_timedelta
from babel.numbers import format_currency, format_percent, get_currency_precision
from jinja2 import Environment, PackageLoader, StrictUndefined

from tenure_server.domain.reminder_words import WORDS, Words, language_spoken
from tenure_server.domain.reminders import PricedTerm, ReminderFacts, ToldRelease, WordedReminder
from tenure_signing.releases import Money

LISTED_RELEASES = 8
_LOCALES = {"en": "en_GB"}  # days as the customer's page writes them
_NO_LARGER_UNIT = 10_000  # Babel would make two weeks of 14 days


@dataclass(frozen=True, slots=True)
class ListedReleases:
    title: str
    lines: tuple[str, ...]


class ReminderMail:
    """Templates are read once; the HTML one escapes everything."""

    def __init__(self) -> None:
        options: Mapping[str, object] = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
        loader = PackageLoader("tenure_server.adapters", "mail_templates")
        self._text = Environment(loader=loader, autoescape=False, **options).get_template("reminder.txt.j2")  # type: ignore[arg-type]  # noqa: S701 (plain text)
        self._html = Environment(loader=loader, autoescape=True, **options).get_template("reminder.html.j2")  # type: ignore[arg-type]

    def __call__(self, facts: ReminderFacts, language: str) -> WordedReminder:
        language = language_spoken(language)
        voice = _Voice(WORDS[language], Locale.parse(_LOCALES.get(language, language)), facts)
        values = {
            "words": asdict(voice.words),
            "facts": facts,
            "language": language,
            "subject": voice.subject(),
            "greeting": voice.words.greeting.format(customer=facts.customer),
            "lead": voice.lead(),
            "sentences": voice.sentences(),
            "lists": voice.lists(),
            "terms": [voice.term(term) for term in facts.terms],
            "ordering": voice.ordering(),
            "can_order": bool(facts.terms) and (facts.opens_on is None or _is_open(facts)),
            "licence": voice.licence(),
        }
        return WordedReminder(values["subject"], self._text.render(values) + "\n", self._html.render(values))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class _Voice:
    words: Words
    locale: Locale
    facts: ReminderFacts

    def subject(self) -> str:
        facts, words = self.facts, self.words
        said = words.subject_over if facts.is_over else words.subject
        if facts.is_last_call and not facts.is_over:
            said = words.subject_last_call
        return said.format(product=facts.product, day=self.day(facts.ends_on))

    def lead(self) -> str:
        facts, words = self.facts, self.words
        said = words.over if facts.is_over else words.ends_today if facts.days_left == 0 else words.ends
        in_days = format_timedelta(
            timedelta(days=max(facts.days_left, 0)),
            granularity="day",
            threshold=_NO_LARGER_UNIT,
            add_direction=True,
            locale=self.locale,
        )
        return said.format(product=facts.product, day=self.day(facts.ends_on), in_days=in_days)

    def sentences(self) -> list[str]:
        facts, day = self.facts, self.day(self.facts.ends_on)
        said = []
        if facts.is_last_call and facts.closes and not facts.is_over:
            said.append(self.words.last_call.format(day=day))
        if not facts.is_over:
            said.append(self.words.would_miss.format(day=day))
        return said

    def lists(self) -> list[ListedReleases]:
        found = ((self.words.missed_title, self.facts.missed), (self.words.received_title, self.facts.received))
        return [ListedReleases(title, self._releases(releases)) for title, releases in found if releases]

    def _releases(self, releases: tuple[ToldRelease, ...]) -> tuple[str, ...]:
        said = [
            self.words.released.format(version=one.version, day=self.day(one.released_on))
            for one in releases[:LISTED_RELEASES]
        ]
        if len(releases) > LISTED_RELEASES:
            said.append(self.words.more.format(count=len(releases) - LISTED_RELEASES))
        return tuple(said)

    def term(self, term: PricedTerm) -> str:
        percent = format_percent(Decimal(term.percent) / 100, locale=self.locale, decimal_quantization=False)
        arithmetic = self.words.arithmetic.format(count=term.years, percent=percent, total=self.money(term.total))
        return self.words.term.format(
            years=self.words.one_year if term.years == 1 else self.words.two_years,
            starts=self.day(term.period.starts_on),
            ends=self.day(term.period.ends_on),
            price=self.money(term.price),
            arithmetic=arithmetic,
        )

    def ordering(self) -> str:
        facts, day = self.facts, self.day(self.facts.ends_on)
        if not facts.terms:
            return self.words.contact
        if facts.opens_on is None:
            return ""
        if not _is_open(facts):
            return self.words.order_from.format(opens=self.day(facts.opens_on), day=day)
        return self.words.order_until.format(day=day)

    def licence(self) -> str:
        facts = self.facts
        return self.words.licence.format(licence=facts.licence_id, edition=facts.edition, seats=facts.seats)

    def day(self, value: date) -> str:
        return format_date(value, format="long", locale=self.locale)

    def money(self, amount: Money) -> str:
        exact = Decimal(amount.minor_units).scaleb(-get_currency_precision(amount.currency))
        return format_currency(exact, amount.currency, format="¤¤ #,##0.00", locale=self.locale)


def _is_open(facts: ReminderFacts) -> bool:
    """Whether the renewal can be ordered on the day on which the reminder is said."""
    return facts.opens_on is not None and (facts.ends_on - facts.opens_on).days >= facts.days_left
