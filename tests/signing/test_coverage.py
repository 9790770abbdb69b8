"""RULES.md, Which releases are covered: each line by name, then against the brute-force model."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenure_signing.coverage import Coverage, CoverageReason, Covered, NotCovered, coverage, coverage_of_all
from tenure_signing.entitlement import Entitlement, Grant, SupportPeriod
from tenure_signing.releases import Money, ProductReleases, Release, visible_on
from tests.signing import strategies
from tests.signing.brute_force import Model, Verdict
from tests.signing.small_catalogues import a_licence, a_product, a_release

YEAR = "2026-01-15/2027-01-14"  # one year from the purchase day


def reason(licence: Entitlement, *releases: Release) -> str:
    """The reason for the first release, in a product of all of them."""
    product = a_product(*releases)
    answer = coverage(licence, releases[0], product)
    assert answer == coverage_of_all(licence, product)[releases[0].version]
    return answer.reason.value


def verdict(answer: Coverage) -> Verdict:
    return Verdict(
        isinstance(answer, Covered), answer.reason.value, answer.price if isinstance(answer, NotCovered) else None
    )


# purchased


@pytest.mark.parametrize("day", ["1999-12-31", "2026-01-14", "2026-01-15"])
def test_a_licence_without_support_gets_everything_up_to_its_purchase_day(day: str) -> None:
    assert reason(a_licence(), a_release("4.0", day)) == "purchased"


def test_a_release_of_the_day_after_the_purchase_is_not_covered_without_support() -> None:
    assert reason(a_licence(), a_release("4.1", "2026-01-16")) == "never_supported"


def test_purchased_comes_before_support_period() -> None:
    assert reason(a_licence(YEAR), a_release("4.0", "2026-01-15")) == "purchased"


def test_a_paid_upgrade_of_before_the_purchase_is_part_of_the_product_as_bought() -> None:
    assert reason(a_licence(), a_release("5.0", "2026-01-15", paid=(100, 300))) == "purchased"


# support_period


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-01-16", "support_period"),
        ("2027-01-14", "support_period"),
        ("2027-01-15", "after_support"),
    ],
)
def test_both_ends_of_a_support_period_are_inclusive(day: str, expected: str) -> None:
    assert reason(a_licence(YEAR), a_release("4.1", day)) == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-05-31", "between_periods"),
        ("2026-06-01", "support_period"),
        ("2026-06-02", "support_period"),
    ],
)
def test_support_bought_later_starts_on_the_day_it_is_bought(day: str, expected: str) -> None:
    assert reason(a_licence("2026-06-01/2027-05-31"), a_release("4.1", day)) == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2028-02-28", "support_period"), ("2028-02-29", "support_period"), ("2028-03-01", "after_support")],
)
def test_a_period_may_end_on_a_leap_day(day: str, expected: str) -> None:
    assert reason(a_licence("2027-03-01/2028-02-29"), a_release("4.1", day)) == expected


@pytest.mark.parametrize(("day", "expected"), [("2024-02-29", "purchased"), ("2025-02-28", "support_period")])
def test_a_period_may_begin_on_a_leap_day(day: str, expected: str) -> None:
    assert reason(a_licence("2024-02-29/2025-02-28", bought="2024-02-29"), a_release("4.1", day)) == expected


def test_one_day_of_support_covers_that_day_alone() -> None:
    licence = a_licence("2026-06-01/2026-06-01")
    days = ("2026-05-31", "2026-06-01", "2026-06-02")
    assert [reason(licence, a_release("4.1", day)) for day in days] == [
        "between_periods",
        "support_period",
        "after_support",
    ]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2027-01-14", "support_period"),
        ("2027-01-15", "between_periods"),
        ("2027-06-30", "between_periods"),
        ("2027-07-01", "support_period"),
        ("2028-06-30", "support_period"),
        ("2028-07-01", "after_support"),
    ],
)
def test_the_gap_between_two_periods_stays_uncovered(day: str, expected: str) -> None:
    assert reason(a_licence(YEAR, "2027-07-01/2028-06-30"), a_release("4.1", day)) == expected


def test_periods_that_touch_leave_no_gap() -> None:
    licence = a_licence(YEAR, "2027-01-15/2028-01-14")
    assert {reason(licence, a_release("4.1", day)) for day in ("2027-01-14", "2027-01-15")} == {"support_period"}


def test_support_that_ended_takes_nothing_away() -> None:
    """Coverage has no "today": the release of a long ended period stays covered."""
    assert (
        reason(a_licence("2001-01-01/2001-12-31", bought="2000-01-01"), a_release("4.1", "2001-12-31"))
        == "support_period"
    )


# granted


def test_a_grant_covers_its_version_whatever_the_day() -> None:
    assert reason(a_licence(grants="4.2.1"), a_release("4.2.1", "2030-01-01")) == "granted"


def test_a_grant_of_a_version_does_not_cover_its_neighbours() -> None:
    licence = a_licence(grants="4.2.1")
    assert [reason(licence, a_release(v, "2030-01-01")) for v in ("4.2", "4.2.2")] == ["never_supported"] * 2


def test_a_grant_of_a_line_covers_every_release_of_it() -> None:
    licence = a_licence(grants="4.2.*")
    versions = ("4.2", "4.2.0", "4.2.1", "4.2.0.7", "4.2rc1", "4.3", "42.0", "4")
    assert [reason(licence, a_release(v, "2030-01-01")) for v in versions] == ["granted"] * 5 + ["never_supported"] * 3


def test_a_line_of_a_version_without_a_minor_number_is_its_zero_line() -> None:
    assert reason(a_licence(grants="5.0.*"), a_release("5", "2030-01-01")) == "granted"


def test_versions_that_compare_equal_are_one_version_for_a_grant() -> None:
    assert reason(a_licence(grants="4.2"), a_release("4.2.0", "2030-01-01")) == "granted"


def test_support_period_comes_before_granted() -> None:
    assert reason(a_licence(YEAR, grants="4.1"), a_release("4.1", "2026-06-01")) == "support_period"


# open_release


def test_an_open_release_is_for_every_licensee_of_the_edition() -> None:
    assert reason(a_licence(), a_release("4.1.1", "2030-01-01", is_open=True)) == "open_release"


def test_an_open_release_is_not_for_licensees_of_another_edition() -> None:
    assert reason(a_licence(edition="standard"), a_release("4.1.1", "2030-01-01", is_open=True)) == "wrong_edition"


def test_granted_comes_before_open_release() -> None:
    assert reason(a_licence(grants="4.1.1"), a_release("4.1.1", "2030-01-01", is_open=True)) == "granted"


def test_an_open_paid_upgrade_is_open() -> None:
    assert reason(a_licence(), a_release("5.0", "2030-01-01", is_open=True, paid=(1, 2))) == "open_release"


# service packs


def test_a_service_pack_needs_a_support_period_as_any_release_does() -> None:
    assert reason(a_licence(YEAR), a_release("4.1.1", "2027-02-01"), a_release("4.1", "2026-06-01")) == "after_support"


@pytest.mark.parametrize(
    ("base", "licence"),
    [
        (a_release("4.1", "2026-01-01"), a_licence(follow=True)),
        (a_release("4.1", "2026-06-01"), a_licence(YEAR, follow=True)),
        (a_release("4.1", "2029-01-01"), a_licence(follow=True, grants="4.1")),
        (a_release("4.1", "2029-01-01", is_open=True), a_licence(follow=True)),
    ],
    ids=["purchased", "support_period", "granted", "open_release"],
)
def test_a_service_pack_follows_a_covered_release_of_its_line(base: Release, licence: Entitlement) -> None:
    assert reason(licence, a_release("4.1.1", "2029-02-01"), base) == "service_pack"


def test_a_service_pack_follows_a_release_that_is_covered_as_a_step() -> None:
    licence = a_licence("2028-01-01/2028-12-31", follow=True)
    step, target = a_release("4.1", "2026-06-01"), a_release("5.0", "2028-06-01", upgrade_from="4.1")
    assert reason(licence, a_release("4.1.1", "2029-02-01", channel="beta"), step, target) == "service_pack"
    assert reason(licence, step, target) == "step"


def test_a_service_pack_follows_another_service_pack_of_its_line() -> None:
    assert reason(a_licence(YEAR, follow=True), a_release("4.1.2", "2027-02-01"), a_release("4.1.1", "2026-06-01")) == (
        "service_pack"
    )


def test_a_service_pack_does_not_follow_one_that_only_follows_itself() -> None:
    """Nothing of 4.1 is covered: its service packs cannot cover each other."""
    licence = a_licence(YEAR, follow=True)
    assert reason(licence, a_release("4.1.2", "2027-03-01"), a_release("4.1.1", "2027-02-01")) == "after_support"


def test_a_service_pack_does_not_follow_another_line() -> None:
    licence = a_licence(YEAR, follow=True)
    assert reason(licence, a_release("4.2.1", "2027-02-01"), a_release("4.1", "2026-06-01")) == "after_support"


def test_a_service_pack_follows_a_covered_release_that_was_withdrawn() -> None:
    licence = a_licence(YEAR, follow=True)
    base = a_release("4.1", "2026-06-01", withdrawn=True)
    assert reason(licence, a_release("4.1.1", "2027-02-01"), base) == "service_pack"


def test_a_service_pack_does_not_follow_a_release_of_another_edition() -> None:
    licence = a_licence(YEAR, follow=True)
    base = a_release("4.1", "2026-06-01", editions="standard")
    assert reason(licence, a_release("4.1.1", "2027-02-01"), base) == "after_support"


def test_only_service_packs_follow() -> None:
    licence = a_licence(YEAR, follow=True)
    base = a_release("4.1", "2026-06-01")
    assert reason(licence, a_release("4.1.1", "2027-02-01", kind="minor"), base) == "after_support"
    assert reason(licence, a_release("4.1.0", "2027-02-01"), a_release("4.1rc1", "2026-06-01")) == "after_support"


def test_a_paid_service_pack_follows_too() -> None:
    licence = a_licence(YEAR, follow=True)
    pack = a_release("4.1.1", "2026-07-01", paid=(100, 300))
    assert reason(licence, pack, a_release("4.1", "2026-06-01")) == "service_pack"


# not covered


@pytest.mark.parametrize("status", ["suspended", "revoked"])
def test_a_suspended_or_revoked_licence_gets_nothing_at_all(status: str) -> None:
    licence = a_licence(YEAR, status=status, grants="4.1")
    for release in (
        a_release("4.0", "2020-01-01"),
        a_release("4.1", "2026-06-01"),
        a_release("4.2", "2026-06-01", is_open=True),
        a_release("4.3", "2026-06-01", editions="standard"),
        a_release("4.4", "2026-06-01", product="paint"),
        a_release("5.0", "2030-01-01", paid=(100, 300)),
    ):
        assert reason(licence, release) == f"licence_{status}"


def test_another_product_is_told_before_another_edition() -> None:
    assert (
        reason(a_licence(YEAR), a_release("4.1", "2020-01-01", product="paint", editions="standard")) == "wrong_product"
    )


def test_a_release_for_several_editions_is_for_each_of_them() -> None:
    release = a_release("4.1", "2020-01-01", editions="pro standard")
    assert [reason(a_licence(edition=e), release) for e in ("pro", "standard", "home")] == [
        "purchased",
        "purchased",
        "wrong_edition",
    ]


def test_a_grant_does_not_cross_editions() -> None:
    assert reason(a_licence(grants="4.1"), a_release("4.1", "2026-06-01", editions="standard")) == "wrong_edition"


@pytest.mark.parametrize(
    ("day", "price"),
    [("2026-01-16", 10_000), ("2027-01-14", 10_000), ("2027-01-15", 30_000)],
)
def test_a_paid_upgrade_is_due_at_the_price_of_its_release_day(day: str, price: int) -> None:
    release = a_release("5.0", day, paid=(10_000, 30_000))
    answer = coverage(a_licence(YEAR), release, a_product(release))
    assert verdict(answer) == Verdict(False, "upgrade_payment_due", Money(price, "MYR"))


def test_a_paid_upgrade_costs_more_in_a_gap_and_without_support() -> None:
    release = a_release("5.0", "2026-03-01", paid=(10_000, 30_000))
    for licence in (
        a_licence(),
        a_licence("2026-06-01/2027-05-31"),
        a_licence("2025-01-01/2025-12-31", bought="2025-01-01"),
    ):
        answer = coverage(licence, release, a_product(release))
        assert verdict(answer) == Verdict(False, "upgrade_payment_due", Money(30_000, "MYR"))


def test_a_paid_upgrade_is_covered_once_its_grant_is_made() -> None:
    release = a_release("5.0", "2026-06-01", paid=(10_000, 30_000))
    assert reason(a_licence(YEAR, grants="5.0"), release) == "granted"
    assert reason(a_licence(YEAR, grants="5.0.*"), release) == "granted"


def test_a_free_paid_upgrade_still_needs_its_order() -> None:
    release = a_release("5.0", "2026-06-01", paid=(0, 30_000))
    answer = coverage(a_licence(YEAR), release, a_product(release))
    assert verdict(answer) == Verdict(False, "upgrade_payment_due", Money(0, "MYR"))


def test_withdrawal_and_channel_play_no_part_in_coverage() -> None:
    release = a_release("4.1", "2026-06-01", withdrawn=True, channel="alpha")
    assert reason(a_licence(YEAR), release) == "support_period"


def test_a_release_dated_in_the_future_is_invisible_until_its_day() -> None:
    release = a_release("4.1", "2026-06-01")
    seen = [visible_on((release,), date(2026, 5, 31)), visible_on((release,), date(2026, 6, 1))]
    assert seen == [(), (release,)]


# step: the licence paid for 2028; 4.x came out in the gap before

LATER = a_licence("2028-01-01/2028-12-31")


def test_the_lowest_release_of_the_gap_that_can_serve_is_covered_as_the_step() -> None:
    target = a_release("5.0", "2028-06-01", upgrade_from="4.2")
    gap = [a_release(v, "2027-01-01") for v in ("4.1", "4.2", "4.3")]
    reasons = {r.version: coverage(LATER, r, a_product(target, *gap)).reason.value for r in gap}
    assert list(reasons.values()) == ["between_periods", "step", "between_periods"]


def test_no_step_is_needed_when_a_covered_release_can_serve() -> None:
    target, gap = a_release("5.0", "2028-06-01", upgrade_from="4.2"), a_release("4.2", "2027-01-01")
    assert reason(LATER, gap, target, a_release("4.2.1", "2028-01-01")) == "between_periods"
    assert reason(LATER, gap, target, a_release("4.3", "2029-01-01", is_open=True)) == "between_periods"
    assert reason(LATER, gap, target, a_release("4.3", "2029-01-01")) == "step"


def test_a_followed_service_pack_can_serve_too() -> None:
    licence = a_licence("2028-01-01/2028-12-31", follow=True)
    target, gap = a_release("5.0", "2028-06-01", upgrade_from="4.0.3"), a_release("4.0.3", "2027-01-01")
    assert reason(licence, gap, target) == "step"
    assert reason(licence, gap, target, a_release("4.0", "2025-01-01")) == "service_pack"


def test_steps_towards_steps_are_covered_in_turn() -> None:
    target = a_release("5.0", "2028-06-01", upgrade_from="4.2")
    middle = a_release("4.2", "2027-02-01", upgrade_from="4.1")
    first = a_release("4.1", "2027-01-01", upgrade_from="4.0")
    unneeded = a_release("4.1.5", "2027-01-05")
    product = a_product(target, middle, first, unneeded)
    assert {str(v): c.reason.value for v, c in coverage_of_all(LATER, product).items()} == {
        "5.0": "support_period",
        "4.2": "step",
        "4.1": "step",
        "4.1.5": "between_periods",
    }


def test_a_step_must_run_on_the_machine_that_needs_it() -> None:
    target = a_release("5.0", "2028-06-01", upgrade_from="4.1", platforms="linux-x86_64 windows-x86_64")
    linux = a_release("4.1", "2027-01-01", platforms="linux-x86_64")
    windows = a_release("4.2", "2027-02-01", platforms="windows-x86_64")
    both = a_release("4.3", "2027-03-01", platforms="linux-x86_64 windows-x86_64")
    product = a_product(target, linux, windows, both)
    assert [coverage(LATER, r, product).reason.value for r in (linux, windows, both)] == [
        "step",
        "step",
        "between_periods",
    ]


def test_a_step_may_differ_between_the_machines_of_one_universal_build() -> None:
    target = a_release("5.0", "2028-06-01", upgrade_from="4.1", platforms="macos-universal2")
    intel = a_release("4.1", "2027-01-01", platforms="macos-intel")
    apple = a_release("4.2", "2027-02-01", platforms="macos-arm64")
    product = a_product(target, intel, apple)
    assert [coverage(LATER, r, product).reason.value for r in (intel, apple)] == ["step", "step"]


def test_builds_for_any_architecture_and_for_any_system_meet_on_a_machine_neither_names() -> None:
    target = a_release("5.0", "2028-06-01", upgrade_from="4.1", platforms="linux-any")
    assert reason(LATER, a_release("4.1", "2027-01-01", platforms="any-x86_64"), target) == "step"


def test_a_build_that_another_system_alone_could_use_is_no_step() -> None:
    target = a_release("5.0", "2028-06-01", upgrade_from="4.1", platforms="linux-any")
    assert reason(LATER, a_release("4.1", "2027-01-01", platforms="windows-any"), target) == "between_periods"


@pytest.mark.parametrize(
    ("step", "target", "expected"),
    [
        ("stable", "stable", "step"),
        ("stable", "beta", "step"),
        ("beta", "beta", "step"),
        ("beta", "stable", "between_periods"),
        ("alpha", "beta", "between_periods"),
    ],
)
def test_a_step_is_on_the_targets_channel_or_a_more_stable_one(step: str, target: str, expected: str) -> None:
    goal = a_release("5.0", "2028-06-01", upgrade_from="4.1", channel=target)
    assert reason(LATER, a_release("4.1", "2027-01-01", channel=step), goal) == expected


def test_a_covered_release_on_a_less_stable_channel_does_not_spare_the_step() -> None:
    target = a_release("5.0", "2028-06-01", upgrade_from="4.1")
    beta = a_release("4.2", "2028-02-01", channel="beta")
    assert reason(LATER, a_release("4.1", "2027-01-01"), target, beta) == "step"


def test_a_withdrawn_release_neither_serves_nor_asks_for_a_step() -> None:
    target, gap = a_release("5.0", "2028-06-01", upgrade_from="4.1"), a_release("4.1", "2027-01-01")
    assert (
        reason(LATER, gap, replace(target, withdrawal=a_release("9", withdrawn=True).withdrawal)) == "between_periods"
    )
    assert (
        reason(LATER, a_release("4.2", "2027-02-01"), target, a_release("4.1", "2027-01-01", withdrawn=True)) == "step"
    )
    assert reason(LATER, gap, target, a_release("4.2", "2028-02-01", withdrawn=True)) == "step"


def test_an_uncovered_release_asks_for_no_step() -> None:
    target = a_release("5.0", "2029-06-01", upgrade_from="4.1")
    assert reason(LATER, a_release("4.1", "2027-01-01"), target) == "between_periods"


def test_a_step_is_for_the_licences_edition() -> None:
    target = a_release("5.0", "2028-06-01", upgrade_from="4.1")
    other = a_release("4.1", "2027-01-01", editions="standard")
    assert reason(LATER, other, target) == "wrong_edition"
    assert reason(LATER, a_release("4.2", "2027-02-01"), target, other) == "step"


def test_a_release_below_the_required_version_or_not_below_the_target_is_no_step() -> None:
    target = a_release("5.0", "2028-06-01", upgrade_from="4.1")
    for version in ("4.0.9", "5.0.1"):
        assert reason(LATER, a_release(version, "2027-01-01"), target) == "between_periods"


def test_a_step_can_be_a_paid_upgrade() -> None:
    """RULES.md makes no exception: a gap never strands a customer below something paid for."""
    target = a_release("6.0", "2028-06-01", upgrade_from="5.0")
    assert reason(LATER, a_release("5.0", "2027-01-01", paid=(1, 2)), target) == "step"


def test_step_comes_before_service_pack() -> None:
    licence = a_licence("2028-01-01/2028-12-31", follow=True)
    target = a_release("5.0", "2028-06-01", upgrade_from="4.2.1")
    chained = a_release("4.2.1", "2027-03-01", upgrade_from="4.1")
    assert reason(licence, chained, target, a_release("4.1", "2027-01-01")) == "step"


def test_a_target_that_follows_a_step_asks_for_steps_too() -> None:
    licence = a_licence("2028-01-01/2028-12-31", follow=True)
    target = a_release("5.0", "2028-06-01", upgrade_from="4.2")
    line = a_release("4.2", "2027-02-01")
    pack = a_release("4.2.1", "2027-03-01", upgrade_from="4.1.5", channel="beta")
    below = a_release("4.1.5", "2027-01-01")
    product = a_product(target, line, pack, below)
    assert [coverage(licence, r, product).reason.value for r in (line, pack, below)] == ["step", "service_pack", "step"]


# Against the model


@settings(max_examples=600, deadline=None)
@given(strategies.entitlements(), strategies.catalogues(), st.randoms(use_true_random=False))
def test_coverage_is_what_a_brute_force_reading_of_the_rules_gives(
    licence: Entitlement, product: ProductReleases, shuffler: random.Random
) -> None:
    model = Model(licence, product)
    expected = {release.version: model.verdict(release) for release in product.releases}
    assert {v: verdict(c) for v, c in coverage_of_all(licence, product).items()} == expected
    assert {r.version: verdict(coverage(licence, r, product)) for r in product.releases} == expected

    shuffled = list(product.releases)
    shuffler.shuffle(shuffled)
    again = coverage_of_all(licence, replace(product, releases=tuple(shuffled)))
    assert {v: verdict(c) for v, c in again.items()} == expected


@settings(max_examples=600, deadline=None)
@given(strategies.step_puzzles())
def test_steps_are_what_a_brute_force_reading_of_the_rules_gives(
    puzzle: tuple[Entitlement, ProductReleases],
) -> None:
    licence, product = puzzle
    model = Model(licence, product)
    expected = {release.version: model.verdict(release) for release in product.releases}
    assert {v: verdict(c) for v, c in coverage_of_all(licence, product).items()} == expected


# Invariants


def without_steps(licence: Entitlement, product: ProductReleases) -> set[Release]:
    """What is covered even if no release asked for a step."""
    plain = replace(product, releases=tuple(replace(r, upgrade_from=None) for r in product.releases))
    covered = coverage_of_all(licence, plain)
    return {r for r in product.releases if isinstance(covered[r.version], Covered)}


def covered_by(licence: Entitlement, product: ProductReleases) -> set[Release]:
    return {r for r in product.releases if isinstance(coverage(licence, r, product), Covered)}


@settings(max_examples=300, deadline=None)
@given(strategies.entitlements(only_active=True), strategies.catalogues(), strategies.grants)
def test_buying_more_takes_away_nothing_but_steps_that_are_needed_no_more(
    licence: Entitlement, product: ProductReleases, grant: Grant
) -> None:
    """A step is covered only while nothing else can serve; whatever is covered for its own sake stays."""
    last_day = licence.last_supported_day or licence.purchased_on
    term = SupportPeriod(last_day + timedelta(days=3), last_day + timedelta(days=9))
    richer = replace(licence, periods=(*licence.periods, term), grants=(*licence.grants, grant))
    assert without_steps(licence, product) <= without_steps(richer, product) <= covered_by(richer, product)


@settings(max_examples=300, deadline=None)
@given(strategies.entitlements(only_active=True), strategies.catalogues(), strategies.days, strategies.days)
def test_what_was_covered_for_its_own_sake_stays_covered_as_time_passes(
    licence: Entitlement, product: ProductReleases, one: date, other: date
) -> None:
    earlier, later = (
        replace(product, releases=visible_on(product.releases, day)) for day in (min(one, other), max(one, other))
    )
    assert without_steps(licence, earlier) <= covered_by(licence, later)
    for release in earlier.releases:
        was = coverage(licence, release, earlier)
        if isinstance(was, Covered) and was.reason not in (CoverageReason.STEP, CoverageReason.SERVICE_PACK):
            assert coverage(licence, release, later) == was
