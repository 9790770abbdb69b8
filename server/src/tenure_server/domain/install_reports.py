"""What installs report of a release, and when too many of them fail."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from tenure_signing.names import ProductName
from tenure_signing.versions import Version


class Outcome(StrEnum):
    INSTALLED = "installed"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"  # installed, and taken back


@dataclass(frozen=True, slots=True)
class InstallReport:
    """What one install says of one release. ``most_installs``: so many installs of the licence count at most."""

    product: ProductName
    version: Version
    from_version: Version | None
    outcome: Outcome
    install: str  # a digest: see ``install_digest``
    licence_id: str
    most_installs: int
    detail_code: str | None
    reported_at: datetime
    day: date  # the vendor's

    @property
    def key(self) -> tuple[str, Version, str]:
        return self.product, self.version, self.install


@dataclass(frozen=True, slots=True)
class OutcomeCounts:
    """Distinct installs by the last outcome that each reported."""

    installed: int = 0
    failed: int = 0
    rolled_back: int = 0

    @property
    def total(self) -> int:
        return self.installed + self.failed + self.rolled_back

    @property
    def failures(self) -> int:
        return self.failed + self.rolled_back


@dataclass(frozen=True, slots=True)
class DayCount:
    """How many reports of an outcome came on a day; an install may report more than once."""

    day: date
    outcome: Outcome
    reports: int


@dataclass(frozen=True, slots=True)
class FailureLimit:
    """A rollout halts itself when more than this share of at least so many installs failed or rolled back.

    Raises ``ValueError`` for a share outside 0 to 100 % or less than one install.
    """

    max_failure_basis_points: int
    min_installs: int

    def __post_init__(self) -> None:
        if not 0 <= self.max_failure_basis_points <= 10_000:
            raise ValueError("a share is from 0 to 10 000 basis points")
        if not 1 <= self.min_installs <= 1_000_000:
            raise ValueError("a failure limit waits for 1 to 1 000 000 installs")

    def is_exceeded_by(self, counts: OutcomeCounts) -> bool:
        if counts.total < self.min_installs:
            return False
        return counts.failures * 10_000 > self.max_failure_basis_points * counts.total


def install_digest(licence_id: str, install_id: str) -> str:
    """Tells installs of one licence apart without keeping their ids: SHA-256, lower-case hexadecimal."""
    return hashlib.sha256(f"tenure-install\n{licence_id}\n{install_id}\n".encode()).hexdigest()


def most_installs(seats: int) -> int:
    """How many installs of a licence count for one release: its seats thrice over, for machines that are set up anew,
    and a few. Whoever invents installs can weigh no more than that."""
    return 3 * seats + 5
