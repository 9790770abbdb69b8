"""Orders as a salesperson knows them. RULES.md: Calendar; Plans and prices; Support periods."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.domain.licences import Licence
from tenure_server.domain.orders import Order, OrderState, Sale, SaleKind
from tenure_server.domain.products import LapsePolicy, Product
from tenure_server.errors import Conflict, InvalidRequest, Refusal, UnprocessableRepeat
from tenure_server.settings import Settings
from tenure_server.use_cases.issue_licence import LicenceOrder
from tenure_server.use_cases.once import Once
from tenure_server.use_cases.renew_support import support_sale
from tenure_signing.entitlement import LicenceStatus, SupportPeriod
from tenure_signing.names import ProductName
from tenure_signing.releases import Money
from tests.server.world import CAD, MYR_1000, PRO, TODAY, WHO, World

NEW = Sale(SaleKind.LICENCE, CAD, PRO, "MYR", base_price=MYR_1000)


def myr(amount: int) -> Money:
    return Money(amount * 100, "MYR")


@dataclass
class Desk:
    """The sales desk."""

    world: World

    def sold(self, on: date, *, smp_years: int | None = 1, product: ProductName = CAD) -> Licence:
        self.world.today = on
        order = LicenceOrder(product, PRO, "Ada Tan", MYR_1000, smp_years=smp_years)
        return self.world.installation.issue_licence(order, who=WHO).licence

    def read(self, licence: Licence) -> Licence:
        with self.world.database.reading() as records:
            found = records.licences.get(licence.licence_id)
        assert found is not None
        return found

    def periods(self, licence: Licence) -> list[tuple[str, str]]:
        return [(str(one.starts_on), str(one.ends_on)) for one in self.read(licence).support_periods]

    def renew(self, licence: Licence, years: int, on: date) -> None:
        self.world.today = on
        self.world.installation.renew_support(licence.licence_id, years, who=WHO)

    def order(self, sale: Sale, customer_id: str | None = None, *, once: Once | None = None) -> Order:
        if customer_id is None:
            customer_id = self.sold(self.world.today).customer_id
        return self.world.installation.place_order(lambda _: (customer_id, sale), who=WHO, once=once)

    def order_support(self, licence: Licence, years: int, on: date) -> Order:
        self.world.today = on
        return self.order(support_sale(self.read(licence), years), licence.customer_id)

    def pay(self, order: Order, **more: object) -> Order:
        paid = self.world.installation.confirm_payment(order.number, who=WHO, **more)  # type: ignore[arg-type]
        return paid.fulfilment.order

    def refund(self, licence: Licence, on: date, number: int = -1) -> Order:
        """The order of its last period, or another one."""
        self.world.today = on
        order = self.read(licence).periods[number].order
        assert order is not None
        return self.world.installation.refund_order(order, reason="sent back", who=WHO)

    def product(self, policy: LapsePolicy) -> ProductName:
        name = ProductName(f"cad-{policy}")
        self.world.installation.add_product(
            Product(name, "CAD", (PRO,), lapse_policy=policy),
            targets=[self.world.targets],
            product_signers=[self.world.engineer],
            online=self.world.installation.keys.online_signers,
            who=WHO,
        )
        return name


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


# --- Calendar


@pytest.mark.parametrize(
    ("bought_on", "years", "ends_on"),
    [
        (date(2024, 2, 29), 1, "2025-02-28"),
        (date(2023, 3, 1), 1, "2024-02-29"),
        (date(2026, 11, 23), 2, "2028-11-22"),
        (date(2024, 2, 29), 2, "2026-02-28"),
        (date(2025, 1, 1), 1, "2025-12-31"),
    ],
)
def test_a_term_ends_on_the_day_before_its_anniversary(desk: Desk, bought_on: date, years: int, ends_on: str) -> None:
    assert desk.periods(desk.sold(bought_on, smp_years=years)) == [(str(bought_on), ends_on)]


def test_the_day_of_an_order_is_the_vendors_day_not_that_of_utc(tmp_path: Path) -> None:
    world = World(tmp_path, MemoryDatabase(), Settings(time_zone="Asia/Kuala_Lumpur"))
    world.add_product()
    late_evening_in_utc = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    world.now = lambda: late_evening_in_utc  # type: ignore[method-assign]
    world.installation = world.reopened()
    order = LicenceOrder(CAD, PRO, "Ada Tan", MYR_1000, smp_years=1)
    licence = world.installation.issue_licence(order, who=WHO).licence
    assert licence.purchased_on == date(2026, 11, 24)
    assert licence.support_periods == (SupportPeriod(date(2026, 11, 24), date(2027, 11, 23)),)


# --- Plans and prices


def test_one_year_costs_15_percent_and_two_years_20_and_the_order_shows_the_arithmetic(desk: Desk) -> None:
    licence = desk.sold(TODAY, smp_years=None)
    one = desk.order_support(licence, 1, TODAY)
    assert (one.total, one.lines[0].text) == (myr(150), "Support and maintenance (SMP), one year")
    assert one.lines[0].arithmetic == "15 % of the total purchase price of MYR 1,000.00 = MYR 150.00"
    desk.world.installation.cancel_order(one.number, reason="two are wanted", who=WHO)
    two = desk.order_support(licence, 2, TODAY)
    assert two.total == myr(200)
    assert two.lines[0].arithmetic == (
        "20 % (10 % a year for 2 years) of the total purchase price of MYR 1,000.00 = MYR 200.00"
    )


@pytest.mark.parametrize(("base", "price"), [(10, 2), (9, 1), (3, 0), (4, 1), (7, 1), (0, 0)])
def test_prices_are_rounded_half_up_once_at_the_end(desk: Desk, base: int, price: int) -> None:
    order = desk.order(replace(NEW, base_price=Money(base, "MYR"), smp_years=1))
    assert order.lines[-1].amount == Money(price, "MYR")
    assert order.total == Money(base + price, "MYR")


def test_additional_users_bought_with_the_licence_count_for_its_smp(desk: Desk) -> None:
    sale = replace(NEW, additional_users=4, additional_users_price=myr(2000), smp_years=2)
    order = desk.order(sale)
    assert [line.amount for line in order.lines] == [myr(1000), myr(2000), myr(600)]
    assert order.total == myr(3600)


def test_users_added_inside_a_paid_term_change_neither_its_price_nor_its_dates_and_count_in_the_next(
    desk: Desk,
) -> None:
    licence = desk.sold(date(2025, 1, 1))
    desk.world.today = date(2025, 6, 1)
    users = Sale(SaleKind.USERS, CAD, PRO, "MYR", licence.licence_id, None, 3, myr(600))
    before = desk.read(licence).periods
    order = desk.order(users, licence.customer_id)
    assert desk.read(licence).seats == 1  # not before it is paid
    desk.pay(order)
    assert (desk.read(licence).seats, desk.read(licence).total_purchase_price) == (4, myr(1600))
    assert desk.read(licence).periods == before
    assert desk.order_support(licence, 1, date(2025, 12, 1)).total == myr(240)


# --- Support periods


def test_smp_bought_with_the_licence_starts_on_the_day_of_purchase(desk: Desk) -> None:
    order = desk.order(replace(NEW, smp_years=1))
    assert desk.pay(order).period == SupportPeriod(TODAY, date(2027, 11, 22))


def test_smp_is_optional(desk: Desk) -> None:
    paid = desk.pay(desk.order(NEW))
    assert paid.period is None
    assert paid.total == myr(1000)


def test_smp_bought_later_for_the_first_time_starts_on_the_day_it_is_ordered(desk: Desk) -> None:
    licence = desk.sold(date(2025, 1, 1), smp_years=None)
    desk.renew(licence, 1, date(2025, 6, 1))
    assert desk.periods(licence) == [("2025-06-01", "2026-05-31")]


@pytest.mark.parametrize(
    "on", [date(2025, 10, 2), date(2025, 12, 31)], ids=["90 days before the end", "the end itself"]
)
def test_a_renewal_can_be_ordered_from_90_days_before_the_end_up_to_the_end_itself(desk: Desk, on: date) -> None:
    licence = desk.sold(date(2025, 1, 1))
    desk.renew(licence, 1, on)
    assert desk.periods(licence)[1:] == [("2026-01-01", "2026-12-31")]


@pytest.mark.parametrize(("on", "code"), [(date(2025, 10, 1), "too_early"), (date(2026, 1, 1), "lapsed_closed")])
def test_a_day_before_or_after_the_window_it_is_refused(desk: Desk, on: date, code: str) -> None:
    licence = desk.sold(date(2025, 1, 1))
    with pytest.raises(Conflict) as refused:
        desk.renew(licence, 1, on)
    assert refused.value.code == code


def test_a_renewal_starts_the_day_after_the_old_end_whatever_day_it_was_ordered_on_any_number_of_times(
    desk: Desk,
) -> None:
    licence = desk.sold(date(2024, 2, 29))
    desk.renew(licence, 2, date(2024, 12, 15))
    desk.renew(licence, 1, date(2027, 2, 28))
    assert desk.periods(licence) == [
        ("2024-02-29", "2025-02-28"),
        ("2025-03-01", "2027-02-28"),
        ("2027-03-01", "2028-02-29"),
    ]


def test_a_renewal_already_ordered_closes_the_window_until_90_days_before_the_new_end(desk: Desk) -> None:
    licence = desk.sold(date(2025, 1, 1))
    desk.renew(licence, 1, date(2025, 12, 1))
    with pytest.raises(Conflict, match="from 2026-10-02 up to and including 2026-12-31") as refused:
        desk.renew(licence, 1, date(2025, 12, 2))
    assert refused.value.code == "too_early"


def test_an_order_that_waits_to_be_paid_keeps_a_second_one_from_being_placed(desk: Desk) -> None:
    licence = desk.sold(date(2025, 1, 1))
    first = desk.order_support(licence, 1, date(2025, 12, 1))
    with pytest.raises(Conflict, match=first.number) as refused:
        desk.order_support(licence, 2, date(2025, 12, 2))
    assert refused.value.code == "order_waiting"


def test_an_order_not_paid_in_time_makes_way_for_a_new_one(desk: Desk) -> None:
    licence = desk.sold(date(2025, 1, 1))
    first = desk.order_support(licence, 1, date(2025, 10, 10))
    second = desk.order_support(licence, 1, date(2025, 11, 10))
    with desk.world.database.reading() as records:
        found = records.orders.get(first.number)
    assert found is not None
    assert (found.state, second.state) == (OrderState.CANCELLED, OrderState.ORDERED)


@pytest.mark.parametrize(
    ("policy", "starts_on"), [(LapsePolicy.GAP, "2028-02-01"), (LapsePolicy.BACKDATE, "2027-11-23")]
)
def test_after_a_lapse_the_product_decides_whether_the_gap_is_paid_for(
    desk: Desk, policy: LapsePolicy, starts_on: str
) -> None:
    licence = desk.sold(TODAY, product=desk.product(policy))
    desk.renew(licence, 1, date(2028, 2, 1))
    assert desk.periods(licence)[1][0] == starts_on


def test_a_renewal_ordered_in_time_is_good_when_the_money_comes_after_the_end(desk: Desk) -> None:
    licence = desk.sold(date(2025, 1, 1))
    order = desk.order_support(licence, 1, date(2025, 12, 31))
    desk.world.today = date(2026, 1, 20)
    desk.pay(order)
    assert desk.periods(licence)[1:] == [("2026-01-01", "2026-12-31")]


def test_money_that_comes_too_late_waits_for_somebody_to_accept_it(desk: Desk) -> None:
    licence = desk.sold(date(2025, 1, 1))
    order = desk.order_support(licence, 1, date(2025, 12, 31))
    desk.world.today = order.pay_by + timedelta(days=1)
    with pytest.raises(Conflict) as refused:
        desk.pay(order)
    assert refused.value.code == "order_overdue"
    assert desk.pay(order, late_reason="the bank was slow").state is OrderState.PAID


def test_a_refund_ends_the_period_on_the_day_before(desk: Desk) -> None:
    licence = desk.sold(date(2025, 1, 1))
    desk.renew(licence, 2, date(2025, 12, 1))
    refunded = desk.refund(licence, date(2026, 3, 15))
    assert desk.periods(licence) == [("2025-01-01", "2025-12-31"), ("2026-01-01", "2026-03-14")]
    assert (refunded.state, refunded.kept) == (OrderState.REFUNDED, myr(0))


@pytest.mark.parametrize("on", [date(2025, 12, 5), date(2026, 1, 1)])
def test_a_refund_before_the_period_began_leaves_nothing_of_it(desk: Desk, on: date) -> None:
    licence = desk.sold(date(2025, 1, 1))
    desk.renew(licence, 1, date(2025, 12, 1))
    desk.refund(licence, on)
    assert desk.periods(licence) == [("2025-01-01", "2025-12-31")]


def test_a_refund_after_the_period_takes_nothing_from_it(desk: Desk) -> None:
    licence = desk.sold(date(2025, 1, 1))
    desk.refund(licence, date(2027, 1, 1))
    assert desk.periods(licence) == [("2025-01-01", "2025-12-31")]


def test_a_refunded_licence_is_revoked_and_says_why(desk: Desk) -> None:
    licence = desk.sold(date(2025, 1, 1))
    order = desk.refund(licence, date(2025, 1, 10))
    after = desk.read(licence)
    assert (after.status, after.status_reason) == (LicenceStatus.REVOKED, f"order {order.number} was refunded")


def test_refunded_users_are_gone(desk: Desk) -> None:
    licence = desk.sold(date(2025, 1, 1))
    users = Sale(SaleKind.USERS, CAD, PRO, "MYR", licence.licence_id, None, 3, myr(600))
    order = desk.pay(desk.order(users, licence.customer_id))
    desk.world.installation.refund_order(order.number, reason="too many", who=WHO)
    assert (desk.read(licence).seats, desk.read(licence).total_purchase_price) == (1, myr(1000))


def test_part_of_the_money_can_go_back_and_never_more_than_was_paid(desk: Desk) -> None:
    order = desk.pay(desk.order(NEW))
    refund = desk.world.installation.refund_order
    for absurd in (myr(1001), Money(-1, "MYR"), Money(100, "EUR")):
        with pytest.raises(InvalidRequest) as refused:
            refund(order.number, reason="x", who=WHO, amount=absurd)
        assert refused.value.code == "invalid_refund"
    assert refund(order.number, reason="x", who=WHO, amount=myr(400)).kept == myr(600)


# --- Paying


def test_nothing_is_the_customers_before_it_is_paid(desk: Desk) -> None:
    licence = desk.sold(date(2025, 1, 1), smp_years=None)
    order = desk.order_support(licence, 1, date(2025, 2, 1))
    assert desk.periods(licence) == []
    desk.pay(order)
    assert desk.periods(licence) == [("2025-02-01", "2026-01-31")]


def test_a_payment_confirmed_twice_sells_once(desk: Desk) -> None:
    order = desk.order(replace(NEW, smp_years=1))
    confirm = desk.world.installation.confirm_payment
    first = confirm(order.number, who=WHO, payment="evt_1")
    again = confirm(order.number, who=WHO, payment="evt_1")
    blind = confirm(order.number, who=WHO)
    assert (first.is_new, again.is_new, blind.is_new) == (True, False, False)
    assert again.fulfilment.order == blind.fulfilment.order == first.fulfilment.order
    assert first.fulfilment.key is not None
    with desk.world.database.reading() as records:
        assert len(records.licences.of_customer(order.customer_id)) == 2  # Ada's first, and this one


def test_an_order_paid_by_two_payments_is_noticed(desk: Desk) -> None:
    order = desk.pay(desk.order(NEW), payment="evt_1")
    with pytest.raises(Conflict) as refused:
        desk.pay(order, payment="evt_2")
    assert refused.value.code == "paid_twice"


@pytest.mark.parametrize(
    ("amount", "code"),
    [(myr(999), "wrong_amount"), (myr(1001), "wrong_amount"), (Money(100_000, "EUR"), "wrong_currency")],
)
def test_the_wrong_amount_or_currency_pays_nothing(desk: Desk, amount: Money, code: str) -> None:
    order = desk.order(NEW)
    with pytest.raises(Conflict) as refused:
        desk.pay(order, amount=amount)
    assert refused.value.code == code
    assert desk.pay(order, amount=myr(1000)).state is OrderState.PAID


def test_a_cancelled_order_cannot_be_paid_and_a_paid_one_not_cancelled(desk: Desk) -> None:
    cancel, refund = desk.world.installation.cancel_order, desk.world.installation.refund_order
    order = desk.order(NEW)
    with pytest.raises(Conflict) as unpaid:
        refund(order.number, reason="x", who=WHO)
    first = cancel(order.number, reason="no budget", who=WHO)
    assert cancel(order.number, reason="again", who=WHO) == first
    with pytest.raises(Conflict) as cancelled:
        desk.pay(order)
    paid = desk.pay(desk.order(NEW))
    with pytest.raises(Conflict) as refused:
        cancel(paid.number, reason="x", who=WHO)
    refunded = refund(paid.number, reason="x", who=WHO)
    assert refund(paid.number, reason="again", who=WHO) == refunded
    with pytest.raises(Conflict) as gone:
        desk.pay(paid)
    codes = [error.value.code for error in (unpaid, cancelled, refused, gone)]
    assert codes == ["order_ordered", "order_cancelled", "order_paid", "order_refunded"]


def test_a_period_added_by_hand_meanwhile_keeps_the_payment_from_overlapping_it(desk: Desk) -> None:
    licence = desk.sold(date(2025, 1, 1), smp_years=None)
    order = desk.order_support(licence, 1, date(2025, 2, 1))
    by_hand = SupportPeriod(date(2025, 3, 1), date(2025, 3, 31))
    desk.world.installation.add_period_by_hand(licence.licence_id, by_hand, reason="goodwill", who=WHO)
    with pytest.raises(Conflict) as refused:
        desk.pay(order)
    assert refused.value.code == "periods_overlap"
    with desk.world.database.reading() as records:
        found = records.orders.get(order.number)
    assert found is not None
    assert found.state is OrderState.ORDERED


def test_a_double_click_orders_once_and_another_order_takes_another_key(desk: Desk) -> None:
    customer = desk.sold(TODAY).customer_id
    once = Once.of("shop", "click-1", {"what": "one licence"})
    assert desk.order(NEW, customer, once=once).number == desk.order(NEW, customer, once=once).number
    with pytest.raises(UnprocessableRepeat):
        desk.order(NEW, customer, once=Once.of("shop", "click-1", {"what": "something else"}))
    assert desk.order(NEW, customer).number != desk.order(NEW, customer).number


def test_orders_are_numbered_without_gaps_and_a_refused_one_takes_no_number(desk: Desk) -> None:
    customer = desk.sold(TODAY).customer_id
    first = desk.order(NEW, customer)
    with pytest.raises(Refusal):
        desk.order(replace(NEW, smp_years=3), customer)
    second = desk.order(NEW, customer)
    assert (first.number, second.number) == ("O-2026-00002", "O-2026-00003")
    with desk.world.database.reading() as records:
        found = records.licences.search(first.number)
    assert found == ()  # not paid: no licence yet
    paid = desk.pay(second)
    with desk.world.database.reading() as records:
        assert [one.licence_id for one in records.licences.search("2026-00003")] == [paid.licence_id]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"base_price": Money(-1, "MYR")}, "invalid_price"),
        ({"base_price": Money(10**16, "MYR")}, "invalid_price"),
        ({"base_price": Money(1, "EUR")}, "mixed_currencies"),
        ({"base_price": None}, "invalid_sale"),
        ({"additional_users": 3}, "invalid_price"),
        ({"additional_users": -1}, "invalid_seats"),
        ({"smp_years": 3}, "invalid_plan"),
        ({"purchased_on": TODAY + timedelta(days=1)}, "future_purchase"),
        ({"kind": SaleKind.SUPPORT}, "invalid_sale"),
        ({"kind": SaleKind.USERS}, "invalid_sale"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(desk: Desk, change: dict[str, object], code: str) -> None:
    customer = desk.sold(TODAY).customer_id
    with pytest.raises(Refusal) as refused:
        desk.order(replace(NEW, **change), customer)  # type: ignore[arg-type]
    assert refused.value.code == code


def test_every_step_is_in_the_audit_trail_with_who_and_why(desk: Desk) -> None:
    order = desk.pay(desk.order(NEW))
    desk.world.installation.refund_order(order.number, reason="sent back", who="Bo")
    with desk.world.database.reading() as records:
        events = records.audit.newest(subject=order.number)
    assert [event.action for event in events] == ["order.refunded", "order.paid", "order.create"]
    assert (events[0].who, events[0].details["reason"]) == ("Bo", "sent back")


def test_every_step_is_told_to_other_programs_without_the_customers_name(desk: Desk) -> None:
    licence = desk.sold(date(2025, 1, 1))
    desk.refund(licence, date(2025, 3, 1))
    cancelled = desk.order(NEW, licence.customer_id)
    desk.world.installation.cancel_order(cancelled.number, reason="no budget", who=WHO)
    with desk.world.database.reading() as records:
        events = [one.event for one in records.outbox.following(0, limit=100)]
    assert [event.type.value for event in events] == [
        *("order.created", "order.paid", "licence.issued", "period.added"),
        *("period.ended", "licence.revoked", "order.refunded"),
        *("order.created", "order.cancelled"),
    ]
    assert {event.customer for event in events} == {licence.customer_id}
    assert "Ada" not in repr(events)
