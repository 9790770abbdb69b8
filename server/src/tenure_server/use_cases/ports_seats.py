"""What the use cases ask of the seats that machines hold."""

from __future__ import annotations

from typing import Protocol

from tenure_server.domain.seats import ProductSeatRules, Seat
from tenure_signing.names import ProductName


class Seats(Protocol):
    """Seats by licence and machine."""

    def lock(self, licence_id: str) -> None:
        """Until the transaction ends, nobody else changes the licence or its seats; what is read afterwards is as the
        last one left it. Raises ``NotFound`` (``unknown_licence``)."""
        ...

    def of_licence(self, licence_id: str) -> tuple[Seat, ...]:
        """Oldest first; empty for a licence that nobody activated, or that there is not."""
        ...

    def put(self, seat: Seat) -> None:
        """In place of the machine's earlier one, if it has one. Raises ``NotFound`` (``unknown_licence``)."""
        ...

    def remove(self, licence_id: str, machine: str) -> bool:
        """Whether there was one."""
        ...

    def product_rules(self, product: ProductName) -> ProductSeatRules:
        """Those of nothing for a product that has none of its own, or that there is not."""
        ...

    def set_product_rules(self, product: ProductName, rules: ProductSeatRules) -> None:
        """In place of earlier ones. Raises ``NotFound`` (``unknown_product``)."""
        ...
