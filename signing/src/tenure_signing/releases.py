"""Releases and their builds, as the release engineers signed them. RULES.md, Words."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from tenure_signing.languages import Language
from tenure_signing.names import ChannelName, EditionName, FileName, Platform, ProductName
from tenure_signing.problem_numbers import ProblemNumber
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


class SideFileKind(StrEnum):
    """What lies beside a release's builds for those who check them."""

    SBOM = "sbom"
    CHECKSUM = "checksum"
    SIGNATURE = "signature"
    LICENCE = "licence"
    SYMBOLS = "symbols"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class SideFile:
    """A file of a release that is no build and never offered as one. ``path`` is a TUF target path like a build's."""

    path: str
    file_name: FileName
    kind: SideFileKind
    length: int  # bytes
    sha256: str  # lower-case hexadecimal


ReleaseFile = Build | SideFile
"""What lies in the store."""


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
    promoted_from: tuple[ChannelName, ...] = ()  # the less stable channels it was on before, in order
    notes_by_language: tuple[tuple[Language, str], ...] = ()  # SHA-256 of translations of the notes, by language
    side_files: tuple[SideFile, ...] = ()
    fixes: tuple[ProblemNumber, ...] = ()  # the problem records that it closes, lowest number first

    @property
    def files(self) -> tuple[ReleaseFile, ...]:
        """The builds, then the side files."""
        return (*self.builds, *self.side_files)

    def builds_for(self, machine: Platform) -> tuple[Build, ...]:
        """The builds that run on that machine, in signed order."""
        return tuple(build for build in self.builds if build.platform.runs_on(machine))


MAX_RAMP = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Ramp:
    """A rollout's share growing evenly, from where it stands at one instant to ``to_basis_points`` at another.

    Raises ``ValueError`` for naive instants, an end that is not after the start, and more than ``MAX_RAMP``.
    """

    to_basis_points: int
    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        if self.starts_at.tzinfo is None or self.ends_at.tzinfo is None:
            raise ValueError("a ramp starts and ends at instants with a time zone")
        if not timedelta(0) < self.ends_at - self.starts_at <= MAX_RAMP:
            raise ValueError(f"a ramp ends after it starts, and within {MAX_RAMP.days} days")
        if not 0 <= self.to_basis_points <= 10_000:
            raise ValueError("a share is from 0 to 10 000 basis points")

    def share_at(self, now: datetime, start_basis_points: int) -> int:
        """The share in basis points, rounded down; it never falls as time goes on."""
        elapsed = min(max(now - self.starts_at, timedelta(0)), self.ends_at - self.starts_at)
        growth = self.to_basis_points - start_basis_points
        return start_basis_points + growth * elapsed // (self.ends_at - self.starts_at)


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far a release is rolled out. Unsigned: it can only withhold. RULES.md, Rollout.

    With a ramp, ``share_basis_points`` is where the ramp starts; ``at`` says how far it has come. Decisions are made
    by what ``at`` returns; whoever forgets to ask it withholds. Raises ``ValueError`` for a ramp that leads down.
    """

    share_basis_points: int = 10_000  # of installs; 10 000 is everyone
    is_halted: bool = False
    ramp: Ramp | None = None

    def __post_init__(self) -> None:
        if self.ramp is not None and self.ramp.to_basis_points < self.share_basis_points:
            raise ValueError("a ramp only leads up")

    def at(self, now: datetime) -> Rollout:
        """The rollout as it stands at that instant, without a ramp."""
        if self.ramp is None:
            return self
        return replace(self, share_basis_points=self.ramp.share_at(now, self.share_basis_points), ramp=None)


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
