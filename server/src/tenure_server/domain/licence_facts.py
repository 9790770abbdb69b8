"""What decisions need of a licence, and no more: small enough to keep for many licences at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, Self

from tenure_server.domain.licences import Licence, entitlement_of
from tenure_signing.entitlement import Entitlement, Grant, LicenceStatus, ServicePacks, SupportPeriod, UpdateRules
from tenure_signing.names import EditionName, ProductName
from tenure_signing.releases import Money


class SupportedLicence(Protocol):
    """What support summaries and renewal offers ask of a licence, whole or in facts."""

    @property
    def support_periods(self) -> tuple[SupportPeriod, ...]: ...
    @property
    def last_paid_day(self) -> date | None: ...
    @property
    def total_purchase_price(self) -> Money | None: ...


@dataclass(frozen=True, slots=True)
class LicenceFacts:
    """Support periods are in order and do not overlap; grants are in the order they were given."""

    licence_id: str
    product: ProductName
    edition: EditionName
    purchased_on: date
    status: LicenceStatus
    seats: int
    total_purchase_price: Money | None  # None: known from its SMP certificate only, which does not say
    support_periods: tuple[SupportPeriod, ...]
    grants: tuple[Grant, ...]
    updates: UpdateRules

    @classmethod
    def of(cls, licence: Licence) -> Self:
        return cls(
            licence_id=licence.licence_id,
            product=licence.product,
            edition=licence.edition,
            purchased_on=licence.purchased_on,
            status=licence.status,
            seats=licence.seats,
            total_purchase_price=licence.total_purchase_price,
            support_periods=licence.support_periods,
            grants=licence.grants,
            updates=licence.updates,
        )

    @property
    def last_paid_day(self) -> date | None:
        return self.support_periods[-1].ends_on if self.support_periods else None

    def entitlement(self, service_packs: ServicePacks) -> Entitlement:
        """As ``Licence.entitlement``."""
        return entitlement_of(self, service_packs)


@dataclass(frozen=True, slots=True)
class FoundKey:
    """An issued key as the database knows it: the instant its claims state, and the facts of its licence."""

    issued_at: datetime
    facts: LicenceFacts
