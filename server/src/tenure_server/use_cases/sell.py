"""Orders are placed, paid, cancelled and refunded: inside a transaction of the caller's, so that an order and what it
sells are one change. RULES.md, Plans and prices; Support periods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from tenure_server.domain.customers import Customer, is_line
from tenure_server.domain.events import EventType
from tenure_server.domain.licences import IssuedKey, Licence, LineKind, OrderLine, PaidPeriod, PeriodSource
from tenure_server.domain.orders import (
    LARGEST_AMOUNT,
    MAX_USERS,
    Order,
    OrderEnd,
    OrderState,
    OrderStep,
    Payment,
    PriceLine,
    Sale,
    SaleKind,
    price_lines,
    state_after,
)
from tenure_server.domain.products import Product
from tenure_server.domain.quotes import Quote
from tenure_server.domain.smp import PLAN_YEARS, cut_short, renewal_window, term
from tenure_server.errors import Conflict, InvalidRequest, NotFound
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.change_licence import first_day, licence_of
from tenure_server.use_cases.events import announce, announce_licence, announce_period
from tenure_server.use_cases.feed_tokens import FeedTokens
from tenure_server.use_cases.identifiers import new_licence_id
from tenure_server.use_cases.ports import Records
from tenure_server.use_cases.signers import LicenceKeyClaims, LicenceKeySigner
from tenure_server.use_cases.statement_keys import require_published
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.entitlement import LicenceStatus, SupportPeriod
from tenure_signing.licence_key import display_hint, licence_key_digest
from tenure_signing.releases import Money

MOST_FREE_SUPPORT = timedelta(days=3_660)
"""Beyond that it is a slip of the keyboard."""


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """``key`` is the new licence's, of an order that made one: a secret of the customer's."""

    order: Order
    licence: Licence
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Selling:
    """What every step of an order needs."""

    policy: VendorPolicy
    current_key_signer: Callable[[], LicenceKeySigner]
    feed_tokens: FeedTokens

    @property
    def key_signer(self) -> LicenceKeySigner:
        """Of the key in use now: a ceremony may have changed it since the last licence."""
        return self.current_key_signer()

    def place(
        self,
        records: Records,
        sale: Sale,
        customer: Customer,
        now: datetime,
        *,
        who: str,
        reference: str | None = None,
        quote: Quote | None = None,
    ) -> Order:
        """Order it today. Price, and first and last day of support, are settled from now on.

        Raises ``InvalidRequest`` and ``NotFound`` for what makes no sense, and ``Conflict``: ``too_early``,
        ``lapsed_closed``, ``order_waiting``, ``licence_suspended``, ``licence_revoked``, ``customer_anonymised``.
        """
        if reference is not None and not is_line(reference, 100):
            raise InvalidRequest("An order's reference is a line of 1 to 100 characters.", code="invalid_reference")
        today = self.policy.day_of(now)
        licence, lines = self.priced(records, sale, customer, today)
        if quote is None:
            require_free_support_ahead(sale, today)
        if quote is not None:
            _require_same_basis(quote, lines)
            lines = quote.lines
        period = self._period(sale, licence, _product(records, sale), today)
        if sale.kind is SaleKind.SUPPORT and sale.licence_id is not None:
            self._make_way(records, sale.licence_id, today, now, who)
        order = Order(
            number=f"O-{today.year}-{records.numbers.next(f'order {today.year}'):05}",
            customer_id=customer.customer_id,
            sale=sale,
            lines=lines,
            period=period,
            state=OrderState.ORDERED,
            ordered_at=now,
            ordered_on=today,
            pay_by=today + timedelta(days=self.policy.payment_days),
            licence_id=sale.licence_id,
            reference=reference,
            quote=quote.number if quote is not None else None,
        )
        records.orders.add(order)
        audited(records, now, who, "order.create", order.number, **order_facts(order))
        _announce(records, now, EventType.ORDER_CREATED, order)
        return order

    def priced(
        self, records: Records, sale: Sale, customer: Customer, today: date
    ) -> tuple[Licence | None, tuple[PriceLine, ...]]:
        """The licence it is for, if there is one already, and what it costs today.

        Raises ``InvalidRequest`` and ``NotFound`` for what makes no sense, and ``Conflict``: ``licence_suspended``,
        ``licence_revoked``, ``another_customers_licence``, ``customer_anonymised``.
        """
        if customer.anonymised_at is not None:
            raise Conflict("This customer was anonymised.", code="customer_anonymised", hint="sell to another one")
        _product(records, sale)
        _require_sound(sale, today)
        licence = self._licence_for(records, sale, customer)
        return licence, price_lines(sale, licence, self.policy.prices)

    def fulfil(self, records: Records, order: Order, payment: Payment, *, who: str) -> Fulfilment:
        """The order is paid: the licence, the support period or the users it sells are the customer's.

        Raises ``Conflict``: ``order_cancelled``, ``order_refunded``, ``order_paid``, ``periods_overlap`` where somebody
        added a period by hand meanwhile, ``licence_revoked``.
        """
        paid = replace(order, state=stepped(order, OrderStep.PAY), payment=payment)
        key = None
        if order.sale.kind is SaleKind.LICENCE:
            licence, key = self._new_licence(records, order, payment.at)
            paid = replace(paid, licence_id=licence.licence_id)
        else:
            assert order.licence_id is not None
            licence = licence_of(records, order.licence_id)
            if licence.status is LicenceStatus.REVOKED:
                raise Conflict("This licence is revoked.", code="licence_revoked", hint="refund the payment")
            records.licences.add_lines(licence.licence_id, _licence_lines(order, order.ordered_on))
            for period in _periods(order, PeriodSource.ORDER, payment.at):
                records.licences.add_period(licence.licence_id, period)
        records.orders.change(paid)
        audited(
            records, payment.at, who, "order.paid", order.number,
            before=order.state, after=paid.state, payment=payment.reference, licence=paid.licence_id,
            total_minor_units=order.total.minor_units, currency=order.sale.currency,
        )  # fmt: skip
        _announce(records, payment.at, EventType.ORDER_PAID, paid, payment=payment.reference)
        had_support = licence.last_paid_day is not None
        licence = licence_of(records, licence.licence_id)
        self._audit_what_was_sold(records, paid, licence, payment.at, who)
        _announce_what_was_sold(records, paid, licence, payment.at, had_support=had_support)
        return Fulfilment(paid, licence, key)

    def cancel(self, records: Records, order: Order, now: datetime, *, reason: str, who: str) -> Order:
        """It is not to be paid any more. Raises ``Conflict`` (``order_paid``, ``order_refunded``)."""
        end = OrderEnd(now, self.policy.day_of(now), reason, None)
        cancelled = replace(order, state=stepped(order, OrderStep.CANCEL), end=end)
        records.orders.change(cancelled)
        audited(
            records, now, who, "order.cancelled", order.number,
            before=order.state, after=cancelled.state, reason=reason, licence=order.licence_id,
        )  # fmt: skip
        _announce(records, now, EventType.ORDER_CANCELLED, cancelled, reason=reason)
        return cancelled

    def refund(
        self, records: Records, order: Order, amount: Money | None, now: datetime, *, reason: str, who: str
    ) -> Order:
        """The money, all of it unless an amount is given, went back. Its support period ends on the day before; users
        it brought are gone; a licence it brought is revoked. What the days before covered stays covered.

        Raises ``Conflict`` (``order_ordered``, ``order_cancelled``) and ``InvalidRequest`` (``invalid_refund``).
        """
        state = stepped(order, OrderStep.REFUND)
        money = amount if amount is not None else order.total
        if money.currency != order.sale.currency or not 0 <= money.minor_units <= order.total.minor_units:
            raise InvalidRequest(
                "A refund is in the order's currency and not more than was paid.", code="invalid_refund"
            )
        today = self.policy.day_of(now)
        refunded = replace(order, state=state, end=OrderEnd(now, today, reason, money))
        assert order.licence_id is not None
        licence = licence_of(records, order.licence_id)
        for sold in licence.periods:
            if sold.order == order.number:
                left = cut_short(sold.period, today)
                ends_on = left.ends_on if left is not None else None
                records.licences.end_period(licence.licence_id, sold.period, ends_on)
                announce_licence(
                    records,
                    now,
                    EventType.PERIOD_ENDED,
                    licence,
                    order=order.number,
                    starts_on=sold.period.starts_on.isoformat(),
                    ends_on=ends_on.isoformat() if ends_on is not None else None,
                )
        match order.sale.kind:
            case SaleKind.USERS:
                records.licences.remove_lines(licence.licence_id, order.number)
            case SaleKind.LICENCE:
                why = f"order {order.number} was refunded"
                records.licences.set_status(licence.licence_id, LicenceStatus.REVOKED, why)
                announce_licence(records, now, EventType.LICENCE_REVOKED, licence, before=licence.status, reason=why)
            case SaleKind.SUPPORT:
                pass
        records.orders.change(refunded)
        audited(
            records, now, who, "order.refunded", order.number,
            before=order.state, after=refunded.state, reason=reason, refunded_minor_units=money.minor_units,
            currency=money.currency, licence=licence.licence_id,
        )  # fmt: skip
        _announce(
            records, now, EventType.ORDER_REFUNDED, refunded, reason=reason, refunded_minor_units=money.minor_units
        )
        after = licence_of(records, licence.licence_id)
        audited(
            records, now, who, "licence.refunded", licence.licence_id,
            order=order.number, status=after.status, seats=after.seats,
            supported_until=after.last_paid_day.isoformat() if after.last_paid_day is not None else None,
        )  # fmt: skip
        return refunded

    def _licence_for(self, records: Records, sale: Sale, customer: Customer) -> Licence | None:
        if sale.licence_id is None:
            return None
        licence = licence_of(records, sale.licence_id)
        if licence.customer_id != customer.customer_id:
            raise Conflict("This licence is another customer's.", code="another_customers_licence")
        if licence.status is not LicenceStatus.ACTIVE:
            raise Conflict(
                f"This licence is {licence.status}.", code=f"licence_{licence.status}", hint="reinstate it first"
            )
        if licence.currency != sale.currency:
            raise InvalidRequest(f"This licence was bought in {licence.currency}.", code="mixed_currencies")
        return licence

    def _period(self, sale: Sale, licence: Licence | None, product: Product, today: date) -> SupportPeriod | None:
        if sale.smp_years is None:
            return None
        if licence is None:
            return term(sale.purchased_on or today, sale.smp_years)
        window = renewal_window(licence.last_paid_day, product.lapse_policy, today, self.policy.renewal_rules)
        return term(first_day(window), sale.smp_years)

    def _make_way(self, records: Records, licence_id: str, today: date, now: datetime, who: str) -> None:
        """An order that was not paid in time keeps nobody from ordering again."""
        waiting = records.orders.open_support(licence_id)
        if waiting is None:
            return
        if today <= waiting.pay_by:
            raise Conflict(
                f"Order {waiting.number} for this licence's support waits to be paid until {waiting.pay_by}.",
                code="order_waiting",
                hint=f"tenure order pay {waiting.number}, or tenure order cancel {waiting.number}",
            )
        self.cancel(records, waiting, now, reason=f"not paid by {waiting.pay_by}", who=who)

    def _new_licence(self, records: Records, order: Order, now: datetime) -> tuple[Licence, str]:
        sale = order.sale
        now = now.replace(microsecond=0)
        purchased_on = sale.purchased_on or order.ordered_on
        seats = 1 + sale.additional_users
        licence_id = new_licence_id()
        claims = LicenceKeyClaims(licence_id, sale.product, sale.edition, purchased_on, seats, now)
        signer = self.key_signer
        require_published(records, signer.key_id, now)
        key = signer.sign(claims)
        licence = Licence(
            licence_id=licence_id,
            product=sale.product,
            edition=sale.edition,
            customer_id=order.customer_id,
            customer="",
            email=None,
            purchased_on=purchased_on,
            currency=sale.currency,
            status=LicenceStatus.ACTIVE,
            status_reason=None,
            lines=_licence_lines(order, purchased_on),
            periods=_periods(order, PeriodSource.PURCHASE, now),
            grants=(),
            keys=(IssuedKey(licence_key_digest(key), signer.key_id, now, display_hint(key), seats),),
            created_at=now,
        )
        records.licences.add(licence, feed_token_digest=self.feed_tokens.digest_of(licence_id))
        return licence, key

    def _audit_what_was_sold(self, records: Records, order: Order, licence: Licence, now: datetime, who: str) -> None:
        sale, period = order.sale, order.period
        days = {"starts_on": period.starts_on.isoformat(), "ends_on": period.ends_on.isoformat()} if period else {}
        match sale.kind:
            case SaleKind.LICENCE:
                audited(
                    records, now, who, "licence.issue", licence.licence_id,
                    order=order.number, customer=order.customer_id, product=licence.product, edition=licence.edition,
                    seats=licence.seats, total_minor_units=licence.total_purchase_price.minor_units,
                    currency=licence.currency, smp_years=sale.smp_years, **days,
                )  # fmt: skip
            case SaleKind.SUPPORT:
                audited(
                    records, now, who, "licence.support_period", licence.licence_id,
                    order=order.number, years=sale.smp_years, price_minor_units=order.total.minor_units, **days,
                )  # fmt: skip
            case SaleKind.USERS:
                audited(
                    records, now, who, "licence.users", licence.licence_id,
                    order=order.number, users=sale.additional_users, seats=licence.seats,
                    total_minor_units=licence.total_purchase_price.minor_units,
                )  # fmt: skip


def _announce(records: Records, at: datetime, type: EventType, order: Order, **data: object) -> None:
    facts = {name: fact for name, fact in order_facts(order).items() if name != "customer"}
    announce(
        records,
        at,
        type,
        order.number,
        facts | {"reference": order.reference} | data,
        product=order.sale.product,
        customer=order.customer_id,
    )


def _announce_what_was_sold(
    records: Records, order: Order, licence: Licence, at: datetime, *, had_support: bool
) -> None:
    if order.sale.kind is SaleKind.LICENCE:
        facts = {"seats": licence.seats, "purchased_on": licence.purchased_on.isoformat()}
        announce_licence(records, at, EventType.LICENCE_ISSUED, licence, **facts)
    for paid in licence.periods:
        if paid.order == order.number:
            announce_period(records, licence, paid)
    if order.sale.kind is SaleKind.SUPPORT and had_support and order.period is not None:
        ends_on = order.period.ends_on.isoformat()
        years = order.sale.smp_years
        announce_licence(records, at, EventType.LICENCE_RENEWED, licence, years=years, supported_until=ends_on)


def order_of(records: Records, number: str, *, locked: bool = False) -> Order:
    """Raises ``NotFound`` (``unknown_order``)."""
    order = records.orders.locked(number) if locked else records.orders.get(number)
    if order is None:
        raise NotFound("There is no such order.", code="unknown_order", hint="tenure order list shows the newest")
    return order


def stepped(order: Order, step: OrderStep) -> OrderState:
    """The order's next state. Raises ``Conflict`` (``order_`` and its state) where the step cannot be taken."""
    after = state_after(order.state, step)
    if after is None:
        hint = {
            (OrderState.PAID, OrderStep.CANCEL): f"tenure order refund {order.number} when the money went back",
            (OrderState.ORDERED, OrderStep.REFUND): f"it was never paid: tenure order cancel {order.number}",
        }.get((order.state, step))
        raise Conflict(f"Order {order.number} is {order.state}.", code=f"order_{order.state}", hint=hint)
    return after


def order_facts(order: Order) -> dict[str, object]:
    """What the audit trail says of an order; nobody's name."""
    period, sale_until = order.period, order.sale.free_support_until
    return {
        "kind": order.sale.kind,
        "customer": order.customer_id,
        "licence": order.licence_id,
        "total_minor_units": order.total.minor_units,
        "currency": order.sale.currency,
        "smp_years": order.sale.smp_years,
        "starts_on": period.starts_on.isoformat() if period is not None else None,
        "ends_on": period.ends_on.isoformat() if period is not None else None,
        "free_support_until": sale_until.isoformat() if sale_until is not None else None,
        "quote": order.quote,
    }


def _product(records: Records, sale: Sale) -> Product:
    product = records.products.get(sale.product)
    if product is None:
        raise NotFound("There is no such product.", code="unknown_product")
    if sale.edition not in product.editions:
        raise InvalidRequest(
            f"{product.name} has no edition {sale.edition}.",
            code="unknown_edition",
            hint=f"its editions are {', '.join(product.editions)}",
        )
    return product


def _require_sound(sale: Sale, today: date) -> None:
    is_whole = {
        SaleKind.LICENCE: sale.licence_id is None and sale.base_price is not None,
        SaleKind.SUPPORT: sale.licence_id is not None and sale.smp_years is not None and sale.additional_users == 0,
        SaleKind.USERS: sale.licence_id is not None and sale.smp_years is None and sale.additional_users > 0,
    }
    if not is_whole[sale.kind] or (sale.kind is not SaleKind.LICENCE and sale.base_price is not None):
        raise InvalidRequest(
            "An order is for a new licence at a base price, or for one licence's support, or for its users.",
            code="invalid_sale",
        )
    if sale.purchased_on is not None and sale.purchased_on > today:
        raise InvalidRequest("A licence cannot have been purchased in the future.", code="future_purchase")
    if sale.smp_years is not None and sale.smp_years not in PLAN_YEARS:
        raise InvalidRequest("An SMP plan is for one or two years.", code="invalid_plan")
    if not 0 <= sale.additional_users <= MAX_USERS:
        raise InvalidRequest("Additional users are from 0 to 1 000 000.", code="invalid_seats")
    if (sale.additional_users_price is not None) != (sale.additional_users > 0):
        raise InvalidRequest("Additional users and their price go together.", code="invalid_price")
    for amount in (sale.base_price, sale.additional_users_price):
        if amount is not None and not 0 <= amount.minor_units <= LARGEST_AMOUNT:
            raise InvalidRequest("A price is not negative and not beyond reason.", code="invalid_price")
        if amount is not None and amount.currency != sale.currency:
            raise InvalidRequest("All prices of an order are in one currency.", code="mixed_currencies")


def require_free_support_ahead(sale: Sale, today: date) -> None:
    """For what is offered or ordered today; accepting a quote takes its day as it is.

    Raises ``InvalidRequest`` (``invalid_free_support``).
    """
    until = sale.free_support_until
    if until is not None and not today <= until <= today + MOST_FREE_SUPPORT:
        raise InvalidRequest(
            "Free support is given until a day from today on, ten years at most.", code="invalid_free_support"
        )


def _require_same_basis(quote: Quote, today: tuple[PriceLine, ...]) -> None:
    """A quote's price holds whatever the percentages are by now, but not for users it did not know of."""
    if quote.sale.kind is SaleKind.SUPPORT and _basis(quote.lines) != _basis(today):
        raise Conflict(
            f"Since quote {quote.number} was made, the licence's total purchase price has changed.",
            code="quote_outdated",
            hint="make a new quote",
        )


def _basis(lines: tuple[PriceLine, ...]) -> Money | None:
    return lines[-1].basis


def _licence_lines(order: Order, bought_on: date) -> tuple[OrderLine, ...]:
    sale = order.sale
    lines = []
    if sale.base_price is not None:
        lines.append(OrderLine(LineKind.BASE, 1, sale.base_price, bought_on, order.number))
    if sale.additional_users_price is not None:
        users = LineKind.ADDITIONAL_USERS
        lines.append(OrderLine(users, sale.additional_users, sale.additional_users_price, bought_on, order.number))
    return tuple(lines)


def _periods(order: Order, source: PeriodSource, now: datetime) -> tuple[PaidPeriod, ...]:
    if order.period is None:
        return ()
    price = order.lines[-1].amount  # SMP is always the last line
    return (PaidPeriod(order.period, source, price, now, order.number),)
