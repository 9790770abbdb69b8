"""What was sold and to whom, as rows for other programs; customers, contacts and licences as imports read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tenure_server.domain.customers import Customer
from tenure_server.domain.licences import Licence
from tenure_server.domain.money import written
from tenure_server.domain.orders import Order
from tenure_server.domain.paging import MAX_PAGE, Place
from tenure_server.domain.row_files import RowForm, written_rows
from tenure_server.domain.upgrades import grant_text
from tenure_server.use_cases.import_customers import CONTACT_COLUMNS, CUSTOMER_COLUMNS, contact_row, customer_row
from tenure_server.use_cases.import_licences import LICENCE_COLUMNS, licence_row
from tenure_server.use_cases.ports import Database, Records

ORDER_COLUMNS = (
    "order", "state", "kind", "customer_id", "licence_id", "product", "edition", "additional_users", "smp_years",
    "starts_on", "ends_on", "upgrade", "seats", "currency", "total", "ordered_on", "pay_by", "paid_at", "payment",
    "ended_on", "reason", "refunded", "kept", "reference", "quote",
)  # fmt: skip


class Table(StrEnum):
    CUSTOMERS = "customers"
    CONTACTS = "contacts"
    LICENCES = "licences"
    ORDERS = "orders"


@dataclass(frozen=True, slots=True)
class Export:
    database: Database

    def __call__(self, table: Table, form: RowForm) -> str:
        """The whole table from one view of the database, by id: the same content is the same text."""
        with self.database.reading() as records:
            columns, rows = _ROWS[table][0], sorted(_ROWS[table][1](records), key=lambda row: row[_ROWS[table][0][0]])
        return written_rows(columns, rows, form)


def _customers(records: Records) -> Iterator[Customer]:
    """All but those that were merged into others."""
    after: Place | None = None
    while page := records.customers.search(limit=MAX_PAGE, after=after):
        yield from page
        after = Place(page[-1].created_at, page[-1].customer_id)


def _licences(records: Records) -> Iterator[Licence]:
    after: Place | None = None
    while page := records.licences.search(limit=MAX_PAGE, after=after):
        yield from page
        after = Place(page[-1].created_at, page[-1].licence_id)


def _orders(records: Records) -> Iterator[Order]:
    after: Place | None = None
    while page := records.orders.search(limit=MAX_PAGE, after=after):
        yield from page
        after = Place(page[-1].ordered_at, page[-1].number)


def order_row(order: Order) -> dict[str, str]:
    sale, period, payment, end = order.sale, order.period, order.payment, order.end
    refunded = end.refunded if end is not None else None
    return {
        "order": order.number,
        "state": order.state.value,
        "kind": sale.kind.value,
        "customer_id": order.customer_id,
        "licence_id": order.licence_id or "",
        "product": sale.product,
        "edition": sale.edition,
        "additional_users": str(sale.additional_users or ""),
        "smp_years": str(sale.smp_years or ""),
        "starts_on": period.starts_on.isoformat() if period is not None else "",
        "ends_on": period.ends_on.isoformat() if period is not None else "",
        "upgrade": grant_text(sale.upgrade) if sale.upgrade is not None else "",
        "seats": str(sale.seats or ""),
        "currency": sale.currency,
        "total": written(order.total),
        "ordered_on": order.ordered_on.isoformat(),
        "pay_by": order.pay_by.isoformat(),
        "paid_at": _instant(payment.at) if payment is not None else "",
        "payment": payment.reference or "" if payment is not None else "",
        "ended_on": end.day.isoformat() if end is not None else "",
        "reason": end.reason if end is not None else "",
        "refunded": written(refunded) if refunded is not None else "",
        "kept": written(order.kept),
        "reference": order.reference or "",
        "quote": order.quote or "",
    }


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


_ROWS: dict[Table, tuple[Sequence[str], Callable[[Records], Iterator[dict[str, str]]]]] = {
    Table.CUSTOMERS: (CUSTOMER_COLUMNS, lambda records: map(customer_row, _customers(records))),
    Table.CONTACTS: (
        CONTACT_COLUMNS,
        lambda records: (contact_row(one, contact) for one in _customers(records) for contact in one.contacts),
    ),
    Table.LICENCES: (LICENCE_COLUMNS, lambda records: map(licence_row, _licences(records))),
    Table.ORDERS: (ORDER_COLUMNS, lambda records: map(order_row, _orders(records))),
}
