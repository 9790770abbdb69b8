"""Support periods and the renewal on offer, as the page shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from tenure_server.domain.licences import Licence
from tenure_server.domain.money import show
from tenure_server.portal.reasons import Headline, renewal_sentences, support_headline
from tenure_server.portal.wording import counted, day
from tenure_server.use_cases.licence_status import LicenceStanding
from tenure_server.use_cases.support_summary import RenewalOffer
from tenure_signing.entitlement import LicenceStatus, SupportPeriod

TIMELINE_UNITS = 1000
"""Width of the drawing. It is stretched to the width of the page."""

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PeriodView:
    """``state`` is ``paid`` or ``unpaid``; ``note`` says where today stands."""

    starts_on: date
    ends_on: date
    state: str
    note: str
    is_now: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of the timeline, in its units."""

    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Timeline:
    starts_on: date
    ends_on: date
    bars: tuple[Bar, ...]
    today: int


@dataclass(frozen=True, slots=True)
class OptionView:
    plan: str
    starts_on: date
    ends_on: date
    price: str


@dataclass(frozen=True, slots=True)
class RenewalView:
    summary: str
    detail: str
    options: tuple[OptionView, ...]
    can_be_ordered: bool


@dataclass(frozen=True, slots=True)
class SupportView:
    """``renewal`` is None for a licence that can order nothing before it is reinstated."""

    headline: Headline
    periods: tuple[PeriodView, ...]
    timeline: Timeline | None
    renewal: RenewalView | None


def support_view(standing: LicenceStanding, today: date) -> SupportView:
    licence, support = standing.licence, standing.support
    is_last_call = standing.renewal.window.is_last_call
    return SupportView(
        headline=support_headline(support, licence, today, is_last_call=is_last_call),
        periods=tuple(_periods(support.periods, today)),
        timeline=_timeline(licence, support.periods, today) if support.periods else None,
        renewal=_renewal(standing.renewal, today) if licence.status is LicenceStatus.ACTIVE else None,
    )


def _periods(periods: tuple[SupportPeriod, ...], today: date) -> Iterator[PeriodView]:
    """In order, with the unpaid days between them."""
    for earlier, later in pairwise((None, *periods)):
        assert later is not None
        if earlier is not None and later.starts_on > earlier.ends_on + _ONE_DAY:
            gap = SupportPeriod(earlier.ends_on + _ONE_DAY, later.starts_on - _ONE_DAY)
            note = "not supported; today is one of these days" if today in gap else "not supported"
            yield PeriodView(gap.starts_on, gap.ends_on, "unpaid", note, today in gap)
        yield PeriodView(later.starts_on, later.ends_on, "paid", _note(later, today), today in later)


def _note(period: SupportPeriod, today: date) -> str:
    if today in period:
        left = (period.ends_on - today).days + 1
        return "today is its last day" if left == 1 else f"now; {counted(left, 'day')} left"
    if today < period.starts_on:
        return f"begins in {counted((period.starts_on - today).days, 'day')}"
    return "over"


def _timeline(licence: Licence, periods: tuple[SupportPeriod, ...], today: date) -> Timeline:
    """From the purchase to the last paid day or today, whatever comes first and last."""
    starts_on = min(licence.purchased_on, periods[0].starts_on, today)
    ends_on = max(periods[-1].ends_on, today)
    days = (ends_on - starts_on).days + 1

    def place(value: date) -> int:
        return round((value - starts_on).days * TIMELINE_UNITS / days)

    bars = tuple(
        Bar(place(period.starts_on), max(1, place(period.ends_on + _ONE_DAY) - place(period.starts_on)))
        for period in periods
    )
    visible = min(max(place(today), 2), TIMELINE_UNITS - 2)  # the whole width of the line
    return Timeline(starts_on, ends_on, bars, visible)


def _renewal(renewal: RenewalOffer, today: date) -> RenewalView:
    summary, detail = renewal_sentences(renewal, today)
    options = tuple(
        OptionView(counted(option.years, "year"), option.period.starts_on, option.period.ends_on, show(option.price))
        for option in renewal.options
    )
    return RenewalView(summary, detail, options, renewal.window.can_be_ordered)


def timeline_words(timeline: Timeline, today: date) -> str:
    """The drawing, for those who cannot see it."""
    return f"From {day(timeline.starts_on)} to {day(timeline.ends_on)}; today is {day(today)}."
