"""Licences with their customers come from another system, or go to one: the same columns both ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tenure_server.domain.customers import CustomerDetails
from tenure_server.domain.licences import Licence, LineKind, PaidPeriod, PeriodSource
from tenure_server.domain.money import parse_amount, parse_currency, written
from tenure_server.domain.orders import Payment, Sale, SaleKind
from tenure_server.errors import Refusal
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.customers import add_customer, sound
from tenure_server.use_cases.events import announce_period
from tenure_server.use_cases.once import Once, claimed, settle
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.sell import Selling
from tenure_signing.days import parse_day
from tenure_signing.entitlement import SupportPeriod
from tenure_signing.errors import SigningError
from tenure_signing.names import parse_edition, parse_product
from tenure_signing.releases import Money

COLUMNS = (
    "reference", "customer", "email", "product", "edition", "purchased_on", "currency", "base_price",
    "additional_users", "additional_users_price", "support",
)  # fmt: skip
"""``reference`` is the other system's name for the licence: one that is here already is passed over. ``support`` are
paid periods, first and last day, such as ``2025-01-01..2025-12-31 2026-01-01..2026-12-31``."""

_REQUIRED = ("reference", "customer", "product", "edition", "purchased_on", "currency", "base_price")
_OWNER = "import"


@dataclass(frozen=True, slots=True)
class BadRow:
    """``number`` counts from 1, without a heading."""

    number: int
    problem: str


@dataclass(frozen=True, slots=True)
class Imported:
    """Nothing was changed if there is a bad row, or in a dry run."""

    new: int
    known: int
    bad: tuple[BadRow, ...]


class _Undone(Exception):
    """Ends a transaction that is not to be kept."""


@dataclass(frozen=True, slots=True)
class ImportLicences:
    """All rows in one transaction, or none."""

    database: Database
    clock: Clock
    selling: Selling

    def __call__(self, rows: Sequence[Mapping[str, str]], *, who: str, dry_run: bool) -> Imported:
        new = known = 0
        bad: list[BadRow] = []
        try:
            with self.database.writing() as records:
                for number, row in enumerate(rows, 1):
                    try:
                        if self._import(records, row, who):
                            new += 1
                        else:
                            known += 1
                    except (Refusal, SigningError, ValueError) as error:
                        bad.append(BadRow(number, str(error)))
                if bad or dry_run:
                    raise _Undone
        except _Undone:
            pass
        return Imported(new, known, tuple(bad))

    def _import(self, records: Records, row: Mapping[str, str], who: str) -> bool:
        """Whether it is new. Raises for a row that makes no sense."""
        _require_columns(row)
        reference = row["reference"]
        now = self.clock().replace(microsecond=0)
        sale, periods = _sale(row), _periods(row.get("support", ""))
        once = Once.of(_OWNER, reference, {name: row.get(name, "") for name in COLUMNS})
        if records.licences.get(reference) is not None or claimed(records, once, now) is not None:
            return False
        details = sound(CustomerDetails(row["customer"], row.get("email") or None))
        customer = records.customers.same(details.name, details.email)
        customer = customer or add_customer(records, self.clock, details, who=who)
        order = self.selling.place(records, sale, customer, now, who=who, reference=reference)
        licence = self.selling.fulfil(records, order, Payment(now, reference), who=who).licence
        for period in periods:
            paid = PaidPeriod(period, PeriodSource.BY_HAND, None, now)
            records.licences.add_period(licence.licence_id, paid)
            audited(
                records, now, who, "licence.support_period", licence.licence_id,
                starts_on=period.starts_on.isoformat(), ends_on=period.ends_on.isoformat(), reason="imported",
            )  # fmt: skip
            announce_period(records, licence, paid)
        settle(records, once, licence.licence_id, now)
        return True


def exported(licence: Licence) -> dict[str, str]:
    """The licence as a row; its id is the reference. Lines of one kind are put together."""
    users = [line for line in licence.lines if line.kind is LineKind.ADDITIONAL_USERS]
    base = _sum(licence, (line.amount for line in licence.lines if line.kind is LineKind.BASE))
    return {
        "reference": licence.licence_id,
        "customer": licence.customer,
        "email": licence.email or "",
        "product": licence.product,
        "edition": licence.edition,
        "purchased_on": licence.purchased_on.isoformat(),
        "currency": licence.currency,
        "base_price": written(base),
        "additional_users": str(sum(line.seats for line in users)),
        "additional_users_price": written(_sum(licence, (line.amount for line in users))) if users else "",
        "support": " ".join(f"{one.starts_on}..{one.ends_on}" for one in licence.support_periods),
    }


def _sum(licence: Licence, amounts: Iterable[Money]) -> Money:
    return Money(sum(amount.minor_units for amount in amounts), licence.currency)


def _require_columns(row: Mapping[str, str]) -> None:
    unknown = sorted(set(row) - set(COLUMNS))
    if unknown:
        raise ValueError(f"there is no column {', '.join(map(repr, unknown))}")
    missing = [name for name in _REQUIRED if not row.get(name)]
    if missing:
        raise ValueError(f"{', '.join(missing)} is missing")


def _sale(row: Mapping[str, str]) -> Sale:
    currency = parse_currency(row["currency"])
    users = row.get("additional_users") or "0"
    if not (users.isascii() and users.isdigit() and len(users) <= 7):
        raise ValueError("additional_users is not a whole number")
    price = row.get("additional_users_price")
    return Sale(
        SaleKind.LICENCE,
        parse_product(row["product"]),
        parse_edition(row["edition"]),
        currency,
        base_price=parse_amount(row["base_price"], currency),
        additional_users=int(users),
        additional_users_price=parse_amount(price, currency) if price else None,
        purchased_on=parse_day(row["purchased_on"]),
    )


def _periods(text: str) -> tuple[SupportPeriod, ...]:
    return tuple(SupportPeriod(*_days(one)) for one in text.split())


def _days(text: str) -> tuple[date, date]:
    first, _, last = text.partition("..")
    days = parse_day(first), parse_day(last)
    if days[1] < days[0]:
        raise ValueError("a support period ends before it begins")
    return days
