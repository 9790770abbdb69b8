"""The thread of a support request: what the customer wrote or said, what was answered, what operators note."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from tenure_server.domain.support_requests import REMOVED

MAX_BODY_CHARACTERS = 100_000


class MessageKind(StrEnum):
    CUSTOMER = "customer"  # from the customer
    REPLY = "reply"  # an operator's, to the customer
    NOTE = "note"  # an operator's, for operators


class MailState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    REFUSED = "refused"  # the mail server never will take it
    DROPPED = "dropped"  # not to be sent any more: its customer was anonymised


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """How far a reply's mail has come. ``to`` is the address as it was when it was written. Whoever sends it claims it
    first, until an instant: after that somebody else may."""

    to: str
    state: MailState
    next_at: datetime  # when it is tried next
    attempts: int = 0
    claim: str | None = None
    claimed_until: datetime | None = None
    problem: str | None = None  # of the last attempt
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SupportMessage:
    """``who`` is the operator as the audit trail has it, or the customer's name. ``mail`` is None of what is not
    mailed: notes, what customers write, and answers given on the telephone or in the portal only.

    ``mail_id`` is the mail's Message-ID in angle brackets: of a customer's mail as it came, of a reply once it is sent.
    """

    message_id: str  # msg_ and 26 random characters
    request_id: str
    kind: MessageKind
    body: str
    at: datetime
    who: str
    mail_id: str | None = None
    mail: OutgoingMail | None = None

    @property
    def is_unsent(self) -> bool:
        return self.mail is not None and self.mail.state is MailState.QUEUED

    def anonymised(self) -> SupportMessage:
        """Without what was written and where it went; operators stay, they are the vendor's."""
        mail = self.mail
        if mail is not None:
            state = MailState.DROPPED if mail.state is MailState.QUEUED else mail.state
            mail = replace(mail, to=REMOVED, state=state, claim=None, claimed_until=None, problem=None)
        who = REMOVED if self.kind is MessageKind.CUSTOMER else self.who
        return replace(self, body=REMOVED, who=who, mail_id=None, mail=mail)


def clean_body(text: str) -> str:
    """A message as it is kept: lines end with a line feed, and nothing in it steers a terminal. Empty if nothing is
    left; whether it is too long is for the caller to say."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(
        letter for letter in lines if letter in "\n\t" or letter.isprintable() or letter == "\N{NO-BREAK SPACE}"
    )
    return "\n".join(line.rstrip() for line in kept.split("\n")).strip("\n")
