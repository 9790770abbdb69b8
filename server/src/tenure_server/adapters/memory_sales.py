"""Customers, orders, numbers and once-keys of the database in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Self

from tenure_server.domain.customers import Customer
from tenure_server.domain.orders import Order, OrderState
from tenure_server.domain.paging import Place
from tenure_server.domain.quotes import Quote
from tenure_server.domain.search_words import fits, wanted_words, words_of
from tenure_server.domain.shop_payments import NoticeOutcome, ReceivedNotice
from tenure_server.errors import Conflict, NotFound
from tenure_server.use_cases.ports_customers import OnceClaim, OnceRecord
from tenure_signing.entitlement import Grant
from tenure_signing.names import ProductName
from tenure_signing.releases import Money
from tenure_signing.versions import Version


@dataclass
class SalesTables:
    customers: dict[str, Customer] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    quotes: dict[str, Quote] = field(default_factory=dict)
    notices: dict[tuple[str, str], ReceivedNotice] = field(default_factory=dict)
    series: dict[str, int] = field(default_factory=dict)
    once_keys: dict[tuple[str, str], OnceRecord] = field(default_factory=dict)
    release_prices: dict[tuple[ProductName, Version], Money] = field(default_factory=dict)
    bought_grants: dict[tuple[str, str], Grant] = field(default_factory=dict)  # by licence id and order

    def copy(self) -> Self:
        return type(self)(**{f.name: getattr(self, f.name).copy() for f in fields(self)})


@dataclass
class MemoryCustomers:
    """``everything`` is the dataclass of all tables, of which what belongs to a customer is found by its member
    ``customer_id``."""

    sales: SalesTables
    everything: object

    def get(self, customer_id: str) -> Customer | None:
        return self.sales.customers.get(customer_id)

    def held(self, customer_id: str) -> Customer | None:
        return self.get(customer_id)

    def locked(self, customer_id: str) -> Customer | None:
        return self.get(customer_id)

    def by_reference(self, reference: str) -> Customer | None:
        return next((one for one in self.sales.customers.values() if one.details.reference == reference), None)

    def same(self, name: str, email: str | None) -> Customer | None:
        wanted = email.lower() if email is not None else None
        found = [
            one
            for one in self.sales.customers.values()
            if one.merged_into is None
            and one.name == name
            and (one.email.lower() if one.email is not None else None) == wanted
        ]
        return min(found, key=lambda one: (one.created_at, one.customer_id), default=None)

    def search(self, text: str = "", *, limit: int = 100, after: Place | None = None) -> tuple[Customer, ...]:
        words = wanted_words(text)
        if limit < 1 or (text and not words):
            return ()
        unmerged = (one for one in self.sales.customers.values() if one.merged_into is None)
        found = [one for one in unmerged if fits(words, one.search_words())]
        if after is not None:
            found = [one for one in found if (one.created_at, one.customer_id) < (after.at, after.id)]
        return tuple(sorted(found, key=lambda one: (one.created_at, one.customer_id), reverse=True)[:limit])

    def add(self, customer: Customer) -> None:
        if customer.customer_id in self.sales.customers:
            raise Conflict("There is such a customer already.", code="customer_exists")
        self._require_own_reference(customer)
        self.sales.customers[customer.customer_id] = customer

    def change(self, customer: Customer) -> None:
        if customer.customer_id not in self.sales.customers:
            raise NotFound("There is no such customer.", code="unknown_customer")
        self._require_own_reference(customer)
        self.sales.customers[customer.customer_id] = customer

    def merge(self, kept: Customer, gone: Customer) -> None:
        self.change(gone)
        self.change(kept)
        for table in _tables_of(self.everything):
            if table is not self.sales.customers:
                table.update(_moved(table, gone.customer_id, kept.customer_id))
        for one in list(self.sales.customers.values()):
            if one.merged_into == gone.customer_id:
                self.sales.customers[one.customer_id] = replace(one, merged_into=kept.customer_id)

    def remove(self, customer_id: str) -> None:
        self.sales.customers.pop(customer_id, None)

    def _require_own_reference(self, customer: Customer) -> None:
        reference = customer.details.reference
        holder = self.by_reference(reference) if reference is not None else None
        if holder is not None and holder.customer_id != customer.customer_id:
            raise Conflict("There is a customer of this reference already.", code="reference_taken")


def _tables_of(tables: object) -> Iterator[dict[Any, Any]]:
    """Every table, of those within it too."""
    for each in fields(tables):  # type: ignore[arg-type]
        found = getattr(tables, each.name)
        if isinstance(found, dict):
            yield found
        elif is_dataclass(found):
            yield from _tables_of(found)


def _moved(table: dict[Any, Any], gone: str, kept: str) -> dict[Any, Any]:
    """What of the table belonged to the one and belongs to the other."""
    return {
        key: replace(value, customer_id=kept)
        for key, value in table.items()
        if getattr(value, "customer_id", None) == gone
    }


@dataclass
class MemoryOnceKeys:
    sales: SalesTables

    def claim(self, claim: OnceClaim) -> OnceRecord | None:
        known = self.sales.once_keys.get((claim.owner, claim.key))
        if known is None:
            self.sales.once_keys[claim.owner, claim.key] = OnceRecord(claim.request, "")
        return known

    def subject(self, owner: str, key: str) -> str | None:
        known = self.sales.once_keys.get((owner, key))
        return known.subject or None if known is not None else None

    def settle(self, claim: OnceClaim, subject: str) -> None:
        self.sales.once_keys[claim.owner, claim.key] = OnceRecord(claim.request, subject)


@dataclass
class MemoryOrders:
    sales: SalesTables

    def get(self, number: str) -> Order | None:
        return self.sales.orders.get(number)

    def locked(self, number: str) -> Order | None:
        return self.get(number)

    def search(
        self,
        *,
        customer_id: str | None = None,
        licence_id: str | None = None,
        state: OrderState | None = None,
        limit: int = 100,
        after: Place | None = None,
    ) -> tuple[Order, ...]:
        found = [
            one
            for one in self.sales.orders.values()
            if customer_id in (None, one.customer_id)
            and (licence_id is None or one.licence_id == licence_id)
            and state in (None, one.state)
            and (after is None or (one.ordered_at, one.number) < (after.at, after.id))
        ]
        newest_first = sorted(found, key=lambda one: (one.ordered_at, one.number), reverse=True)
        return tuple(newest_first[: max(limit, 0)])

    def add(self, order: Order) -> None:
        waiting = {one.waits_for for one in self.sales.orders.values()} - {None}
        if order.waits_for in waiting:
            raise Conflict("An order for the same waits to be paid.", code="order_waiting")
        self.sales.orders[order.number] = order

    def change(self, order: Order) -> None:
        self.sales.orders[order.number] = order


@dataclass
class MemoryNumbers:
    sales: SalesTables

    def next(self, series: str) -> int:
        self.sales.series[series] = self.sales.series.get(series, 0) + 1
        return self.sales.series[series]


def order_words(sales: SalesTables, licence_id: str) -> frozenset[str]:
    """What callers say of the licence's orders."""
    of_licence = [one for one in sales.orders.values() if one.licence_id == licence_id]
    return frozenset().union(*(words_of(one.number, one.reference or "") for one in of_licence))


@dataclass
class MemoryQuotes:
    sales: SalesTables

    def get(self, number: str) -> Quote | None:
        return self.sales.quotes.get(number)

    def locked(self, number: str) -> Quote | None:
        return self.get(number)

    def search(
        self, *, customer_id: str | None = None, limit: int = 100, after: Place | None = None
    ) -> tuple[Quote, ...]:
        found = [
            one
            for one in self.sales.quotes.values()
            if customer_id in (None, one.customer_id)
            and (after is None or (one.made_at, one.number) < (after.at, after.id))
        ]
        return tuple(sorted(found, key=lambda one: (one.made_at, one.number), reverse=True)[: max(limit, 0)])

    def add(self, quote: Quote) -> None:
        self.sales.quotes[quote.number] = quote

    def change(self, quote: Quote) -> None:
        self.sales.quotes[quote.number] = quote


@dataclass
class MemoryReleasePrices:
    sales: SalesTables

    def of_product(self, name: ProductName) -> Mapping[Version, Money]:
        return {version: price for (product, version), price in self.sales.release_prices.items() if product == name}

    def set(self, name: ProductName, version: Version, price: Money | None) -> None:
        self.sales.release_prices.pop((name, version), None)
        if price is not None:
            self.sales.release_prices[name, version] = price


@dataclass
class MemoryPaymentNotices:
    sales: SalesTables

    def get(self, shop: str, event_id: str) -> ReceivedNotice | None:
        return self.sales.notices.get((shop, event_id))

    def put(self, received: ReceivedNotice) -> None:
        self.sales.notices[received.notice.shop, received.notice.event_id] = received

    def newest(self, *, outcome: NoticeOutcome | None = None, limit: int = 100) -> tuple[ReceivedNotice, ...]:
        found = [one for one in self.sales.notices.values() if outcome in (None, one.outcome)]
        return tuple(sorted(found, key=lambda one: one.at, reverse=True)[: max(limit, 0)])
