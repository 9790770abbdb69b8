"""Mail that has to go out because of a change: kept with the change, sent afterwards, never a second of its name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=1)


class MailState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"  # the mail server has taken it over
    REFUSED = "refused"  # the mail server never will
    DROPPED = "dropped"  # nobody wants it any more: who it is for was anonymised, say


@dataclass(frozen=True, slots=True)
class WordedMail:
    """What a mail says, to one bare address. ``headers`` come on top of those that the mailer writes."""

    to: str
    subject: str
    text: str
    html: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """``key`` names it, and its Message-ID comes of it: it cannot be guessed if the key cannot. ``subject_id``: the
    request, problem or other thing that it is about. Once it has ended its words are forgotten (``worded`` is None)."""

    key: str
    subject_id: str
    worded: WordedMail | None
    state: MailState
    queued_at: datetime
    next_at: datetime
    attempts: int = 0
    claim: str | None = None
    claimed_until: datetime | None = None
    problem: str | None = None
    ended_at: datetime | None = None

    @classmethod
    def of(cls, key: str, subject_id: str, worded: WordedMail, now: datetime) -> Self:
        return cls(key, subject_id, worded, MailState.QUEUED, now, now)

    def ended(self, state: MailState, now: datetime, problem: str | None = None) -> Self:
        return replace(
            self,
            worded=None,
            state=state,
            attempts=self.attempts + 1,
            claim=None,
            claimed_until=None,
            problem=problem,
            ended_at=now,
        )

    def dropped(self, now: datetime) -> Self:
        return replace(
            self, worded=None, state=MailState.DROPPED, claim=None, claimed_until=None, problem=None, ended_at=now
        )

    def postponed(self, now: datetime) -> Self:
        """After an attempt that may go better later."""
        attempts = self.attempts + 1
        return replace(self, attempts=attempts, next_at=now + pause_after(attempts), claim=None, claimed_until=None)


def pause_after(attempts: int) -> timedelta:
    """How long to wait for a mail server that does not answer: 1 minute, 2, 4 … 1 hour, for as long as it takes."""
    return min(_FIRST_PAUSE * int(2 ** min(attempts - 1, 10)), _LONGEST_PAUSE)
