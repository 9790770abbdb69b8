"""Seats in memory."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass

from tenure_server.domain.seats import ProductSeatRules, Seat
from tenure_server.errors import NotFound
from tenure_signing.names import ProductName


@dataclass
class MemorySeats:
    seats: dict[tuple[str, str], Seat]
    licences: Container[str]
    rules: dict[ProductName, ProductSeatRules]
    require_product: Callable[[ProductName], object]

    def lock(self, licence_id: str) -> None:
        """There is one writer at a time anyway."""
        if licence_id not in self.licences:
            raise NotFound("There is no such licence.", code="unknown_licence")

    def of_licence(self, licence_id: str) -> tuple[Seat, ...]:
        found = (seat for seat in self.seats.values() if seat.licence_id == licence_id)
        return tuple(sorted(found, key=lambda seat: (seat.activated_at, seat.machine)))

    def put(self, seat: Seat) -> None:
        self.lock(seat.licence_id)
        self.seats[seat.licence_id, seat.machine] = seat

    def remove(self, licence_id: str, machine: str) -> bool:
        return self.seats.pop((licence_id, machine), None) is not None

    def product_rules(self, product: ProductName) -> ProductSeatRules:
        return self.rules.get(product, ProductSeatRules())

    def set_product_rules(self, product: ProductName, rules: ProductSeatRules) -> None:
        self.require_product(product)
        self.rules[product] = rules
