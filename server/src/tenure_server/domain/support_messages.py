"""The thread of a support request: what the customer wrote or said, what was answered, what operators note."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from tenure_server.domain.support_requests import REMOVED

MAX_BODY_CHARACTERS = 100_000

_KEPT = frozenset("\n\t\u200c\u200d")
"""Line feeds, tabs, and the joiners that Persian and emoji are written with; other control characters go."""


class MessageKind(StrEnum):
    CUSTOMER = "customer"  # from the customer
    REPLY = "reply"  # an operator's, to the customer
    NOTE = "note"  # an operator's, for operators


@dataclass(frozen=True, slots=True)
class SupportMessage:
    """``who`` is the operator as the audit trail has it, or the customer's name. ``mailed_to`` is None of what is not
    mailed: notes, what customers write, and answers given on the telephone or in the portal only. How far a mail has
    come is told by the queue of outgoing mail, under the message's id.

    ``mail_id`` is the mail's Message-ID in angle brackets: a customer's as it came, a reply's as it bears it.
    """

    message_id: str  # msg_ and 26 random characters
    request_id: str
    kind: MessageKind
    body: str
    at: datetime
    who: str
    mail_id: str | None = None
    mailed_to: str | None = None

    def anonymised(self) -> SupportMessage:
        """Without what was written and where it went; operators stay, they are the vendor's."""
        return replace(
            self,
            body=REMOVED,
            who=REMOVED if self.kind is MessageKind.CUSTOMER else self.who,
            mail_id=None,
            mailed_to=REMOVED if self.mailed_to is not None else None,
        )


def clean_body(text: str) -> str:
    """A message as it is kept: lines end with a line feed, and nothing in it steers a terminal. Empty if nothing is
    left; whether it is too long is for the caller to say."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\N{NO-BREAK SPACE}", " ")
    kept = "".join(letter for letter in lines if letter in _KEPT or letter.isprintable())
    return "\n".join(line.rstrip() for line in kept.split("\n")).strip("\n")
