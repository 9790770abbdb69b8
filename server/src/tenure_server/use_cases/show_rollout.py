"""How far a release is rolled out, for release engineers."""

from __future__ import annotations

from dataclasses import dataclass

from tenure_server.domain.install_reports import DayCount, FailureLimit, OutcomeCounts
from tenure_server.errors import NotFound
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.change_rollout import released
from tenure_server.use_cases.ports import AuditEvent, Clock, Database
from tenure_signing.names import ProductName
from tenure_signing.releases import Release, Rollout
from tenure_signing.versions import Version

MAX_EVENTS = 20


@dataclass(frozen=True, slots=True)
class RolloutStanding:
    """``rollout`` is what was set, ``now`` what that comes to; ``history`` is newest first. ``counts`` are installs,
    ``days`` reports. ``limit`` is the version's own or the product's."""

    release: Release
    rollout: Rollout
    now: Rollout
    history: tuple[AuditEvent, ...]
    counts: OutcomeCounts
    days: tuple[DayCount, ...]
    limit: FailureLimit | None


@dataclass(frozen=True, slots=True)
class ShowRollout:
    database: Database
    clock: Clock

    def __call__(self, product: ProductName, version: Version) -> RolloutStanding:
        """Raises ``NotFound`` (``unknown_product``, ``unknown_release``)."""
        with self.database.reading() as records:
            if records.products.get(product) is None:
                raise NotFound("There is no such product.", code="unknown_product")
            release = released(read_repository(records), product, version)
            rollout = records.rollouts.of_product(product).get(release.version, Rollout())
            history = records.audit.newest(subject=f"{product} {release.version}", limit=MAX_EVENTS)
            reports = records.install_reports
            return RolloutStanding(
                release=release,
                rollout=rollout,
                now=rollout.at(self.clock()),
                history=history,
                counts=reports.counts(product, release.version),
                days=reports.by_day(product, release.version),
                limit=reports.limit(product, release.version),
            )
