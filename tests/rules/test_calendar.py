"""RULES.md, Calendar: each sentence, in plain words."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tenure_server.use_cases.publish import FileToPublish, PublishRequest
from tenure_signing.names import FileName
from tenure_signing.versions import Version
from tests.rules.shop import Shop
from tests.server.world import CAD, LINUX, WHO


def at(shop: Shop, instant: datetime, zone: str) -> Shop:
    """The clock shows that instant, and the vendor is there."""
    shop.world.now = lambda: instant  # type: ignore[method-assign]
    return shop.with_settings(time_zone=zone)


LATE_IN_UTC = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)  # 24 November in Kuala Lumpur


# "Every entitlement date is a calendar day in the vendor's time zone (a setting; … the default is UTC)."


@pytest.mark.parametrize(
    ("zone", "today"),
    [("Asia/Kuala_Lumpur", "2026-11-24"), ("UTC", "2026-11-23"), ("America/New_York", "2026-11-23")],
)
def test_a_licence_is_bought_on_the_day_that_it_is_where_the_vendor_is(shop: Shop, zone: str, today: str) -> None:
    licence = at(shop, LATE_IN_UTC, zone).sell(smp_years=1)
    assert str(licence.purchased_on) == today
    assert str(licence.support_periods[0].starts_on) == today


def test_the_vendor_is_in_utc_unless_a_setting_says_where(shop: Shop) -> None:
    assert shop.world.installation.settings.time_zone == "UTC"


def test_the_renewal_window_opens_and_closes_with_the_vendors_day(shop: Shop) -> None:
    """Support ends on 23 November: in New York it is still that day when Kuala Lumpur has the next one."""
    licence = shop.on("2025-11-24").sell(smp_years=1)
    assert at(shop, LATE_IN_UTC, "Asia/Kuala_Lumpur").refusal(licence).code == "lapsed_closed"
    assert at(shop, LATE_IN_UTC, "America/New_York").renew(licence)[-1] == "2026-11-24..2027-11-23"


# "Instants are stored in UTC; the day is taken once, at publishing or at purchase, and stored."


def test_moving_the_vendor_to_another_time_zone_changes_no_day_that_was_sold(shop: Shop) -> None:
    licence = at(shop, LATE_IN_UTC, "Asia/Kuala_Lumpur").sell(smp_years=1)
    moved = shop.with_settings(time_zone="America/New_York")
    assert str(moved.now(licence).purchased_on) == "2026-11-24"
    assert moved.periods(licence) == ["2026-11-24..2027-11-23"]


def test_moving_the_vendor_to_another_time_zone_changes_no_release_day(shop: Shop) -> None:
    build = shop.world.directory / "cad-1.0.zip"
    build.write_bytes(b"CAD")
    installation = at(shop, LATE_IN_UTC, "Asia/Kuala_Lumpur").world.installation
    request = PublishRequest(CAD, Version("1.0"), (FileToPublish(build, FileName(build.name), LINUX),))
    installation.publish(request, signers=[shop.world.engineer], online=installation.keys.online_signers, who=WHO)
    licence = shop.sell()
    at(shop, datetime(2026, 12, 1, tzinfo=UTC), "America/New_York")
    (listed,) = shop.world.installation.list_releases(licence)
    assert listed.release.released_on == date(2026, 11, 24)


# "A term of n years that starts on day d ends on the day before the n-th anniversary of d. …"


@pytest.mark.parametrize(
    ("starts_on", "years", "ends_on"),
    [
        ("2024-02-29", 1, "2025-02-28"),
        ("2023-03-01", 1, "2024-02-29"),
        ("2026-11-23", 2, "2028-11-22"),
        ("2024-02-29", 2, "2026-02-28"),
        ("2026-01-01", 1, "2026-12-31"),
        ("2027-02-28", 1, "2028-02-27"),
    ],
)
def test_a_term_ends_on_the_day_before_the_anniversary_of_its_start(
    shop: Shop, starts_on: str, years: int, ends_on: str
) -> None:
    assert shop.periods(shop.on(starts_on).sell(smp_years=years)) == [f"{starts_on}..{ends_on}"]


def test_the_anniversary_of_29_february_in_a_common_year_is_1_march(shop: Shop) -> None:
    licence = shop.on("2024-02-29").sell(smp_years=1)
    assert shop.on("2025-02-01").renew(licence)[-1] == "2025-03-01..2026-02-28"


# "Both ends are inclusive: a release dated on starts_on or on ends_on is covered."


def test_releases_of_the_first_and_of_the_last_day_are_covered_and_of_the_days_around_them_not(shop: Shop) -> None:
    for version, released_on in [("1.0", "2026-02-28"), ("1.1", "2026-03-01"), ("1.2", "2027-02-28"),
                                 ("1.3", "2027-03-01")]:  # fmt: skip
        shop.release(version, released_on)
    licence = shop.on("2026-01-01").sell()
    shop.on("2026-03-01").renew(licence)
    assert shop.periods(licence) == ["2026-03-01..2027-02-28"]
    shop.on("2028-01-01").with_settings()
    assert shop.covers(licence, "1.0") == "between_periods"
    assert shop.covers(licence, "1.1") == shop.covers(licence, "1.2") == "support_period"
    assert shop.covers(licence, "1.3") == "after_support"


# "No arithmetic in seconds or in 365-day years anywhere."


@pytest.mark.parametrize("starts_on", ["2024-03-01", "2024-12-31", "2025-06-15"])
def test_support_renewed_for_twenty_years_ends_on_the_same_day_of_every_year(shop: Shop, starts_on: str) -> None:
    licence = shop.on(starts_on).sell(smp_years=1)
    for _ in range(19):
        shop.world.today = shop.now(licence).support_periods[-1].ends_on
        shop.renew(licence)
    starts = [period.partition("..")[0] for period in shop.periods(licence)]
    assert starts == [f"{int(starts_on[:4]) + year}{starts_on[4:]}" for year in range(20)]


def test_a_day_of_23_or_25_hours_is_a_day(shop: Shop) -> None:
    """In Berlin, 29 March 2026 has 23 hours and 25 October 25: minutes before midnight it is still that day."""
    for instant, today in [
        (datetime(2026, 3, 29, 21, 59, tzinfo=UTC), "2026-03-29"),
        (datetime(2026, 10, 25, 22, 59, tzinfo=UTC), "2026-10-25"),
    ]:
        licence = at(shop, instant, "Europe/Berlin").sell(smp_years=1)
        assert str(licence.purchased_on) == today
        assert shop.standing(licence).support.days_left == 365
