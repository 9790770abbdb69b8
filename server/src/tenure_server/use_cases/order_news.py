"""What the audit trail and other programs are told of an order, and of what it sold."""

from __future__ import annotations

from datetime import datetime

from tenure_server.domain.events import EventType
from tenure_server.domain.licences import Licence
from tenure_server.domain.orders import Order, SaleKind
from tenure_server.domain.upgrades import grant_text
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.events import announce, announce_licence, announce_period
from tenure_server.use_cases.ports import Records


def order_facts(order: Order) -> dict[str, object]:
    """What the audit trail says of an order; nobody's name."""
    period, until = order.period, order.sale.free_support_until
    return {
        "kind": order.sale.kind,
        "customer": order.customer_id,
        "licence": order.licence_id,
        "total_minor_units": order.total.minor_units,
        "currency": order.sale.currency,
        "smp_years": order.sale.smp_years,
        "starts_on": period.starts_on.isoformat() if period is not None else None,
        "ends_on": period.ends_on.isoformat() if period is not None else None,
        "free_support_until": until.isoformat() if until is not None else None,
        "quote": order.quote,
        **({"upgrade": grant_text(order.sale.upgrade), "seats": order.sale.seats} if order.sale.upgrade else {}),
    }


def announce_order(records: Records, at: datetime, type: EventType, order: Order, **data: object) -> None:
    """Something happened to the order."""
    facts = {name: fact for name, fact in order_facts(order).items() if name != "customer"}
    announce(
        records,
        at,
        type,
        order.number,
        facts | {"reference": order.reference} | data,
        product=order.sale.product,
        customer=order.customer_id,
    )


def announce_what_was_sold(
    records: Records, order: Order, licence: Licence, at: datetime, *, had_support: bool
) -> None:
    """``licence`` is as it is now; ``had_support`` says whether a term was paid for it before."""
    if order.sale.kind is SaleKind.LICENCE:
        facts = {"seats": licence.seats, "purchased_on": licence.purchased_on.isoformat()}
        announce_licence(records, at, EventType.LICENCE_ISSUED, licence, **facts)
    for paid in licence.periods:
        if paid.order == order.number:
            announce_period(records, licence, paid)
    if order.sale.kind is SaleKind.SUPPORT and had_support and order.period is not None:
        ends_on = order.period.ends_on.isoformat()
        years = order.sale.smp_years
        announce_licence(records, at, EventType.LICENCE_RENEWED, licence, years=years, supported_until=ends_on)
    if order.sale.upgrade is not None:
        grant = grant_text(order.sale.upgrade)
        announce_licence(records, at, EventType.LICENCE_GRANTED, licence, grant=grant, order=order.number)


def audit_what_was_sold(records: Records, order: Order, licence: Licence, now: datetime, who: str) -> None:
    """``licence`` is as it is now."""
    sale, period = order.sale, order.period
    days = {"starts_on": period.starts_on.isoformat(), "ends_on": period.ends_on.isoformat()} if period else {}
    match sale.kind:
        case SaleKind.LICENCE:
            audited(
                records, now, who, "licence.issue", licence.licence_id,
                order=order.number, customer=order.customer_id, product=licence.product, edition=licence.edition,
                seats=licence.seats, total_minor_units=licence.total_purchase_price.minor_units,
                currency=licence.currency, smp_years=sale.smp_years, **days,
            )  # fmt: skip
        case SaleKind.SUPPORT:
            audited(
                records, now, who, "licence.support_period", licence.licence_id,
                order=order.number, years=sale.smp_years, price_minor_units=order.total.minor_units, **days,
            )  # fmt: skip
        case SaleKind.USERS:
            audited(
                records, now, who, "licence.users", licence.licence_id,
                order=order.number, users=sale.additional_users, seats=licence.seats,
                total_minor_units=licence.total_purchase_price.minor_units,
            )  # fmt: skip
        case SaleKind.UPGRADE:
            assert sale.upgrade is not None
            audited(
                records, now, who, "licence.grant", licence.licence_id,
                order=order.number, grant=grant_text(sale.upgrade), seats=sale.seats,
                price_minor_units=order.total.minor_units, currency=sale.currency,
            )  # fmt: skip
