"""What the vendor wants to know of the SMP business: income, renewals, who lapsed and why, versions in the field.

A report is columns and rows, and a picture where one helps. Pure: what is counted comes in as an argument. Months and
days are the vendor's. RULES.md, Calendar; Support periods.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from babel.numbers import get_currency_precision

from tenure_server.domain.licences import PeriodSource
from tenure_server.domain.orders import Order, SaleKind
from tenure_signing.entitlement import LicenceStatus, SupportPeriod
from tenure_signing.names import ProductName
from tenure_signing.releases import Money
from tenure_signing.versions import Version

_ONE_DAY = timedelta(days=1)
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)

Cell = str | int | Decimal | None


class ReportName(StrEnum):
    INCOME = "income"
    RENEWALS = "renewals"
    LAPSED = "lapsed"
    VERSIONS = "versions"
    REQUESTS = "requests"


@dataclass(frozen=True, slots=True, order=True)
class Month:
    year: int
    number: int  # 1 to 12

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"

    @classmethod
    def of(cls, day: date) -> Month:
        return cls(day.year, day.month)

    def plus(self, months: int) -> Month:
        """So many months later, or earlier."""
        count = self.year * 12 + self.number - 1 + months
        return Month(count // 12, count % 12 + 1)


def parse_month(text: str) -> Month:
    """``2026-11``. Raises ``ValueError``."""
    found = _MONTH.fullmatch(text)
    if found is None:
        raise ValueError("a month is written 2026-11")
    return Month(int(found[1]), int(found[2]))


@dataclass(frozen=True, slots=True)
class Months:
    """From the first to the last month, inclusive. Raises ``ValueError`` for none, and for more than 240."""

    first: Month
    last: Month

    def __post_init__(self) -> None:
        if not self.first <= self.last < self.first.plus(240):
            raise ValueError("a report is of 1 to 240 months, the first one first")

    def __iter__(self) -> Iterator[Month]:
        month = self.first
        while month <= self.last:
            yield month
            month = month.plus(1)

    def __contains__(self, month: Month) -> bool:
        return self.first <= month <= self.last

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last of all their days, as far as there is a calendar."""
        return _first_day(self.first) or date.min, _first_day(self.last.plus(1), -_ONE_DAY) or date.max


def _first_day(month: Month, further: timedelta = timedelta(0)) -> date | None:
    """A day of the month's beginning, or None where the calendar has none."""
    try:
        return date(month.year, month.number, 1) + further
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class SoldPeriod:
    """A support period as reports count it. ``sold_on`` is the vendor's day."""

    licence_id: str
    product: ProductName
    period: SupportPeriod
    source: PeriodSource
    price: Money | None
    sold_on: date


@dataclass(frozen=True, slots=True)
class SoldSmp:
    """SMP that was paid for, and what of that went back. Days are the vendor's."""

    price: Money
    sold_on: date
    is_with_licence: bool
    refunded: Money | None = None
    refunded_on: date | None = None


def smp_of_order(order: Order, zone: tzinfo) -> SoldSmp | None:
    """The SMP of an order; None if it sold none or was not paid. Of a partial refund of an order for more than SMP, the
    share that SMP has in its price counts, rounded half up."""
    if order.sale.smp_years is None or order.payment is None:
        return None
    price = order.lines[-1].amount  # SMP is always the last line
    back = order.end.refunded if order.end is not None else None
    total = order.total.minor_units
    if back is not None and total:
        share = Decimal(back.minor_units) * price.minor_units / total
        back = Money(int(share.quantize(Decimal(1), ROUND_HALF_UP)), back.currency)
    return SoldSmp(
        price=price,
        sold_on=order.payment.at.astimezone(zone).date(),
        is_with_licence=order.sale.kind is SaleKind.LICENCE,
        refunded=back,
        refunded_on=order.end.day if order.end is not None else None,
    )


@dataclass(frozen=True, slots=True)
class CustomerState:
    """What explains why a licence was not renewed."""

    customer: str
    status: LicenceStatus
    has_address: bool
    opted_out: bool
    is_address_refused: bool
    reminders: int  # sent about its last end


@dataclass(frozen=True, slots=True)
class FieldCount:
    """How many installs reported this version last."""

    product: ProductName
    version: Version
    installs: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars over labels: one number for each label in each series."""

    labels: tuple[str, ...]
    series: Mapping[str, tuple[Decimal, ...]]
    unit: str


@dataclass(frozen=True, slots=True)
class Report:
    name: ReportName
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    chart: Chart


def income(sold: Iterable[SoldSmp], months: Months) -> Report:
    """What was paid for SMP, in the month in which it was paid: with the licence, and later; what went back, in the
    month in which it did; and what is left. Amounts of different currencies are never added up."""
    amounts: dict[tuple[str, Month, str], int] = defaultdict(int)
    for one in sold:
        if Month.of(one.sold_on) in months:
            what = "with_licence" if one.is_with_licence else "later"
            amounts[one.price.currency, Month.of(one.sold_on), what] += one.price.minor_units
        if one.refunded is not None and one.refunded_on is not None and Month.of(one.refunded_on) in months:
            amounts[one.price.currency, Month.of(one.refunded_on), "refunded"] += one.refunded.minor_units
    currencies = sorted({currency for currency, _, _ in amounts})
    rows: list[tuple[Cell, ...]] = []
    series: dict[str, tuple[Decimal, ...]] = {}
    for currency in currencies:
        for month in months:
            first, later, back = (amounts[currency, month, what] for what in ("with_licence", "later", "refunded"))
            parts = (first, later, first + later, back, first + later - back)
            rows.append((str(month), currency, *(_exact(part, currency) for part in parts)))
        for what in ("with_licence", "later", "refunded"):
            numbers = tuple(_exact(amounts[currency, month, what], currency) for month in months)
            series[f"{currency} {'with the licence' if what == 'with_licence' else what}"] = numbers
    columns = ("month", "currency", "with_licence", "later", "total", "refunded", "net")
    labels = tuple(str(month) for month in months)
    chart = Chart(labels, series, ", ".join(currencies))
    return Report(ReportName.INCOME, f"SMP income, {months.first} to {months.last}", columns, tuple(rows), chart)


def renewals(sold: Iterable[SoldPeriod], months: Months, today: date) -> Report:
    """Of the terms that end in a month: how many were renewed without a gap, how many later with one, how many are
    still open, how many lapsed; and the share renewed of those that are decided."""
    counts: dict[Month, Counter[str]] = {month: Counter() for month in months}
    for ends in _by_licence(sold).values():
        for this, following in zip(ends, [*ends[1:], None], strict=True):
            month = Month.of(this.period.ends_on)
            if month in months:
                counts[month][_fate(this, following, today)] += 1
    rows = tuple((str(month), *_renewal_cells(counts[month])) for month in months)
    columns = ("month", "due", "renewed", "renewed_late", "open", "lapsed", "rate_percent")
    series = {
        name: tuple(Decimal(counts[month][name]) for month in months)
        for name in ("renewed", "renewed late", "open", "lapsed")
    }
    chart = Chart(tuple(str(month) for month in months), series, "terms")
    return Report(ReportName.RENEWALS, f"Renewals due, {months.first} to {months.last}", columns, rows, chart)


def _fate(this: SoldPeriod, following: SoldPeriod | None, today: date) -> str:
    if following is not None:
        gap = (following.period.starts_on - this.period.ends_on).days
        return "renewed" if gap == 1 else "renewed late"
    return "open" if this.period.ends_on >= today else "lapsed"


def _renewal_cells(count: Counter[str]) -> tuple[Cell, ...]:
    decided = count["renewed"] + count["renewed late"] + count["lapsed"]
    kept = count["renewed"] + count["renewed late"]
    rate = (Decimal(kept * 100) / decided).quantize(Decimal("0.1")) if decided else None
    return (count.total(), count["renewed"], count["renewed late"], count["open"], count["lapsed"], rate)


class LapseReason(StrEnum):
    """Why a licence was not renewed, as far as the records tell; the first that holds."""

    REVOKED = "licence revoked"
    SUSPENDED = "licence suspended"
    NO_ADDRESS = "no e-mail address: never reminded"
    ADDRESS_REFUSED = "mail was refused at the address"
    OPTED_OUT = "wanted no reminders"
    NOT_REMINDED = "not reminded"
    NO_ORDER = "reminded, did not order"


def lapse_reason(state: CustomerState) -> LapseReason:
    if state.status is LicenceStatus.REVOKED:
        return LapseReason.REVOKED
    if state.status is LicenceStatus.SUSPENDED:
        return LapseReason.SUSPENDED
    if not state.has_address:
        return LapseReason.NO_ADDRESS
    if state.is_address_refused:
        return LapseReason.ADDRESS_REFUSED
    if state.opted_out:
        return LapseReason.OPTED_OUT
    return LapseReason.NO_ORDER if state.reminders else LapseReason.NOT_REMINDED


def lapsed(sold: Iterable[SoldPeriod], states: Mapping[str, CustomerState], months: Months, today: date) -> Report:
    """The licences whose support ended in these months and was not taken up again, newest end first, and why."""
    ended = (ends[-1] for ends in _by_licence(sold).values())
    found = [one for one in ended if one.period.ends_on < today and Month.of(one.period.ends_on) in months]
    rows: list[tuple[Cell, ...]] = []
    reasons: Counter[str] = Counter()
    for one in sorted(found, key=lambda one: (one.period.ends_on, one.licence_id), reverse=True):
        state = states[one.licence_id]
        reason = lapse_reason(state)
        reasons[reason] += 1
        ends_on = one.period.ends_on.isoformat()
        rows.append((one.licence_id, state.customer, one.product, ends_on, state.reminders, reason.value))
    columns = ("licence", "customer", "product", "ended_on", "reminders", "reason")
    known = [reason.value for reason in LapseReason if reasons[reason]]
    chart = Chart(tuple(known), {"licences": tuple(Decimal(reasons[reason]) for reason in known)}, "licences")
    title = f"Support that lapsed, {months.first} to {months.last}"
    return Report(ReportName.LAPSED, title, columns, tuple(rows), chart)


def versions(counts: Iterable[FieldCount]) -> Report:
    """The versions that installs reported last, by product, newest version first, with their share."""
    of_product: dict[ProductName, list[FieldCount]] = defaultdict(list)
    for one in counts:
        of_product[one.product].append(one)
    rows: list[tuple[Cell, ...]] = []
    bars: list[tuple[str, Decimal]] = []
    for product in sorted(of_product):
        found = sorted(of_product[product], key=lambda one: one.version, reverse=True)
        total = sum(one.installs for one in found)
        for one in found:
            share = (Decimal(one.installs * 100) / total).quantize(Decimal("0.1"))
            rows.append((product, str(one.version), one.installs, share))
            bars.append((f"{product} {one.version}", Decimal(one.installs)))
    columns = ("product", "version", "installs", "share_percent")
    chart = Chart(tuple(label for label, _ in bars), {"installs": tuple(number for _, number in bars)}, "installs")
    return Report(ReportName.VERSIONS, "Versions in the field", columns, tuple(rows), chart)


def _by_licence(sold: Iterable[SoldPeriod]) -> Mapping[str, Sequence[SoldPeriod]]:
    """Each licence's periods in order."""
    found: dict[str, list[SoldPeriod]] = defaultdict(list)
    for one in sold:
        found[one.licence_id].append(one)
    return {licence_id: sorted(periods, key=lambda one: one.period) for licence_id, periods in found.items()}


def _exact(minor_units: int, currency: str) -> Decimal:
    return Decimal(minor_units).scaleb(-get_currency_precision(currency))
