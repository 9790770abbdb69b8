"""What is sold, at what price, and what becomes of an order. RULES.md, Plans and prices; Support periods.

An order is ordered, then paid, then perhaps refunded; or it is cancelled before it was paid. What it sells, its price
and the days of its support period are settled when it is ordered, and happen when it is paid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from tenure_server.domain.licences import Licence
from tenure_server.domain.money import show
from tenure_server.domain.pricing import SmpPrices, smp_price, total
from tenure_server.domain.upgrades import Upgrade, grant_text
from tenure_signing.entitlement import Grant, LineGrant, SupportPeriod, VersionGrant
from tenure_signing.names import EditionName, ProductName
from tenure_signing.releases import Money

LARGEST_AMOUNT = 10**15
"""Minor units. Anything larger is a slip of the keyboard."""

MAX_USERS = 1_000_000


class SaleKind(StrEnum):
    LICENCE = "licence"  # a new one, perhaps with additional users and SMP
    SUPPORT = "support"  # SMP for a licence that is there: a first term, a renewal, a fresh term
    USERS = "users"  # additional users for a licence that is there
    UPGRADE = "upgrade"  # a release or an x.y line that such a licence does not cover


@dataclass(frozen=True, slots=True)
class LineByHand:
    """Something that the sales desk charges beside what is sold, such as the support of new users until a term's end.
    It is no part of the total purchase price."""

    text: str
    price: Money


@dataclass(frozen=True, slots=True)
class Sale:
    """What one order sells. ``licence_id`` is None for a new licence; ``smp_years`` where no SMP is sold.

    An upgrade is in the currency of its price, and for all the seats that the licence has when it is priced.
    """

    kind: SaleKind
    product: ProductName
    edition: EditionName
    currency: str
    licence_id: str | None = None
    base_price: Money | None = None
    additional_users: int = 0
    additional_users_price: Money | None = None  # for all of them together
    smp_years: int | None = None
    purchased_on: date | None = None  # of a new licence, where it is not the day of the order
    free_support_until: date | None = None  # support that is given without SMP, to that day inclusive
    upgrade: Grant | None = None
    seats: int | None = None  # that an upgrade is for
    by_hand: LineByHand | None = None


def sale_for(
    licence: Licence,
    *,
    smp_years: int | None = None,
    additional_users: int = 0,
    additional_users_price: Money | None = None,
    free_support_until: date | None = None,
    upgrade: Grant | None = None,
    by_hand: LineByHand | None = None,
) -> Sale:
    """Something more for a licence that is there. Whether it makes sense is asked when it is priced."""
    kind = SaleKind.SUPPORT if smp_years is not None else SaleKind.USERS
    return Sale(
        SaleKind.UPGRADE if upgrade is not None else kind,
        licence.product,
        licence.edition,
        licence.currency,
        licence_id=licence.licence_id,
        additional_users=additional_users,
        additional_users_price=additional_users_price,
        smp_years=smp_years,
        free_support_until=free_support_until,
        upgrade=upgrade,
        by_hand=by_hand,
    )


class PricedThing(StrEnum):
    BASE = "base"
    ADDITIONAL_USERS = "additional_users"
    SMP = "smp"
    UPGRADE = "upgrade"
    BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True)
class PriceLine:
    """What is charged for one thing. ``arithmetic`` says how a price that was reckoned came about, else it is empty;
    ``basis`` is what it was reckoned from: SMP the total purchase price, an upgrade the price of one seat; and
    ``percent`` how much of that for the whole term of SMP: None where nothing was, or it was not written down yet."""

    thing: PricedThing
    text: str
    arithmetic: str
    amount: Money
    basis: Money | None = None
    percent: Decimal | None = None


def price_lines(sale: Sale, licence: Licence | None, prices: SmpPrices) -> tuple[PriceLine, ...]:
    """The price of everything in the sale. SMP is reckoned from the total purchase price: of what is bought now for a
    new licence, of what was bought so far for one that is there."""
    lines = []
    if sale.base_price is not None:
        lines.append(
            PriceLine(PricedThing.BASE, f"{sale.product}, {sale.edition} edition, perpetual", "", sale.base_price)
        )
    if sale.additional_users and sale.additional_users_price is not None:
        users = "1 additional user" if sale.additional_users == 1 else f"{sale.additional_users} additional users"
        lines.append(PriceLine(PricedThing.ADDITIONAL_USERS, users, "", sale.additional_users_price))
    bought = total((line.amount for line in lines), sale.currency)
    if sale.by_hand is not None:
        lines.append(PriceLine(PricedThing.BY_HAND, sale.by_hand.text, "", sale.by_hand.price))
    if sale.smp_years is not None:
        basis = bought if licence is None else licence.total_purchase_price
        lines.append(smp_line(basis, sale.smp_years, prices))
    return tuple(lines)


def upgrade_line(sale: Sale, upgrade: Upgrade, seats: int) -> PriceLine:
    """A release or a line for every seat, with the arithmetic shown."""
    match upgrade.grant:
        case VersionGrant(version):
            what = f"{sale.product} {version}"
        case LineGrant(major, minor):
            what = f"{sale.product} {major}.{minor}, every release of this line"
    price = Money(upgrade.per_seat.minor_units * seats, upgrade.per_seat.currency)
    count = "1 seat" if seats == 1 else f"{seats} seats"
    arithmetic = f"{show(upgrade.per_seat)} a seat ({upgrade.priced_by} {upgrade.terms}) for {count} = {show(price)}"
    return PriceLine(PricedThing.UPGRADE, f"Upgrade to {what}", arithmetic, price, upgrade.per_seat)


def smp_line(basis: Money, years: int, prices: SmpPrices) -> PriceLine:
    """SMP for one or two years, with the arithmetic shown."""
    price = smp_price(basis, years, prices)
    percent = prices.percent_for_term(years)
    each = f" ({prices.two_year_percent_per_year:f} % a year for 2 years)" if years == 2 else ""
    text = "Support and maintenance (SMP), " + ("one year" if years == 1 else "two years")
    arithmetic = f"{percent:f} %{each} of the total purchase price of {show(basis)} = {show(price)}"
    return PriceLine(PricedThing.SMP, text, arithmetic, price, basis, percent)


class OrderState(StrEnum):
    ORDERED = "ordered"
    PAID = "paid"
    CANCELLED = "cancelled"  # it was never paid
    REFUNDED = "refunded"  # it was paid, and the money went back


class OrderStep(StrEnum):
    PAY = "pay"
    CANCEL = "cancel"
    REFUND = "refund"


_STEPS: Mapping[tuple[OrderState, OrderStep], OrderState] = {
    (OrderState.ORDERED, OrderStep.PAY): OrderState.PAID,
    (OrderState.ORDERED, OrderStep.CANCEL): OrderState.CANCELLED,
    (OrderState.PAID, OrderStep.REFUND): OrderState.REFUNDED,
}


def state_after(state: OrderState, step: OrderStep) -> OrderState | None:
    """The state that the step leads to, or None where it cannot be taken."""
    return _STEPS.get((state, step))


@dataclass(frozen=True, slots=True)
class Payment:
    """``reference`` is the payer's or the shop's name for the payment, such as an event's id."""

    at: datetime
    reference: str | None


@dataclass(frozen=True, slots=True)
class OrderEnd:
    """A cancellation or a refund, and the vendor's day of it. ``refunded`` is None where nothing had been paid."""

    at: datetime
    day: date
    reason: str
    refunded: Money | None


@dataclass(frozen=True, slots=True)
class Order:
    """``licence_id`` is the licence it is for; of a new licence only once it is paid. ``period`` is what it was sold
    as: of a refunded order less of it was delivered."""

    number: str  # O-2026-00017
    customer_id: str
    sale: Sale
    lines: tuple[PriceLine, ...]
    period: SupportPeriod | None
    state: OrderState
    ordered_at: datetime
    ordered_on: date
    pay_by: date  # the last day on which it can be paid without somebody's say-so
    licence_id: str | None = None
    reference: str | None = None  # the customer's or the shop's own number
    quote: str | None = None
    payment: Payment | None = None
    end: OrderEnd | None = None

    @property
    def total(self) -> Money:
        return total((line.amount for line in self.lines), self.sale.currency)

    @property
    def waits_for(self) -> str | None:
        """What no second order may wait for at the same time; None where there may be several."""
        if self.state is not OrderState.ORDERED or self.licence_id is None:
            return None
        if self.sale.upgrade is not None:
            return f"{self.licence_id} {grant_text(self.sale.upgrade)}"
        return self.licence_id if self.sale.kind is SaleKind.SUPPORT else None

    @property
    def kept(self) -> Money:
        """What the vendor holds of its price: nothing before it is paid, nor what was refunded."""
        if self.payment is None:
            return Money(0, self.sale.currency)
        refunded = self.end.refunded if self.end is not None else None
        return Money(self.total.minor_units - (refunded.minor_units if refunded is not None else 0), self.sale.currency)
