"""Licences with their customers come from another system, or go to one: the same columns both ways."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

from tenure_server.domain.customers import Customer, CustomerDetails
from tenure_server.domain.licences import Licence, LineKind, PaidPeriod, PeriodSource
from tenure_server.domain.money import parse_amount, parse_currency, written
from tenure_server.domain.orders import Payment, Sale, SaleKind
from tenure_server.domain.update_rules import parse_pin
from tenure_server.domain.upgrades import grant_of_text, grant_text
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.change_licence import required_reason, set_status
from tenure_server.use_cases.change_update_rules import require_usable_channels, rule_facts
from tenure_server.use_cases.customers import add_customer, sound
from tenure_server.use_cases.events import announce_period
from tenure_server.use_cases.grant_release import give
from tenure_server.use_cases.import_customers import is_customer_id, known_customer
from tenure_server.use_cases.import_rows import Imported, Row, import_rows, require_columns
from tenure_server.use_cases.once import Once, claimed, settle
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.sell import Selling
from tenure_signing.days import parse_day
from tenure_signing.entitlement import Grant, LicenceStatus, SupportPeriod, Turn, UpdateRules
from tenure_signing.names import parse_channel, parse_edition, parse_product
from tenure_signing.releases import Money

LICENCE_COLUMNS = (
    "reference", "customer_id", "customer", "email", "product", "edition", "purchased_on", "currency", "base_price",
    "additional_users", "additional_users_price", "support", "status", "status_reason", "grants", "channels", "pin",
    "turn",
)  # fmt: skip
"""``reference`` is the other system's name for the licence: one that is here already is passed over, and the id that a
server like this one gave is kept. ``customer_id`` is as in the customers' file; without it, customers are found by name
and e-mail address. ``support`` are paid periods, first and last day, such as ``2025-01-01..2025-12-31
2026-01-01..2026-12-31``; ``grants`` such as ``version 3.0; line 3.1``; ``channels`` those it may have, all if empty."""

_REQUIRED = ("reference", "product", "edition", "purchased_on", "currency", "base_price")
_OWNER = "import"
_OWN_ID = re.compile(r"[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ImportLicences:
    database: Database
    clock: Clock
    selling: Selling

    def __call__(self, rows: Sequence[Row], *, who: str, dry_run: bool) -> Imported:
        """What was imported under the same ``reference`` before, or is here under it, is passed over; another row under
        it is a bad one."""
        return import_rows(self.database, rows, lambda records, row: self._import(records, row, who), dry_run=dry_run)

    def _import(self, records: Records, row: Row, who: str) -> bool:
        """Whether it is new. Raises for a row that makes no sense."""
        require_columns(row, LICENCE_COLUMNS, _REQUIRED)
        reference = row["reference"]
        now = self.clock().replace(microsecond=0)
        sale, extras = _sale(row), _Extras.of(row)
        once = Once.of(_OWNER, reference, {name: row.get(name, "") for name in LICENCE_COLUMNS})
        if records.licences.get(reference) is not None or claimed(records, once, now) is not None:
            return False
        customer = self._customer(records, row, who)
        kept_id = reference if _OWN_ID.fullmatch(reference) else None
        order = self.selling.place(records, sale, customer, now, who=who, reference=reference, is_imported=True)
        payment = Payment(now, reference)
        licence = self.selling.fulfil(records, order, payment, who=who, licence_id=kept_id).licence
        extras.add_to(records, licence, now, who)
        settle(records, once, licence.licence_id, now)
        return True

    def _customer(self, records: Records, row: Row, who: str) -> Customer:
        """By id, else by exactly the same name and e-mail address, else a new one."""
        named = row.get("customer_id", "")
        if named:
            known = known_customer(records, named)
            if known is not None:
                return known
            if not is_customer_id(named):
                raise ValueError("there is no such customer: import the customers first")
        if not row.get("customer"):
            raise ValueError("customer is missing")
        details = sound(CustomerDetails(row["customer"], row.get("email") or None))
        same = records.customers.same(details.name, details.email) if not named else None
        return same or add_customer(records, self.clock, details, who=who, customer_id=named or None)


@dataclass(frozen=True, slots=True)
class _Extras:
    """What a licence has beside what was bought with it."""

    periods: tuple[SupportPeriod, ...]
    status: LicenceStatus
    status_reason: str
    grants: tuple[Grant, ...]
    updates: UpdateRules

    @classmethod
    def of(cls, row: Row) -> Self:
        status = LicenceStatus(row.get("status") or LicenceStatus.ACTIVE)
        reason = row.get("status_reason", "")
        if status is not LicenceStatus.ACTIVE and not reason:
            raise ValueError(f"status_reason is missing: why it is {status}")
        channels = frozenset(map(parse_channel, row.get("channels", "").split()))
        return cls(
            periods=_periods(row.get("support", "")),
            status=status,
            status_reason=reason,
            grants=tuple(grant_of_text(one.strip()) for one in row.get("grants", "").split(";") if one.strip()),
            updates=UpdateRules(
                channels=channels or None,
                pin=parse_pin(row["pin"]) if row.get("pin") else None,
                turn=Turn(row.get("turn") or Turn.NORMAL),
            ),
        )

    def add_to(self, records: Records, licence: Licence, now: datetime, who: str) -> None:
        licence_id = licence.licence_id
        for period in self.periods:
            paid = PaidPeriod(period, PeriodSource.BY_HAND, None, now)
            records.licences.add_period(licence_id, paid)
            audited(
                records, now, who, "licence.support_period", licence_id,
                starts_on=period.starts_on.isoformat(), ends_on=period.ends_on.isoformat(), reason="imported",
            )  # fmt: skip
            announce_period(records, licence, paid)
        for grant in self.grants:
            give(records, licence, grant, now, who=who, reason="imported")
        if self.updates.channels is not None:
            require_usable_channels(records, licence, self.updates.channels)
        if self.updates != licence.updates:
            records.licences.set_update_rules(licence_id, self.updates)
            facts = rule_facts(self.updates)
            audited(records, now, who, "licence.update_rules", licence_id, before=None, after=facts)
        if self.status is not licence.status:
            set_status(records, licence, self.status, now, who=who, reason=required_reason(self.status_reason))


def licence_row(licence: Licence) -> dict[str, str]:
    """The licence as a row; its id is the reference. Lines of one kind are put together."""
    users = [line for line in licence.lines if line.kind is LineKind.ADDITIONAL_USERS]
    base = _sum(licence, (line.amount for line in licence.lines if line.kind is LineKind.BASE))
    return {
        "reference": licence.licence_id,
        "customer_id": licence.customer_id,
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
        "status": licence.status.value,
        "status_reason": licence.status_reason or "",
        "grants": "; ".join(map(grant_text, licence.grants)),
        "channels": " ".join(sorted(licence.updates.channels or ())),
        "pin": str(licence.updates.pin or ""),
        "turn": licence.updates.turn.value,
    }


def _sum(licence: Licence, amounts: Iterable[Money]) -> Money:
    return Money(sum(amount.minor_units for amount in amounts), licence.currency)


def _sale(row: Row) -> Sale:
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
