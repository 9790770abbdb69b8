"""Whether one more machine may use a licence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tenure_server.domain.seats import (
    ProductSeatRules,
    Seat,
    Seating,
    SeatLimit,
    SeatRules,
    is_seat_name,
    most_machines,
    seating,
    seats_named,
    split_stale,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MONTH = SeatRules(expiry=timedelta(days=30))


def seat(number: int = 1, seen_at: datetime = NOON) -> Seat:
    return Seat("7k2m", f"{number:064x}", None, NOON, seen_at)


@pytest.mark.parametrize("limit", SeatLimit)
def test_a_machine_keeps_its_seat_and_a_new_one_gets_a_free_one(limit: SeatLimit) -> None:
    assert seating([seat(1)], seat(1).machine, 1, limit) is Seating.HELD
    assert seating([seat(1)], seat(2).machine, 2, limit) is Seating.FREE


def test_one_machine_too_many_is_refused_or_only_warned_of_as_the_vendor_set_it() -> None:
    assert seating([seat(1)], seat(2).machine, 1, SeatLimit.REFUSE) is Seating.REFUSED
    assert seating([seat(1)], seat(2).machine, 1, SeatLimit.WARN) is Seating.OVER_LIMIT


def test_whoever_invents_machines_is_stopped_even_where_the_vendor_only_warns() -> None:
    held = [seat(number) for number in range(most_machines(1))]
    assert seating(held[:-1], seat(999).machine, 1, SeatLimit.WARN) is Seating.OVER_LIMIT
    assert seating(held, seat(999).machine, 1, SeatLimit.WARN) is Seating.REFUSED
    assert seating(held, held[0].machine, 1, SeatLimit.WARN) is Seating.HELD


def test_a_seat_is_held_up_to_its_last_instant_and_free_after_it() -> None:
    until = seat().valid_until(MONTH)
    assert until == NOON + timedelta(days=30)
    assert split_stale([seat()], until, MONTH) == ((seat(),), ())
    assert split_stale([seat()], until + timedelta(microseconds=1), MONTH) == ((), (seat(),))
    assert split_stale([seat()], NOON + timedelta(days=36500), SeatRules()) == ((seat(),), ())


def test_a_machine_that_asks_again_is_seen_later_and_never_earlier() -> None:
    assert seat().seen(NOON + timedelta(1), "lab 3").seen_at == NOON + timedelta(1)
    assert seat().seen(NOON - timedelta(1), None).seen_at == NOON
    assert seat().seen(NOON, "lab 3").seen(NOON, None).name == "lab 3"


def test_a_name_is_a_short_printable_line() -> None:
    assert is_seat_name("Ada's laptop ✓")
    assert not any(is_seat_name(name) for name in ("", " lab", "two\nlines", "\x1b[31m", "x" * 81))


def test_an_expiry_is_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        SeatRules(expiry=timedelta(0))


def test_a_product_without_rules_of_its_own_follows_the_settings() -> None:
    warn = SeatRules(SeatLimit.WARN, timedelta(days=9))
    assert ProductSeatRules().over(warn) == warn
    assert ProductSeatRules(SeatLimit.REFUSE).over(warn) == SeatRules(SeatLimit.REFUSE, timedelta(days=9))
    assert ProductSeatRules(expiry_days=30).over(SeatRules()) == MONTH
    assert ProductSeatRules(expiry_days=0).over(warn) == SeatRules(SeatLimit.WARN)


@pytest.mark.parametrize("days", [-1, 3661])
def test_an_expiry_of_a_product_is_a_sensible_number_of_days(days: int) -> None:
    with pytest.raises(ValueError, match="1 to 3660 days"):
        ProductSeatRules(expiry_days=days)


def test_a_machine_is_meant_by_its_name_or_by_how_it_begins() -> None:
    lab, other = replace(seat(1), name="lab 3", machine="ab12" * 16), replace(seat(2), machine="ab13" * 16)
    seats = (lab, other, replace(seat(3), name="ab13"))
    assert seats_named(seats, "lab 3") == (lab,)
    assert seats_named(seats, "AB12") == (lab,)
    assert seats_named(seats, "ab13") == (seats[2],), "a name comes first"
    assert seats_named(seats, "ab13a") == (other,)
    assert seats_named(seats, "ab1") == seats_named(seats, "") == seats_named(seats, "lab") == ()
