"""SMP is bought or renewed for a licence: an order that is paid at once."""

from __future__ import annotations

from dataclasses import dataclass

from tenure_server.domain.licences import Licence, PaidPeriod
from tenure_server.domain.orders import Payment, Sale, sale_for
from tenure_server.domain.smp import PLAN_YEARS
from tenure_server.errors import InvalidRequest
from tenure_server.use_cases.change_licence import licence_of
from tenure_server.use_cases.customers import customer_of
from tenure_server.use_cases.once import Once, claimed, settle
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.sell import Selling, order_of


@dataclass(frozen=True, slots=True)
class RenewSupport:
    """RULES.md, Support periods: the renewal window, the lapse policy, the first term of a licence without SMP."""

    database: Database
    clock: Clock
    selling: Selling

    def __call__(
        self, licence_id: str, years: int, *, who: str, reference: str | None = None, once: Once | None = None
    ) -> PaidPeriod:
        """Order and pay a term of one or two years today.

        Raises ``Conflict`` with the code ``too_early`` or ``lapsed_closed`` when RULES.md refuses it, ``order_waiting``
        while an order waits to be paid, and ``licence_suspended`` or ``licence_revoked`` for such a licence.
        """
        if years not in PLAN_YEARS:
            raise InvalidRequest("An SMP plan is for one or two years.", code="invalid_plan")
        now = self.clock()
        with self.database.writing() as records:
            before = claimed(records, once, now)
            if before is not None:
                order = order_of(records, before)
                return _period_of(licence_of(records, licence_id), order.number)
            licence = licence_of(records, licence_id)
            customer = customer_of(records, licence.customer_id)
            sale = support_sale(licence, years)
            order = self.selling.place(records, sale, customer, now, who=who, reference=reference)
            sold = self.selling.fulfil(records, order, Payment(now, reference), who=who)
            settle(records, once, order.number, now)
        return _period_of(sold.licence, order.number)


def support_sale(licence: Licence, years: int) -> Sale:
    """SMP of so many years for the licence."""
    return sale_for(licence, smp_years=years)


def _period_of(licence: Licence, order: str) -> PaidPeriod:
    return next(paid for paid in licence.periods if paid.order == order)
