"""How many requests came, about what, and how many were answered in time: the report ``requests``.

Months are those of the vendor's days on which requests were opened. RULES.md, Support and maintenance.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from tenure_server.domain.reports import Cell, Chart, Month, Months, Report, ReportName
from tenure_server.domain.support_requests import Category, SupportRequest


class Answering(StrEnum):
    """What became of the first answer that a request is owed."""

    IN_TIME = "in time"
    LATE = "late"
    STILL_OPEN = "still open"  # not answered, and not due yet
    NO_TERM = "no term"  # no answer was owed by a certain time


def answering(request: SupportRequest, now: datetime) -> Answering:
    """A request that was resolved or closed without an answer counts by that moment."""
    due_at = request.first_due_at
    if due_at is None:
        return Answering.NO_TERM
    settled_at = request.answered_at or request.ended_at
    if settled_at is not None:
        return Answering.IN_TIME if settled_at <= due_at else Answering.LATE
    return Answering.LATE if now > due_at else Answering.STILL_OPEN


def requests(opened: Iterable[SupportRequest], months: Months, now: datetime) -> Report:
    """By month and category, with the share answered in time of those that were to be answered by now."""
    counts: dict[tuple[Month, Category], Counter[Answering]] = defaultdict(Counter)
    for request in opened:
        month = Month.of(request.opened_on)
        if month in months:
            counts[month, request.category][answering(request, now)] += 1
    rows: list[tuple[Cell, ...]] = [
        (str(month), category.value, *_cells(counts[month, category]))
        for month in months
        for category in Category
        if (month, category) in counts
    ]
    by_month = {month: Counter[Answering]() for month in months}
    for (month, _), count in counts.items():
        by_month[month].update(count)
    series = {one.value: tuple(Decimal(by_month[month][one]) for month in months) for one in Answering}
    columns = ("month", "category", "requests", "in_time", "late", "still_open", "no_term", "in_time_percent")
    chart = Chart(tuple(str(month) for month in months), series, "requests")
    title = f"Support requests, {months.first} to {months.last}"
    return Report(ReportName.REQUESTS, title, columns, tuple(rows), chart)


def _cells(count: Counter[Answering]) -> tuple[Cell, ...]:
    in_time, late = count[Answering.IN_TIME], count[Answering.LATE]
    share = (Decimal(in_time * 100) / (in_time + late)).quantize(Decimal("0.1")) if in_time + late else None
    return (count.total(), in_time, late, count[Answering.STILL_OPEN], count[Answering.NO_TERM], share)
