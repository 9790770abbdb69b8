"""Which terms a request has. RULES.md, Support and maintenance."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tenure_server.domain.smp import term
from tenure_server.domain.support_terms import (
    ResponseRules,
    SupportTerms,
    TermsBasis,
    WorkingHours,
    parse_working_hours,
    plan_years,
    terms_on,
)
from tenure_signing.entitlement import LicenceStatus, SupportPeriod

RULES = ResponseRules(one_year_hours=16, two_year_hours=8, priority_hours=4, quotation_hours=24)
ONE_YEAR, TWO_YEARS = term(date(2024, 3, 1), 1), term(date(2025, 3, 1), 2)
ACTIVE = LicenceStatus.ACTIVE


def on(day: date, *periods: SupportPeriod, free: date | None = None, status: LicenceStatus = ACTIVE) -> SupportTerms:
    return terms_on(day, periods, free, status, RULES)


def test_in_a_support_period_the_terms_are_those_of_its_plan() -> None:
    first, last = ONE_YEAR.starts_on, ONE_YEAR.ends_on
    expected = SupportTerms(TermsBasis.SUPPORT_PERIOD, 1, last, response_hours=16, priority_hours=4)
    assert on(first, ONE_YEAR) == on(last, ONE_YEAR) == expected
    in_two_years = on(date(2026, 1, 1), ONE_YEAR, TWO_YEARS)
    assert (in_two_years.plan_years, in_two_years.response_hours, in_two_years.until) == (2, 8, TWO_YEARS.ends_on)


def test_outside_a_support_period_the_quotation_says_how_long_support_is_free() -> None:
    free = date(2026, 1, 31)
    assert on(free, free=free) == SupportTerms(TermsBasis.QUOTATION, until=free, response_hours=24)
    assert on(free + timedelta(days=1), free=free).basis is TermsBasis.NONE
    assert on(date(2025, 4, 1), ONE_YEAR, free=free).basis is TermsBasis.QUOTATION


def test_smp_comes_before_the_quotation() -> None:
    assert on(ONE_YEAR.ends_on, ONE_YEAR, free=date(2099, 1, 1)).basis is TermsBasis.SUPPORT_PERIOD


def test_without_smp_and_without_a_quotation_there_are_no_terms() -> None:
    assert on(date(2026, 1, 1)) == on(date(2026, 1, 1), ONE_YEAR) == SupportTerms(TermsBasis.NONE)


@pytest.mark.parametrize("status", [LicenceStatus.SUSPENDED, LicenceStatus.REVOKED])
def test_a_suspended_or_revoked_licence_has_no_terms_and_they_say_why(status: LicenceStatus) -> None:
    terms = on(date(2024, 5, 1), ONE_YEAR, free=date(2099, 1, 1), status=status)
    assert terms == SupportTerms(TermsBasis(f"licence_{status}"))


def test_priority_incidents_are_never_promised_later_than_other_requests() -> None:
    terms = terms_on(date(2024, 5, 1), [ONE_YEAR], None, ACTIVE, ResponseRules(one_year_hours=2, priority_hours=4))
    assert (terms.response_hours, terms.priority_hours) == (2, 2)


def test_the_plan_is_told_by_the_length_of_the_period_across_leap_days() -> None:
    assert plan_years(term(date(2024, 2, 29), 1)) == 1
    assert plan_years(term(date(2024, 2, 29), 2)) == 2
    assert plan_years(SupportPeriod(date(2024, 1, 1), date(2025, 6, 30))) == 1


KL = WorkingHours(ZoneInfo("Asia/Kuala_Lumpur"), holidays=frozenset({date(2026, 12, 25)}))


@pytest.mark.parametrize(
    ("opened", "hours", "due"),
    [
        ("2026-12-21T10:00+08:00", 4, "2026-12-21T14:00+08:00"),
        ("2026-12-21T10:00+08:00", 7, "2026-12-21T17:00+08:00"),  # the last minute of the day
        ("2026-12-21T15:00+08:00", 4, "2026-12-22T11:00+08:00"),
        ("2026-12-21T03:00+08:00", 1, "2026-12-21T10:00+08:00"),  # at night
        ("2026-12-24T16:00+08:00", 2, "2026-12-28T10:00+08:00"),  # a holiday and a weekend between
        ("2026-12-26T12:00+08:00", 8, "2026-12-28T17:00+08:00"),  # on a Saturday
    ],
)
def test_an_answer_is_due_after_so_many_working_hours_of_the_vendor(opened: str, hours: int, due: str) -> None:
    assert KL.after(datetime.fromisoformat(opened), hours) == datetime.fromisoformat(due)


def test_working_hours_keep_the_wall_clock_when_clocks_are_changed() -> None:
    berlin = parse_working_hours("Mon-Sun 00:00-24:00", ZoneInfo("Europe/Berlin"))
    saturday_noon = datetime(2026, 3, 28, 11, tzinfo=UTC)
    assert berlin.after(saturday_noon, 24) == saturday_noon + timedelta(hours=24)
    nine_to_five = parse_working_hours("Sat-Sun 09:00-17:00", ZoneInfo("Europe/Berlin"))
    assert nine_to_five.after(saturday_noon, 8) == datetime(2026, 3, 29, 10, tzinfo=UTC)


def test_working_hours_are_written_as_people_say_them_over_the_weekend_too() -> None:
    hours = parse_working_hours("Sun-Thu 08:30-16:00", UTC, "2026-12-25, 2027-01-01")
    assert (hours.weekdays, hours.opens, hours.closes) == (frozenset({6, 0, 1, 2, 3}), 510, 960)
    assert hours.holidays == {date(2026, 12, 25), date(2027, 1, 1)}


@pytest.mark.parametrize(
    "text", ["", "always", "Mon-Fri", "Mon-Fri 17:00-09:00", "Mon-Fri 09:00-25:00", "Foo-Fri 09:00-17:00"]
)
def test_hours_in_which_nobody_works_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_working_hours(text, UTC)


@pytest.mark.parametrize("hours", [0, -1, 2_001])
def test_absurd_response_terms_are_refused(hours: int) -> None:
    with pytest.raises(ValueError, match="working hours"):
        WorkingHours().after(datetime(2026, 1, 1, tzinfo=UTC), hours)
    with pytest.raises(ValueError, match="working hours"):
        ResponseRules(one_year_hours=hours)


def test_response_terms_that_nobody_can_keep_are_refused() -> None:
    a_minute_on_sundays = WorkingHours(weekdays=frozenset({6}), opens=0, closes=1)
    with pytest.raises(ValueError, match="too little"):
        ResponseRules(working_hours=a_minute_on_sundays)
    assert ResponseRules(8, 8, 8, 8, a_minute_on_sundays).working_hours.after(datetime(2026, 1, 1, tzinfo=UTC), 8)
