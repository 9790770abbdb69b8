"""The facts of a licence: inclusive periods that never overlap, grants of versions and lines."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import date

import pytest
from hypothesis import given

from tenure_signing.entitlement import (
    Entitlement,
    LicenceStatus,
    LineGrant,
    ServicePacks,
    SupportPeriod,
    VersionGrant,
    in_order,
)
from tenure_signing.versions import Version
from tests.signing import strategies
from tests.signing.small_catalogues import a_licence, a_period


def test_both_ends_of_a_period_belong_to_it() -> None:
    period = a_period("2026-01-15/2027-01-14")
    days = [date(2026, 1, 14), date(2026, 1, 15), date(2027, 1, 14), date(2027, 1, 15)]
    assert [day in period for day in days] == [False, True, True, False]


def test_a_period_may_be_a_single_day_but_not_end_before_it_starts() -> None:
    assert date(2026, 1, 15) in a_period("2026-01-15/2026-01-15")
    with pytest.raises(ValueError, match="ends on or after the day it starts"):
        a_period("2026-01-15/2026-01-14")


@pytest.mark.parametrize(
    "periods",
    [
        ("2026-01-01/2026-12-31", "2026-12-31/2027-12-30"),  # one day twice
        ("2026-01-01/2026-12-31", "2026-03-01/2026-04-01"),  # one inside the other
        ("2026-01-01/2026-12-31", "2026-01-01/2026-12-31"),
        ("2027-01-01/2027-12-31", "2026-01-01/2026-12-31"),  # out of order
    ],
)
def test_periods_that_overlap_or_are_out_of_order_are_refused(periods: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="in order and do not overlap"):
        a_licence(*periods)


def test_periods_may_touch_and_may_leave_gaps() -> None:
    licence = a_licence("2026-01-01/2026-12-31", "2027-01-01/2027-12-31", "2029-01-01/2029-12-31")
    assert licence.last_supported_day == date(2029, 12, 31)
    days = ("2025-12-31", "2026-12-31", "2027-01-01", "2028-06-01", "2029-01-01", "2030-01-01")
    assert [licence.supports(date.fromisoformat(day)) for day in days] == [False, True, True, False, True, False]


def test_a_licence_without_support_has_no_last_day() -> None:
    assert a_licence().last_supported_day is None
    assert not a_licence().supports(date(2026, 1, 15))


def test_periods_are_put_in_order() -> None:
    first, second = a_period("2026-01-01/2026-12-31"), a_period("2028-01-01/2028-12-31")
    assert in_order(iter([second, first])) == (first, second)
    assert in_order([]) == ()


def test_a_version_grant_holds_for_equal_versions_and_a_line_grant_for_the_line() -> None:
    versions = [Version(text) for text in ("4.2", "4.2.0", "4.2rc1", "4.2.7", "4.20", "4", "5.2")]
    assert [VersionGrant(Version("4.2")).holds_for(v) for v in versions] == [True, True, *[False] * 5]
    assert [LineGrant(4, 2).holds_for(v) for v in versions] == [True] * 4 + [False] * 3
    assert LineGrant(4, 0).holds_for(Version("4"))


def test_a_licence_is_active_and_its_service_packs_need_a_period_unless_said_otherwise() -> None:
    plain = Entitlement("L-1", a_licence().product, a_licence().edition, date(2026, 1, 15))
    assert (plain.status, plain.service_packs) == (LicenceStatus.ACTIVE, ServicePacks.PERIOD)
    assert (plain.periods, plain.grants) == ((), ())


def test_the_facts_of_a_licence_do_not_change_in_place() -> None:
    licence = a_licence()
    with pytest.raises(FrozenInstanceError):
        licence.status = LicenceStatus.REVOKED  # type: ignore[misc]
    assert replace(licence, status=LicenceStatus.REVOKED) != licence


@given(strategies.periods(), strategies.days)
def test_a_day_is_supported_exactly_when_one_period_holds_it(periods: tuple[SupportPeriod, ...], day: date) -> None:
    licence = replace(a_licence(), periods=periods)
    holding = [period for period in periods if period.starts_on <= day <= period.ends_on]
    assert len(holding) == licence.supports(day)
