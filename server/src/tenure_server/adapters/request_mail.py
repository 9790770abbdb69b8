"""Mail about support requests said in a language, as text and as HTML, in the thread of the mails before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cached_property

from babel import Locale
from babel.dates import format_datetime
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from tenure_server.domain.outgoing_mail import WordedMail
from tenure_server.domain.reminder_words import language_spoken
from tenure_server.domain.request_mail import MAX_REFERENCES, subject_of
from tenure_server.domain.request_words import WORDS
from tenure_server.domain.support_messages import MessageKind, SupportMessage
from tenure_server.domain.support_requests import SupportRequest

_LOCALES = {"en": "en_GB"}  # days as the customer's page writes them
_MOST_QUOTED_LINES = 40


@dataclass(frozen=True)
class RequestMailWords:
    """Templates are read once; the HTML one escapes everything. ``zone`` is the vendor's, ``public_url`` has no slash
    at its end."""

    zone: tzinfo
    vendor: str
    public_url: str

    def reply(
        self, request: SupportRequest, thread: Sequence[SupportMessage], answer: SupportMessage, language: str
    ) -> WordedMail:
        """What an operator wrote, above what the customer wrote last. ``thread`` is what was before."""
        quoted = next((one.body for one in reversed(thread) if one.kind is MessageKind.CUSTOMER), "")
        return self._mail(request, thread, answer.body.split("\n\n"), quoted, language)

    def received(self, request: SupportRequest, thread: Sequence[SupportMessage], language: str) -> WordedMail:
        """That we have it, and by when there is an answer. Nobody's program answers such a mail (RFC 3834)."""
        words = WORDS[language_spoken(language)]
        if not request.is_covered:
            promise = words.to_sales
        elif request.due_at is not None:
            promise = words.in_support.format(due=self._instant(request.due_at, language_spoken(language)))
        else:
            promise = words.no_terms
        paragraphs = (
            words.greeting.format(name=request.contact.name),
            words.received.format(number=request.number),
            promise,
            f"{words.regards}\n{self.vendor}",
        )
        mail = self._mail(request, thread, paragraphs, "", language)
        return WordedMail(
            mail.to, mail.subject, mail.text, mail.html, (*mail.headers, ("Auto-Submitted", "auto-replied"))
        )

    def _mail(
        self,
        request: SupportRequest,
        thread: Sequence[SupportMessage],
        paragraphs: Sequence[str],
        quoted: str,
        language: str,
    ) -> WordedMail:
        assert request.contact.email is not None
        spoken = language_spoken(language)
        words = WORDS[spoken]
        values = {
            "language": spoken,
            "subject": subject_of(request.number, request.subject),
            "words": words,
            "paragraphs": [each for each in paragraphs if each.strip()],
            "quoted": "\n".join(quoted.split("\n")[:_MOST_QUOTED_LINES]).strip(),
            "answering": words.answer_above.format(number=f"[{request.number}]"),
            "url": f"{self.public_url}/portal/requests/{request.number}" if request.licence_id is not None else None,
        }
        text, html = self._templates
        return WordedMail(
            request.contact.email,
            str(values["subject"]),
            text.render(values),
            html.render(values),
            tuple(threading_headers(thread).items()),
        )

    def _instant(self, at: datetime, language: str) -> str:
        locale = Locale.parse(_LOCALES.get(language, language))
        return format_datetime(at.astimezone(self.zone), "d MMMM y, HH:mm zzz", locale=locale)

    @cached_property
    def _templates(self) -> tuple[Template, Template]:
        options: Mapping[str, object] = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
        loader = PackageLoader("tenure_server.adapters", "mail_templates")
        text = Environment(loader=loader, autoescape=False, **options).get_template("request.txt.j2")  # type: ignore[arg-type]  # noqa: S701 (plain text)
        html = Environment(loader=loader, autoescape=True, **options).get_template("request.html.j2")  # type: ignore[arg-type]
        return text, html


def threading_headers(thread: Sequence[SupportMessage]) -> dict[str, str]:
    """By which mail programs show one conversation (RFC 5322, section 3.6.4)."""
    known = [one.mail_id for one in thread if one.mail_id is not None]
    if not known:
        return {}
    # the first mail names the thread; of what is between, the last ones are enough
    kept = known if len(known) <= MAX_REFERENCES else [known[0], *known[1 - MAX_REFERENCES :]]
    return {"In-Reply-To": known[-1], "References": " ".join(kept)}
