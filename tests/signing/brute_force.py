"""RULES.md once more, by brute force: the second opinion that the property tests hold the real code against.

Written from "Which releases are covered", "Which release an installed copy is offered" and "Rollout" alone. Every
"for all" and "there is" of the rules is a loop here, every "in turn" a naive fix point, every path an exhaustive
search. It shares nothing with the code under test but the types and the channel order; even which build runs on which
machine is written out again. Slow on purpose: small catalogues only, or use one ``Model`` for many questions.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from packaging.version import Version

from tenure_signing.entitlement import Entitlement, LineGrant, VersionGrant
from tenure_signing.names import Platform
from tenure_signing.releases import Money, ProductReleases, Release
from tenure_signing.update_choice import InstalledCopy

OPERATING_SYSTEMS = ("windows", "macos", "linux", "linux-musl", "freebsd")
FAT = {"universal2": ("x86_64", "aarch64"), "intel": ("x86_64", "x86")}  # of macOS only


class Verdict(NamedTuple):
    """Whether a release is covered, with the reason as RULES.md spells it, and the price that applies."""

    is_covered: bool
    reason: str
    price: Money | None = None


class Answer(NamedTuple):
    """What an installed copy is told; versions stand for releases."""

    status: str
    offered: Version | None = None
    is_downgrade: bool = False
    last_step: Version | None = None
    newest: Version | None = None


def runs(build: Platform, machine: Platform) -> bool:
    """Whether a build for a platform runs on a machine."""
    if build.os != "any" and build.os != machine.os:
        return False
    if build.arch == "any" or build.arch == machine.arch:
        return True
    return build.os == "macos" and machine.arch in FAT.get(build.arch, ())


def has_build(release: Release, machine: Platform) -> bool:
    return any(runs(build.platform, machine) for build in release.builds)


def machines_of(releases: Iterable[Release]) -> list[Platform]:
    """Every machine there is, as far as these releases can tell machines apart.

    All operating systems, and a copy that says ``any``; all architectures that are named, and one that nobody names.
    """
    named = {"x86_64", "aarch64", "x86"}
    for release in releases:
        for build in release.builds:
            if build.platform.arch not in ("any", *FAT):
                named.add(build.platform.arch)
    return [Platform(os, arch) for os in (*OPERATING_SYSTEMS, "any") for arch in [*sorted(named), "unnamed"]]


def place(install_id: str, release: Release) -> int:
    """The place from 0 to 9999 that README.md of the vectors defines."""
    text = f"tenure-rollout\n{install_id}\n{release.product}\n{release.version}\n"
    digest = sha256(text.encode("utf-8")).hexdigest()
    return int(digest[:16], 16) % 10_000


class Model:
    """One licence and one product; any number of questions."""

    def __init__(self, entitlement: Entitlement, product: ProductReleases) -> None:
        self.licence = entitlement
        self.product = product
        self.all = list(product.releases)
        self.machines = machines_of(self.all)
        self._covered: dict[Version, str] | None = None
        self._running_on: dict[Platform, set[Version]] = {}

    def for_licence(self, entitlement: Entitlement) -> Model:
        """The same product for another licence; what runs where is not found out again."""
        other = Model(entitlement, self.product)
        other._running_on = self._running_on
        return other

    def has_build(self, release: Release, machine: Platform) -> bool:
        """``has_build``, remembered."""
        if machine not in self._running_on:
            self._running_on[machine] = {r.version for r in self.all if has_build(r, machine)}
        return release.version in self._running_on[machine]

    # Which releases are covered

    def is_bought(self, release: Release) -> bool:
        """Product and edition are those of the licence."""
        return release.product == self.licence.product and self.licence.edition in release.editions

    def direct_reason(self, release: Release) -> str | None:
        licence, day = self.licence, release.released_on
        if day <= licence.purchased_on:
            return "purchased"
        if release.paid_upgrade is None:
            for period in licence.periods:
                if period.starts_on <= day and day <= period.ends_on:
                    return "support_period"
        for grant in licence.grants:
            if isinstance(grant, VersionGrant) and grant.version == release.version:
                return "granted"
            if isinstance(grant, LineGrant) and self.same_line_as(release, grant.major, grant.minor):
                return "granted"
        return "open_release" if release.open_release else None

    @staticmethod
    def same_line_as(release: Release, major: int, minor: int) -> bool:
        numbers = [*release.version.release, 0, 0]
        return numbers[0] == major and numbers[1] == minor

    def following(self, covered: set[Version]) -> set[Version]:
        """The service packs x.y.Z for which some x.y release is among the covered."""
        if self.licence.service_packs.value != "follow":
            return set()
        found = set()
        for pack in self.all:
            for other in self.all:
                if (
                    pack.kind.value == "service_pack"
                    and self.is_bought(pack)
                    and other.version in covered
                    and (pack.version.major, pack.version.minor) == (other.version.major, other.version.minor)
                ):
                    found.add(pack.version)
        return found

    def is_stable_enough(self, channel: str, asked: str) -> bool:
        """On the asked channel or a more stable one."""
        order = [str(name) for name in self.product.channels]
        return channel == asked or (channel in order and asked in order and order.index(channel) < order.index(asked))

    def servers(self, target: Release, machine: Platform) -> list[Release]:
        """The releases that can serve on this machine as the step that the target asks for."""
        least = target.upgrade_from
        if least is None or target.withdrawal is not None or not self.has_build(target, machine):
            return []
        return [
            release
            for release in self.all
            if self.is_bought(release)
            and release.withdrawal is None
            and self.is_stable_enough(release.channel, target.channel)
            and self.has_build(release, machine)
            and release.version >= least
            and release.version < target.version
        ]

    def covered(self) -> dict[Version, str]:
        """Every covered release with its reason, whatever the status of the licence."""
        if self._covered is not None:
            return self._covered
        direct = {r.version: why for r in self.all if self.is_bought(r) and (why := self.direct_reason(r))}
        otherwise = set(direct) | self.following(set(direct))  # covered by any reason but ``step``
        steps: set[Version] = set()
        while True:
            targets = otherwise | steps | self.following(set(direct) | steps)
            found = set()
            for target in self.all:
                for machine in self.machines:
                    able = self.servers(target, machine) if target.version in targets else []
                    if able and not any(release.version in otherwise for release in able):
                        found.add(min(release.version for release in able))
            if found <= steps:
                break
            steps |= found
        reasons = dict(direct)
        for version in steps:
            reasons.setdefault(version, "step")
        for version in self.following(set(direct) | steps):
            reasons.setdefault(version, "service_pack")
        self._covered = reasons
        return reasons

    def verdict(self, release: Release) -> Verdict:
        licence, day = self.licence, release.released_on
        if licence.status.value != "active":
            return Verdict(False, f"licence_{licence.status.value}")
        if release.product != licence.product:
            return Verdict(False, "wrong_product")
        if licence.edition not in release.editions:
            return Verdict(False, "wrong_edition")
        if release.version in self.covered():
            return Verdict(True, self.covered()[release.version])
        if release.paid_upgrade is not None:
            in_support = any(period.starts_on <= day <= period.ends_on for period in licence.periods)
            prices = release.paid_upgrade
            price = prices.price_in_support if in_support else prices.price_without_support
            return Verdict(False, "upgrade_payment_due", price)
        if not licence.periods:
            return Verdict(False, "never_supported")
        if all(day > period.ends_on for period in licence.periods):
            return Verdict(False, "after_support")
        return Verdict(False, "between_periods")

    def downloadable(self, release: Release) -> bool:
        rollout = self.product.rollouts.get(release.version)
        halted = rollout is not None and rollout.is_halted
        return self.verdict(release).is_covered and release.withdrawal is None and not halted

    # Which release an installed copy is offered

    def is_rolled_out_to(self, release: Release, copy: InstalledCopy) -> bool:
        rollout = self.product.rollouts.get(release.version)
        if rollout is None:
            return True
        if rollout.is_halted:
            return False
        if copy.is_manual or rollout.share_basis_points == 10_000:
            return True
        return copy.install_id is not None and place(copy.install_id, release) < rollout.share_basis_points

    def eligible(self, copy: InstalledCopy) -> list[Release]:
        """Candidates of any version, covered or not."""
        return [
            release
            for release in self.all
            if release.withdrawal is None
            and self.licence.edition in release.editions
            and self.is_stable_enough(release.channel, copy.channel)
            and self.has_build(release, copy.machine)
            and self.is_rolled_out_to(release, copy)
        ]

    @staticmethod
    def installs_on(release: Release, installed: Version) -> bool:
        return release.version > installed and (release.upgrade_from is None or release.upgrade_from <= installed)

    def within_reach(self, installed: Version, candidates: list[Release]) -> set[Version]:
        """Every version an installed one can come to, at once or through others."""
        reached = {installed}
        while True:
            more = {r.version for r in candidates if any(self.installs_on(r, version) for version in reached)}
            if more <= reached:
                return reached - {installed}
            reached |= more

    def answer(self, copy: InstalledCopy) -> Answer:
        eligible = self.eligible(copy)
        newest = max((release.version for release in eligible), default=None)
        candidates = [r for r in eligible if r.version > copy.version and self.verdict(r).is_covered]
        offered = last = None
        if reached := self.within_reach(copy.version, candidates):
            # Of all first steps that lead to the highest release within reach, the highest.
            last = max(reached)
            offered = next(
                release.version
                for release in sorted(candidates, key=lambda r: r.version, reverse=True)
                if self.installs_on(release, copy.version)
                and (release.version == last or last in self.within_reach(release.version, candidates))
            )
            if offered == last:
                last = None
        for release in self.all:
            if release.version == copy.version and release.withdrawal is not None:
                if offered is not None:
                    return Answer("installed_withdrawn", offered, False, last, newest)
                older = [r.version for r in eligible if r.version < copy.version and self.verdict(r).is_covered]
                return Answer("installed_withdrawn", max(older, default=None), bool(older), None, newest)
        if offered is not None:
            return Answer("update_available", offered, False, last, newest)
        if any(r.version > copy.version and not self.verdict(r).is_covered for r in eligible):
            return Answer("update_not_covered", newest=newest)
        return Answer("up_to_date", newest=newest)
