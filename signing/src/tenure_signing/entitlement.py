"""What a licence entitles to, as the rules need it: the licence's own facts, its support periods, its grants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from tenure_signing.names import ChannelName, EditionName, ProductName
from tenure_signing.versions import Version, line_of


class LicenceStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


class ServicePacks(StrEnum):
    """The product setting ``service_packs`` of RULES.md."""

    PERIOD = "period"
    FOLLOW = "follow"


@dataclass(frozen=True, slots=True, order=True)
class SupportPeriod:
    """Paid calendar days, both ends inclusive."""

    starts_on: date
    ends_on: date

    def __post_init__(self) -> None:
        if self.ends_on < self.starts_on:
            raise ValueError("a support period ends on or after the day it starts")

    def __contains__(self, day: date) -> bool:
        return self.starts_on <= day <= self.ends_on


@dataclass(frozen=True, slots=True)
class VersionGrant:
    """This licence may have this version, whatever its day."""

    version: Version

    def holds_for(self, version: Version) -> bool:
        return version == self.version


@dataclass(frozen=True, slots=True)
class LineGrant:
    """This licence may have every release of this x.y line, whatever its day."""

    major: int
    minor: int

    def holds_for(self, version: Version) -> bool:
        return line_of(version) == (self.major, self.minor)


Grant = VersionGrant | LineGrant


@dataclass(frozen=True, slots=True)
class Pin:
    """Updates stay at this major line, or at this minor line of it, and below."""

    major: int
    minor: int | None = None

    def __str__(self) -> str:
        return str(self.major) if self.minor is None else f"{self.major}.{self.minor}"

    def names(self, version: Version) -> bool:
        """Whether the version is of the line itself."""
        return version.major == self.major and self.minor in (None, version.minor)

    def allows(self, version: Version) -> bool:
        """Whether the version is of the line or below it."""
        if self.minor is None:
            return version.major <= self.major
        return line_of(version) <= (self.major, self.minor)


class Turn(StrEnum):
    """When in a rollout the installs of a customer come: RULES.md, Rollout, with places scaled."""

    EARLY = "early"  # among the first half
    NORMAL = "normal"
    LATE = "late"  # among the last half


@dataclass(frozen=True, slots=True)
class UpdateRules:
    """What a licence's copies may be offered and downloaded, beside coverage. Not signed: it can only withhold.

    ``channels`` None: every channel of the product. The pin and the turn are the customer's wish, and say what is
    offered, not what can be downloaded.
    """

    channels: frozenset[ChannelName] | None = None
    pin: Pin | None = None
    turn: Turn = Turn.NORMAL

    def allows_channel(self, channel: ChannelName) -> bool:
        return self.channels is None or channel in self.channels


@dataclass(frozen=True, slots=True)
class Entitlement:
    """The facts about one licence that decide coverage, and what its copies are offered of what is covered.

    Support periods are in order and do not overlap.
    """

    licence_id: str
    product: ProductName
    edition: EditionName
    purchased_on: date
    status: LicenceStatus = LicenceStatus.ACTIVE
    periods: tuple[SupportPeriod, ...] = ()
    grants: tuple[Grant, ...] = ()
    service_packs: ServicePacks = ServicePacks.PERIOD
    updates: UpdateRules = UpdateRules()  # plays no part in coverage

    def __post_init__(self) -> None:
        if len(self.periods) > 1 and any(
            later.starts_on <= earlier.ends_on for earlier, later in zip(self.periods, self.periods[1:], strict=False)
        ):
            raise ValueError("support periods are in order and do not overlap")

    def supports(self, day: date) -> bool:
        """Whether the day lies in a support period."""
        return any(day in period for period in self.periods)

    @property
    def last_supported_day(self) -> date | None:
        """The last paid day, or None if no period was ever bought."""
        return self.periods[-1].ends_on if self.periods else None


def in_order(periods: Iterable[SupportPeriod]) -> tuple[SupportPeriod, ...]:
    return tuple(sorted(periods))
