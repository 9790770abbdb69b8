"""Installs report their outcome; reports are kept in memory and written in batches. A rollout that fails halts itself.

What a kill loses are the reports of some seconds: they count, and decide nothing that people do not look at.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from tenure_server.domain.install_reports import FailureLimit, InstallReport, Outcome, install_digest, most_installs
from tenure_server.domain.licences import Licence
from tenure_server.domain.rollouts import show_share
from tenure_server.errors import DatabaseUnavailable, Forbidden, NotFound
from tenure_server.use_cases.catalogue import CatalogueSource
from tenure_server.use_cases.change_rollout import RESUMED, ChangeRollout
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.names import ProductName
from tenure_signing.releases import Rollout
from tenure_signing.versions import Version

MAX_PENDING = 20_000
"""Reports that may wait; with none written for so long, the database is not there."""

AUTOMATIC = "automatic"
"""Who halts a rollout that fails too often, in the audit trail."""


class PendingReports:
    """Reports that were not written yet. Safe to use from several threads."""

    def __init__(self, most: int = MAX_PENDING) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._reports: list[InstallReport] = []

    def __len__(self) -> int:
        return len(self._reports)

    def add(self, report: InstallReport) -> None:
        """Raises ``DatabaseUnavailable`` when too many wait already."""
        with self._lock:
            if len(self._reports) >= self._most:
                raise DatabaseUnavailable("Reports cannot be written at present.", hint="send it again later")
            self._reports.append(report)

    def take(self) -> list[InstallReport]:
        """All of them; none is left."""
        with self._lock:
            taken, self._reports = self._reports, []
        return taken

    def put_back(self, reports: Sequence[InstallReport]) -> None:
        """Those that could not be written, before those that came meanwhile; the newest go where there is no room."""
        with self._lock:
            self._reports = [*reports, *self._reports][: self._most]


@dataclass(frozen=True, slots=True)
class ReportInstall:
    """Writes nothing itself: a report waits until ``WriteReports`` runs."""

    catalogue: CatalogueSource
    clock: Clock
    policy: VendorPolicy
    pending: PendingReports

    def __call__(
        self,
        licence: Licence,
        product_name: ProductName,
        version: Version,
        outcome: Outcome,
        install_id: str,
        *,
        from_version: Version | None = None,
        detail_code: str | None = None,
    ) -> None:
        """Raises ``NotFound`` (``unknown_product``, ``unknown_release``), ``Forbidden`` (``wrong_product``)."""
        now = self.clock()
        today = self.policy.day_of(now)
        product = self.catalogue.current().product(product_name).on(today)
        if licence.product != product_name:
            raise Forbidden("This licence is for another product.", code="wrong_product")
        release = next((r for r in product.releases if r.version == version), None)
        if release is None:
            raise NotFound("There is no such release.", code="unknown_release")
        self.pending.add(
            InstallReport(
                product=product_name,
                version=release.version,
                from_version=from_version,
                outcome=outcome,
                install=install_digest(licence.licence_id, install_id),
                licence_id=licence.licence_id,
                most_installs=most_installs(licence.seats),
                detail_code=detail_code,
                reported_at=now,
                day=today,
            )
        )


@dataclass(frozen=True, slots=True)
class WriteReports:
    """Writes what waits, then halts the rollouts that fail too often."""

    database: Database
    pending: PendingReports
    change_rollout: ChangeRollout

    def __call__(self) -> int:
        """How many reports were written. Raises ``DatabaseUnavailable``; the reports then wait on."""
        reports = self.pending.take()
        if not reports:
            return 0
        try:
            with self.database.writing() as records:
                records.install_reports.add(reports)
        except BaseException:  # whatever it was: nothing was committed
            self.pending.put_back(reports)
            raise
        for product, version in sorted({(report.product, report.version) for report in reports}):
            self._halt_if_failing(product, version)
        return len(reports)

    def _halt_if_failing(self, product: ProductName, version: Version) -> None:
        with self.database.reading() as records:
            limit = records.install_reports.limit(product, version)
            if limit is None or records.rollouts.of_product(product).get(version, Rollout()).is_halted:
                return
            reason = _failure(records, product, version, limit)
        if reason is not None:
            self.change_rollout.halt(product, version, reason=reason, who=AUTOMATIC)


def _failure(records: Records, product: ProductName, version: Version, limit: FailureLimit) -> str | None:
    """In a sentence, if it is too much. What was reported before the last resumption was looked at by people."""
    resumed = records.audit.newest(subject=f"{product} {version}", action=RESUMED, limit=1)
    counts = records.install_reports.counts(product, version, since=resumed[0].at if resumed else None)
    if not limit.is_exceeded_by(counts):
        return None
    return (
        f"{counts.failures} of {counts.total} installs failed or rolled back,"
        f" more than {show_share(limit.max_failure_basis_points)}"
    )
