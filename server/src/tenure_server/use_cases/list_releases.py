"""The releases of a licence's product: which are covered, which are not, and why."""

from __future__ import annotations

from dataclasses import dataclass

from tenure_server.domain.licences import Licence
from tenure_server.errors import InvalidRequest
from tenure_server.use_cases.catalogue import CatalogueSource
from tenure_server.use_cases.ports import Clock
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.coverage import Coverage, Covered
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

    @property
    def is_downloadable(self) -> bool:
        return isinstance(self.decision, Covered)


@dataclass(frozen=True, slots=True)
class ListReleases:
    catalogue: CatalogueSource
    clock: Clock
    policy: VendorPolicy

    def __call__(
        self, licence: Licence, *, machine: Platform | None = None, channel: ChannelName | None = None
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
        listed = (
            ListedRelease(
                release=release,
                builds=release.builds if machine is None else release.builds_for(machine),
                decision=decisions[release.version],
                notes=published.notes.get(release.version),
            )
            for release in sorted(product.releases, key=lambda r: r.version, reverse=True)
            if licence.edition in release.editions
            and channel in (None, release.channel)
            and entitlement.updates.allows_channel(release.channel)
        )
        return tuple(each for each in listed if each.builds)
