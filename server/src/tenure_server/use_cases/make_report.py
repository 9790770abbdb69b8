"""Reports of the SMP business, made from one consistent view of the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from tenure_server.domain import reports, support_report
from tenure_server.domain.reports import FieldCount, Month, Months, Report, ReportName
from tenure_server.errors import NotFound
from tenure_server.use_cases.catalogue import CatalogueSource
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.names import ProductName

MONTHS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class MakeReport:
    database: Database
    catalogue: CatalogueSource
    clock: Clock
    policy: VendorPolicy

    def default_months(self, name: ReportName) -> Months:
        """The last twelve; of renewals half a year back and ahead."""
        this = Month.of(self.policy.day_of(self.clock()))
        ahead = MONTHS_SHOWN // 2 - 1 if name is ReportName.RENEWALS else 0
        return Months(this.plus(ahead - MONTHS_SHOWN + 1), this.plus(ahead))

    def __call__(self, name: ReportName, *, months: Months | None = None, product: ProductName | None = None) -> Report:
        """``months`` mean nothing to the versions in the field. Raises ``NotFound`` (``unknown_product``)."""
        now = self.clock()
        today = self.policy.day_of(now)
        span = months or self.default_months(name)
        with self.database.reading() as records:
            if product is not None and records.products.get(product) is None:
                raise NotFound("There is no such product.", code="unknown_product")
            if name is ReportName.VERSIONS:
                return reports.versions(self._spelled(records.reports.versions_in_the_field(product)))
            if name is ReportName.REQUESTS:
                return support_report.requests(records.support_requests.opened_on_days(*span.days, product), span, now)
            if name is ReportName.INCOME:
                return reports.income(records.reports.sold_smp(product, self.policy.zone), span)
            sold = records.reports.sold_periods(product, self.policy.zone)
            match name:
                case ReportName.RENEWALS:
                    return reports.renewals(sold, span, today)
                case ReportName.LAPSED:
                    states = records.reports.customer_states({one.licence_id for one in sold})
                    return reports.lapsed(sold, states, span, today)

    def _spelled(self, counts: Iterable[FieldCount]) -> Iterator[FieldCount]:
        """With versions as they were published: ``2.0``, where the reports' own table knows ``2``."""
        products = self.catalogue.current().products
        for one in counts:
            published = products.get(one.product)
            releases = published.releases if published is not None else ()
            known = (release.version for release in releases if release.version == one.version)
            yield replace(one, version=next(known, one.version))
