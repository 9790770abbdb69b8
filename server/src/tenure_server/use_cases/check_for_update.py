"""An installed copy asks whether there is an update for it. The portal and every feed ask here too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tenure_server.domain.licence_facts import LicenceFacts
from tenure_server.domain.licences import Licence
from tenure_server.errors import Forbidden, InvalidRequest
from tenure_server.use_cases.catalogue import CatalogueSource
from tenure_server.use_cases.ports import Clock
from tenure_server.use_cases.signers import CertificateSigner
from tenure_server.use_cases.support_summary import RenewalOffer, SupportSummary, renewal_offer, support_summary
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.entitlement import Entitlement
from tenure_signing.errors import InvalidName
from tenure_signing.languages import Language
from tenure_signing.names import ProductName
from tenure_signing.update_choice import InstalledCopy, UpdateChoice


@dataclass(frozen=True, slots=True)
class UpdateAnswer:
    """The complete answer of RULES.md: everything a dialog needs, in one round trip."""

    licence: Licence | LicenceFacts
    product: ProductName
    copy: InstalledCopy
    choice: UpdateChoice
    notes: str | None  # of the offered release, Markdown
    support: SupportSummary
    renewal: RenewalOffer
    certificate: str | None  # a fresh one, where the copy asked for it


def _always_now() -> None:
    """Facts are read from the database itself."""


@dataclass(frozen=True, slots=True)
class CheckForUpdate:
    """Reads the catalogue in memory; writes nothing."""

    catalogue: CatalogueSource
    clock: Clock
    policy: VendorPolicy
    sign_certificate: CertificateSigner | None  # None: this server signs nothing
    facts_as_of: Callable[[], datetime | None] = _always_now  # of when a copy is that the facts may come from

    def __call__(
        self,
        licence: Licence | LicenceFacts,
        product_name: ProductName,
        copy: InstalledCopy,
        *,
        wants_certificate: bool = False,
        languages: Sequence[Language] = (),
    ) -> UpdateAnswer:
        """``languages`` are those the reader wants the notes in, the best first.

        Raises ``NotFound`` (``unknown_product``), ``Forbidden`` (``wrong_product``) for a licence of another
        product and ``InvalidRequest`` (``unknown_channel``)."""
        published = self.catalogue.current().product(product_name)
        if licence.product != product_name:
            raise Forbidden("This licence is for another product.", code="wrong_product")
        now = self.clock()
        today = self.policy.day_of(now)
        entitlement = licence.entitlement(published.product.service_packs)
        try:
            choice = published.index_on(today).choose(entitlement, copy, now)
        except InvalidName as error:
            raise InvalidRequest(f"There is no such channel: {error}.", code="unknown_channel") from error
        version = choice.offer.release.version if choice.offer is not None else None
        language = published.language_for(version, languages) if version is not None else None
        return UpdateAnswer(
            licence=licence,
            product=product_name,
            copy=copy,
            choice=choice,
            notes=published.notes_in(version, language) if version is not None else None,
            support=support_summary(licence, today),
            renewal=renewal_offer(licence, published.product, self.policy, today),
            certificate=self._certificate(entitlement, licence.seats, now) if wants_certificate else None,
        )

    def _certificate(self, entitlement: Entitlement, seats: int, now: datetime) -> str | None:
        """As of the instant that the facts are of: a copy does not know what was sold since."""
        if self.sign_certificate is None:
            return None
        return self.sign_certificate(entitlement, seats, self.facts_as_of() or now)
