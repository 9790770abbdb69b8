"""RULES.md, Calendar and Support periods: terms, renewal windows, lapse. For people at the sales desk to read."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure_server.domain.products import LapsePolicy
from tenure_server.domain.smp import Ordering, RenewalRules, anniversary, renewal_window, term

RULES = RenewalRules()
DAYS = st.dates(date(1990, 1, 1), date(2090, 12, 31))


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("starts_on", "years", "ends_on"),
    [
        ("2024-02-29", 1, "2025-02-28"),
        ("2023-03-01", 1, "2024-02-29"),
        ("2026-11-23", 2, "2028-11-22"),
        ("2024-02-29", 2, "2026-02-28"),
        ("2026-01-01", 1, "2026-12-31"),
        ("2022-02-28", 2, "2024-02-27"),
    ],
)
def test_a_term_ends_on_the_day_before_the_anniversary(starts_on: str, years: int, ends_on: str) -> None:
    period = term(day(starts_on), years)
    assert (period.starts_on, period.ends_on) == (day(starts_on), day(ends_on))


def test_the_anniversary_of_29_february_in_a_common_year_is_1_march() -> None:
    assert anniversary(day("2024-02-29"), 1) == day("2025-03-01")
    assert anniversary(day("2024-02-29"), 4) == day("2028-02-29")


@pytest.mark.parametrize("years", [0, 3, -1])
def test_there_is_no_plan_for_other_than_one_or_two_years(years: int) -> None:
    with pytest.raises(ValueError, match="one or two years"):
        term(day("2026-01-01"), years)


@given(starts_on=DAYS, years=st.sampled_from([1, 2]))
def test_renewing_for_ever_leaves_no_day_out_and_counts_none_twice(starts_on: date, years: int) -> None:
    first = term(starts_on, years)
    second = term(first.ends_on + timedelta(days=1), years)
    assert second.starts_on == first.ends_on + timedelta(days=1)
    assert 364 * years <= (first.ends_on - first.starts_on).days <= 366 * years


def test_a_renewal_can_be_ordered_from_90_days_before_the_end_up_to_the_end_itself() -> None:
    last = day("2027-03-31")
    too_early = renewal_window(last, LapsePolicy.CLOSED, day("2026-12-30"), RULES)
    assert too_early.ordering is Ordering.TOO_EARLY
    assert (too_early.opens_on, too_early.closes_on) == (day("2026-12-31"), last)
    for today in ("2026-12-31", "2027-03-31"):
        window = renewal_window(last, LapsePolicy.CLOSED, day(today), RULES)
        assert window.ordering is Ordering.OPEN
        assert window.starts_on == day("2027-04-01")


def test_the_new_term_starts_the_day_after_the_old_end_whatever_day_it_was_ordered_on() -> None:
    last = day("2027-03-31")
    starts = {renewal_window(last, LapsePolicy.GAP, last - timedelta(days=n), RULES).starts_on for n in range(91)}
    assert starts == {day("2027-04-01")}


def test_the_last_call_goes_out_14_days_before_the_end() -> None:
    last = day("2027-03-31")
    assert not renewal_window(last, LapsePolicy.CLOSED, day("2027-03-16"), RULES).is_last_call
    assert renewal_window(last, LapsePolicy.CLOSED, day("2027-03-17"), RULES).is_last_call


@pytest.mark.parametrize(
    ("policy", "ordering", "starts_on"),
    [
        (LapsePolicy.CLOSED, Ordering.LAPSED_CLOSED, None),
        (LapsePolicy.GAP, Ordering.LAPSED_GAP, day("2027-06-01")),
        (LapsePolicy.BACKDATE, Ordering.LAPSED_BACKDATE, day("2027-04-01")),
    ],
)
def test_once_support_has_lapsed_the_product_says_what_can_be_ordered(
    policy: LapsePolicy, ordering: Ordering, starts_on: date | None
) -> None:
    window = renewal_window(day("2027-03-31"), policy, day("2027-06-01"), RULES)
    assert (window.ordering, window.starts_on) == (ordering, starts_on)
    assert window.can_be_ordered == (starts_on is not None)


def test_the_day_after_the_end_is_lapsed() -> None:
    window = renewal_window(day("2027-03-31"), LapsePolicy.CLOSED, day("2027-04-01"), RULES)
    assert window.ordering is Ordering.LAPSED_CLOSED


def test_smp_bought_later_for_the_first_time_starts_on_the_day_it_is_bought() -> None:
    window = renewal_window(None, LapsePolicy.CLOSED, day("2027-06-01"), RULES)
    assert (window.ordering, window.starts_on) == (Ordering.FIRST_TERM, day("2027-06-01"))


def test_a_renewal_already_ordered_closes_the_window_until_90_days_before_the_new_end() -> None:
    renewed_until = term(day("2027-04-01"), 1).ends_on
    window = renewal_window(renewed_until, LapsePolicy.CLOSED, day("2027-03-20"), RULES)
    assert window.ordering is Ordering.TOO_EARLY
    assert window.opens_on == renewed_until - timedelta(days=90)


@given(last=DAYS, today=DAYS, policy=st.sampled_from(LapsePolicy))
def test_what_can_be_ordered_never_overlaps_what_was_paid(last: date, today: date, policy: LapsePolicy) -> None:
    window = renewal_window(last, policy, today, RULES)
    assert window.starts_on is None or window.starts_on > last
