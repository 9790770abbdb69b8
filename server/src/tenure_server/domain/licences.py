"""Licences as the vendor sold them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from tenure_server.domain.pricing import total
from tenure_server.domain.search_words import parts_of, words_of
from tenure_signing.entitlement import (
    Entitlement,
    Grant,
    LicenceStatus,
    ServicePacks,
    SupportPeriod,
    UpdateRules,
    in_order,
)
from tenure_signing.names import EditionName, ProductName
from tenure_signing.releases import Money


class LineKind(StrEnum):
    BASE = "base"
    ADDITIONAL_USERS = "additional_users"


@dataclass(frozen=True, slots=True)
class OrderLine:
    """Something bought with or for the licence, at the price paid."""

    kind: LineKind
    seats: int  # 1 for the base licence
    amount: Money
    bought_on: date
    order: str | None = None  # its number


class PeriodSource(StrEnum):
    PURCHASE = "purchase"  # bought with the licence
    ORDER = "order"  # bought or renewed later
    BY_HAND = "by_hand"  # added by an operator


@dataclass(frozen=True, slots=True)
class PaidPeriod:
    """A support period and how it came to be. ``price`` is None for one added by hand without a price."""

    period: SupportPeriod
    source: PeriodSource
    price: Money | None
    added_at: datetime
    order: str | None = None  # its number


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A licence key that was issued: never the key itself. Signing the same claims again gives the same key."""

    digest: str  # SHA-256 of the key's text, lower-case hexadecimal
    key_id: str  # of the signing key
    issued_at: datetime
    hint: str  # the last characters, for people on the telephone
    seats: int  # as the key states them; users bought later do not change the key


class Entitling(Protocol):
    """What entitles, of a licence: whole or in facts. Support periods are in order."""

    @property
    def licence_id(self) -> str: ...
    @property
    def product(self) -> ProductName: ...
    @property
    def edition(self) -> EditionName: ...
    @property
    def purchased_on(self) -> date: ...
    @property
    def status(self) -> LicenceStatus: ...
    @property
    def support_periods(self) -> tuple[SupportPeriod, ...]: ...
    @property
    def grants(self) -> tuple[Grant, ...]: ...
    @property
    def updates(self) -> UpdateRules: ...


def entitlement_of(licence: Entitling, service_packs: ServicePacks) -> Entitlement:
    """What the licence entitles to, under the product's setting for service packs."""
    return Entitlement(
        licence_id=licence.licence_id,
        product=licence.product,
        edition=licence.edition,
        purchased_on=licence.purchased_on,
        status=licence.status,
        periods=licence.support_periods,
        grants=licence.grants,
        service_packs=service_packs,
        updates=licence.updates,
    )


@dataclass(frozen=True, slots=True)
class Licence:
    """A perpetual right to use a product edition, with the SMP periods paid for it, in order."""

    licence_id: str
    product: ProductName
    edition: EditionName
    customer_id: str
    customer: str  # the name and e-mail address that the customer's own record has
    email: str | None
    purchased_on: date
    currency: str
    status: LicenceStatus
    status_reason: str | None
    lines: tuple[OrderLine, ...]
    periods: tuple[PaidPeriod, ...]
    grants: tuple[Grant, ...]
    keys: tuple[IssuedKey, ...]
    created_at: datetime
    updates: UpdateRules = field(default_factory=UpdateRules)

    @property
    def seats(self) -> int:
        return sum(line.seats for line in self.lines)

    @property
    def total_purchase_price(self) -> Money:
        """RULES.md, Words: the base price plus every additional user bought, at the prices paid."""
        return total((line.amount for line in self.lines), self.currency)

    @property
    def support_periods(self) -> tuple[SupportPeriod, ...]:
        return in_order(paid.period for paid in self.periods)

    @property
    def last_paid_day(self) -> date | None:
        return max((paid.period.ends_on for paid in self.periods), default=None)

    def search_words(self) -> frozenset[str]:
        """What a caller may say of the licence itself; the customer has words of its own."""
        return words_of(self.licence_id, self.product) | parts_of(*(key.hint for key in self.keys))

    def entitlement(self, service_packs: ServicePacks) -> Entitlement:
        """What the licence entitles to, under the product's setting for service packs."""
        return entitlement_of(self, service_packs)
