"""RULES.md, Plans and prices: each sentence, in plain words."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tenure_server.domain.orders import LineByHand, sale_for
from tenure_server.errors import InvalidRequest
from tenure_signing.releases import Money
from tests.rules.shop import Shop, myr
from tests.server.world import WHO

# "One-year plan: 15 % of the total purchase price. Two-year plan: 10 % of it per year, so 20 % for the term."


def test_one_year_costs_15_percent_of_the_total_purchase_price(shop: Shop) -> None:
    licence = shop.sell()
    assert shop.order(licence, 1).total == myr(150)


def test_two_years_cost_10_percent_a_year_so_20_for_the_term(shop: Shop) -> None:
    order = shop.order(shop.sell(), 2)
    assert order.total == myr(200)
    assert "20 % (10 % a year for 2 years) of the total purchase price" in order.lines[0].arithmetic


@pytest.mark.parametrize("years", [0, 3, -1])
def test_there_is_no_other_plan(shop: Shop, years: int) -> None:
    with pytest.raises(InvalidRequest, match="one or two years"):
        shop.order(shop.sell(), years)


# "Percentages are settings; …"


def test_the_percentages_are_settings(shop: Shop) -> None:
    shop.with_settings(one_year_percent=Decimal("17.5"), two_year_percent=Decimal("12.25"))
    assert shop.prices(shop.sell()) == [myr(175), myr(245)]


def test_new_percentages_change_no_price_that_was_agreed(shop: Shop) -> None:
    licence = shop.sell()
    order = shop.order(licence, 1)
    shop.with_settings(one_year_percent=Decimal(50))
    assert shop.pay(order).total == myr(150)


# "… money is integer minor units with an ISO 4217 currency (MYR by default), computed with Decimal, rounded half up
# once, at the end."


@pytest.mark.parametrize(
    ("base", "one_year"), [("0.03", "0.00"), ("0.04", "0.01"), ("0.10", "0.02"), ("333.30", "50.00"), ("0.07", "0.01")]
)
def test_a_price_is_rounded_half_up_once_to_whole_sen(shop: Shop, base: str, one_year: str) -> None:
    """15 % of 0.10 is 0.015: two sen."""
    assert shop.order(shop.sell(price=myr(base)), 1).total == myr(one_year)


def test_it_is_the_total_that_is_rounded_and_not_each_part_of_it(shop: Shop) -> None:
    """15 % of 0.03 and of 0.03 are 0.0045 each, which alone would be nothing; of 0.06 it is 0.009."""
    licence = shop.sell(price=myr("0.03"), users=1, users_price=myr("0.03"))
    assert shop.order(licence, 1).total == myr("0.01")


def test_a_vendor_who_says_nothing_sells_in_malaysian_ringgit(shop: Shop) -> None:
    assert shop.world.installation.settings.currency == "MYR"


def test_yen_have_no_smaller_unit_and_support_is_rounded_to_whole_ones(shop: Shop) -> None:
    assert shop.order(shop.sell(price=Money(1_003, "JPY")), 1).total == Money(150, "JPY")


# "Additional users raise the total purchase price from the day they are bought: they count in full in the next SMP
# order."


def test_additional_users_count_in_full_in_the_next_smp_order(shop: Shop) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=1)
    shop.on("2026-12-30").sell_users(licence, 4, myr(2000))
    assert shop.now(licence).total_purchase_price == myr(3000)
    assert shop.order(licence, 1).total == myr(450)


def test_users_that_are_ordered_and_not_paid_for_yet_do_not_count(shop: Shop) -> None:
    licence = shop.sell()
    users = sale_for(licence, additional_users=2, additional_users_price=myr(500))
    order = shop.world.installation.place_order(lambda _: (licence.customer_id, users), who=WHO)
    assert shop.prices(licence) == [myr(150), myr(200)]
    shop.pay(order)
    assert shop.prices(licence) == [myr(225), myr(300)]


# "Seats added inside a paid term change neither its price nor its dates (…)."


def test_seats_added_inside_a_paid_term_change_neither_its_price_nor_its_dates(shop: Shop) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=2)
    before = shop.now(licence).periods
    order = shop.on("2026-07-01").sell_users(licence, 2, myr(400))
    assert [line.thing for line in order.lines] == ["additional_users"]
    assert shop.now(licence).periods == before
    assert shop.now(licence).seats == 3


# "(the sales desk may add a line by hand)"


def test_the_sales_desk_may_charge_the_rest_of_the_term_for_new_seats_by_hand(shop: Shop) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=1)
    before = shop.now(licence).periods
    rest = LineByHand("Support of 2 users until 31 December", myr(60))
    users = sale_for(licence, additional_users=2, additional_users_price=myr(400), by_hand=rest)
    order = shop.on("2026-07-01").world.installation.place_order(lambda _: (licence.customer_id, users), who=WHO)
    assert [(line.text, line.amount) for line in order.lines] == [
        ("2 additional users", myr(400)),
        ("Support of 2 users until 31 December", myr(60)),
    ]
    assert shop.pay(order).total == myr(460)
    assert shop.now(licence).total_purchase_price == myr(1400)
    assert shop.now(licence).periods == before


def test_a_line_by_hand_changes_nothing_of_what_smp_costs(shop: Shop) -> None:
    licence = shop.sell()
    sale = sale_for(licence, smp_years=1, by_hand=LineByHand("Installation on site", myr(500)))
    order = shop.world.installation.place_order(lambda _: (licence.customer_id, sale), who=WHO)
    assert [line.amount for line in order.lines] == [myr(500), myr(150)]
    assert shop.pay(order).period is not None
    assert [period.price for period in shop.now(licence).periods] == [myr(150)]


@pytest.mark.parametrize(
    "line", [LineByHand("", myr(1)), LineByHand("x", Money(-1, "MYR")), LineByHand("x", Money(1, "EUR"))]
)
def test_a_line_by_hand_says_what_it_is_for_and_is_in_the_orders_currency(shop: Shop, line: LineByHand) -> None:
    licence = shop.sell()
    sale = sale_for(licence, smp_years=1, by_hand=line)
    with pytest.raises(InvalidRequest):
        shop.world.installation.place_order(lambda _: (licence.customer_id, sale), who=WHO)
