"""Which release an installed copy is offered. RULES.md, Which release an installed copy is offered. Pure.

Versions are compared, never looked up: unknown, withdrawn and uncovered installed versions get an answer too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tenure_signing.coverage import Coverage, Covered, NotCovered, coverage, coverage_of_all
from tenure_signing.entitlement import Entitlement, Pin, Turn
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
    turn: Turn | None = None  # in rollouts; None: as the licence has it


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
    """``installed`` is the installed release where it is known: it may carry a withdrawal to show. ``pin`` is the line
    that the choice was kept to; ``newest`` may be above it."""

    status: UpdateStatus
    offer: Offer | None
    newest: Newest | None
    installed: Release | None
    pin: Pin | None = None


def choose_update(entitlement: Entitlement, product: ProductReleases, copy: InstalledCopy) -> UpdateChoice:
    """What to offer this copy. Raises ``InvalidName`` if the product has no such channel.

    A release that no path of steps reaches from the installed version is not a candidate for it. Steps come before
    the licence's pin, and the pin before the newest. A pin to a line that has nothing to install is passed over, so
    that nobody is stranded.
    """
    reachable = _eligible(entitlement, product, copy)
    pin = _known_pin(entitlement, product, copy)
    eligible = [r for r in reachable if pin is None or pin.allows(r.version)]
    coverages = coverage_of_all(entitlement, product)
    covered = [r for r in eligible if isinstance(coverages[r.version], Covered)]
    newer_covered = [r for r in covered if r.version > copy.version]
    path = upgrade_path(copy.version, newer_covered)
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
    newest = max(reachable, key=_version, default=None)
    return UpdateChoice(
        status=status,
        offer=None if offered is None else _offer(offered, path, coverages, copy),
        newest=None if newest is None else Newest(newest, coverages[newest.version]),
        installed=installed,
        pin=pin,
    )


class Withheld(StrEnum):
    """Why a covered release cannot be downloaded all the same."""

    WITHDRAWN = "withdrawn"
    HALTED = "halted"
    CHANNEL_NOT_ALLOWED = "channel_not_allowed"


def download_decision(entitlement: Entitlement, release: Release, product: ProductReleases) -> Coverage | Withheld:
    """RULES.md: a file can be downloaded exactly when the check could offer it or it is an older covered release.

    ``release`` is one of ``product.releases``, so it is dated today or earlier. Check, feeds, listings, downloads
    and signed links all ask here. Coverage is told before withdrawal, so a stranger learns nothing more than a
    customer would.
    """
    return withheld(coverage(entitlement, release, product), entitlement, release, product)


def download_decisions(entitlement: Entitlement, product: ProductReleases) -> dict[Version, Coverage | Withheld]:
    """``download_decision`` for every release of the product at once, by version."""
    coverages = coverage_of_all(entitlement, product)
    return {r.version: withheld(coverages[r.version], entitlement, r, product) for r in product.releases}


def withheld(
    decision: Coverage, entitlement: Entitlement, release: Release, product: ProductReleases
) -> Coverage | Withheld:
    """The decision on coverage, unless something else withholds a covered release."""
    if isinstance(decision, NotCovered):
        return decision
    if not entitlement.updates.allows_channel(release.channel):
        return Withheld.CHANNEL_NOT_ALLOWED
    if release.withdrawal is not None:
        return Withheld.WITHDRAWN
    if product.rollout_of(release).is_halted:
        return Withheld.HALTED
    return decision


class Obstacle(StrEnum):
    """Why a published release is no candidate for a copy, in the order in which they are looked for."""

    WITHDRAWN = "withdrawn"
    LESS_STABLE_CHANNEL = "less_stable_channel"
    CHANNEL_NOT_ALLOWED = "channel_not_allowed"
    OTHER_EDITION = "other_edition"
    NO_BUILD = "no_build"
    HALTED = "halted"
    NOT_YET_ROLLED_OUT = "not_yet_rolled_out"


def obstacle_to(
    release: Release, entitlement: Entitlement, product: ProductReleases, copy: InstalledCopy
) -> Obstacle | None:
    """The first thing that keeps the release from being a candidate, whatever its coverage; None if nothing does.

    Raises ``InvalidName`` if the product has no such channel.
    """
    return _obstacle_to_installing(release, entitlement, _channels_up_to(product, copy.channel), copy.machine) or (
        _obstacle_to_reaching(release, entitlement, product, copy)
    )


def turn_of(entitlement: Entitlement, copy: InstalledCopy) -> Turn:
    """The copy's own, else the licence's."""
    return copy.turn if copy.turn is not None else entitlement.updates.turn


def _obstacle_to_installing(
    release: Release, entitlement: Entitlement, asked: frozenset[ChannelName], machine: Platform
) -> Obstacle | None:
    """``asked``: the copy's channel and those more stable."""
    if release.withdrawal is not None:
        return Obstacle.WITHDRAWN
    if release.channel not in asked:
        return Obstacle.LESS_STABLE_CHANNEL
    if not entitlement.updates.allows_channel(release.channel):
        return Obstacle.CHANNEL_NOT_ALLOWED
    if entitlement.edition not in release.editions:
        return Obstacle.OTHER_EDITION
    if not release.builds_for(machine):
        return Obstacle.NO_BUILD
    return None


def _obstacle_to_reaching(
    release: Release, entitlement: Entitlement, product: ProductReleases, copy: InstalledCopy
) -> Obstacle | None:
    rollout, turn = product.rollout_of(release), turn_of(entitlement, copy)
    if rollout.is_halted:
        return Obstacle.HALTED
    if not reaches(rollout, release, copy.install_id, is_manual=copy.is_manual, turn=turn):
        return Obstacle.NOT_YET_ROLLED_OUT
    return None


def _eligible(entitlement: Entitlement, product: ProductReleases, copy: InstalledCopy) -> list[Release]:
    """Those that can be installed at all, and whose rollout reaches the copy."""
    return [
        release
        for release in _installable(entitlement, product, copy)
        if _obstacle_to_reaching(release, entitlement, product, copy) is None
    ]


def _installable(entitlement: Entitlement, product: ProductReleases, copy: InstalledCopy) -> list[Release]:
    """Published, not withdrawn, for the edition, with a build, on a channel that the licence may have and that is the
    asked one or more stable."""
    asked = _channels_up_to(product, copy.channel)
    return [
        release
        for release in product.releases
        if _obstacle_to_installing(release, entitlement, asked, copy.machine) is None
    ]


def _known_pin(entitlement: Entitlement, product: ProductReleases, copy: InstalledCopy) -> Pin | None:
    """The licence's pin, if its line has anything to install. Rollouts play no part: halting the last release of a line
    moves nobody off it."""
    pin = entitlement.updates.pin
    if pin is None or not any(pin.names(r.version) for r in _installable(entitlement, product, copy)):
        return None
    return pin


def _channels_up_to(product: ProductReleases, asked: ChannelName) -> frozenset[ChannelName]:
    if asked not in product.channels:
        raise InvalidName(f"{product.product} has the channels {', '.join(product.channels)}")
    return frozenset(product.channels[: product.channels.index(asked) + 1])


def upgrade_path(start: Version, releases: Iterable[Release]) -> list[Release]:
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
