"""Which releases a licence may download. RULES.md, Which releases are covered. Pure; today's date plays no part.

The server's gate and the client decide by this one module over the same signed facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tenure_signing.entitlement import Entitlement, LicenceStatus, ServicePacks
from tenure_signing.names import ChannelName, Platform
from tenure_signing.releases import Money, ProductReleases, Release
from tenure_signing.versions import Kind, Version, line_of


class CoverageReason(StrEnum):
    """Why a release is covered, in the order in which they are tried."""

    PURCHASED = "purchased"
    SUPPORT_PERIOD = "support_period"
    GRANTED = "granted"
    OPEN_RELEASE = "open_release"
    STEP = "step"
    SERVICE_PACK = "service_pack"


class RefusalReason(StrEnum):
    """Why a release is not covered."""

    LICENCE_SUSPENDED = "licence_suspended"
    LICENCE_REVOKED = "licence_revoked"
    WRONG_PRODUCT = "wrong_product"
    WRONG_EDITION = "wrong_edition"
    UPGRADE_PAYMENT_DUE = "upgrade_payment_due"
    NEVER_SUPPORTED = "never_supported"
    AFTER_SUPPORT = "after_support"
    BETWEEN_PERIODS = "between_periods"


@dataclass(frozen=True, slots=True)
class Covered:
    reason: CoverageReason


@dataclass(frozen=True, slots=True)
class NotCovered:
    """``price`` per seat is set with ``UPGRADE_PAYMENT_DUE`` only."""

    reason: RefusalReason
    price: Money | None = None


Coverage = Covered | NotCovered


def coverage(entitlement: Entitlement, release: Release, product: ProductReleases) -> Coverage:
    """Whether the licence may have the release, and why or why not.

    ``product`` is the release's product with its releases dated up to today: a step or a service pack depends on
    the others.
    """
    refusal = _refusal_of_licence(entitlement, release)
    if refusal is not None:
        return NotCovered(refusal)
    reason = own_reason(entitlement, release)
    if reason is not None:
        return Covered(reason)
    return coverage_of_all(entitlement, product).get(release.version) or not_covered(entitlement, release)


def coverage_of_all(entitlement: Entitlement, product: ProductReleases) -> dict[Version, Coverage]:
    """The coverage of every release of the product at once, by version."""
    reasons = _covered_reasons(entitlement, product)
    return {
        release.version: _coverage_of(entitlement, release, reasons.get(release.version))
        for release in product.releases
    }


def own_reason(entitlement: Entitlement, release: Release) -> CoverageReason | None:
    """The reason that the release's own facts give, whatever else was released. Licence status is not looked at."""
    if release.released_on <= entitlement.purchased_on:
        return CoverageReason.PURCHASED
    if release.paid_upgrade is None and entitlement.supports(release.released_on):
        return CoverageReason.SUPPORT_PERIOD
    if any(grant.holds_for(release.version) for grant in entitlement.grants):
        return CoverageReason.GRANTED
    if release.open_release:
        return CoverageReason.OPEN_RELEASE
    return None


def _coverage_of(entitlement: Entitlement, release: Release, reason: CoverageReason | None) -> Coverage:
    refusal = _refusal_of_licence(entitlement, release)
    if refusal is not None:
        return NotCovered(refusal)
    return Covered(reason) if reason is not None else not_covered(entitlement, release)


def _refusal_of_licence(entitlement: Entitlement, release: Release) -> RefusalReason | None:
    if entitlement.status is LicenceStatus.SUSPENDED:
        return RefusalReason.LICENCE_SUSPENDED
    if entitlement.status is LicenceStatus.REVOKED:
        return RefusalReason.LICENCE_REVOKED
    if release.product != entitlement.product:
        return RefusalReason.WRONG_PRODUCT
    if entitlement.edition not in release.editions:
        return RefusalReason.WRONG_EDITION
    return None


def not_covered(entitlement: Entitlement, release: Release) -> NotCovered:
    """Why a release of the licence's product and edition that no reason covers is not covered."""
    if release.paid_upgrade is not None:
        in_support = entitlement.supports(release.released_on)
        prices = release.paid_upgrade
        price = prices.price_in_support if in_support else prices.price_without_support
        return NotCovered(RefusalReason.UPGRADE_PAYMENT_DUE, price)
    last_supported_day = entitlement.last_supported_day
    if last_supported_day is None:
        return NotCovered(RefusalReason.NEVER_SUPPORTED)
    if release.released_on > last_supported_day:
        return NotCovered(RefusalReason.AFTER_SUPPORT)
    return NotCovered(RefusalReason.BETWEEN_PERIODS)


def _covered_reasons(entitlement: Entitlement, product: ProductReleases) -> dict[Version, CoverageReason]:
    """The reason of every covered release of the licence's product and edition."""
    ours = [r for r in product.releases if r.product == entitlement.product and entitlement.edition in r.editions]
    reasons = {r.version: reason for r in ours if (reason := own_reason(entitlement, r)) is not None}
    _add_service_packs(entitlement, ours, reasons)
    without_steps = frozenset(reasons)
    finder: _Steps | None = None
    targets = [r for r in ours if r.version in without_steps and r.upgrade_from is not None]
    while targets:
        finder = finder or _Steps(ours, product.channels, without_steps)
        known = frozenset(reasons)
        for version in finder.towards(targets):
            reasons[version] = CoverageReason.STEP
        _add_service_packs(entitlement, ours, reasons)
        targets = [r for r in ours if r.version in reasons and r.version not in known and r.upgrade_from is not None]
    return reasons


def _add_service_packs(
    entitlement: Entitlement, releases: Iterable[Release], reasons: dict[Version, CoverageReason]
) -> None:
    """Under ``service_packs = follow``: x.y.Z is covered if some x.y release is covered by another reason."""
    if entitlement.service_packs is not ServicePacks.FOLLOW:
        return
    lines = {line_of(v) for v, reason in reasons.items() if reason is not CoverageReason.SERVICE_PACK}
    for release in releases:
        if release.kind is Kind.SERVICE_PACK and line_of(release.version) in lines:
            reasons.setdefault(release.version, CoverageReason.SERVICE_PACK)


class _Steps:
    """Finds the releases that must serve as steps because nothing that is covered otherwise can.

    A release can serve as the step towards another on a machine if it is neither withdrawn nor on a less stable
    channel, has a build for the machine, and its version lies from the other's ``upgrade_from`` up to below it.
    """

    def __init__(
        self, releases: Iterable[Release], channels: tuple[ChannelName, ...], covered: frozenset[Version]
    ) -> None:
        self._candidates = sorted((r for r in releases if r.withdrawal is None), key=lambda r: r.version)
        self._stability: Mapping[str, int] = {channel: place for place, channel in enumerate(channels)}
        self._covered = covered
        self._machines = machines_told_apart(self._candidates)

    def towards(self, targets: Iterable[Release]) -> set[Version]:
        """The lowest release that can serve, for each target and machine that no covered release serves."""
        steps = set()
        for target in targets:
            if target.upgrade_from is None or target.withdrawal is not None:
                continue
            between = [r for r in self._candidates if self._lies_below(r, target)]
            for machine in self._machines:
                if not target.builds_for(machine):
                    continue
                serving = [r.version for r in between if r.builds_for(machine)]
                if serving and self._covered.isdisjoint(serving):
                    steps.add(serving[0])
        return steps

    def _lies_below(self, release: Release, target: Release) -> bool:
        if target.upgrade_from is None or not target.upgrade_from <= release.version < target.version:
            return False
        unknown = len(self._stability)
        return self._stability.get(release.channel, unknown) <= self._stability.get(target.channel, unknown)


def machines_told_apart(releases: Iterable[Release]) -> frozenset[Platform]:
    """Every machine that the builds can tell apart: each system they name with each architecture they name.

    A build for ``linux-any`` and one for ``any-x86_64`` meet on Linux x86_64, which neither names. ``any`` stands for
    what no build names.
    """
    named = {machine for r in releases for build in r.builds for machine in build.platform.machines()}
    return frozenset(Platform(os, arch) for os in {m.os for m in named} for arch in {m.arch for m in named})
