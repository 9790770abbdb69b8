"""Releases and their builds, as the release engineers signed them. RULES.md, Words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from tenure_signing.names import ChannelName, EditionName, FileName, Platform, ProductName
from tenure_signing.versions import Kind, Version

DEFAULT_CHANNELS = (ChannelName("stable"), ChannelName("beta"), ChannelName("alpha"))
"""From the most stable to the least; a product may have its own."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in whole minor units of an ISO 4217 currency."""

    minor_units: int
    currency: str


@dataclass(frozen=True, slots=True)
class PaidUpgrade:
    """RULES.md, Paid upgrades: prices per seat, signed with the release."""

    price_in_support: Money
    price_without_support: Money


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Why nobody can download the release any more, and what to use in its place."""

    reason: str
    replacement: Version | None = None


@dataclass(frozen=True, slots=True)
class Build:
    """One file of a release. ``path`` is the TUF target path ``<product>/<version>/<file name>``."""

    path: str
    file_name: FileName
    platform: Platform
    length: int  # bytes
    sha256: str  # lower-case hexadecimal
    sha1: str | None = None  # lower-case hexadecimal; for updaters that know nothing better


@dataclass(frozen=True, slots=True)
class Release:
    """One version of a product. Equality is by value; ``(product, version)`` identifies it."""

    product: ProductName
    version: Version
    kind: Kind
    editions: frozenset[EditionName]
    released_on: date
    channel: ChannelName
    builds: tuple[Build, ...]
    upgrade_from: Version | None = None  # the lowest installed version that may jump here
    open_release: bool = False
    paid_upgrade: PaidUpgrade | None = None
    withdrawal: Withdrawal | None = None
    notes_sha256: str | None = None  # of the release notes' UTF-8 Markdown

    def builds_for(self, machine: Platform) -> tuple[Build, ...]:
        """The builds that run on that machine, in signed order."""
        return tuple(build for build in self.builds if build.platform.runs_on(machine))


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far a release is rolled out. Unsigned: it can only withhold. RULES.md, Rollout."""

    share_basis_points: int = 10_000  # of installs; 10 000 is everyone
    is_halted: bool = False


@dataclass(frozen=True, slots=True)
class ProductReleases:
    """A product as update decisions see it: its releases up to today and the rules that apply to them.

    ``releases`` holds only releases dated today or earlier (``visible_on``), in any order.
    """

    product: ProductName
    releases: tuple[Release, ...]
    channels: tuple[ChannelName, ...] = DEFAULT_CHANNELS  # most stable first
    rollouts: dict[Version, Rollout] = field(default_factory=dict)  # absent: rolled out to everyone

    def rollout_of(self, release: Release) -> Rollout:
        return self.rollouts.get(release.version, _EVERYONE)


_EVERYONE = Rollout()


def visible_on(releases: tuple[Release, ...], today: date) -> tuple[Release, ...]:
    """RULES.md: a release dated in the future is invisible until its day."""
    return tuple(release for release in releases if release.released_on <= today)
