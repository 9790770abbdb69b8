"""When a customer is reminded that support ends. RULES.md, Calendar; Support periods. Days are the vendor's."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from tenure_signing.entitlement import SupportPeriod
from tenure_signing.names import EditionName
from tenure_signing.releases import Money
from tenure_signing.versions import Version

EXPIRED = -1
"""The step after the last day: support has ended."""

DEFAULT_DAYS = (90, 60, 30, 14, 7, 1)
TOLD_OF_THE_END_FOR_DAYS = 14
"""For so many days after the end its notice still goes out; later it would only surprise."""

_FIRST_PAUSE = timedelta(minutes=5)
_LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ReminderRules:
    """``days_before`` the last paid day on which a reminder goes out; none of them: nobody is reminded of anything.

    Raises ``ValueError`` for days outside of 1 to 366."""

    days_before: tuple[int, ...] = DEFAULT_DAYS

    def __post_init__(self) -> None:
        if not all(1 <= days <= 366 for days in self.days_before):
            raise ValueError("a reminder goes out 1 to 366 days before the end")

    @property
    def first_days(self) -> int:
        """How many days before the end the first one goes out."""
        return max(self.days_before, default=0)


def due_step(ends_on: date, today: date, rules: ReminderRules) -> int | None:
    """Which reminder belongs to this day: the nearest that was reached, so that after a standstill one mail goes out
    and not all that were due meanwhile. None before the first and long after the end."""
    if not rules.days_before:
        return None
    days_left = (ends_on - today).days
    if days_left < 0:
        return EXPIRED if -days_left <= TOLD_OF_THE_END_FOR_DAYS else None
    return min((days for days in rules.days_before if days_left <= days), default=None)


def is_told_already(step: int, known: Collection[int]) -> bool:
    """Whether this reminder, or one nearer to the end, is known for the same end."""
    return any(each <= step for each in known)


class ReminderState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"  # the mail server has taken it over
    REFUSED = "refused"  # the mail server never will
    DROPPED = "dropped"  # it became untrue before it went out: renewed, revoked, a nearer one due, no longer wanted


@dataclass(frozen=True, slots=True)
class Reminder:
    """One mail. ``(licence_id, ends_on, step)`` names it, and there is never a second of that name."""

    licence_id: str
    ends_on: date  # the last paid day that it is about
    step: int  # days before it, or ``EXPIRED``
    state: ReminderState
    queued_at: datetime
    next_at: datetime
    attempts: int = 0
    claim: str | None = None
    claimed_until: datetime | None = None
    problem: str | None = None
    ended_at: datetime | None = None

    @property
    def mail_key(self) -> str:
        """By which mail programs know a double."""
        return f"reminder {self.licence_id} {self.ends_on.isoformat()} {self.step}"


def pause_after(attempts: int) -> timedelta:
    """How long to wait for a mail server that does not answer: 5 minutes, 10, 20 … 1 hour, for as long as it takes."""
    return min(_FIRST_PAUSE * int(2 ** min(attempts - 1, 10)), _LONGEST_PAUSE)


@dataclass(frozen=True, slots=True)
class ToldRelease:
    version: Version
    released_on: date


@dataclass(frozen=True, slots=True)
class PricedTerm:
    """``percent`` per year of ``total``, for so many years, is the price."""

    years: int
    period: SupportPeriod
    price: Money
    percent: str  # such as "15" or "7.5"
    total: Money


@dataclass(frozen=True, slots=True)
class ReminderFacts:
    """Everything a reminder says, before it is said in some language."""

    vendor: str
    product: str  # its title
    edition: EditionName
    licence_id: str
    customer: str
    seats: int
    ends_on: date
    days_left: int  # negative after the end
    is_last_call: bool
    closes: bool  # whether nothing can be ordered after the end
    opens_on: date | None  # from when the renewal can be ordered; None after the end
    terms: tuple[PricedTerm, ...]  # none: sales has to be asked
    received: tuple[ToldRelease, ...]  # what the support period brought, newest first
    missed: tuple[ToldRelease, ...]  # what is not covered, newest first
    renewal_url: str
    portal_url: str
    unsubscribe_url: str | None

    @property
    def is_over(self) -> bool:
        return self.days_left < 0


@dataclass(frozen=True, slots=True)
class WordedReminder:
    subject: str
    text: str
    html: str
