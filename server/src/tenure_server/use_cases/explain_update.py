"""Why an installed copy of a licence is answered as it is, for whoever is asked on the telephone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from tenure_server.domain.licences import Licence
from tenure_server.errors import InvalidRequest
from tenure_server.use_cases.catalogue import CatalogueSource
from tenure_server.use_cases.change_licence import licence_of
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.entitlement import Entitlement
from tenure_signing.errors import InvalidName
from tenure_signing.releases import Release
from tenure_signing.update_choice import InstalledCopy
from tenure_signing.update_explanation import UpdateExplanation, explain_update


@dataclass(frozen=True, slots=True)
class ExplainedAnswer:
    """``day`` is the vendor's day of the instant that was asked about; ``not_yet`` are the releases dated later."""

    licence: Licence
    entitlement: Entitlement
    copy: InstalledCopy
    day: date
    explanation: UpdateExplanation
    not_yet: tuple[Release, ...]


@dataclass(frozen=True, slots=True)
class ExplainUpdate:
    database: Database
    catalogue: CatalogueSource
    clock: Clock
    policy: VendorPolicy

    def __call__(self, licence_id: str, copy: InstalledCopy, *, at: datetime | None = None) -> ExplainedAnswer:
        """What the copy is answered now, or would be at another instant, by what is sold and published today.

        Raises ``NotFound`` (``unknown_licence``, ``unknown_product``) and ``InvalidRequest`` (``unknown_channel``).
        """
        with self.database.reading() as records:
            licence = licence_of(records, licence_id)
        published = self.catalogue.current().product(licence.product)
        now = self.clock() if at is None else at
        today = self.policy.day_of(now)
        product = published.on(today)
        rollouts = {version: rollout.at(now) for version, rollout in product.rollouts.items()}
        entitlement = licence.entitlement(published.product.service_packs)
        try:
            explanation = explain_update(entitlement, replace(product, rollouts=rollouts), copy)
        except InvalidName as error:
            raise InvalidRequest(f"There is no such channel: {error}.", code="unknown_channel") from error
        not_yet = sorted((r for r in published.releases if r.released_on > today), key=lambda r: r.version)
        return ExplainedAnswer(licence, entitlement, copy, today, explanation, tuple(not_yet))
