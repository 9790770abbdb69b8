"""Where a licence stands: its status, support periods, the renewal on offer and a fresh SMP certificate."""

from __future__ import annotations

from dataclasses import dataclass

from tenure_server.domain.licences import Licence
from tenure_server.use_cases.catalogue import CatalogueSource
from tenure_server.use_cases.ports import Clock
from tenure_server.use_cases.signers import CertificateSigner
from tenure_server.use_cases.support_summary import RenewalOffer, SupportSummary, renewal_offer, support_summary
from tenure_server.use_cases.vendor import VendorPolicy


@dataclass(frozen=True, slots=True)
class LicenceStanding:
    licence: Licence
    support: SupportSummary
    renewal: RenewalOffer
    certificate: str


@dataclass(frozen=True, slots=True)
class ShowLicence:
    catalogue: CatalogueSource
    clock: Clock
    policy: VendorPolicy
    sign_certificate: CertificateSigner

    def __call__(self, licence: Licence) -> LicenceStanding:
        """A suspended or revoked licence has a standing too: its certificate says so."""
        now = self.clock()
        today = self.policy.day_of(now)
        product = self.catalogue.current().product(licence.product).product
        entitlement = licence.entitlement(product.service_packs)
        return LicenceStanding(
            licence=licence,
            support=support_summary(licence, today),
            renewal=renewal_offer(licence, product, self.policy, today),
            certificate=self.sign_certificate(entitlement, licence.seats, now),
        )
