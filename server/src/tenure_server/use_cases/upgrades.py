"""Releases and x.y lines that a licence does not cover are sold: paid upgrades, and releases sold singly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from tenure_server.domain.licences import Licence
from tenure_server.domain.orders import LARGEST_AMOUNT, Order, OrderState
from tenure_server.domain.upgrades import NoUpgrade, Upgrade, grant_text, upgrade_for, upgrades_of
from tenure_server.errors import Conflict, InvalidRequest, NotFound
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.catalogue import CatalogueSource
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.entitlement import Grant
from tenure_signing.names import ProductName
from tenure_signing.releases import Money
from tenure_signing.versions import Version

MOST_OPEN = 1_000
"""Orders of one licence that wait to be paid at the same time."""


def sold_upgrade(
    records: Records,
    catalogue: CatalogueSource,
    licence: Licence,
    grant: Grant,
    today: date,
    *,
    quoted: Money | None = None,
) -> Upgrade:
    """What it costs for each seat today; ``quoted`` is what a quote said, which holds where no price is signed.

    Raises ``NotFound`` (``unknown_release``) and ``Conflict``: ``already_covered``, ``release_withdrawn``,
    ``channel_not_allowed``, ``no_price``, ``licence_not_active``.
    """
    published = catalogue.current().product(licence.product)
    visible = published.on(today)
    prices = records.release_prices.of_product(licence.product)
    if quoted is not None:
        prices = dict.fromkeys((release.version for release in visible.releases), quoted)
    found = upgrade_for(licence.entitlement(published.product.service_packs), visible, grant, prices)
    if isinstance(found, Upgrade):
        return found
    what = grant_text(grant)
    if found is NoUpgrade.UNKNOWN_RELEASE:
        raise NotFound(f"No release of {what} is there for the licence's edition.", code=found)
    sentence, hint = _REFUSALS[found]
    raise Conflict(sentence.format(what=f"{what[0].upper()}{what[1:]}"), code=found, hint=hint)


_REFUSALS = {
    NoUpgrade.ALREADY_COVERED: ("{what} is covered already.", "there is nothing to pay for"),
    NoUpgrade.RELEASE_WITHDRAWN: ("{what} was withdrawn and is not sold.", None),
    NoUpgrade.CHANNEL_NOT_ALLOWED: ("{what} is on a channel that this licence may not have.", None),
    NoUpgrade.NO_PRICE: (
        "{what} has no price.",
        "tenure product price sets what a release costs that is sold singly; tenure licence grant gives it",
    ),
    NoUpgrade.LICENCE_NOT_ACTIVE: ("{what} is not sold to a licence that is not active.", None),
}


@dataclass(frozen=True, slots=True)
class OfferedUpgrade:
    """``waiting`` is an order for it that is not paid yet."""

    upgrade: Upgrade
    seats: int
    waiting: Order | None

    @property
    def total(self) -> Money:
        return Money(self.upgrade.per_seat.minor_units * self.seats, self.upgrade.per_seat.currency)


@dataclass(frozen=True, slots=True)
class UpgradeOffers:
    """What can be bought for a licence, beside support."""

    database: Database
    catalogue: CatalogueSource
    clock: Clock
    policy: VendorPolicy

    def __call__(self, licence: Licence) -> tuple[OfferedUpgrade, ...]:
        """Single releases, oldest version first; RULES.md, Paid upgrades."""
        published = self.catalogue.current().product(licence.product)
        entitlement = licence.entitlement(published.product.service_packs)
        with self.database.reading() as records:
            prices = records.release_prices.of_product(licence.product)
            orders = records.orders.search(licence_id=licence.licence_id, state=OrderState.ORDERED, limit=MOST_OPEN)
        found = upgrades_of(entitlement, published.on(self.policy.day_of(self.clock())), prices)
        in_order = sorted(found, key=lambda one: one.priced_by)
        return tuple(OfferedUpgrade(one, licence.seats, _waiting(one, orders)) for one in in_order)


def _waiting(upgrade: Upgrade, orders: Iterable[Order]) -> Order | None:
    wanted = (one for one in orders if one.sale.upgrade is not None)
    return next((one for one in wanted if one.sale.upgrade and one.sale.upgrade.holds_for(upgrade.priced_by)), None)


@dataclass(frozen=True, slots=True)
class SetReleasePrice:
    """RULES.md: any uncovered release may be sold singly, where the vendor set a price."""

    database: Database
    clock: Clock

    def of_product(self, product: ProductName) -> Mapping[Version, Money]:
        """What is sold singly. Raises ``NotFound`` (``unknown_product``)."""
        with self.database.reading() as records:
            _require_product(records, product)
            return records.release_prices.of_product(product)

    def __call__(self, product: ProductName, version: Version, price: Money | None, *, who: str) -> bool:
        """For each seat; None takes it out of sale again. Whether that changed anything. The version need not be
        published yet; a paid upgrade's own prices are signed with it and go before this one.

        Raises ``NotFound`` (``unknown_product``) and ``InvalidRequest`` (``invalid_price``).
        """
        if price is not None and not 0 <= price.minor_units <= LARGEST_AMOUNT:
            raise InvalidRequest("A price is not negative and not beyond reason.", code="invalid_price")
        with self.database.writing() as records:
            _require_product(records, product)
            before = records.release_prices.of_product(product).get(version)
            if before == price:
                return False
            records.release_prices.set(product, version, price)
            audited(
                records, self.clock(), who, "release.price", f"{product} {version}",
                before=_facts(before), after=_facts(price),
            )  # fmt: skip
        return True


def _require_product(records: Records, product: ProductName) -> None:
    if records.products.get(product) is None:
        raise NotFound("There is no such product.", code="unknown_product")


def _facts(price: Money | None) -> dict[str, object] | None:
    return {"minor_units": price.minor_units, "currency": price.currency} if price is not None else None
