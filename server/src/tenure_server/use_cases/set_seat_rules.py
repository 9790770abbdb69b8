"""An operator says what happens at the limit of a product's seats, and when they expire. docs/seats.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tenure_server.domain.seats import ProductSeatRules, SeatRules
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.publish import product_of
from tenure_signing.names import ProductName


@dataclass(frozen=True, slots=True)
class RulesOfProduct:
    """``own``: what was set for the product; ``rules``: what holds."""

    product: ProductName
    own: ProductSeatRules
    rules: SeatRules


@dataclass(frozen=True, slots=True)
class SetSeatRules:
    """Both raise ``NotFound`` (``unknown_product``). ``general``: where a product has no rules of its own."""

    database: Database
    clock: Clock
    general: SeatRules

    def show(self, product: ProductName) -> RulesOfProduct:
        with self.database.reading() as records:
            product_of(records, product)
            own = records.seats.product_rules(product)
        return RulesOfProduct(product, own, own.over(self.general))

    def __call__(self, product: ProductName, own: ProductSeatRules, *, who: str) -> RulesOfProduct:
        """They hold from the next question of a machine on; nothing changes where they are the same."""
        with self.database.writing() as records:
            product_of(records, product)
            before = records.seats.product_rules(product)
            if before != own:
                records.seats.set_product_rules(product, own)
                facts = {"before": rule_facts(before), "after": rule_facts(own)}
                audited(records, self.clock(), who, "product.seat_rules", product, **facts)
        return RulesOfProduct(product, own, own.over(self.general))


def rule_facts(own: ProductSeatRules) -> Mapping[str, object]:
    """The rules as JSON has them; null: as the settings say."""
    return {"limit": own.limit.value if own.limit is not None else None, "expiry_days": own.expiry_days}
