"""Which terms a support request has: how soon it is to be answered, and why. RULES.md, Support and maintenance.

Terms are taken on the day a request is opened and stay as they were taken. Days are the vendor's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from tenure_server.domain.smp import term
from tenure_signing.entitlement import LicenceStatus, SupportPeriod

MOST_HOURS = 2_000
"""Of a response term; a year of working hours."""

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HOURS = re.compile(
    rf"({'|'.join(_DAYS)})-({'|'.join(_DAYS)}) ([0-2][0-9]):([0-5][0-9])-([0-2][0-9]):([0-5][0-9])", re.ASCII
)
_ONE_DAY = timedelta(days=1)
_MINUTES_OF_A_DAY = 24 * 60


class TermsBasis(StrEnum):
    """Where a request's terms come from."""

    SUPPORT_PERIOD = "support_period"  # the plan's response terms
    QUOTATION = "quotation"  # outside, and free support was quoted until that day or later
    NONE = "none"  # no licence, never any SMP, or none on that day; no answer is owed
    LICENCE_SUSPENDED = "licence_suspended"
    LICENCE_REVOKED = "licence_revoked"


@dataclass(frozen=True, slots=True)
class SupportTerms:
    """``until`` is the last day of the support period or of the quoted support, inclusive; ``plan_years`` is 1 or 2 in
    a support period. Hours are working hours; None where no answer is owed by a certain time."""

    basis: TermsBasis
    plan_years: int | None = None
    until: date | None = None
    response_hours: int | None = None
    priority_hours: int | None = None  # of a priority incident; only SMP knows such


WITHOUT_LICENCE = SupportTerms(TermsBasis.NONE)


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """When the vendor's support works: on these weekdays (Monday is 0), from and until these minutes after midnight of
    the vendor's zone, not on holidays. Raises ``ValueError`` for hours in which nobody ever works."""

    zone: tzinfo = UTC
    weekdays: frozenset[int] = frozenset(range(5))
    opens: int = 9 * 60
    closes: int = 17 * 60
    holidays: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if not self.weekdays or not self.weekdays <= set(range(7)):
            raise ValueError("support works on one day of the week at least")
        if not 0 <= self.opens < self.closes <= _MINUTES_OF_A_DAY:
            raise ValueError("support opens before it closes")

    @property
    def minutes_a_week(self) -> int:
        return len(self.weekdays) * (self.closes - self.opens)

    def after(self, start: datetime, hours: int) -> datetime:
        """The instant, in UTC, when so many working hours have passed since the start. Raises ``ValueError`` for hours
        outside of 1 to ``MOST_HOURS``."""
        if not 1 <= hours <= MOST_HOURS:
            raise ValueError(f"a response term has 1 to {MOST_HOURS} working hours")
        left = timedelta(hours=hours)
        for opens, closes in self._shifts(start):
            begins = max(opens, start)
            if begins + left <= closes:
                return begins + left
            left -= max(closes - begins, timedelta(0))
        raise ValueError("there are not so many working hours before the end of the calendar")

    def _shifts(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """From the start's day on, as instants in UTC: a day on which clocks are changed is longer or shorter."""
        day = start.astimezone(self.zone).date()
        last = min(date.max - _ONE_DAY, day + timedelta(days=366 * 50))
        while day <= last:
            if day.weekday() in self.weekdays and day not in self.holidays:
                yield self._at(day, self.opens), self._at(day, self.closes)
            day += _ONE_DAY

    def _at(self, day: date, minutes: int) -> datetime:
        if minutes == _MINUTES_OF_A_DAY:
            day, minutes = day + _ONE_DAY, 0
        return datetime.combine(day, time(minutes // 60, minutes % 60), self.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class ResponseRules:
    """How soon the vendor answers, in working hours. Raises ``ValueError`` for hours outside of 1 to ``MOST_HOURS``,
    and where so many are not worked in ten years."""

    one_year_hours: int = 16
    two_year_hours: int = 8
    priority_hours: int = 4
    quotation_hours: int = 16
    working_hours: WorkingHours = WorkingHours()

    def __post_init__(self) -> None:
        all_hours = (self.one_year_hours, self.two_year_hours, self.priority_hours, self.quotation_hours)
        if not all(1 <= hours <= MOST_HOURS for hours in all_hours):
            raise ValueError(f"a response term has 1 to {MOST_HOURS} working hours")
        if max(all_hours) * 60 > self.working_hours.minutes_a_week * 520:
            raise ValueError("support works too little for its response terms")


def terms_on(
    day: date,
    periods: Iterable[SupportPeriod],
    free_support_until: date | None,
    status: LicenceStatus,
    rules: ResponseRules,
) -> SupportTerms:
    """The terms that a licence has on that day. ``free_support_until`` is the quotation's day, inclusive.

    A suspended or revoked licence has none, as it has no releases.
    """
    match status:
        case LicenceStatus.SUSPENDED:
            return SupportTerms(TermsBasis.LICENCE_SUSPENDED)
        case LicenceStatus.REVOKED:
            return SupportTerms(TermsBasis.LICENCE_REVOKED)
        case LicenceStatus.ACTIVE:
            pass
    period = next((each for each in periods if day in each), None)
    if period is not None:
        years = plan_years(period)
        hours = rules.two_year_hours if years == 2 else rules.one_year_hours
        priority = min(hours, rules.priority_hours)
        return SupportTerms(TermsBasis.SUPPORT_PERIOD, years, period.ends_on, hours, priority)
    if free_support_until is not None and day <= free_support_until:
        return SupportTerms(TermsBasis.QUOTATION, until=free_support_until, response_hours=rules.quotation_hours)
    return SupportTerms(TermsBasis.NONE)


def plan_years(period: SupportPeriod) -> int:
    """The plan a period was bought under, by its length: two years or longer is the two-year plan."""
    return 2 if period.ends_on >= term(period.starts_on, 2).ends_on else 1


def parse_working_hours(text: str, zone: tzinfo, holidays: str = "") -> WorkingHours:
    """``Mon-Fri 09:00-17:00``, and days such as ``2026-12-25,2027-01-01``. Raises ``ValueError``."""
    found = _HOURS.fullmatch(text)
    if found is None:
        raise ValueError("working hours are written Mon-Fri 09:00-17:00")
    first, last, *clock = found.groups()
    start, count = _DAYS.index(first), (_DAYS.index(last) - _DAYS.index(first)) % 7 + 1
    opens_hour, opens_minute, closes_hour, closes_minute = map(int, clock)
    return WorkingHours(
        zone,
        frozenset((start + each) % 7 for each in range(count)),
        opens_hour * 60 + opens_minute,
        closes_hour * 60 + closes_minute,
        frozenset(date.fromisoformat(day.strip()) for day in holidays.split(",") if day.strip()),
    )
