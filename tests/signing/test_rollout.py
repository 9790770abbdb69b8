"""RULES.md, Rollout: an install's place is fixed, and raising the share only adds installs."""

from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenure_signing.releases import Release, Rollout
from tenure_signing.rollout import place_of, reaches
from tenure_signing.update_choice import choose_update
from tests.signing import brute_force
from tests.signing.small_catalogues import a_copy, a_licence, a_product, a_release

RELEASE = a_release("4.1", "2026-06-01")
INSTALLS = [f"install-{number}" for number in range(20_000)]
HALTED = Rollout(is_halted=True)

install_ids = st.text(min_size=1, max_size=64)
shares = st.integers(0, 10_000)


def reached(share: int, install_id: str | None, release: Release = RELEASE, *, by_hand: bool = False) -> bool:
    return reaches(Rollout(share), release, install_id, is_manual=by_hand)


def test_places_are_those_that_sha256sum_gives() -> None:
    """``printf 'tenure-rollout\\ninstall-1\\ncad\\n4.1\\n' | sha256sum``, the first 16 digits modulo 10 000."""
    assert place_of("install-1", RELEASE) == int("d4e2f4bf91e32fa1", 16) % 10_000
    assert place_of("", RELEASE) == int("b19d712557ea7b0b", 16) % 10_000
    assert place_of("zażółć", RELEASE) == int("4321dc1260cbb022", 16) % 10_000


@given(install_ids)
def test_a_place_is_fixed_and_lies_from_0_to_9999(install_id: str) -> None:
    place = place_of(install_id, RELEASE)
    assert 0 <= place <= 9_999
    assert place == place_of(install_id, RELEASE) == brute_force.place(install_id, RELEASE)


def test_a_place_depends_on_product_and_version_and_on_nothing_else_of_the_release() -> None:
    """No install is always among the first; withdrawing or moving a release moves no one."""
    places = {
        tuple(place_of(install, release) for install in INSTALLS[:20])
        for release in (RELEASE, a_release("4.2"), a_release("4.1", product="paint"))
    }
    assert len(places) == 3
    same = a_release("4.1", "2030-01-01", channel="beta", withdrawn=True, is_open=True)
    assert place_of("install-1", same) == place_of("install-1", RELEASE)


@given(st.one_of(install_ids, st.none()), shares, shares)
def test_raising_the_share_only_adds_installs(install_id: str | None, one: int, other: int) -> None:
    lower, higher = min(one, other), max(one, other)
    assert reached(lower, install_id) <= reached(higher, install_id)


@pytest.mark.parametrize("share", [1, 100, 1_000, 2_500, 5_000, 9_000, 9_999])
def test_a_share_reaches_about_that_part_of_the_installs(share: int) -> None:
    """Within five standard deviations of the binomial distribution; the installs are fixed, so it always is."""
    count, part = sum(reached(share, install) for install in INSTALLS), share / 10_000
    assert abs(count - len(INSTALLS) * part) <= 5 * sqrt(len(INSTALLS) * part * (1 - part))


def test_being_early_for_one_release_says_nothing_about_the_next() -> None:
    following = a_release("4.2")
    early = [install for install in INSTALLS if reached(1_000, install)]
    again = sum(reached(1_000, install, following) for install in early)
    assert abs(again - len(early) * 0.1) <= 5 * sqrt(len(early) * 0.1 * 0.9)


def test_the_share_is_exact_at_the_place_of_an_install() -> None:
    place = place_of("install-1", RELEASE)
    assert not reached(place, "install-1")
    assert reached(place + 1, "install-1")


def test_no_share_reaches_no_one_and_a_full_share_everyone() -> None:
    assert not any(reached(0, install) for install in INSTALLS[:1_000])
    assert all(reached(10_000, install) for install in [*INSTALLS[:1_000], None])


@pytest.mark.parametrize("share", [0, 1, 9_999])
def test_an_install_without_an_id_waits_for_the_full_share(share: int) -> None:
    assert not reached(share, None)
    assert reached(share, None, by_hand=True)


@given(st.one_of(install_ids, st.none()), shares)
def test_asking_by_hand_ignores_the_share(install_id: str | None, share: int) -> None:
    assert reached(share, install_id, by_hand=True)


@given(st.one_of(install_ids, st.none()), shares, st.booleans())
def test_a_halted_release_reaches_no_one(install_id: str | None, share: int, by_hand: bool) -> None:
    assert not reaches(Rollout(share, is_halted=True), RELEASE, install_id, is_manual=by_hand)


# In offers

LICENCE = a_licence("2026-01-15/2027-01-14")
BEFORE = a_release("4.0.1", "2026-02-01")


def offered(rollout: Rollout, *, install_id: str | None = None, by_hand: bool = False) -> tuple[str | None, str | None]:
    """The offered and the newest version."""
    product = a_product(BEFORE, RELEASE, rollouts={"4.1": rollout})
    choice = choose_update(LICENCE, product, a_copy("4.0", install_id=install_id, by_hand=by_hand))
    return (
        str(choice.offer.release.version) if choice.offer else None,
        str(choice.newest.release.version) if choice.newest else None,
    )


def test_a_copy_that_is_not_reached_yet_gets_the_release_before_and_hears_of_no_newer_one() -> None:
    place = place_of("install-1", RELEASE)
    assert offered(Rollout(place), install_id="install-1") == ("4.0.1", "4.0.1")
    assert offered(Rollout(place + 1), install_id="install-1") == ("4.1", "4.1")


def test_a_copy_that_checks_by_hand_gets_what_is_rolled_out_to_no_one() -> None:
    assert offered(Rollout(0)) == ("4.0.1", "4.0.1")
    assert offered(Rollout(0), by_hand=True) == ("4.1", "4.1")


def test_a_halted_release_is_not_offered_even_by_hand() -> None:
    assert offered(HALTED, by_hand=True, install_id="install-1") == ("4.0.1", "4.0.1")


def test_halting_the_only_news_leaves_everyone_up_to_date() -> None:
    product = a_product(RELEASE, rollouts={"4.1": HALTED})
    assert choose_update(LICENCE, product, a_copy("4.0", by_hand=True)).status.value == "up_to_date"


def test_a_halted_covered_release_still_spares_a_step() -> None:
    """Rollouts and halting play no part in coverage: halting cannot widen what a licence may have."""
    licence = a_licence("2028-01-01/2028-12-31")
    gap, covered = a_release("4.1", "2027-01-01"), a_release("4.2", "2028-02-01")
    goal = a_release("5.0", "2028-06-01", upgrade_from="4.1")
    for rollouts in ({}, {"4.2": HALTED}, {"4.2": Rollout(0)}):
        choice = choose_update(licence, a_product(gap, covered, goal, rollouts=rollouts), a_copy("4.1"))
        assert choice.offer is not None
        assert choice.offer.release is goal
        below = choose_update(licence, a_product(gap, covered, goal, rollouts=rollouts), a_copy("4.0", by_hand=True))
        expected = None if rollouts.get("4.2") == HALTED else covered
        assert (below.offer and below.offer.release) == expected


@settings(max_examples=200)
@given(install_ids)
def test_an_install_keeps_a_release_once_it_was_reached(install_id: str) -> None:
    """Sticky: with a growing share, the answer turns from no to yes once and never back."""
    answers = [reached(share, install_id) for share in range(0, 10_001, 250)]
    assert answers == sorted(answers)
    assert answers[-1]
