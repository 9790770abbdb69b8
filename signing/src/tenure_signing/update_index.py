"""``choose_update`` over prepared catalogues: the same answers without a scan. Pure.

Releases are bits of whole numbers, in the order of their versions, so a set of releases is one number and its highest
member ``bit_length() - 1``. What depends on the catalogue alone is prepared once: the releases up to each day, of each
edition, for each machine and channel. An answer is then a handful of operations on such numbers, whatever the size.

``coverage`` and ``update_choice`` stay the definition; a property test holds this module equal to them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NamedTuple

from tenure_signing.coverage import (
    Coverage,
    CoverageReason,
    Covered,
    NotCovered,
    RefusalReason,
    machines_told_apart,
    not_covered,
)
from tenure_signing.entitlement import Entitlement, LicenceStatus, LineGrant, Pin, ServicePacks, Turn, VersionGrant
from tenure_signing.errors import InvalidName
from tenure_signing.names import ChannelName, EditionName, FileName, Platform
from tenure_signing.releases import Build, ProductReleases, Release, ReleaseFile, Rollout
from tenure_signing.rollout import BASIS_POINTS, PlaceSalt, place_in_turn
from tenure_signing.update_choice import (
    InstalledCopy,
    Newest,
    Offer,
    UpdateChoice,
    UpdateStatus,
    Withheld,
    choose_update,
    download_decision,
    withheld,
)
from tenure_signing.versions import Kind, Version, line_of

MAX_SHELVES = 4_096
MAX_PLACES = 4_096
"""How many machines with channels, and how many installed versions, an index remembers: requests name them freely."""

_COVERED = {reason: Covered(reason) for reason in CoverageReason}
_REFUSED = {reason: NotCovered(reason) for reason in RefusalReason}


@dataclass(frozen=True, slots=True)
class _Partial:
    """A release that is not halted and not rolled out to everyone from the beginning."""

    bit: int
    rollout: Rollout
    salt: PlaceSalt

    def reaches(self, install_id: str | None, turn: Turn, now: datetime) -> bool:
        """As ``rollout.reaches``, for a check that was not made by hand."""
        share = (
            self.rollout.share_basis_points if self.rollout.ramp is None else self.rollout.at(now).share_basis_points
        )
        if share >= BASIS_POINTS:
            return True
        return install_id is not None and place_in_turn(self.salt.place(install_id), turn) < share


@dataclass(frozen=True, slots=True)
class _Shelf:
    """What a machine on a channel could be offered in one edition, rollouts aside."""

    whole: int  # rolled out to everyone
    partial: tuple[_Partial, ...]  # rolled out to a share, the highest first
    installable: int  # these and the halted ones


@dataclass(frozen=True, slots=True)
class _Place:
    """An installed version among the releases."""

    version: Version
    above: int  # the releases with higher versions
    installed: Release | None


class _Cover(NamedTuple):
    """What an entitlement covers, whatever the machine: sets of releases, and why."""

    covered: int
    purchased: int
    supported: int
    granted: int
    open_to_all: int
    followed: int  # service packs that follow covered lines before any step is looked for
    steps: int

    def reason(self, bit: int) -> CoverageReason:
        """In the order of RULES.md; a step before a service pack that only follows a step."""
        if self.purchased & bit:
            return CoverageReason.PURCHASED
        if self.supported & bit:
            return CoverageReason.SUPPORT_PERIOD
        if self.granted & bit:
            return CoverageReason.GRANTED
        if self.open_to_all & bit:
            return CoverageReason.OPEN_RELEASE
        if self.steps & bit and not self.followed & bit:
            return CoverageReason.STEP
        return CoverageReason.SERVICE_PACK


class UpdateIndex:
    """One product on one day. Immutable to its users; remembers what was asked, within bounds."""

    def __init__(self, product: ProductReleases) -> None:
        self.product = product
        self.releases = tuple(sorted(product.releases, key=lambda release: release.version))
        self._versions = [release.version for release in self.releases]
        self._place_of = {id(release): place for place, release in enumerate(self.releases)}
        self._is_regular = len(set(self._versions)) == len(self._versions) and all(
            release.product == product.product for release in self.releases
        )
        self._days = sorted({release.released_on for release in self.releases})
        self._up_to = self._sets_by_day()
        self._all = (1 << len(self.releases)) - 1
        self._unpaid = self._those(lambda release: release.paid_upgrade is None)
        self._open = self._those(lambda release: release.open_release)
        self._live = self._those(lambda release: release.withdrawal is None)
        self._halted = self._those(lambda release: product.rollout_of(release).is_halted)
        self._partial = self._those(lambda release: product.rollout_of(release).share_basis_points < BASIS_POINTS)
        self._bound = self._those(lambda release: release.upgrade_from is not None)
        self._by_edition: dict[EditionName, int] = {}
        self._by_platform: dict[Platform, int] = {}
        self._by_channel: dict[ChannelName, int] = {}
        self._by_line: dict[tuple[int, int], int] = {}
        for bit, release in self._bits():
            for edition in release.editions:
                self._by_edition[edition] = self._by_edition.get(edition, 0) | bit
            for build in release.builds:
                self._by_platform[build.platform] = self._by_platform.get(build.platform, 0) | bit
            self._by_channel[release.channel] = self._by_channel.get(release.channel, 0) | bit
            line = line_of(release.version)
            self._by_line[line] = self._by_line.get(line, 0) | bit
        packs = self._those(lambda release: release.kind is Kind.SERVICE_PACK)
        self._lines = tuple((of_line, of_line & packs) for of_line in self._by_line.values() if of_line & packs)
        self._steps: dict[EditionName, tuple[tuple[int, tuple[int, ...]], ...]] = {}
        self._shelves: dict[tuple[EditionName, Platform, ChannelName, frozenset[ChannelName] | None], _Shelf] = {}
        self._pins: dict[Pin, tuple[int, int]] = {}
        self._places: dict[Version, _Place] = {}
        self._files: dict[tuple[Version, FileName], ReleaseFile] | None = None
        self._builds: dict[tuple[int, Platform], tuple[Build, ...]] = {}

    def choose(self, entitlement: Entitlement, copy: InstalledCopy, now: datetime) -> UpdateChoice:
        """What ``choose_update`` says of the same product with its rollouts as they stand at that instant. Raises
        ``InvalidName`` as it does."""
        if not self._is_regular or entitlement.product != self.product.product:
            return choose_update(entitlement, self._product_at(now), copy)
        shelf = self._shelf(entitlement, copy)
        pin = entitlement.updates.pin
        cover = self._cover(entitlement) if entitlement.status is LicenceStatus.ACTIVE else None
        deciding = cover.covered if cover is not None and pin is None else self._all
        eligible = reachable = self._reachable(shelf, entitlement, copy, now, deciding)
        if pin is not None:
            line, up_to_line = self._pinned(pin)
            if line & shelf.installable:
                eligible &= up_to_line
            else:
                pin = None
        place = self._place(copy.version)
        if cover is None:
            return self._refused(entitlement.status, reachable, eligible, place, pin)
        newer = eligible & place.above
        path = self._path(newer & cover.covered, copy.version)
        offered = path[0] if path else None
        installed = place.installed
        if installed is not None and installed.withdrawal is not None:
            status = UpdateStatus.INSTALLED_WITHDRAWN
            if offered is None:
                below = eligible & cover.covered & ~place.above  # the installed one is withdrawn: not eligible
                offered = below.bit_length() - 1 if below else None
        elif offered is not None:
            status = UpdateStatus.UPDATE_AVAILABLE
        elif newer & ~cover.covered:
            status = UpdateStatus.UPDATE_NOT_COVERED
        else:
            status = UpdateStatus.UP_TO_DATE
        return UpdateChoice(
            status=status,
            offer=None if offered is None else self._offer(offered, path, cover, place, copy),
            newest=self._newest(entitlement, reachable, cover),
            installed=installed,
            pin=pin,
        )

    def find(self, version: Version, file_name: str) -> tuple[Release, ReleaseFile | None] | None:
        """The release of that version and its build or side file of that name."""
        place = self._place(version)
        if place.installed is None:
            return None
        if self._files is None:
            self._files = {
                (release.version, file.file_name): file for release in self.releases for file in release.files
            }
        return place.installed, self._files.get((place.installed.version, FileName(file_name)))

    def download_decision(self, entitlement: Entitlement, release: Release) -> Coverage | Withheld:
        """What ``update_choice.download_decision`` says of one of the product's releases."""
        decision: Coverage
        if (
            not self._is_regular
            or entitlement.product != self.product.product
            or entitlement.status is not LicenceStatus.ACTIVE
            or entitlement.edition not in release.editions
        ):
            return download_decision(entitlement, release, self.product)
        cover, bit = self._cover(entitlement), self.bit_of(release)
        decision = _COVERED[cover.reason(bit)] if cover.covered & bit else not_covered(entitlement, release)
        return withheld(decision, entitlement, release, self.product)

    def obtainable(self, entitlement: Entitlement) -> int:
        """The releases, as bits, that ``download_decision`` calls covered.

        Empty where it has to be asked of each: for another product's licence, one that is not active, and a product
        with two spellings of one version."""
        if (
            not self._is_regular
            or entitlement.product != self.product.product
            or entitlement.status is not LicenceStatus.ACTIVE
        ):
            return 0
        found = self._cover(entitlement).covered & self._live & ~self._halted
        allowed = entitlement.updates.channels
        if allowed is not None:
            on_allowed = 0
            for channel, releases in self._by_channel.items():
                if entitlement.updates.allows_channel(channel):
                    on_allowed |= releases
            found &= on_allowed
        return found

    def bit_of(self, release: Release) -> int:
        """One of the product's releases, in such sets."""
        place = self._place_of.get(id(release))
        return 1 << (place if place is not None else bisect_left(self._versions, release.version))

    def _refused(
        self, licence: LicenceStatus, reachable: int, eligible: int, place: _Place, pin: Pin | None
    ) -> UpdateChoice:
        """Nothing is covered by a suspended or revoked licence."""
        is_suspended = licence is LicenceStatus.SUSPENDED
        reason = RefusalReason.LICENCE_SUSPENDED if is_suspended else RefusalReason.LICENCE_REVOKED
        if place.installed is not None and place.installed.withdrawal is not None:
            status = UpdateStatus.INSTALLED_WITHDRAWN
        else:
            status = UpdateStatus.UPDATE_NOT_COVERED if eligible & place.above else UpdateStatus.UP_TO_DATE
        newest = Newest(self.releases[reachable.bit_length() - 1], _REFUSED[reason]) if reachable else None
        return UpdateChoice(status=status, offer=None, newest=newest, installed=place.installed, pin=pin)

    @property
    def remembered(self) -> int:
        """How many shelves, pins, installed versions and lists of builds are kept."""
        return len(self._shelves) + len(self._pins) + len(self._places) + len(self._builds)

    @property
    def moves_with_time(self) -> bool:
        """Whether a rollout grows by itself, so that an answer holds for its instant only."""
        return any(rollout.ramp is not None for rollout in self.product.rollouts.values())

    # Eligible releases

    def _reachable(
        self, shelf: _Shelf, entitlement: Entitlement, copy: InstalledCopy, now: datetime, deciding: int
    ) -> int:
        """What reaches the copy. A release that is not among the ``deciding`` ones is left out where a higher such one
        reaches the copy: only the highest of those is ever told."""
        found = shelf.whole
        if not shelf.partial:
            return found
        told = found & ~deciding
        turn = copy.turn if copy.turn is not None else entitlement.updates.turn
        for partial in shelf.partial:
            bit = partial.bit
            if (bit & deciding or bit > told) and (copy.is_manual or partial.reaches(copy.install_id, turn, now)):
                found |= bit
                if not bit & deciding:
                    told |= bit
        return found

    def _shelf(self, entitlement: Entitlement, copy: InstalledCopy) -> _Shelf:
        key = (entitlement.edition, copy.machine, copy.channel, entitlement.updates.channels)
        shelf = self._shelves.get(key)
        if shelf is None:
            shelf = self._new_shelf(entitlement, copy)
            if len(self._shelves) >= MAX_SHELVES:
                self._shelves.clear()
            self._shelves[key] = shelf
        return shelf

    def _new_shelf(self, entitlement: Entitlement, copy: InstalledCopy) -> _Shelf:
        channels = self.product.channels
        if copy.channel not in channels:
            raise InvalidName(f"{self.product.product} has the channels {', '.join(channels)}")
        on_channel = 0
        for stable_enough in channels[: channels.index(copy.channel) + 1]:
            if entitlement.updates.allows_channel(stable_enough):
                on_channel |= self._by_channel.get(stable_enough, 0)
        installable = self._live & on_channel & self._by_edition.get(entitlement.edition, 0)
        installable &= self._with_builds_for(copy.machine)
        reached = installable & ~self._halted
        return _Shelf(
            whole=reached & ~self._partial,
            partial=tuple(self._partly(place) for place in _places(reached & self._partial))[::-1],
            installable=installable,
        )

    def _partly(self, place: int) -> _Partial:
        release = self.releases[place]
        return _Partial(1 << place, self.product.rollout_of(release), PlaceSalt(release))

    def _pinned(self, pin: Pin) -> tuple[int, int]:
        """The releases of the pin's line, and those of it or below it."""
        found = self._pins.get(pin)
        if found is None:
            found = (
                self._those(lambda release: pin.names(release.version)),
                self._those(lambda release: pin.allows(release.version)),
            )
            if len(self._pins) >= MAX_SHELVES:
                self._pins.clear()
            self._pins[pin] = found
        return found

    def _product_at(self, now: datetime) -> ProductReleases:
        rollouts = {version: rollout.at(now) for version, rollout in self.product.rollouts.items()}
        return replace(self.product, rollouts=rollouts)

    def _with_builds_for(self, machine: Platform) -> int:
        found = 0
        for platform, releases in self._by_platform.items():
            if platform.runs_on(machine):
                found |= releases
        return found

    def _place(self, version: Version) -> _Place:
        place = self._places.get(version)
        if place is None:
            first_above = bisect_right(self._versions, version)
            is_known = first_above > 0 and self._versions[first_above - 1] == version
            above = self._all >> first_above << first_above
            place = _Place(version, above, self.releases[first_above - 1] if is_known else None)
            if len(self._places) >= MAX_PLACES:
                self._places.clear()
            self._places[version] = place
        return place

    def _path(self, candidates: int, start: Version) -> list[int]:
        """The steps from the start, each as high as possible."""
        path: list[int] = []
        at = start
        while candidates:
            remaining = candidates
            while remaining:
                place = remaining.bit_length() - 1
                upgrade_from = self.releases[place].upgrade_from
                if upgrade_from is None or upgrade_from <= at:
                    break
                remaining ^= 1 << place
            else:
                return path
            path.append(place)
            at = self._versions[place]
            candidates = candidates >> place + 1 << place + 1
        return path

    # Coverage

    def _cover(self, entitlement: Entitlement) -> _Cover:
        ours = self._by_edition.get(entitlement.edition, 0)
        purchased = self._up_to[bisect_right(self._days, entitlement.purchased_on)] & ours
        supported = 0
        for period in entitlement.periods:
            until = self._up_to[bisect_right(self._days, period.ends_on)]
            supported |= until ^ self._up_to[bisect_left(self._days, period.starts_on)]
        supported &= self._unpaid & ours
        granted = self._granted(entitlement) & ours if entitlement.grants else 0
        open_to_all = self._open & ours
        own = purchased | supported | granted | open_to_all
        if entitlement.service_packs is not ServicePacks.FOLLOW and not own & self._bound:
            return _Cover(own, purchased, supported, granted, open_to_all, 0, 0)
        follows = entitlement.service_packs is ServicePacks.FOLLOW
        followed = self._following(own) & ours & ~own if follows else 0
        covered, steps = own | followed, 0
        without_steps = targets = covered
        while targets & self._bound:
            known = covered
            steps |= self._steps_towards(entitlement.edition, targets, without_steps) & ~without_steps
            covered |= steps
            if follows:
                covered |= self._following(own | steps) & ours
            targets = covered & ~known
        return _Cover(covered, purchased, supported, granted, open_to_all, followed, steps)

    def _granted(self, entitlement: Entitlement) -> int:
        found = 0
        for grant in entitlement.grants:
            match grant:
                case VersionGrant(version):
                    place = bisect_left(self._versions, version)
                    if place < len(self._versions) and self._versions[place] == version:
                        found |= 1 << place
                case LineGrant(major, minor):
                    found |= self._by_line.get((major, minor), 0)
        return found

    def _following(self, covered: int) -> int:
        """The service packs of the lines that have a covered release."""
        found = 0
        for of_line, packs in self._lines:
            if of_line & covered:
                found |= packs
        return found

    def _steps_towards(self, edition: EditionName, targets: int, covered: int) -> int:
        """The lowest release that can serve, for each target and machine that no covered release serves."""
        found = 0
        for target, servings in self._steps_of(edition):
            if targets & target:
                for serving in servings:
                    if not serving & covered:
                        found |= serving & -serving
        return found

    def _steps_of(self, edition: EditionName) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """Each release of the edition that asks for a step, with the releases that can serve on each machine."""
        steps = self._steps.get(edition)
        if steps is None:
            steps = self._steps[edition] = tuple(self._new_steps(self._by_edition.get(edition, 0) & self._live))
        return steps

    def _new_steps(self, candidates: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        machines = machines_told_apart(self.releases[place] for place in _places(candidates))
        with_builds = {self._with_builds_for(machine) for machine in machines}
        for place in _places(candidates & self._bound):
            target = self.releases[place]
            assert target.upgrade_from is not None
            lowest = bisect_left(self._versions, target.upgrade_from)
            between = candidates & self._stable_as(target.channel) & (1 << place) - 1 >> lowest << lowest
            servings = {between & builds for builds in with_builds if builds >> place & 1}
            servings.discard(0)
            if servings:
                yield 1 << place, tuple(servings)

    def _stable_as(self, channel: ChannelName) -> int:
        """The releases on the channel or a more stable one; channels the product does not list come last, together."""
        channels = self.product.channels
        if channel not in channels:
            return self._all
        found = 0
        for stable_enough in channels[: channels.index(channel) + 1]:
            found |= self._by_channel.get(stable_enough, 0)
        return found

    # Answers

    def _offer(self, offered: int, path: list[int], cover: _Cover, place: _Place, copy: InstalledCopy) -> Offer:
        release, bit = self.releases[offered], 1 << offered
        return Offer(
            release=release,
            builds=self._builds_for(offered, copy.machine),
            covered=_COVERED[cover.reason(bit)],
            is_downgrade=not place.above & bit and release.version < copy.version,
            last_step=self._versions[path[-1]] if len(path) > 1 else None,
        )

    def _builds_for(self, place: int, machine: Platform) -> tuple[Build, ...]:
        builds = self._builds.get((place, machine))
        if builds is None:
            builds = self.releases[place].builds_for(machine)
            if len(self._builds) >= MAX_PLACES:
                self._builds.clear()
            self._builds[place, machine] = builds
        return builds

    def _newest(self, entitlement: Entitlement, eligible: int, cover: _Cover) -> Newest | None:
        if not eligible:
            return None
        place = eligible.bit_length() - 1
        release, bit = self.releases[place], 1 << place
        decision: Coverage
        decision = _COVERED[cover.reason(bit)] if cover.covered & bit else not_covered(entitlement, release)
        return Newest(release, decision)

    # Preparing

    def _bits(self) -> Iterator[tuple[int, Release]]:
        return ((1 << place, release) for place, release in enumerate(self.releases))

    def _those(self, holds: Callable[[Release], bool]) -> int:
        found = 0
        for bit, release in self._bits():
            if holds(release):
                found |= bit
        return found

    def _sets_by_day(self) -> list[int]:
        """For each number of days the releases of so many first days; one more entry than there are days."""
        on_day: dict[date, int] = {}
        for bit, release in self._bits():
            on_day[release.released_on] = on_day.get(release.released_on, 0) | bit
        sets, found = [0], 0
        for day in self._days:
            found |= on_day[day]
            sets.append(found)
        return sets


def _places(releases: int) -> Iterator[int]:
    """The places of the set's members, lowest first."""
    while releases:
        lowest = releases & -releases
        yield lowest.bit_length() - 1
        releases ^= lowest
