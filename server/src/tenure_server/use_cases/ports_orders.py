"""What selling asks of the database: orders and the numbers they bear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tenure_server.domain.orders import Order, OrderState
from tenure_server.domain.paging import Place
from tenure_server.domain.quotes import Quote
from tenure_server.domain.shop_payments import NoticeOutcome, ReceivedNotice
from tenure_signing.names import ProductName
from tenure_signing.releases import Money
from tenure_signing.versions import Version


class Orders(Protocol):
    """Orders are never removed. One is written whole."""

    def get(self, number: str) -> Order | None: ...

    def locked(self, number: str) -> Order | None:
        """As ``get``; nobody else can change it before the transaction ends."""
        ...

    def search(
        self,
        *,
        customer_id: str | None = None,
        licence_id: str | None = None,
        state: OrderState | None = None,
        limit: int = 100,
        after: Place | None = None,
    ) -> tuple[Order, ...]:
        """Newest first, after the place."""
        ...

    def add(self, order: Order) -> None:
        """Raises ``Conflict`` (``order_waiting``) if another order waits for the same (``Order.waits_for``), also under
        concurrency."""
        ...

    def change(self, order: Order) -> None:
        """Its state, licence, payment and end; the rest never changes."""
        ...


class Numbers(Protocol):
    def next(self, series: str) -> int:
        """1, 2, 3 …: without a gap, because a number that was taken in a transaction that failed is taken again."""
        ...


class Quotes(Protocol):
    """Quotes are never removed."""

    def get(self, number: str) -> Quote | None: ...

    def locked(self, number: str) -> Quote | None:
        """As ``get``; nobody else can change it before the transaction ends."""
        ...

    def search(
        self, *, customer_id: str | None = None, limit: int = 100, after: Place | None = None
    ) -> tuple[Quote, ...]:
        """Newest first, after the place."""
        ...

    def add(self, quote: Quote) -> None: ...

    def change(self, quote: Quote) -> None:
        """Its state and order; the rest never changes."""
        ...


class ReleasePrices(Protocol):
    """What releases cost for each seat that are sold singly."""

    def of_product(self, name: ProductName) -> Mapping[Version, Money]: ...

    def set(self, name: ProductName, version: Version, price: Money | None) -> None:
        """Instead of any before; None: it has none."""
        ...


class PaymentNotices(Protocol):
    """What shops said of payments, by shop and event id."""

    def get(self, shop: str, event_id: str) -> ReceivedNotice | None: ...

    def put(self, received: ReceivedNotice) -> None:
        """Add it, or replace what is known of the event."""
        ...

    def newest(self, *, outcome: NoticeOutcome | None = None, limit: int = 100) -> tuple[ReceivedNotice, ...]:
        """Newest first."""
        ...
