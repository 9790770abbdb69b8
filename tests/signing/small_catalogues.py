"""Releases, licences and installed copies in one line each, for tests that people read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from tenure_signing.entitlement import (
    Entitlement,
    Grant,
    LicenceStatus,
    LineGrant,
    ServicePacks,
    SupportPeriod,
    VersionGrant,
)
from tenure_signing.names import ChannelName, EditionName, FileName, Platform, ProductName, parse_platform
from tenure_signing.releases import (
    DEFAULT_CHANNELS,
    Build,
    Money,
    PaidUpgrade,
    ProductReleases,
    Release,
    Rollout,
    Withdrawal,
)
from tenure_signing.update_choice import InstalledCopy
from tenure_signing.versions import Kind, Version, kind_of

CAD = ProductName("cad")
BOUGHT = "2026-01-15"


def a_build(product: ProductName, version: Version, platform: Platform) -> Build:
    """A build named after its release and platform; the body is of no interest."""
    name = FileName(f"{product}-{version}-{platform}.zip")
    return Build(f"{product}/{version}/{name}", name, platform, length=1, sha256="0" * 64)


def a_release(
    version: str,
    day: str = BOUGHT,
    *,
    kind: str | None = None,
    editions: str = "pro",
    channel: str = "stable",
    platforms: str = "any-any",
    upgrade_from: str | None = None,
    is_open: bool = False,
    paid: tuple[int, int] | None = None,
    withdrawn: bool = False,
    product: str = "cad",
) -> Release:
    """A release; ``paid`` is the price in support and without, in sen; lists are separated by spaces."""
    number = Version(version)
    return Release(
        product=ProductName(product),
        version=number,
        kind=Kind(kind) if kind else kind_of(number),
        editions=frozenset(EditionName(name) for name in editions.split()),
        released_on=date.fromisoformat(day),
        channel=ChannelName(channel),
        builds=tuple(a_build(ProductName(product), number, parse_platform(name)) for name in platforms.split()),
        upgrade_from=Version(upgrade_from) if upgrade_from else None,
        open_release=is_open,
        paid_upgrade=PaidUpgrade(Money(paid[0], "MYR"), Money(paid[1], "MYR")) if paid else None,
        withdrawal=Withdrawal("Does not start") if withdrawn else None,
    )


def a_product(
    *releases: Release,
    channels: tuple[str, ...] = DEFAULT_CHANNELS,
    rollouts: Mapping[str, Rollout] | None = None,
    product: str = "cad",
) -> ProductReleases:
    return ProductReleases(
        product=ProductName(product),
        releases=releases,
        channels=tuple(ChannelName(name) for name in channels),
        rollouts={Version(version): rollout for version, rollout in (rollouts or {}).items()},
    )


def a_period(text: str) -> SupportPeriod:
    """``2026-01-15/2027-01-14``, both ends inclusive."""
    starts_on, _, ends_on = text.partition("/")
    return SupportPeriod(date.fromisoformat(starts_on), date.fromisoformat(ends_on))


def a_grant(text: str) -> Grant:
    """``4.2.1`` for a version, ``4.2.*`` for a line."""
    if text.endswith(".*"):
        major, minor = text.removesuffix(".*").split(".")
        return LineGrant(int(major), int(minor))
    return VersionGrant(Version(text))


def a_licence(
    *periods: str,
    bought: str = BOUGHT,
    edition: str = "pro",
    product: str = "cad",
    status: str = "active",
    grants: str = "",
    follow: bool = False,
) -> Entitlement:
    """A licence with these support periods."""
    return Entitlement(
        licence_id="L-1",
        product=ProductName(product),
        edition=EditionName(edition),
        purchased_on=date.fromisoformat(bought),
        status=LicenceStatus(status),
        periods=tuple(a_period(period) for period in periods),
        grants=tuple(a_grant(grant) for grant in grants.split()),
        service_packs=ServicePacks.FOLLOW if follow else ServicePacks.PERIOD,
    )


def a_copy(
    version: str,
    machine: str = "linux-x86_64",
    *,
    channel: str = "stable",
    install_id: str | None = None,
    by_hand: bool = False,
) -> InstalledCopy:
    return InstalledCopy(Version(version), parse_platform(machine), ChannelName(channel), install_id, by_hand)
