"""RULES.md, Plans and prices."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure_server.domain.money import parse_amount, show
from tenure_server.domain.pricing import SmpPrices, smp_price, total
from tenure_signing.releases import Money

PRICES = SmpPrices()


def myr(minor_units: int) -> Money:
    return Money(minor_units, "MYR")


def test_one_year_costs_15_percent_and_two_years_20_percent_of_the_total_purchase_price() -> None:
    assert smp_price(myr(120_000), 1, PRICES) == myr(18_000)
    assert smp_price(myr(120_000), 2, PRICES) == myr(24_000)


def test_additional_users_count_in_full() -> None:
    price_base = total([myr(100_000), myr(50_000), myr(25_000)], "MYR")
    assert smp_price(price_base, 1, PRICES) == myr(26_250)


@pytest.mark.parametrize(("price_base", "expected"), [(3, 0), (4, 1), (10, 2), (30, 5), (110, 17), (70, 11), (90, 14)])
def test_prices_are_rounded_half_up_once_at_the_end(price_base: int, expected: int) -> None:
    assert smp_price(myr(price_base), 1, PRICES) == myr(expected)


def test_the_percentages_are_settings() -> None:
    prices = SmpPrices(one_year_percent=Decimal("17.5"), two_year_percent_per_year=Decimal("12.25"))
    assert smp_price(myr(10_000), 1, prices) == myr(1750)
    assert smp_price(myr(10_000), 2, prices) == myr(2450)


@given(st.integers(0, 10**12))
def test_two_years_cost_less_than_two_single_years(price_base: int) -> None:
    one, two = (smp_price(myr(price_base), years, PRICES).minor_units for years in (1, 2))
    assert two <= 2 * one + 1


def test_amounts_in_different_currencies_are_never_added() -> None:
    with pytest.raises(ValueError, match="EUR"):
        total([Money(1, "EUR")], "MYR")


@pytest.mark.parametrize(
    ("text", "currency", "minor_units"),
    [
        ("1200", "MYR", 120_000),
        ("1200.5", "MYR", 120_050),
        ("0", "EUR", 0),
        ("1200", "JPY", 1200),
        ("1.234", "KWD", 1234),
    ],
)
def test_amounts_are_read_with_the_digits_of_their_currency(text: str, currency: str, minor_units: int) -> None:
    assert parse_amount(text, currency) == Money(minor_units, currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("-1", "MYR"),
        ("1,200", "MYR"),
        ("1.234", "MYR"),
        ("1.5", "JPY"),
        ("1e3", "MYR"),
        ("", "MYR"),
        ("٣", "MYR"),
        ("9" * 30, "MYR"),
        ("1", "XXXX"),
        ("1", "myr"),
        ("1", "QQQ"),
    ],
)
def test_what_is_no_amount_is_refused(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match=r"amount|digits|currency"):
        parse_amount(text, currency)


def test_amounts_are_shown_with_their_currency() -> None:
    assert show(myr(120_050)) == "MYR 1,200.50"
    assert show(Money(1200, "JPY")) == "JPY 1,200"
