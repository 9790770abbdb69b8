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
    upgrade_line,
)
from tenure_server.domain.products import Product
from tenure_server.domain.quotes import Quote
from tenure_server.domain.smp import cut_short, renewal_window, term
from tenure_server.domain.upgrades import grant_text, overlap
from tenure_server.errors import Conflict, InvalidRequest, NotFound
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.catalogue import CatalogueSource
from tenure_server.use_cases.change_licence import first_day, licence_of
from tenure_server.use_cases.customers import living_customer
from tenure_server.use_cases.events import announce_licence
from tenure_server.use_cases.feed_tokens import FeedTokens
from tenure_server.use_cases.identifiers import new_licence_id
from tenure_server.use_cases.order_news import (
    announce_order,
    announce_what_was_sold,
    audit_what_was_sold,
    order_facts,
)
from tenure_server.use_cases.ports import Records
from tenure_server.use_cases.signers import LicenceKeyClaims, LicenceKeySigner
from tenure_server.use_cases.sound_sale import product_of, require_free_support_ahead, require_sound
from tenure_server.use_cases.statement_keys import require_published
from tenure_server.use_cases.upgrades import MOST_OPEN, sold_upgrade
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.entitlement import LicenceStatus, SupportPeriod
from tenure_signing.licence_key import display_hint, licence_key_digest
from tenure_signing.releases import Money


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """``key`` is the new licence's, of an order that made one: a secret of the customer's."""

    order: Order
    licence: Licence
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Priced:
    """What is sold today: the sale with what only pricing says of it, the licence it is for, if there is one already,
    and what it costs."""

    sale: Sale
    licence: Licence | None
    lines: tuple[PriceLine, ...]


@dataclass(frozen=True, slots=True)
class Selling:
    """What every step of an order needs."""

    policy: VendorPolicy
    current_key_signer: Callable[[], LicenceKeySigner]
    feed_tokens: FeedTokens
    catalogue: CatalogueSource

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
        is_imported: bool = False,
    ) -> Order:
        """Order it today. Price, and first and last day of support, are settled from now on. ``is_imported``: it was
        sold elsewhere, perhaps to somebody who was anonymised since.

        Raises ``InvalidRequest`` and ``NotFound`` for what makes no sense, and ``Conflict``: ``too_early``,
        ``lapsed_closed``, ``order_waiting``, and as ``priced``.
        """
        if reference is not None and not is_line(reference, 100):
            raise InvalidRequest("An order's reference is a line of 1 to 100 characters.", code="invalid_reference")
        today = self.policy.day_of(now)
        if not is_imported:
            living_customer(records, customer.customer_id)
        priced = self._priced(records, sale, customer, today, quote=quote)
        if quote is None:
            require_free_support_ahead(sale, today)
        if quote is not None:
            _require_same_basis(quote, priced)
            priced = replace(priced, sale=quote.sale, lines=quote.lines)
        sale, lines = priced.sale, priced.lines
        period = self._period(sale, priced.licence, product_of(records, sale), today)
        self._make_way(records, sale, today, now, who)
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
        announce_order(records, now, EventType.ORDER_CREATED, order)
        return order

    def priced(self, records: Records, sale: Sale, customer: Customer, today: date) -> Priced:
        """What it costs today.

        Raises ``InvalidRequest`` and ``NotFound`` for what makes no sense, and ``Conflict``: ``licence_suspended``,
        ``licence_revoked``, ``another_customers_licence``, and as ``living_customer`` and ``sold_upgrade``.
        """
        living_customer(records, customer.customer_id)
        return self._priced(records, sale, customer, today)

    def _priced(
        self, records: Records, sale: Sale, customer: Customer, today: date, *, quote: Quote | None = None
    ) -> Priced:
        """``quote`` is the one that is accepted: its price holds."""
        product_of(records, sale)
        require_sound(sale, today)
        licence = self._licence_for(records, sale, customer)
        if sale.upgrade is None or licence is None:
            return Priced(sale, licence, price_lines(sale, licence, self.policy.prices))
        quoted = quote.lines[-1].basis if quote is not None else None
        upgrade = sold_upgrade(records, self.catalogue, licence, sale.upgrade, today, quoted=quoted)
        sale = replace(sale, currency=upgrade.per_seat.currency, seats=licence.seats)
        return Priced(sale, licence, (upgrade_line(sale, upgrade, licence.seats),))

    def fulfil(
        self, records: Records, order: Order, payment: Payment, *, who: str, licence_id: str | None = None
    ) -> Fulfilment:
        """The order is paid: the licence, the support period, the users or the upgrade it sells are the customer's. A
        new licence has the id that is given, or a new one.

        Raises ``Conflict``: ``order_cancelled``, ``order_refunded``, ``order_paid``, ``periods_overlap`` where somebody
        added a period by hand meanwhile, ``licence_revoked``.
        """
        paid = replace(order, state=stepped(order, OrderStep.PAY), payment=payment)
        key = None
        if order.sale.kind is SaleKind.LICENCE:
            licence, key = self._new_licence(records, order, payment.at, licence_id or new_licence_id())
            paid = replace(paid, licence_id=licence.licence_id)
        else:
            assert order.licence_id is not None
            licence = licence_of(records, order.licence_id)
            if licence.status is LicenceStatus.REVOKED:
                raise Conflict("This licence is revoked.", code="licence_revoked", hint="refund the payment")
            records.licences.add_lines(licence.licence_id, _licence_lines(order, order.ordered_on))
            for period in _periods(order, PeriodSource.ORDER, payment.at):
                records.licences.add_period(licence.licence_id, period)
            if order.sale.upgrade is not None:
                records.licences.add_grant(licence.licence_id, order.sale.upgrade, order.number)
        records.orders.change(paid)
        audited(
            records, payment.at, who, "order.paid", order.number,
            before=order.state, after=paid.state, payment=payment.reference, licence=paid.licence_id,
            total_minor_units=order.total.minor_units, currency=order.sale.currency,
        )  # fmt: skip
        announce_order(records, payment.at, EventType.ORDER_PAID, paid, payment=payment.reference)
        had_support = licence.last_paid_day is not None
        licence = licence_of(records, licence.licence_id)
        audit_what_was_sold(records, paid, licence, payment.at, who)
        announce_what_was_sold(records, paid, licence, payment.at, had_support=had_support)
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
        announce_order(records, now, EventType.ORDER_CANCELLED, cancelled, reason=reason)
        return cancelled

    def refund(
        self, records: Records, order: Order, amount: Money | None, now: datetime, *, reason: str, who: str
    ) -> Order:
        """The money, all of it unless an amount is given, went back. Its support period ends on the day before; users
        it brought are gone; the grant of an upgrade ends; a licence it brought is revoked. What support covered on the
        days before stays covered.

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
            case SaleKind.UPGRADE:
                assert order.sale.upgrade is not None
                if records.licences.remove_grant(licence.licence_id, order.number):
                    grant = grant_text(order.sale.upgrade)
                    announce_licence(
                        records, now, EventType.LICENCE_GRANT_ENDED, licence, grant=grant, order=order.number
                    )
            case SaleKind.SUPPORT:
                pass
        records.orders.change(refunded)
        audited(
            records, now, who, "order.refunded", order.number,
            before=order.state, after=refunded.state, reason=reason, refunded_minor_units=money.minor_units,
            currency=money.currency, licence=licence.licence_id,
        )  # fmt: skip
        announce_order(
            records, now, EventType.ORDER_REFUNDED, refunded, reason=reason, refunded_minor_units=money.minor_units
        )
        after = licence_of(records, licence.licence_id)
        audited(
            records, now, who, "licence.refunded", licence.licence_id,
            order=order.number, status=after.status, seats=after.seats, grants=[*map(grant_text, after.grants)],
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
        if licence.currency != sale.currency and sale.kind is not SaleKind.UPGRADE:
            raise InvalidRequest(f"This licence was bought in {licence.currency}.", code="mixed_currencies")
        return licence

    def _period(self, sale: Sale, licence: Licence | None, product: Product, today: date) -> SupportPeriod | None:
        if sale.smp_years is None:
            return None
        if licence is None:
            return term(sale.purchased_on or today, sale.smp_years)
        window = renewal_window(licence.last_paid_day, product.lapse_policy, today, self.policy.renewal_rules)
        return term(first_day(window), sale.smp_years)

    def _make_way(self, records: Records, sale: Sale, today: date, now: datetime, who: str) -> None:
        """Nothing is ordered twice before it is paid; but an order that was not paid in time keeps nobody from ordering
        again. Raises ``Conflict`` (``order_waiting``)."""
        if sale.licence_id is None:
            return
        open_orders = records.orders.search(licence_id=sale.licence_id, state=OrderState.ORDERED, limit=MOST_OPEN)
        for waiting in open_orders:
            if not _sells_the_same(waiting.sale, sale):
                continue
            if today <= waiting.pay_by:
                what = "support" if sale.kind is SaleKind.SUPPORT else "upgrade"
                raise Conflict(
                    f"Order {waiting.number} for this licence's {what} waits to be paid until {waiting.pay_by}.",
                    code="order_waiting",
                    hint=f"tenure order pay {waiting.number}, or tenure order cancel {waiting.number}",
                )
            self.cancel(records, waiting, now, reason=f"not paid by {waiting.pay_by}", who=who)

    def _new_licence(self, records: Records, order: Order, now: datetime, licence_id: str) -> tuple[Licence, str]:
        sale = order.sale
        now = now.replace(microsecond=0)
        purchased_on = sale.purchased_on or order.ordered_on
        seats = 1 + sale.additional_users
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


def _sells_the_same(one: Sale, other: Sale) -> bool:
    """Whether of two sales for a licence only one can wait to be paid."""
    if one.upgrade is not None and other.upgrade is not None:
        return overlap(one.upgrade, other.upgrade)
    return one.kind is other.kind is SaleKind.SUPPORT


def _require_same_basis(quote: Quote, today: Priced) -> None:
    """A quote's price holds whatever the percentages are by now, but not for users it did not know of."""
    changed = None
    if quote.sale.kind is SaleKind.SUPPORT and quote.lines[-1].basis != today.lines[-1].basis:
        changed = "total purchase price"
    elif quote.sale.seats != today.sale.seats:
        changed = "number of seats"
    if changed is not None:
        raise Conflict(
            f"Since quote {quote.number} was made, the licence's {changed} has changed.",
            code="quote_outdated",
            hint="make a new quote",
        )


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
