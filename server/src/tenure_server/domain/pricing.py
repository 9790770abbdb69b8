"""What SMP costs. RULES.md, Plans and prices: integer minor units, ``Decimal``, rounded half up once, at the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from tenure_signing.releases import Money

_WHOLE = Decimal(1)


@dataclass(frozen=True, slots=True)
class SmpPrices:
    """Percentages of the total purchase price, per year of the plan."""

    one_year_percent: Decimal = Decimal(15)
    two_year_percent_per_year: Decimal = Decimal(10)

    def percent_for_term(self, years: int) -> Decimal:
        if years == 1:
            return self.one_year_percent
        if years == 2:
            return self.two_year_percent_per_year * 2
        raise ValueError("an SMP plan is for one or two years")


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum of amounts that all bear the given currency. Raises ``ValueError`` for a foreign currency."""
    sum_minor = 0
    for amount in amounts:
        if amount.currency != currency:
            raise ValueError(f"an amount in {amount.currency} cannot be added to a total in {currency}")
        sum_minor += amount.minor_units
    return Money(sum_minor, currency)


def smp_price(total_purchase_price: Money, years: int, prices: SmpPrices) -> Money:
    """The price of a whole term of one or two years."""
    return Money(smp_price_units(total_purchase_price.minor_units, years, prices), total_purchase_price.currency)


def smp_price_units(total_purchase_price: int, years: int, prices: SmpPrices) -> int:
    """The same in minor units of its currency."""
    exact = Decimal(total_purchase_price) * prices.percent_for_term(years) / 100
    return int(exact.quantize(_WHOLE, ROUND_HALF_UP))
