"""Which release an installed copy is offered. RULES.md, Which release an installed copy is offered. Pure.

Versions are compared, never looked up: unknown, withdrawn and uncovered installed versions get an answer too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tenure_signing.coverage import Coverage, Covered, NotCovered, coverage, coverage_of_all
from tenure_signing.entitlement import Entitlement
from tenure_signing.errors import InvalidName
from tenure_signing.names import ChannelName, Platform
from tenure_signing.releases import Build, ProductReleases, Release
from tenure_signing.rollout import reaches
from tenure_signing.versions import Version


class UpdateStatus(StrEnum):
    UPDATE_AVAILABLE = "update_available"
    UP_TO_DATE = "up_to_date"
    UPDATE_NOT_COVERED = "update_not_covered"
    INSTALLED_WITHDRAWN = "installed_withdrawn"


@dataclass(frozen=True, slots=True)
class InstalledCopy:
    """What an installed copy says of itself when it asks."""

    version: Version
    machine: Platform
    channel: ChannelName
    install_id: str | None = None  # anonymous; places the install in rollouts
    is_manual: bool = False  # a person pressed "check now"


@dataclass(frozen=True, slots=True)
class Offer:
    """The release to install next."""

    release: Release
    builds: tuple[Build, ...]  # for the asking machine; at least one
    covered: Covered
    is_downgrade: bool
    last_step: Version | None  # where further steps lead after this one; None when this is the last

    @property
    def more_steps_follow(self) -> bool:
        return self.last_step is not None


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest release of all for this machine and channel, whether covered or not."""

    release: Release
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class UpdateChoice:
    """``installed`` is the installed release where it is known: it may carry a withdrawal to show."""

    status: UpdateStatus
    offer: Offer | None
    newest: Newest | None
    installed: Release | None


def choose_update(entitlement: Entitlement, product: ProductReleases, copy: InstalledCopy) -> UpdateChoice:
    """What to offer this copy. Raises ``InvalidName`` if the product has no such channel.

    A release that no path of steps reaches from the installed version is not a candidate for it.
    """
    eligible = _eligible(entitlement, product, copy)
    coverages = coverage_of_all(entitlement, product)
    covered = [r for r in eligible if isinstance(coverages[r.version], Covered)]
    newer_covered = [r for r in covered if r.version > copy.version]
    path = _path(copy.version, newer_covered)
    installed = next((r for r in product.releases if r.version == copy.version), None)

    offered: Release | None = path[0] if path else None
    if installed is not None and installed.withdrawal is not None:
        status = UpdateStatus.INSTALLED_WITHDRAWN
        offered = offered or max((r for r in covered if r.version < copy.version), key=_version, default=None)
    elif offered is not None:
        status = UpdateStatus.UPDATE_AVAILABLE
    elif any(r.version > copy.version and isinstance(coverages[r.version], NotCovered) for r in eligible):
        status = UpdateStatus.UPDATE_NOT_COVERED
    else:
        status = UpdateStatus.UP_TO_DATE
    newest = max(eligible, key=_version, default=None)
    return UpdateChoice(
        status=status,
        offer=None if offered is None else _offer(offered, path, coverages, copy),
        newest=None if newest is None else Newest(newest, coverages[newest.version]),
        installed=installed,
    )


class Withheld(StrEnum):
    """Why a covered release cannot be downloaded all the same."""

    WITHDRAWN = "withdrawn"
    HALTED = "halted"


def download_decision(entitlement: Entitlement, release: Release, product: ProductReleases) -> Coverage | Withheld:
    """RULES.md: a file can be downloaded exactly when the check could offer it or it is an older covered release.

    ``release`` is one of ``product.releases``, so it is dated today or earlier. Check, feeds, listings, downloads
    and signed links all ask here. Coverage is told before withdrawal, so a stranger learns nothing more than a
    customer would.
    """
    return _withheld(coverage(entitlement, release, product), release, product)


def download_decisions(entitlement: Entitlement, product: ProductReleases) -> dict[Version, Coverage | Withheld]:
    """``download_decision`` for every release of the product at once, by version."""
    coverages = coverage_of_all(entitlement, product)
    return {r.version: _withheld(coverages[r.version], r, product) for r in product.releases}


def _withheld(decision: Coverage, release: Release, product: ProductReleases) -> Coverage | Withheld:
    if isinstance(decision, NotCovered):
        return decision
    if release.withdrawal is not None:
        return Withheld.WITHDRAWN
    if product.rollout_of(release).is_halted:
        return Withheld.HALTED
    return decision


def _eligible(entitlement: Entitlement, product: ProductReleases, copy: InstalledCopy) -> list[Release]:
    """Published, not withdrawn, for the edition, on the channel or a more stable one, with a build, reached."""
    channels = _channels_up_to(product, copy.channel)
    return [
        release
        for release in product.releases
        if release.withdrawal is None
        and release.channel in channels
        and entitlement.edition in release.editions
        and release.builds_for(copy.machine)
        and reaches(product.rollout_of(release), release, copy.install_id, is_manual=copy.is_manual)
    ]


def _channels_up_to(product: ProductReleases, asked: ChannelName) -> frozenset[ChannelName]:
    if asked not in product.channels:
        raise InvalidName(f"{product.product} has the channels {', '.join(product.channels)}")
    return frozenset(product.channels[: product.channels.index(asked) + 1])


def _path(start: Version, releases: Iterable[Release]) -> list[Release]:
    """The steps from the start to the highest release that can be reached, each as high as possible.

    A higher version satisfies every "upgrade from at least" that a lower one does, so going as high as possible
    never misses a release.
    """
    path: list[Release] = []
    at = start
    remaining = sorted(releases, key=_version, reverse=True)
    while True:
        step = next((r for r in remaining if r.version > at and (r.upgrade_from is None or r.upgrade_from <= at)), None)
        if step is None:
            return path
        path.append(step)
        at = step.version


def _offer(offered: Release, path: list[Release], coverages: Mapping[Version, Coverage], copy: InstalledCopy) -> Offer:
    covered = coverages[offered.version]
    assert isinstance(covered, Covered)
    return Offer(
        release=offered,
        builds=offered.builds_for(copy.machine),
        covered=covered,
        is_downgrade=offered.version < copy.version,
        last_step=path[-1].version if len(path) > 1 else None,
    )


def _version(release: Release) -> Version:
    return release.version
