"""RULES.md, Which release an installed copy is offered: each line by name, then against the brute-force model."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from packaging.version import Version

from tenure_signing.coverage import Covered, NotCovered, RefusalReason, coverage
from tenure_signing.entitlement import Entitlement
from tenure_signing.errors import InvalidName
from tenure_signing.names import ChannelName, Platform
from tenure_signing.releases import Money, ProductReleases, Release, Rollout
from tenure_signing.update_choice import (
    InstalledCopy,
    UpdateChoice,
    UpdateStatus,
    Withheld,
    choose_update,
    download_decision,
    download_decisions,
)
from tests.signing import strategies
from tests.signing.brute_force import Answer, Model
from tests.signing.small_catalogues import a_copy, a_licence, a_product, a_release

YEAR = a_licence("2026-01-15/2027-01-14")
LATER = a_licence("2028-01-01/2028-12-31")  # 2027 is a gap

BASE = a_release("4.0", "2026-01-10")
SUPPORTED = a_release("4.1", "2026-06-01")
UNPAID = a_release("4.2", "2027-02-01")


def summary(choice: UpdateChoice) -> Answer:
    offer, newest = choice.offer, choice.newest
    return Answer(
        status=choice.status.value,
        offered=offer.release.version if offer else None,
        is_downgrade=offer is not None and offer.is_downgrade,
        last_step=offer.last_step if offer else None,
        newest=newest.release.version if newest else None,
    )


def told(licence: Entitlement, copy: InstalledCopy, *releases: Release, **rollouts: Rollout) -> str:
    """The answer in one line: status, offer, where further steps lead, newest. Rollouts: ``v4_1=Rollout(…)``."""
    shares = {name.removeprefix("v").replace("_", "."): rollout for name, rollout in rollouts.items()}
    answer = summary(choose_update(licence, a_product(*releases, rollouts=shares), copy))
    words = [answer.status]
    if answer.offered:
        words.append(f"{'down to' if answer.is_downgrade else 'to'} {answer.offered}")
    if answer.last_step:
        words.append(f"then {answer.last_step}")
    if answer.newest:
        words.append(f"newest {answer.newest}")
    return ", ".join(words)


# Statuses


def test_the_highest_covered_release_is_offered() -> None:
    assert told(YEAR, a_copy("4.0"), BASE, a_release("4.0.1", "2026-03-01"), SUPPORTED) == (
        "update_available, to 4.1, newest 4.1"
    )


def test_what_is_newer_than_the_support_is_shown_but_not_offered() -> None:
    choice = choose_update(YEAR, a_product(BASE, SUPPORTED, UNPAID), a_copy("4.0"))
    assert summary(choice) == Answer("update_available", Version("4.1"), newest=Version("4.2"))
    assert choice.newest is not None
    assert choice.newest.coverage.reason.value == "after_support"


def test_the_highest_version_is_offered_and_not_the_latest_by_day() -> None:
    assert (
        told(YEAR, a_copy("3.0"), a_release("4.0.9", "2026-12-01"), SUPPORTED) == "update_available, to 4.1, newest 4.1"
    )


def test_nothing_newer_means_up_to_date() -> None:
    assert told(YEAR, a_copy("4.1"), BASE, SUPPORTED) == "up_to_date, newest 4.1"


def test_a_copy_newer_than_everything_published_is_up_to_date() -> None:
    assert told(YEAR, a_copy("9.0"), BASE, SUPPORTED) == "up_to_date, newest 4.1"


def test_a_product_without_releases_has_everyone_up_to_date() -> None:
    assert told(YEAR, a_copy("4.0")) == "up_to_date"


def test_only_uncovered_news_say_so() -> None:
    choice = choose_update(YEAR, a_product(BASE, SUPPORTED, UNPAID), a_copy("4.1"))
    assert summary(choice) == Answer("update_not_covered", newest=Version("4.2"))


@pytest.mark.parametrize("status", ["suspended", "revoked"])
def test_a_suspended_or_revoked_licence_is_offered_nothing_and_told_why(status: str) -> None:
    licence = a_licence("2026-01-15/2027-01-14", status=status)
    choice = choose_update(licence, a_product(BASE, SUPPORTED), a_copy("4.0"))
    assert summary(choice) == Answer("update_not_covered", newest=Version("4.1"))
    assert choice.newest is not None
    assert choice.newest.coverage.reason.value == f"licence_{status}"


def test_an_unknown_installed_version_is_compared_and_not_looked_up() -> None:
    choice = choose_update(YEAR, a_product(BASE, SUPPORTED), a_copy("4.0.77.3"))
    assert summary(choice) == Answer("update_available", Version("4.1"), newest=Version("4.1"))
    assert choice.installed is None


def test_an_uncovered_installed_version_gets_an_answer() -> None:
    higher = a_release("4.3", "2027-03-01", is_open=True)
    assert told(YEAR, a_copy("4.2"), BASE, SUPPORTED, UNPAID, higher) == "update_available, to 4.3, newest 4.3"
    assert told(YEAR, a_copy("4.2"), BASE, SUPPORTED, UNPAID) == "up_to_date, newest 4.2"


def test_an_installed_version_written_with_more_zeros_is_the_same_version() -> None:
    choice = choose_update(YEAR, a_product(BASE, SUPPORTED), a_copy("4.1.0"))
    assert choice.status is UpdateStatus.UP_TO_DATE
    assert choice.installed == SUPPORTED


def test_an_installed_pre_release_is_offered_the_release() -> None:
    assert told(YEAR, a_copy("4.1rc1"), BASE, SUPPORTED) == "update_available, to 4.1, newest 4.1"


# The installed version was withdrawn

BAD = a_release("4.1.1", "2026-07-01", withdrawn=True)


def test_a_withdrawn_copy_is_led_to_something_newer() -> None:
    newer = a_release("4.1.2", "2026-07-02")
    choice = choose_update(YEAR, a_product(SUPPORTED, BAD, newer), a_copy("4.1.1"))
    assert summary(choice) == Answer("installed_withdrawn", Version("4.1.2"), newest=Version("4.1.2"))
    assert choice.installed == BAD


def test_a_withdrawn_copy_with_nothing_newer_is_led_back_to_the_best_older_release() -> None:
    assert told(YEAR, a_copy("4.1.1"), BASE, SUPPORTED, BAD) == "installed_withdrawn, down to 4.1, newest 4.1"


def test_a_withdrawn_copy_is_not_led_to_what_is_not_covered() -> None:
    assert told(YEAR, a_copy("4.1.1"), BASE, BAD, UNPAID) == "installed_withdrawn, down to 4.0, newest 4.2"


def test_a_withdrawn_copy_takes_steps_upwards_before_any_step_back() -> None:
    step, goal = a_release("4.2", "2026-08-01"), a_release("5.0", "2026-09-01", upgrade_from="4.2")
    assert told(YEAR, a_copy("4.1.1"), SUPPORTED, BAD, step, goal) == (
        "installed_withdrawn, to 4.2, then 5.0, newest 5.0"
    )


def test_a_withdrawn_copy_with_nothing_else_is_told_so() -> None:
    assert told(YEAR, a_copy("4.1.1"), BAD) == "installed_withdrawn"
    assert told(YEAR, a_copy("4.1.1"), BAD, a_release("4.0", "2026-01-01", platforms="windows-x86_64")) == (
        "installed_withdrawn"
    )


def test_a_withdrawn_copy_of_a_suspended_licence_is_offered_nothing() -> None:
    assert told(a_licence(status="suspended"), a_copy("4.1.1"), BASE, BAD) == "installed_withdrawn, newest 4.0"


def test_a_downgrade_respects_channel_rollout_and_halting() -> None:
    beta = a_release("4.1.1rc1", "2026-06-20", channel="beta")
    halted = Rollout(is_halted=True)
    assert told(YEAR, a_copy("4.1.1"), BASE, SUPPORTED, beta, BAD) == "installed_withdrawn, down to 4.1, newest 4.1"
    assert told(YEAR, a_copy("4.1.1"), BASE, SUPPORTED, beta, BAD, v4_1=halted) == (
        "installed_withdrawn, down to 4.0, newest 4.0"
    )


# Candidates


def test_a_withdrawn_release_is_no_candidate_and_not_the_newest() -> None:
    assert told(YEAR, a_copy("4.0"), BASE, SUPPORTED, BAD) == "update_available, to 4.1, newest 4.1"


@pytest.mark.parametrize(("asked", "offered"), [("stable", "4.1"), ("beta", "4.2"), ("alpha", "4.3")])
def test_a_channel_brings_the_more_stable_ones_along(asked: str, offered: str) -> None:
    releases = [
        a_release(v, "2026-06-01", channel=c) for v, c in (("4.1", "stable"), ("4.2", "beta"), ("4.3", "alpha"))
    ]
    assert told(YEAR, a_copy("4.0", channel=asked), *releases) == f"update_available, to {offered}, newest {offered}"


def test_a_product_may_have_channels_of_its_own() -> None:
    product = a_product(
        a_release("4.1", "2026-06-01", channel="lts"),
        a_release("4.2", "2026-06-01", channel="current"),
        channels=("lts", "current"),
    )
    assert summary(choose_update(YEAR, product, a_copy("4.0", channel="lts"))).offered == Version("4.1")
    assert summary(choose_update(YEAR, product, a_copy("4.0", channel="current"))).offered == Version("4.2")


def test_a_channel_the_product_does_not_have_is_refused() -> None:
    with pytest.raises(InvalidName, match="cad has the channels stable, beta, alpha"):
        choose_update(YEAR, a_product(SUPPORTED), a_copy("4.0", channel="nightly"))


@pytest.mark.parametrize(
    ("build", "machine", "fits"),
    [
        ("linux-x86_64", "linux-x86_64", True),
        ("linux-x86_64", "linux-amd64", True),
        ("linux-x86_64", "linux-aarch64", False),
        ("linux-x86_64", "linux-musl-x86_64", False),
        ("linux-x86_64", "windows-x86_64", False),
        ("macos-universal2", "macos-x86_64", True),
        ("macos-universal2", "macos-arm64", True),
        ("macos-universal2", "macos-x86", False),
        ("macos-intel", "macos-x86_64", True),
        ("macos-intel", "macos-x86", True),
        ("macos-intel", "macos-aarch64", False),
        ("linux-universal2", "linux-x86_64", False),
        ("windows-any", "windows-x86", True),
        ("windows-any", "linux-x86", False),
        ("any-x86_64", "freebsd-x86_64", True),
        ("any-x86_64", "freebsd-aarch64", False),
        ("any", "linux-musl-riscv64", True),
    ],
)
def test_a_candidate_needs_a_build_that_runs_on_the_machine(build: str, machine: str, fits: bool) -> None:
    release = a_release("4.1", "2026-06-01", platforms=build)
    choice = choose_update(YEAR, a_product(release), a_copy("4.0", machine))
    assert (choice.offer is not None) is fits
    assert (choice.newest is not None) is fits


def test_the_offer_names_the_builds_for_the_asking_machine_alone() -> None:
    release = a_release("4.1", "2026-06-01", platforms="linux-x86_64 macos-universal2 macos-arm64 any")
    choice = choose_update(YEAR, a_product(release), a_copy("4.0", "macos-arm64"))
    assert choice.offer is not None
    assert [str(build.platform) for build in choice.offer.builds] == ["macos-universal2", "macos-aarch64", "any-any"]


def test_a_release_of_another_edition_is_neither_offered_nor_shown() -> None:
    assert told(YEAR, a_copy("4.0"), a_release("4.1", "2026-06-01", editions="standard")) == "up_to_date"


def test_four_part_versions_are_offered_in_their_order() -> None:
    releases = [a_release(v, "2026-06-01") for v in ("4.0.0.9", "4.0.0.10", "4.0.0.2")]
    assert told(YEAR, a_copy("4.0"), *releases) == "update_available, to 4.0.0.10, newest 4.0.0.10"


def test_calendar_versions_are_offered_in_their_order() -> None:
    releases = [a_release(v, "2026-06-01") for v in ("2026.9", "2026.10", "2025.12.3")]
    assert told(YEAR, a_copy("2026.9"), *releases) == "update_available, to 2026.10, newest 2026.10"


def test_an_unpaid_upgrade_is_shown_with_its_price() -> None:
    upgrade = a_release("5.0", "2026-06-01", paid=(10_000, 30_000))
    choice = choose_update(YEAR, a_product(BASE, upgrade), a_copy("4.0"))
    assert choice.status is UpdateStatus.UPDATE_NOT_COVERED
    assert choice.newest is not None
    assert choice.newest.coverage == NotCovered(RefusalReason.UPGRADE_PAYMENT_DUE, Money(10_000, "MYR"))


# Steps

GOAL = a_release("5.0", "2028-06-01", upgrade_from="4.2")
GAP = a_release("4.2", "2027-06-01")


def test_a_release_that_can_be_installed_at_once_needs_no_step() -> None:
    for version in ("4.2", "4.2.9", "4.9"):
        assert told(LATER, a_copy(version), GAP, GOAL) == "update_available, to 5.0, newest 5.0"


def test_an_older_copy_is_led_over_the_step_of_the_gap() -> None:
    choice = choose_update(LATER, a_product(BASE, GAP, GOAL), a_copy("4.0"))
    assert summary(choice) == Answer(
        "update_available", Version("4.2"), last_step=Version("5.0"), newest=Version("5.0")
    )
    assert choice.offer is not None
    assert choice.offer.more_steps_follow
    assert choice.offer.covered.reason.value == "step"


def test_the_highest_covered_release_that_can_be_reached_is_the_first_step() -> None:
    also = a_release("4.4", "2028-02-01")
    assert told(LATER, a_copy("4.0"), BASE, GAP, also, GOAL) == "update_available, to 4.4, then 5.0, newest 5.0"


def test_chained_steps_are_taken_one_by_one() -> None:
    chain = [
        a_release("4.1", "2027-01-01", upgrade_from="4.0"),
        a_release("4.2", "2027-06-01", upgrade_from="4.1"),
        a_release("5.0", "2028-06-01", upgrade_from="4.2"),
    ]
    assert [told(LATER, a_copy(version), *chain) for version in ("3.0", "4.0", "4.1", "4.2", "5.0")] == [
        "up_to_date, newest 5.0",
        "update_available, to 4.1, then 5.0, newest 5.0",
        "update_available, to 4.2, then 5.0, newest 5.0",
        "update_available, to 5.0, newest 5.0",
        "up_to_date, newest 5.0",
    ]


def test_a_release_that_no_step_leads_to_is_shown_but_no_candidate() -> None:
    assert told(LATER, a_copy("4.0"), BASE, GOAL) == "up_to_date, newest 5.0"


def test_beside_an_unreachable_release_an_uncovered_one_is_told() -> None:
    assert told(LATER, a_copy("4.0"), BASE, GOAL, a_release("4.1", "2027-01-01")) == "update_not_covered, newest 5.0"


def test_a_step_that_has_not_reached_the_copy_yet_holds_it_back() -> None:
    closed = Rollout(share_basis_points=0)
    assert told(LATER, a_copy("4.0"), BASE, GAP, GOAL, v4_2=closed) == "up_to_date, newest 5.0"
    assert told(LATER, a_copy("4.0", by_hand=True), BASE, GAP, GOAL, v4_2=closed) == (
        "update_available, to 4.2, then 5.0, newest 5.0"
    )


# Downloads


def test_older_covered_releases_can_be_downloaded_whatever_is_offered() -> None:
    product = a_product(BASE, SUPPORTED, UNPAID)
    decisions = {str(v): getattr(d, "reason", d) for v, d in download_decisions(YEAR, product).items()}
    assert decisions == {"4.0": "purchased", "4.1": "support_period", "4.2": "after_support"}


def test_a_withdrawn_release_can_be_downloaded_by_no_one() -> None:
    assert download_decision(YEAR, BAD, a_product(BAD)) is Withheld.WITHDRAWN


def test_a_halted_release_can_be_downloaded_by_no_one_while_it_is_halted() -> None:
    halted = a_product(SUPPORTED, rollouts={"4.1": Rollout(is_halted=True)})
    assert download_decision(YEAR, SUPPORTED, halted) is Withheld.HALTED
    assert isinstance(download_decision(YEAR, SUPPORTED, a_product(SUPPORTED)), Covered)


def test_a_stranger_learns_nothing_of_withdrawal_or_halting() -> None:
    late = a_release("4.2", "2027-02-01", withdrawn=True)
    halted = {"4.2": Rollout(is_halted=True)}
    assert getattr(download_decision(YEAR, late, a_product(late, rollouts=halted)), "reason", None) == "after_support"


def test_withdrawal_is_told_before_halting() -> None:
    product = a_product(BAD, rollouts={"4.1.1": Rollout(is_halted=True)})
    assert download_decision(YEAR, BAD, product) is Withheld.WITHDRAWN


def test_a_rollout_share_never_limits_the_download_of_a_covered_release() -> None:
    product = a_product(SUPPORTED, rollouts={"4.1": Rollout(share_basis_points=0)})
    assert isinstance(download_decision(YEAR, SUPPORTED, product), Covered)


# Against the model


@settings(max_examples=800, deadline=None)
@given(strategies.situations())
def test_the_answer_is_what_a_brute_force_reading_of_the_rules_gives(situation: strategies.Situation) -> None:
    licence, product, copy = situation.licence, situation.product, situation.copy
    model = Model(licence, product)
    choice = choose_update(licence, product, copy)
    assert summary(choice) == model.answer(copy)
    assert choice.installed == next((r for r in product.releases if r.version == copy.version), None)
    if choice.newest is not None:
        assert choice.newest.coverage == coverage(licence, choice.newest.release, product)
    decisions = download_decisions(licence, product)
    for release in product.releases:
        assert decisions[release.version] == download_decision(licence, release, product)
        assert isinstance(decisions[release.version], Covered) is model.downloadable(release)


# Invariants


@settings(max_examples=250, deadline=None)
@given(strategies.situations())
def test_an_offer_is_covered_downloadable_and_runs_on_the_machine(situation: strategies.Situation) -> None:
    copy = situation.copy
    offer = choose_update(situation.licence, situation.product, copy).offer
    if offer is None:
        return
    assert download_decision(situation.licence, offer.release, situation.product) == offer.covered
    assert offer.builds
    assert all(build.platform.runs_on(copy.machine) for build in offer.builds)
    assert set(offer.builds) <= set(offer.release.builds)


@settings(max_examples=250, deadline=None)
@given(strategies.situations(only_active=True))
def test_following_the_offers_ends_where_the_first_one_said(situation: strategies.Situation) -> None:
    first = choose_update(situation.licence, situation.product, situation.copy)
    goal = first.offer and (first.offer.last_step or first.offer.release.version)
    at, offer = situation.copy.version, first.offer
    while offer is not None:
        if offer.is_downgrade:
            assert first.status is UpdateStatus.INSTALLED_WITHDRAWN
            assert at == situation.copy.version
        else:
            assert offer.release.version > at
            assert offer.release.upgrade_from is None or offer.release.upgrade_from <= at
        assert (offer.last_step or offer.release.version) == goal
        at = offer.release.version
        following = choose_update(situation.licence, situation.product, situation.with_copy(at).copy)
        assert following.status is not UpdateStatus.INSTALLED_WITHDRAWN
        offer = following.offer
    assert at == (goal or situation.copy.version)


def machine_for(platform: Platform) -> Platform:
    """A machine on which a build for the platform runs."""
    machine = min(platform.machines())
    return Platform("linux" if machine.os == "any" else machine.os, "x86_64" if machine.arch == "any" else machine.arch)


@settings(max_examples=250, deadline=None)
@given(strategies.situations())
def test_a_file_is_downloadable_exactly_when_a_check_could_offer_it_or_it_is_older(
    situation: strategies.Situation,
) -> None:
    """The copy just below a downloadable release is offered it, or something above it; no other is ever offered."""
    licence, product = situation.licence, situation.product
    for release in product.releases:
        below = release.upgrade_from or Version(f"{release.version}.dev0")
        channel = ChannelName(release.channel)
        copy = InstalledCopy(below, machine_for(release.builds[0].platform), channel, is_manual=True)
        offer = choose_update(licence, product, copy).offer
        if isinstance(download_decision(licence, release, product), Covered) and licence.product == release.product:
            assert offer is not None
            assert offer.release.version >= release.version or offer.is_downgrade
        else:
            assert offer is None or offer.release != release


@settings(max_examples=250, deadline=None)
@given(strategies.entitlements(only_active=True), strategies.sound_catalogues())
def test_a_gap_never_strands_a_copy_below_something_covered(licence: Entitlement, product: ProductReleases) -> None:
    """Where every step asked for exists, each copy ends at the highest covered release for it."""
    model = Model(licence, product)
    for version in (Version("0.9"), *(release.version for release in product.releases)):
        for machine in (Platform("linux", "x86_64"), Platform("macos", "x86_64"), Platform("windows", "x86_64")):
            copy = InstalledCopy(version, machine, product.channels[-1])
            covered = [r.version for r in model.eligible(copy) if model.verdict(r).is_covered and r.version > version]
            offer = choose_update(licence, product, copy).offer
            reached = offer and not offer.is_downgrade and (offer.last_step or offer.release.version)
            assert (reached or None) == max(covered, default=None)


@settings(max_examples=250, deadline=None)
@given(strategies.situations())
def test_rolling_out_further_never_leads_a_copy_lower(situation: strategies.Situation) -> None:
    """Wider shares only add candidates."""
    wider = strategies.everyone(situation.product)
    narrow, wide = (choose_update(situation.licence, p, situation.copy).offer for p in (situation.product, wider))
    if narrow is not None:
        assert wide is not None
        assert wide.release.version >= narrow.release.version


@settings(max_examples=200, deadline=None)
@given(strategies.situations())
def test_releases_above_the_installed_one_that_are_not_covered_never_change_the_offer(
    situation: strategies.Situation,
) -> None:
    licence, product, copy = situation.licence, situation.product, situation.copy
    kept = tuple(
        r for r in product.releases if isinstance(coverage(licence, r, product), Covered) or r.version <= copy.version
    )
    assert (
        choose_update(licence, replace(product, releases=kept), copy).offer
        == choose_update(licence, product, copy).offer
    )
