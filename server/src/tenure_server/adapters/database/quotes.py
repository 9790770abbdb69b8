"""Quotes."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlmodel import Session, col, select

from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.orders import lines_json, lines_of
from tenure_server.adapters.database.sales_tables import QuoteRow
from tenure_server.adapters.database.search import behind
from tenure_server.domain.orders import LineByHand, Sale, SaleKind
from tenure_server.domain.paging import Place
from tenure_server.domain.quotes import Quote, QuoteState
from tenure_server.domain.upgrades import grant_of_text, grant_text
from tenure_signing.names import EditionName, ProductName
from tenure_signing.releases import Money


class SqlQuotes:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, number: str) -> Quote | None:
        row = self._row(number, locked=False)
        return _quote(row) if row is not None else None

    def locked(self, number: str) -> Quote | None:
        row = self._row(number, locked=True)
        return _quote(row) if row is not None else None

    def search(
        self, *, customer_id: str | None = None, limit: int = 100, after: Place | None = None
    ) -> tuple[Quote, ...]:
        if limit < 1 or not is_storable(customer_id or ""):
            return ()
        newest = (col(QuoteRow.made_at).desc(), col(QuoteRow.number).desc())
        statement = select(QuoteRow).order_by(*newest).limit(limit)
        if customer_id is not None:
            statement = statement.where(col(QuoteRow.customer_id) == customer_id)
        if after is not None:
            statement = statement.where(behind(col(QuoteRow.made_at), col(QuoteRow.number), after))
        return tuple(_quote(row) for row in self._session.exec(statement).all())

    def add(self, quote: Quote) -> None:
        self._session.add(
            QuoteRow(
                number=quote.number,
                customer_id=quote.customer_id,
                sale=_sale_json(quote.sale),
                lines=lines_json(quote.lines),
                terms=quote.terms,
                made_at=quote.made_at,
                made_on=quote.made_on,
                valid_until=quote.valid_until,
                state=quote.state.value,
                sales_order=quote.order,
            )
        )
        self._session.flush()

    def change(self, quote: Quote) -> None:
        row = self._row(quote.number, locked=True)
        assert row is not None
        row.state, row.sales_order = quote.state.value, quote.order
        self._session.flush()

    def _row(self, number: str, *, locked: bool) -> QuoteRow | None:
        if not is_storable(number):
            return None
        statement = select(QuoteRow).where(col(QuoteRow.number) == number)
        if locked:
            statement = statement.with_for_update()
        return self._session.exec(statement, execution_options={"populate_existing": True}).first()


def _sale_json(sale: Sale) -> dict[str, Any]:
    """``purchased_on`` is not quoted: a quote sells from the day it is accepted."""
    base, users = sale.base_price, sale.additional_users_price
    return {
        "kind": sale.kind.value,
        "product": sale.product,
        "edition": sale.edition,
        "currency": sale.currency,
        "licence_id": sale.licence_id,
        "base_minor_units": base.minor_units if base is not None else None,
        "additional_users": sale.additional_users,
        "users_minor_units": users.minor_units if users is not None else None,
        "smp_years": sale.smp_years,
        "free_support_until": sale.free_support_until.isoformat() if sale.free_support_until is not None else None,
        **({"by_hand": [sale.by_hand.text, sale.by_hand.price.minor_units]} if sale.by_hand is not None else {}),
        **({"upgrade": grant_text(sale.upgrade), "seats": sale.seats} if sale.upgrade is not None else {}),
    }


def _quote(row: QuoteRow) -> Quote:
    sale = row.sale
    currency = sale["currency"]
    base, users, by_hand = sale["base_minor_units"], sale["users_minor_units"], sale.get("by_hand")
    free_support = sale.get("free_support_until")  # older quotes do not say
    return Quote(
        number=row.number,
        customer_id=row.customer_id,
        sale=Sale(
            kind=SaleKind(sale["kind"]),
            product=ProductName(sale["product"]),
            edition=EditionName(sale["edition"]),
            currency=currency,
            licence_id=sale["licence_id"],
            base_price=Money(base, currency) if base is not None else None,
            additional_users=sale["additional_users"],
            additional_users_price=Money(users, currency) if users is not None else None,
            smp_years=sale["smp_years"],
            free_support_until=date.fromisoformat(free_support) if free_support is not None else None,
            upgrade=grant_of_text(sale["upgrade"]) if "upgrade" in sale else None,
            seats=sale.get("seats"),
            by_hand=LineByHand(by_hand[0], Money(by_hand[1], currency)) if by_hand is not None else None,
        ),
        lines=lines_of(row.lines, currency),
        terms=row.terms,
        made_at=row.made_at,
        made_on=row.made_on,
        valid_until=row.valid_until,
        state=QuoteState(row.state),
        order=row.sales_order,
    )
