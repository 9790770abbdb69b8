"""Orders, and the numbers they bear."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.engine import SQLITE
from tenure_server.adapters.database.failures import conflict_if_taken
from tenure_server.adapters.database.sales_tables import LicenceWordRow, NumberSeriesRow, SalesOrderRow
from tenure_server.adapters.database.search import behind
from tenure_server.domain.orders import (
    LineByHand,
    Order,
    OrderEnd,
    OrderState,
    Payment,
    PricedThing,
    PriceLine,
    Sale,
    SaleKind,
)
from tenure_server.domain.paging import Place
from tenure_server.domain.search_words import words_of
from tenure_server.domain.upgrades import grant_of_text, grant_text
from tenure_signing.entitlement import SupportPeriod
from tenure_signing.names import EditionName, ProductName
from tenure_signing.releases import Money


class SqlOrders:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, number: str) -> Order | None:
        row = self._row(number, locked=False)
        return order_of(row) if row is not None else None

    def locked(self, number: str) -> Order | None:
        row = self._row(number, locked=True)
        return order_of(row) if row is not None else None

    def search(
        self,
        *,
        customer_id: str | None = None,
        licence_id: str | None = None,
        state: OrderState | None = None,
        limit: int = 100,
        after: Place | None = None,
    ) -> tuple[Order, ...]:
        if limit < 1 or not is_storable((customer_id or "") + (licence_id or "")):
            return ()
        newest = (col(SalesOrderRow.ordered_at).desc(), col(SalesOrderRow.number).desc())
        statement = select(SalesOrderRow).order_by(*newest).limit(limit)
        if customer_id is not None:
            statement = statement.where(col(SalesOrderRow.customer_id) == customer_id)
        if licence_id is not None:
            statement = statement.where(col(SalesOrderRow.licence_id) == licence_id)
        if state is not None:
            statement = statement.where(col(SalesOrderRow.state) == state.value)
        if after is not None:
            statement = statement.where(behind(col(SalesOrderRow.ordered_at), col(SalesOrderRow.number), after))
        return tuple(order_of(row) for row in self._session.exec(statement).all())

    def add(self, order: Order) -> None:
        message = "An order for the same waits to be paid."
        with conflict_if_taken(self._session, message, "order_waiting"):
            self._session.add(SalesOrderRow(**_settled(order), **_changing(order)))
        self._find_licence_by(order)

    def change(self, order: Order) -> None:
        row = self._row(order.number, locked=True)
        assert row is not None
        row.sqlmodel_update(_changing(order))
        self._session.flush()
        self._find_licence_by(order)

    def _row(self, number: str, *, locked: bool) -> SalesOrderRow | None:
        if not is_storable(number):
            return None
        statement = select(SalesOrderRow).where(col(SalesOrderRow.number) == number)
        if locked:
            statement = statement.with_for_update()
        return self._session.exec(statement, execution_options={"populate_existing": True}).first()

    def _find_licence_by(self, order: Order) -> None:
        """Callers say the order's number, or their own."""
        if order.licence_id is None:
            return
        words = words_of(order.number, order.reference or "")
        known = select(LicenceWordRow.word).where(
            col(LicenceWordRow.licence_id) == order.licence_id, col(LicenceWordRow.word).in_(words)
        )
        new = sorted(words.difference(self._session.exec(known).all()))
        self._session.add_all(LicenceWordRow(word=word, licence_id=order.licence_id) for word in new)
        self._session.flush()


class SqlNumbers:
    def __init__(self, session: Session) -> None:
        self._session = session

    def next(self, series: str) -> int:
        """The series' row is locked until the end, so that numbers come in the order of commits."""
        on_sqlite = self._session.get_bind().dialect.name == SQLITE
        insert: Any = (sqlite if on_sqlite else postgresql).insert(NumberSeriesRow)
        self._session.execute(insert.values(series=series, last=0).on_conflict_do_nothing())
        self._session.execute(
            update(NumberSeriesRow)
            .where(col(NumberSeriesRow.series) == series)
            .values(last=NumberSeriesRow.last + 1)
            .execution_options(synchronize_session=False)
        )
        return self._session.exec(select(NumberSeriesRow.last).where(col(NumberSeriesRow.series) == series)).one()


def _settled(order: Order) -> dict[str, Any]:
    """What never changes."""
    sale, period = order.sale, order.period
    return {
        "number": order.number,
        "customer_id": order.customer_id,
        "kind": sale.kind.value,
        "product": sale.product,
        "edition": sale.edition,
        "currency": sale.currency,
        "sold_licence_id": sale.licence_id,
        "base_minor_units": _minor_units(sale.base_price),
        "additional_users": sale.additional_users,
        "users_minor_units": _minor_units(sale.additional_users_price),
        "smp_years": sale.smp_years,
        "purchased_on": sale.purchased_on,
        "free_support_until": sale.free_support_until,
        "upgrade": grant_text(sale.upgrade) if sale.upgrade is not None else None,
        "upgrade_seats": sale.seats,
        "by_hand_text": sale.by_hand.text if sale.by_hand is not None else None,
        "by_hand_minor_units": sale.by_hand.price.minor_units if sale.by_hand is not None else None,
        "lines": lines_json(order.lines),
        "total_minor_units": order.total.minor_units,
        "starts_on": period.starts_on if period is not None else None,
        "ends_on": period.ends_on if period is not None else None,
        "ordered_at": order.ordered_at,
        "ordered_on": order.ordered_on,
        "pay_by": order.pay_by,
        "reference": order.reference,
        "quote": order.quote,
    }


def _changing(order: Order) -> dict[str, Any]:
    payment, end = order.payment, order.end
    return {
        "state": order.state.value,
        "licence_id": order.licence_id,
        "paid_at": payment.at if payment is not None else None,
        "payment": payment.reference if payment is not None else None,
        "ended_at": end.at if end is not None else None,
        "ended_on": end.day if end is not None else None,
        "end_reason": end.reason if end is not None else None,
        "refunded_minor_units": _minor_units(end.refunded) if end is not None else None,
        "waiting_for": order.waits_for,
    }


def order_of(row: SalesOrderRow) -> Order:
    payment = Payment(row.paid_at, row.payment) if row.paid_at is not None else None
    end = None
    if row.ended_at is not None and row.ended_on is not None:
        refunded = _money(row.refunded_minor_units, row.currency)
        end = OrderEnd(row.ended_at, row.ended_on, row.end_reason or "", refunded)
    return Order(
        number=row.number,
        customer_id=row.customer_id,
        sale=Sale(
            kind=SaleKind(row.kind),
            product=ProductName(row.product),
            edition=EditionName(row.edition),
            currency=row.currency,
            licence_id=row.sold_licence_id,
            base_price=_money(row.base_minor_units, row.currency),
            additional_users=row.additional_users,
            additional_users_price=_money(row.users_minor_units, row.currency),
            smp_years=row.smp_years,
            purchased_on=row.purchased_on,
            free_support_until=row.free_support_until,
            upgrade=grant_of_text(row.upgrade) if row.upgrade is not None else None,
            seats=row.upgrade_seats,
            by_hand=_by_hand(row.by_hand_text, row.by_hand_minor_units, row.currency),
        ),
        lines=lines_of(row.lines, row.currency),
        period=SupportPeriod(row.starts_on, row.ends_on) if row.starts_on and row.ends_on else None,
        state=OrderState(row.state),
        ordered_at=row.ordered_at,
        ordered_on=row.ordered_on,
        pay_by=row.pay_by,
        licence_id=row.licence_id,
        reference=row.reference,
        quote=row.quote,
        payment=payment,
        end=end,
    )


def lines_json(lines: tuple[PriceLine, ...]) -> list[dict[str, Any]]:
    return [
        {
            "thing": line.thing.value,
            "text": line.text,
            "arithmetic": line.arithmetic,
            "minor_units": line.amount.minor_units,
            "basis_minor_units": _minor_units(line.basis),
            "percent": str(line.percent) if line.percent is not None else None,
        }
        for line in lines
    ]


def lines_of(found: list[dict[str, Any]], currency: str) -> tuple[PriceLine, ...]:
    return tuple(
        PriceLine(
            PricedThing(one["thing"]),
            one["text"],
            one["arithmetic"],
            Money(one["minor_units"], currency),
            _money(one["basis_minor_units"], currency),
            Decimal(one["percent"]) if one.get("percent") is not None else None,
        )
        for one in found
    )


def _by_hand(text: str | None, minor_units: int | None, currency: str) -> LineByHand | None:
    price = _money(minor_units, currency)
    return LineByHand(text, price) if text is not None and price is not None else None


def _minor_units(money: Money | None) -> int | None:
    return money.minor_units if money is not None else None


def _money(minor_units: int | None, currency: str) -> Money | None:
    return Money(minor_units, currency) if minor_units is not None else None
