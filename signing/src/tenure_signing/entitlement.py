"""What a licence entitles to, as the rules need it: the licence's own facts, its support periods, its grants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from tenure_signing.names import EditionName, ProductName
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
class Entitlement:
    """The facts about one licence that decide coverage. Support periods are in order and do not overlap."""

    licence_id: str
    product: ProductName
    edition: EditionName
    purchased_on: date
    status: LicenceStatus = LicenceStatus.ACTIVE
    periods: tuple[SupportPeriod, ...] = ()
    grants: tuple[Grant, ...] = ()
    service_packs: ServicePacks = ServicePacks.PERIOD

    def __post_init__(self) -> None:
        if any(
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
