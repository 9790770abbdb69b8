"""How a licence is laid out in rows, field by field in both directions."""

from __future__ import annotations

from collections.abc import Iterable

from tenure_server.adapters.database.sales_tables import CustomerRow
from tenure_server.adapters.database.tables import (
    GrantRow,
    LicenceKeyRow,
    LicenceRow,
    OrderLineRow,
    SupportPeriodRow,
)
from tenure_server.domain.licences import IssuedKey, Licence, LineKind, OrderLine, PaidPeriod, PeriodSource
from tenure_signing.entitlement import (
    Grant,
    LicenceStatus,
    LineGrant,
    Pin,
    SupportPeriod,
    Turn,
    UpdateRules,
    VersionGrant,
)
from tenure_signing.names import ChannelName, EditionName, ProductName
from tenure_signing.releases import Money
from tenure_signing.versions import Version


def licence_of(
    row: LicenceRow,
    customer: CustomerRow,
    *,
    keys: Iterable[LicenceKeyRow],
    lines: Iterable[OrderLineRow],
    periods: Iterable[SupportPeriodRow],
    grants: Iterable[GrantRow],
) -> Licence:
    """The licence, from its row and the rows that belong to it, which may come in any order."""
    return Licence(
        licence_id=row.licence_id,
        product=ProductName(row.product),
        edition=EditionName(row.edition),
        customer_id=row.customer_id,
        customer=customer.name,
        email=customer.email,
        purchased_on=row.purchased_on,
        currency=row.currency,
        status=LicenceStatus(row.status),
        status_reason=row.status_reason,
        lines=tuple(order_line(line) for line in sorted(lines, key=lambda line: line.number or 0)),
        periods=tuple(paid_period(period) for period in sorted(periods, key=lambda period: period.starts_on)),
        grants=tuple(grant_of(grant) for grant in sorted(grants, key=lambda grant: grant.number or 0)),
        keys=tuple(issued_key(key) for key in sorted(keys, key=lambda key: (key.issued_at, key.digest))),
        created_at=row.created_at,
        updates=update_rules(row),
    )


def licence_row(licence: Licence, feed_token_digest: str) -> LicenceRow:
    row = LicenceRow(
        licence_id=licence.licence_id,
        product=licence.product,
        edition=licence.edition,
        customer_id=licence.customer_id,
        purchased_on=licence.purchased_on,
        currency=licence.currency,
        status=licence.status.value,
        status_reason=licence.status_reason,
        created_at=licence.created_at,
        feed_token_digest=feed_token_digest,
    )
    write_update_rules(row, licence.updates)
    return row


def write_update_rules(row: LicenceRow, rules: UpdateRules) -> None:
    row.update_channels = sorted(rules.channels) if rules.channels is not None else None
    row.update_pin = str(rules.pin) if rules.pin is not None else None
    row.update_turn = rules.turn.value if rules.turn is not Turn.NORMAL else None


def update_rules(row: LicenceRow) -> UpdateRules:
    channels = row.update_channels
    pin = None
    if row.update_pin is not None:
        major, _, minor = row.update_pin.partition(".")
        pin = Pin(int(major), int(minor) if minor else None)
    return UpdateRules(
        channels=frozenset(ChannelName(name) for name in channels) if channels is not None else None,
        pin=pin,
        turn=Turn(row.update_turn) if row.update_turn is not None else Turn.NORMAL,
    )


def key_row(licence_id: str, key: IssuedKey) -> LicenceKeyRow:
    return LicenceKeyRow(
        digest=key.digest,
        licence_id=licence_id,
        key_id=key.key_id,
        issued_at=key.issued_at,
        hint=key.hint,
        seats=key.seats,
    )


def issued_key(row: LicenceKeyRow) -> IssuedKey:
    return IssuedKey(row.digest, row.key_id, row.issued_at, row.hint, row.seats)


def line_row(licence_id: str, line: OrderLine) -> OrderLineRow:
    return OrderLineRow(
        licence_id=licence_id,
        kind=line.kind.value,
        seats=line.seats,
        minor_units=line.amount.minor_units,
        currency=line.amount.currency,
        bought_on=line.bought_on,
        sales_order=line.order,
    )


def order_line(row: OrderLineRow) -> OrderLine:
    return OrderLine(
        LineKind(row.kind), row.seats, Money(row.minor_units, row.currency), row.bought_on, row.sales_order
    )


def period_row(licence_id: str, paid: PaidPeriod) -> SupportPeriodRow:
    return SupportPeriodRow(
        licence_id=licence_id,
        starts_on=paid.period.starts_on,
        ends_on=paid.period.ends_on,
        source=paid.source.value,
        minor_units=paid.price.minor_units if paid.price is not None else None,
        currency=paid.price.currency if paid.price is not None else None,
        added_at=paid.added_at,
        sales_order=paid.order,
    )


def paid_period(row: SupportPeriodRow) -> PaidPeriod:
    price = None
    if row.minor_units is not None and row.currency is not None:
        price = Money(row.minor_units, row.currency)
    return PaidPeriod(
        SupportPeriod(row.starts_on, row.ends_on), PeriodSource(row.source), price, row.added_at, row.sales_order
    )


def grant_row(licence_id: str, grant: Grant, order: str | None = None) -> GrantRow:
    match grant:
        case VersionGrant(version):
            return GrantRow(licence_id=licence_id, version=str(version), sales_order=order)
        case LineGrant(major, minor):
            return GrantRow(licence_id=licence_id, line=f"{major}.{minor}", sales_order=order)


def grant_of(row: GrantRow) -> Grant:
    if row.version is not None:
        return VersionGrant(Version(row.version))
    assert row.line is not None
    major, _, minor = row.line.partition(".")
    return LineGrant(int(major), int(minor))
