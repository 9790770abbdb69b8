"""Plans, terms and renewal windows of the Support and Maintenance Package. RULES.md, Calendar; Support periods."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from tenure_server.domain.products import LapsePolicy
from tenure_signing.entitlement import SupportPeriod

PLAN_YEARS = (1, 2)
_ONE_DAY = timedelta(days=1)


def anniversary(day: date, years: int) -> date:
    """The same day that many years later; 29 February becomes 1 March in a common year."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def term(starts_on: date, years: int) -> SupportPeriod:
    """A term of whole years: it ends on the day before the anniversary of its start, inclusive."""
    if years not in PLAN_YEARS:
        raise ValueError("an SMP plan is for one or two years")
    return SupportPeriod(starts_on, anniversary(starts_on, years) - _ONE_DAY)


class Ordering(StrEnum):
    """Whether SMP can be ordered today, and if not, why."""

    FIRST_TERM = "first_term"  # no period was ever bought: one can be, from today
    OPEN = "open"  # inside the renewal window
    TOO_EARLY = "too_early"
    LAPSED_CLOSED = "lapsed_closed"  # contact sales
    LAPSED_GAP = "lapsed_gap"  # a fresh term from today
    LAPSED_BACKDATE = "lapsed_backdate"  # a fresh term from the day after the old end


_ORDERABLE = frozenset({Ordering.FIRST_TERM, Ordering.OPEN, Ordering.LAPSED_GAP, Ordering.LAPSED_BACKDATE})


@dataclass(frozen=True, slots=True)
class RenewalWindow:
    """``opens_on`` and ``closes_on`` are inclusive and None where no window applies; ``starts_on`` is the first day of
    the term that an order today would buy, or that the next renewal will buy."""

    ordering: Ordering
    starts_on: date | None
    opens_on: date | None = None
    closes_on: date | None = None
    is_last_call: bool = False

    @property
    def can_be_ordered(self) -> bool:
        return self.ordering in _ORDERABLE


@dataclass(frozen=True, slots=True)
class RenewalRules:
    window_days: int = 90
    last_call_days: int = 14


def renewal_window(
    last_paid_day: date | None, lapse_policy: LapsePolicy, today: date, rules: RenewalRules
) -> RenewalWindow:
    """What can be ordered today. The window is measured from the last paid day, so a renewal already ordered closes
    it until the next one opens."""
    if last_paid_day is None:
        return RenewalWindow(Ordering.FIRST_TERM, starts_on=today)
    opens_on = last_paid_day - timedelta(days=rules.window_days)
    next_day = last_paid_day + _ONE_DAY
    if today < opens_on:
        return RenewalWindow(Ordering.TOO_EARLY, next_day, opens_on, last_paid_day)
    if today <= last_paid_day:
        is_last_call = today >= last_paid_day - timedelta(days=rules.last_call_days)
        return RenewalWindow(Ordering.OPEN, next_day, opens_on, last_paid_day, is_last_call)
    match lapse_policy:
        case LapsePolicy.CLOSED:
            return RenewalWindow(Ordering.LAPSED_CLOSED, starts_on=None)
        case LapsePolicy.GAP:
            return RenewalWindow(Ordering.LAPSED_GAP, starts_on=today)
        case LapsePolicy.BACKDATE:
            return RenewalWindow(Ordering.LAPSED_BACKDATE, starts_on=next_day)


def cut_short(period: SupportPeriod, cancelled_on: date) -> SupportPeriod | None:
    """What is left of a period that is refunded or cancelled on that day: it ends on the day before. None if it had
    not begun before; the whole of it if it was over."""
    if cancelled_on <= period.starts_on:
        return None
    return SupportPeriod(period.starts_on, min(period.ends_on, cancelled_on - _ONE_DAY))
