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


@dataclass(frozen=True, slots=True)
class SupportMessage:
    """``who`` is the operator as the audit trail has it, or the customer's name. ``is_mailed``: the reply went, or is
    to go, by mail, as the ``OutgoingMail`` that has the message's id for a key.

    ``mail_id`` is the mail's Message-ID in angle brackets: of a customer's mail as it came, or of a mailed reply.
    """

    message_id: str  # msg_ and 26 random characters
    request_id: str
    kind: MessageKind
    body: str
    at: datetime
    who: str
    mail_id: str | None = None
    is_mailed: bool = False

    def anonymised(self) -> SupportMessage:
        """Without what was written; operators stay, they are the vendor's."""
        who = REMOVED if self.kind is MessageKind.CUSTOMER else self.who
        return replace(self, body=REMOVED, who=who, mail_id=None)


def clean_body(text: str) -> str:
    """A message as it is kept: lines end with a line feed, and nothing in it steers a terminal. Empty if nothing is
    left; whether it is too long is for the caller to say."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(
        letter for letter in lines if letter in "\n\t" or letter.isprintable() or letter == "\N{NO-BREAK SPACE}"
    )
    return "\n".join(line.rstrip() for line in kept.split("\n")).strip("\n")
