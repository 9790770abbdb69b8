"""What reports count, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from tenure_server.domain.install_reports import InstallReport, Outcome
from tenure_server.domain.licences import Licence, PeriodSource
from tenure_server.domain.orders import Order
from tenure_server.domain.reminders import Reminder, ReminderState
from tenure_server.domain.reports import CustomerState, FieldCount, SoldPeriod, SoldSmp, smp_of_order
from tenure_signing.names import ProductName


@dataclass
class MemoryReports:
    licences: Callable[[], Iterable[Licence]]
    reminders: dict[tuple[str, date, int], Reminder]
    opt_outs: dict[str, datetime]
    installs: Collection[InstallReport]
    orders: Collection[Order]

    def sold_periods(self, product: ProductName | None, zone: tzinfo) -> tuple[SoldPeriod, ...]:
        return tuple(
            SoldPeriod(
                licence_id=licence.licence_id,
                product=licence.product,
                period=paid.period,
                source=paid.source,
                price=paid.price,
                sold_on=paid.added_at.astimezone(zone).date(),
            )
            for licence in self.licences()
            if product in (None, licence.product)
            for paid in licence.periods
        )

    def sold_smp(self, product: ProductName | None, zone: tzinfo) -> tuple[SoldSmp, ...]:
        orders = (smp_of_order(one, zone) for one in self.orders if product in (None, one.sale.product))
        before = (
            SoldSmp(paid.price, paid.added_at.astimezone(zone).date(), paid.source is PeriodSource.PURCHASE)
            for licence in self.licences()
            if product in (None, licence.product)
            for paid in licence.periods
            if paid.order is None and paid.price is not None
        )
        return (*(one for one in orders if one is not None), *before)

    def customer_states(self, licence_ids: Collection[str]) -> Mapping[str, CustomerState]:
        return {one.licence_id: self._state(one) for one in self.licences() if one.licence_id in licence_ids}

    def _state(self, licence: Licence) -> CustomerState:
        told = [
            one.state
            for one in self.reminders.values()
            if (one.licence_id, one.ends_on) == (licence.licence_id, licence.last_paid_day)
        ]
        return CustomerState(
            customer=licence.customer,
            status=licence.status,
            has_address=licence.email is not None,
            opted_out=licence.licence_id in self.opt_outs,
            is_address_refused=ReminderState.REFUSED in told,
            reminders=told.count(ReminderState.SENT),
        )

    def versions_in_the_field(self, product: ProductName | None) -> tuple[FieldCount, ...]:
        last: dict[tuple[ProductName, str], InstallReport] = {}
        for one in self.installs:
            known = last.get((one.product, one.install))
            is_wanted = one.outcome is Outcome.INSTALLED and product in (None, one.product)
            if is_wanted and (known is None or one.reported_at > known.reported_at):
                last[one.product, one.install] = one
        counted = Counter((one.product, one.version) for one in last.values())
        return tuple(FieldCount(*key, installs) for key, installs in counted.items())
