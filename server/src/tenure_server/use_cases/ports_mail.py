"""Mail, as the use cases ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tenure_server.domain.outgoing_mail import MailState, OutgoingMail
from tenure_server.errors import InvalidRequest

_OURS = frozenset(
    ("from", "to", "cc", "bcc", "sender", "subject", "date", "message-id", "mime-version", "content-type")
)


@dataclass(frozen=True, slots=True)
class MailMessage:
    """One mail to one recipient, so that a mail is delivered or not, never in part.

    ``key`` names the mail: sent again under the same key it bears the same Message-ID, by which mail programs know a
    double. ``to`` is a bare address. ``headers`` come on top of From, To, Subject, Date and Message-ID
    (``List-Unsubscribe``, ``In-Reply-To``, ``Auto-Submitted``).

    Raises ``InvalidRequest`` (``invalid_mail``) for control characters, which would forge headers, and for headers that
    are the mailer's own.
    """

    key: str
    to: str
    subject: str
    text: str
    html: str | None = None
    reply_to: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lines = (self.to, self.subject, self.reply_to or "", *self.headers, *self.headers.values())
        if not all(line.isprintable() for line in lines):
            raise InvalidRequest("A mail's headers are one line of printable text each.", code="invalid_mail")
        name, at, domain = self.to.rpartition("@")
        if not (name and at and domain) or any(each in self.to for each in ' ,;<>"'):
            raise InvalidRequest("A mail goes to one bare address.", code="invalid_mail")
        if reserved := sorted(name for name in self.headers if name.lower() in _OURS):
            raise InvalidRequest(f"A mail's {reserved[0]} is not set as a header.", code="invalid_mail")


class Mailer(Protocol):
    """Hands mail to a mail server. It may be delivered twice if the connection breaks while the server confirms it."""

    def send(self, message: MailMessage) -> None:
        """Return once the mail server has taken the mail over.

        Raises ``MailUnavailable`` if it may work later, and ``MailRefused`` if this mail never will.
        """
        ...

    def message_id(self, key: str) -> str:
        """The Message-ID, in angle brackets, that a mail with this key bears; for ``In-Reply-To``."""
        ...


class OutgoingMails(Protocol):
    """Mail that is kept with the change that it tells of, until it is sent."""

    def queue(self, mail: OutgoingMail) -> bool:
        """Whether there was none of this key; nothing happens if there was."""
        ...

    def get(self, key: str) -> OutgoingMail | None: ...

    def of_subject(self, subject_id: str) -> tuple[OutgoingMail, ...]:
        """The oldest first."""
        ...

    def forget(self, subject_id: str) -> None:
        """Everything about the subject: what is queued never goes out, unless it is on its way at this moment."""
        ...

    def is_any_due(self, now: datetime) -> bool: ...

    def claim(self, now: datetime, *, claim: str, until: datetime, limit: int) -> tuple[OutgoingMail, ...]:
        """Take queued ones that are due and claimed by nobody. Whoever asks at the same time gets others."""
        ...

    def finish(self, mail: OutgoingMail, claim: str) -> bool:
        """Keep it as it is after an attempt, and whether that was done: not if somebody else has claimed it since."""
        ...

    def count(self, state: MailState) -> int: ...
