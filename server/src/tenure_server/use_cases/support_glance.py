"""What an operator sees of a licence at one glance: in SMP or not, until when, on which plan, on which version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from tenure_server.domain.customers import Customer
from tenure_server.domain.licences import Licence
from tenure_server.domain.support_requests import IN_WORK, RequestFilter, SupportRequest, number_in
from tenure_server.domain.support_terms import plan_years
from tenure_server.errors import NotFound, ProductUnavailable
from tenure_server.use_cases.catalogue import CatalogueSource
from tenure_server.use_cases.customers import customer_of
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.support_requests import free_support_until
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.coverage import Covered
from tenure_signing.entitlement import SupportPeriod
from tenure_signing.releases import Release
from tenure_signing.update_choice import download_decisions
from tenure_signing.versions import Version

OPEN_REQUESTS_SHOWN = 20


class SmpState(StrEnum):
    """Where a licence stands today. RULES.md, Support periods."""

    IN_SMP = "in_smp"
    LAPSED = "lapsed"
    BEGINS_LATER = "begins_later"  # a paid period is still ahead, and none holds today
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class SmpStanding:
    """``day`` is the last day of support, inclusive, or the first one where support begins later; None of ``never``.
    ``last_paid_day`` counts renewals that are paid already."""

    state: SmpState
    day: date | None = None
    plan_years: int | None = None
    last_paid_day: date | None = None


@dataclass(frozen=True, slots=True)
class LicenceGlance:
    """``newest_covered`` and ``newest`` are of the most stable channel; None where nothing is published, or what is
    cannot be read. ``seen_version`` is what an install last reported."""

    licence: Licence
    smp: SmpStanding
    free_support_until: date | None
    seen_version: str | None
    newest_covered: Version | None
    newest: Version | None


def standing_on(day: date, periods: tuple[SupportPeriod, ...]) -> SmpStanding:
    """The standing on that day of a licence with these periods, which are in order."""
    if not periods:
        return SmpStanding(SmpState.NEVER)
    last = periods[-1].ends_on
    for period in periods:
        if day in period:
            return SmpStanding(SmpState.IN_SMP, period.ends_on, plan_years(period), last)
        if day < period.starts_on:
            return SmpStanding(SmpState.BEGINS_LATER, period.starts_on, plan_years(period), last)
    return SmpStanding(SmpState.LAPSED, last, None, last)


@dataclass(frozen=True, slots=True)
class GlanceAt:
    catalogue: CatalogueSource
    clock: Clock
    policy: VendorPolicy

    def __call__(self, records: Records, licence: Licence) -> LicenceGlance:
        today = self.policy.day_of(self.clock())
        covered, newest = self._newest(licence, today)
        return LicenceGlance(
            licence,
            standing_on(today, licence.support_periods),
            free_support_until(records, licence.licence_id),
            records.support_requests.last_seen_version(licence.licence_id),
            covered,
            newest,
        )

    def _newest(self, licence: Licence, today: date) -> tuple[Version | None, Version | None]:
        try:
            published = self.catalogue.current().product(licence.product)
        except (NotFound, ProductUnavailable):  # the queue is shown whatever has become of a product
            return None, None
        product = published.on(today)
        entitlement = licence.entitlement(published.product.service_packs)
        decisions = download_decisions(entitlement, product)
        shown = [release for release in product.releases if _is_on_offer(release, licence, product.channels[0])]
        covered = [release.version for release in shown if isinstance(decisions[release.version], Covered)]
        return max(covered, default=None), max((release.version for release in shown), default=None)


def _is_on_offer(release: Release, licence: Licence, channel: str) -> bool:
    return licence.edition in release.editions and release.channel == channel and release.withdrawal is None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who somebody on the telephone may be. ``glance`` is None of a customer without a licence."""

    customer: Customer
    glance: LicenceGlance | None
    requests: tuple[SupportRequest, ...]  # of the customer, in work, what is due first


@dataclass(frozen=True, slots=True)
class WhoCalls:
    database: Database
    glance: GlanceAt

    def __call__(self, said: str, *, limit: int) -> tuple[Caller, ...]:
        """The licences, and the customers without one, that somebody's words fit: name, e-mail address, order number, a
        few characters of the key, the number of a request."""
        with self.database.reading() as records:
            customers: tuple[Customer, ...]
            request = records.support_requests.by_number(number_in(said) or "")
            if request is not None:
                licences = _licences_of(records, request)
                customers = (customer_of(records, request.customer_id),)
            else:
                licences = records.licences.search(said, limit=limit)
                customers = records.customers.search(said, limit=limit)
            sold = {licence.customer_id for licence in licences}
            callers = [self._caller(records, customer_of(records, one.customer_id), one) for one in licences]
            callers += [
                self._caller(records, one, None) for one in customers if one is not None and one.customer_id not in sold
            ]
        return tuple(callers[:limit])

    def _caller(self, records: Records, customer: Customer, licence: Licence | None) -> Caller:
        wanted = RequestFilter(statuses=IN_WORK, customer_id=customer.customer_id)
        requests = records.support_requests.queue(wanted, limit=OPEN_REQUESTS_SHOWN)
        return Caller(customer, self.glance(records, licence) if licence is not None else None, requests)


def _licences_of(records: Records, request: SupportRequest) -> tuple[Licence, ...]:
    """The request's own licence, or all of its customer."""
    licence = records.licences.get(request.licence_id) if request.licence_id is not None else None
    return (licence,) if licence is not None else records.licences.of_customer(request.customer_id)
