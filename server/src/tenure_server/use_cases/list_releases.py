"""The releases of a licence's product: which are covered, which are not, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tenure_server.domain.licences import Licence
from tenure_server.errors import InvalidRequest
from tenure_server.use_cases.catalogue import CatalogueSource
from tenure_server.use_cases.ports import Clock
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.coverage import Coverage, Covered
from tenure_signing.languages import Language
from tenure_signing.names import ChannelName, Platform
from tenure_signing.releases import Build, Release
from tenure_signing.update_choice import Withheld, download_decisions


@dataclass(frozen=True, slots=True)
class ListedRelease:
    """``builds`` are those for the asked machine, or all of them."""

    release: Release
    builds: tuple[Build, ...]
    decision: Coverage | Withheld
    notes: str | None
    notes_language: Language | None = None  # None: the product's own

    @property
    def is_downloadable(self) -> bool:
        return isinstance(self.decision, Covered)


@dataclass(frozen=True, slots=True)
class ListReleases:
    catalogue: CatalogueSource
    clock: Clock
    policy: VendorPolicy

    def __call__(
        self,
        licence: Licence,
        *,
        machine: Platform | None = None,
        channel: ChannelName | None = None,
        languages: Sequence[Language] = (),
    ) -> tuple[ListedRelease, ...]:
        """Newest version first; releases of other editions, and on channels that the licence may
        not have, are left out. Raises ``NotFound`` (``unknown_product``) and
        ``InvalidRequest`` (``unknown_channel``)."""
        published = self.catalogue.current().product(licence.product)
        if channel is not None and channel not in published.product.channels:
            raise InvalidRequest(
                f"There is no such channel; {licence.product} has {', '.join(published.product.channels)}.",
                code="unknown_channel",
            )
        today = self.policy.day_of(self.clock())
        product = published.on(today)
        entitlement = licence.entitlement(published.product.service_packs)
        decisions = download_decisions(entitlement, product)
        spoken = {release.version: published.language_for(release.version, languages) for release in product.releases}
        listed = (
            ListedRelease(
                release=release,
                builds=release.builds if machine is None else release.builds_for(machine),
                decision=decisions[release.version],
                notes=published.notes_in(release.version, spoken[release.version]),
                notes_language=spoken[release.version],
            )
            for release in sorted(product.releases, key=lambda r: r.version, reverse=True)
            if licence.edition in release.editions
            and channel in (None, release.channel)
            and entitlement.updates.allows_channel(release.channel)
        )
        return tuple(each for each in listed if each.builds)
