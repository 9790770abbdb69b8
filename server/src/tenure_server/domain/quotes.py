"""Quotes: a price that holds until a day. Accepting one orders what it offers, at the price it says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from tenure_server.domain.orders import PriceLine, Sale
from tenure_server.domain.pricing import total
from tenure_signing.releases import Money


class QuoteState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"  # never stored: open, and its last day is over


@dataclass(frozen=True, slots=True)
class Quote:
    """``valid_until`` is its last day, inclusive. ``state`` is as it was stored."""

    number: str  # Q-2026-00017
    customer_id: str
    sale: Sale
    lines: tuple[PriceLine, ...]
    terms: str
    made_at: datetime
    made_on: date
    valid_until: date
    state: QuoteState = QuoteState.OPEN
    order: str | None = None  # the number of the order it became

    @property
    def total(self) -> Money:
        return total((line.amount for line in self.lines), self.sale.currency)

    def state_on(self, day: date) -> QuoteState:
        return QuoteState.EXPIRED if self.state is QuoteState.OPEN and day > self.valid_until else self.state
