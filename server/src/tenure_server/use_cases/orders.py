"""Somebody orders, pays, cancels or refunds: each in one transaction, and once however often it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tenure_server.domain.orders import Order, OrderState, Payment, Sale
from tenure_server.domain.paging import Page, Place
from tenure_server.errors import Conflict
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.change_licence import licence_of, required_reason
from tenure_server.use_cases.customers import customer_of
from tenure_server.use_cases.once import Once, claimed, settle
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.sell import Fulfilment, Selling, order_of
from tenure_server.use_cases.signers import CertificateSigner
from tenure_signing.releases import Money


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    database: Database
    clock: Clock
    selling: Selling

    def __call__(
        self,
        wanted: Callable[[Records], tuple[str, Sale]],
        *,
        who: str,
        reference: str | None = None,
        once: Once | None = None,
    ) -> Order:
        """Order what is wanted: a customer's id and a sale. Nothing is the customer's before it is paid.

        Raises as ``Selling.place``, and ``NotFound``.
        """
        now = self.clock()
        with self.database.writing() as records:
            before = claimed(records, once, now)
            if before is not None:
                return order_of(records, before)
            customer_id, sale = wanted(records)
            customer = customer_of(records, customer_id)
            order = self.selling.place(records, sale, customer, now, who=who, reference=reference)
            settle(records, once, order.number, now)
        return order


@dataclass(frozen=True, slots=True)
class PaidOrder:
    """``certificate`` is signed in the same transaction: where it cannot be, nothing was sold."""

    fulfilment: Fulfilment
    certificate: str
    is_new: bool  # False: it was paid before


@dataclass(frozen=True, slots=True)
class ConfirmPayment:
    """The money is there: confirmed by an operator, by a program with an API token, or by a shop."""

    database: Database
    clock: Clock
    selling: Selling
    sign_certificate: CertificateSigner

    def __call__(
        self,
        number: str,
        *,
        who: str,
        amount: Money | None = None,
        payment: str | None = None,
        late_reason: str | None = None,
    ) -> PaidOrder:
        """Paid, licence or period, and certificate in one transaction. Asked again, it changes nothing.

        Raises ``NotFound`` (``unknown_order``) and ``Conflict``: as ``Selling.fulfil``; ``wrong_amount`` and
        ``wrong_currency`` where an amount is given that is not the order's; ``order_overdue`` after the last day of
        paying, unless a reason is given to accept it late; ``paid_twice`` for another payment of a paid order.
        """
        with self.database.writing() as records:
            return self.within(records, number, who=who, amount=amount, payment=payment, late_reason=late_reason)

    def within(
        self,
        records: Records,
        number: str,
        *,
        who: str,
        amount: Money | None = None,
        payment: str | None = None,
        late_reason: str | None = None,
    ) -> PaidOrder:
        """The same in the caller's transaction."""
        now = self.clock()
        order = order_of(records, number, locked=True)
        _require_amount(order, amount)
        if order.state is OrderState.PAID:
            return self._again(records, order, payment)
        if order.state is OrderState.ORDERED and self.selling.policy.day_of(now) > order.pay_by:
            if late_reason is None:
                raise Conflict(
                    f"Order {number} was to be paid by {order.pay_by}.",
                    code="order_overdue",
                    hint="an operator can accept it with --late and a reason, or cancel it and pay the money back",
                )
            reason = required_reason(late_reason)
            audited(records, now, who, "order.late", number, reason=reason, pay_by=order.pay_by.isoformat())
        sold = self.selling.fulfil(records, order, Payment(now, payment), who=who)
        return PaidOrder(sold, self._certificate(records, sold), True)

    def _again(self, records: Records, order: Order, payment: str | None) -> PaidOrder:
        known = order.payment.reference if order.payment is not None else None
        if payment is not None and payment != known:
            raise Conflict(
                f"Order {order.number} was paid before, by another payment.",
                code="paid_twice",
                hint="if money came twice, one of the payments has to go back",
            )
        assert order.licence_id is not None
        sold = Fulfilment(order, licence_of(records, order.licence_id))
        return PaidOrder(sold, self._certificate(records, sold), False)

    def _certificate(self, records: Records, sold: Fulfilment) -> str:
        product = records.products.get(sold.licence.product)
        assert product is not None
        entitlement = sold.licence.entitlement(product.service_packs)
        return self.sign_certificate(entitlement, sold.licence.seats, self.clock())


@dataclass(frozen=True, slots=True)
class CancelOrder:
    database: Database
    clock: Clock
    selling: Selling

    def __call__(self, number: str, *, reason: str, who: str, once: Once | None = None) -> Order:
        """Before it is paid. Nothing happens if it is cancelled already. Raises ``Conflict`` (``order_paid``)."""
        reason = required_reason(reason)
        now = self.clock()
        with self.database.writing() as records:
            if claimed(records, once, now) is not None:
                return order_of(records, number)
            order = order_of(records, number, locked=True)
            if order.state is not OrderState.CANCELLED:
                order = self.selling.cancel(records, order, now, reason=reason, who=who)
            settle(records, once, number, now)
        return order


@dataclass(frozen=True, slots=True)
class RefundOrder:
    database: Database
    clock: Clock
    selling: Selling

    def __call__(
        self, number: str, *, reason: str, who: str, amount: Money | None = None, once: Once | None = None
    ) -> Order:
        """After it was paid. Nothing happens if it is refunded already. Raises as ``Selling.refund``."""
        reason = required_reason(reason)
        now = self.clock()
        with self.database.writing() as records:
            if claimed(records, once, now) is not None:
                return order_of(records, number)
            order = order_of(records, number, locked=True)
            if order.state is not OrderState.REFUNDED:
                order = self.selling.refund(records, order, amount, now, reason=reason, who=who)
            settle(records, once, number, now)
        return order


@dataclass(frozen=True, slots=True)
class ListOrders:
    database: Database

    def __call__(
        self,
        *,
        customer_id: str | None = None,
        licence_id: str | None = None,
        state: OrderState | None = None,
        limit: int,
        after: Place | None = None,
    ) -> Page[Order]:
        with self.database.reading() as records:
            found = records.orders.search(
                customer_id=customer_id, licence_id=licence_id, state=state, limit=limit + 1, after=after
            )
        entries = found[:limit]
        more = len(found) > limit
        return Page(entries, Place(entries[-1].ordered_at, entries[-1].number) if more else None)


def _require_amount(order: Order, amount: Money | None) -> None:
    if amount is None:
        return
    if amount.currency != order.sale.currency:
        raise Conflict(f"Order {order.number} is not in that currency.", code="wrong_currency")
    if amount != order.total:
        raise Conflict(f"That is not the price of order {order.number}.", code="wrong_amount")
