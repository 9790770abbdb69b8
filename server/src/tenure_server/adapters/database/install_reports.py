"""What installs reported, written in batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from packaging.utils import canonicalize_version
from sqlalchemy import func, update
from sqlmodel import Session, col, select

from tenure_server.adapters.database.products import require_product
from tenure_server.adapters.database.tables import FailureLimitRow, InstallCountRow, InstallReportRow
from tenure_server.domain.install_reports import DayCount, FailureLimit, InstallReport, Outcome, OutcomeCounts
from tenure_signing.names import ProductName
from tenure_signing.versions import Version

_WHOLE_PRODUCT = ""


class SqlInstallReports:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, reports: Sequence[InstallReport]) -> None:
        """In the order of the keys, so that two batches at once do not wait for each other in a circle."""
        for report in sorted(reports, key=lambda one: (*one.key, one.reported_at)):
            self._keep(report)
        counted = Counter((one.product, canonicalize_version(one.version), one.day, one.outcome) for one in reports)
        for (product, version, day, outcome), count in sorted(counted.items()):
            self._count(
                InstallCountRow(product=product, version=version, day=day, outcome=outcome.value, reports=count)
            )
        self._session.flush()

    def counts(self, product: ProductName, version: Version, *, since: datetime | None = None) -> OutcomeCounts:
        statement = (
            select(InstallReportRow.outcome, func.count())
            .where(col(InstallReportRow.product) == product)
            .where(col(InstallReportRow.version) == canonicalize_version(version))
            .group_by(col(InstallReportRow.outcome))
        )
        if since is not None:
            statement = statement.where(col(InstallReportRow.reported_at) > since)
        return OutcomeCounts(**dict(self._session.exec(statement).all()))

    def by_day(self, product: ProductName, version: Version) -> tuple[DayCount, ...]:
        statement = (
            select(InstallCountRow)
            .where(col(InstallCountRow.product) == product)
            .where(col(InstallCountRow.version) == canonicalize_version(version))
        )
        found = (DayCount(row.day, Outcome(row.outcome), row.reports) for row in self._session.exec(statement).all())
        return tuple(sorted(found, key=lambda count: (count.day, count.outcome)))

    def limit(self, product: ProductName, version: Version) -> FailureLimit | None:
        return self.own_limit(product, version) or self.own_limit(product, None)

    def own_limit(self, product: ProductName, version: Version | None) -> FailureLimit | None:
        row = self._session.get(FailureLimitRow, (product, _of(version)))
        return FailureLimit(row.max_failure_basis_points, row.min_installs) if row is not None else None

    def set_limit(self, product: ProductName, version: Version | None, limit: FailureLimit | None) -> None:
        require_product(self._session, product)
        if limit is not None:
            self._session.merge(
                FailureLimitRow(
                    product=product,
                    version=_of(version),
                    max_failure_basis_points=limit.max_failure_basis_points,
                    min_installs=limit.min_installs,
                )
            )
        elif (row := self._session.get(FailureLimitRow, (product, _of(version)))) is not None:
            self._session.delete(row)
        self._session.flush()

    def _keep(self, report: InstallReport) -> None:
        version = canonicalize_version(report.version)
        row = self._session.get(InstallReportRow, (report.product, version, report.install))
        if row is None and self._installs_of(report, version) >= report.most_installs:
            return
        if row is not None and row.reported_at > report.reported_at:
            return
        self._session.merge(
            InstallReportRow(
                product=report.product,
                version=version,
                install=report.install,
                licence_id=report.licence_id,
                from_version=str(report.from_version) if report.from_version is not None else None,
                outcome=report.outcome.value,
                detail_code=report.detail_code,
                reported_at=report.reported_at,
            )
        )
        self._session.flush()

    def _installs_of(self, report: InstallReport, version: str) -> int:
        statement = (
            select(func.count())
            .select_from(InstallReportRow)
            .where(col(InstallReportRow.product) == report.product)
            .where(col(InstallReportRow.version) == version)
            .where(col(InstallReportRow.licence_id) == report.licence_id)
        )
        return self._session.exec(statement).one()

    def _count(self, count: InstallCountRow) -> None:
        changed = self._session.execute(
            update(InstallCountRow)
            .where(col(InstallCountRow.product) == count.product)
            .where(col(InstallCountRow.version) == count.version)
            .where(col(InstallCountRow.day) == count.day)
            .where(col(InstallCountRow.outcome) == count.outcome)
            .values(reports=col(InstallCountRow.reports) + count.reports)
            .execution_options(synchronize_session=False)
        )
        if not changed.rowcount:  # type: ignore[attr-defined]
            self._session.add(count)


def _of(version: Version | None) -> str:
    return canonicalize_version(version) if version is not None else _WHOLE_PRODUCT
