"""What a licence's copies are offered of what it covers: allowed channels, pinned lines, first and last turns."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenure_signing.coverage import Covered
from tenure_signing.entitlement import Entitlement, Pin, Turn, UpdateRules
from tenure_signing.names import ChannelName
from tenure_signing.releases import ProductReleases, Rollout
from tenure_signing.rollout import place_in_turn, reaches
from tenure_signing.update_choice import UpdateStatus, Withheld, choose_update, download_decision, download_decisions
from tenure_signing.versions import Version
from tests.signing import strategies
from tests.signing.small_catalogues import a_copy, a_licence, a_product, a_release

LICENCE = a_licence("2026-01-15/2027-01-14")


def ruled(*, allow: str | None = None, pin: Pin | None = None, turn: Turn = Turn.NORMAL) -> Entitlement:
    channels = frozenset(ChannelName(name) for name in allow.split()) if allow is not None else None
    return replace(LICENCE, updates=UpdateRules(channels, pin, turn))


def told(
    licence: Entitlement, product: ProductReleases, installed: str, *, channel: str = "stable", by_hand: bool = False
) -> tuple[str, str | None, str | None, str | None]:
    """Status, offer, newest, pin."""
    choice = choose_update(licence, product, a_copy(installed, channel=channel, by_hand=by_hand))
    return (
        choice.status.value,
        str(choice.offer.release.version) if choice.offer else None,
        str(choice.newest.release.version) if choice.newest else None,
        str(choice.pin) if choice.pin else None,
    )


# Channels

CHANNELS = a_product(
    a_release("2.0", "2026-02-01"),
    a_release("2.1b1", "2026-03-01", channel="beta"),
    a_release("2.1a1", "2026-02-15", channel="alpha"),
)


@pytest.mark.parametrize(
    ("allow", "asked", "newest"),
    [
        (None, "alpha", "2.1b1"),
        ("stable", "stable", "2.0"),
        ("stable", "beta", "2.0"),
        ("stable alpha", "alpha", "2.1a1"),
        ("stable beta", "stable", "2.0"),
        ("stable beta", "alpha", "2.1b1"),
    ],
)
def test_a_copy_gets_what_its_licence_may_have_up_to_the_asked_channel(
    allow: str | None, asked: str, newest: str
) -> None:
    assert told(ruled(allow=allow), CHANNELS, "1.0", channel=asked) == ("update_available", newest, newest, None)


def test_a_release_on_a_channel_that_is_not_allowed_cannot_be_downloaded() -> None:
    licence = ruled(allow="stable")
    decisions = download_decisions(licence, CHANNELS)
    assert decisions[Version("2.1b1")] is Withheld.CHANNEL_NOT_ALLOWED
    assert isinstance(decisions[Version("2.0")], Covered)
    beta = next(release for release in CHANNELS.releases if release.channel == "beta")
    assert download_decision(licence, beta, CHANNELS) is Withheld.CHANNEL_NOT_ALLOWED


def test_a_stranger_hears_why_it_is_not_covered_not_of_channels() -> None:
    stranger = replace(a_licence(bought="2025-01-01"), updates=UpdateRules(frozenset({ChannelName("stable")})))
    decision = download_decisions(stranger, CHANNELS)[Version("2.1b1")]
    assert getattr(decision, "reason", None) == "never_supported"


@given(strategies.situations(), st.one_of(st.none(), st.frozensets(st.sampled_from(["stable", "beta", "alpha"]))))
@settings(max_examples=300, deadline=None)
def test_whatever_is_offered_can_be_downloaded(
    situation: strategies.Situation, channels: frozenset[ChannelName] | None
) -> None:
    licence = replace(situation.licence, updates=UpdateRules(channels))
    offer = choose_update(licence, situation.product, situation.copy).offer
    if offer is not None:
        assert isinstance(download_decision(licence, offer.release, situation.product), Covered)
        assert licence.updates.allows_channel(offer.release.channel)


# Pins

LINES = a_product(
    a_release("1.9", "2026-01-20"),
    a_release("2.3.1", "2026-02-01"),
    a_release("2.4.0", "2026-02-10"),
    a_release("2.4.7", "2026-03-01"),
    a_release("2.5b1", "2026-03-05", channel="beta"),
    a_release("2.6.0", "2026-04-01"),
    a_release("3.0", "2026-05-01"),
)


@pytest.mark.parametrize(
    ("pin", "installed", "offer"),
    [
        (Pin(2), "1.0", "2.6.0"),
        (Pin(2, 4), "1.0", "2.4.7"),
        (Pin(2, 4), "2.4.0", "2.4.7"),
        (Pin(2, 3), "2.0", "2.3.1"),
        (Pin(2, 4), "2.4.7", None),
        (Pin(2, 4), "2.6.0", None),
        (Pin(3), "2.6.0", "3.0"),
    ],
)
def test_a_pinned_copy_goes_up_to_its_line_and_no_further(pin: Pin, installed: str, offer: str | None) -> None:
    status = "update_available" if offer else "up_to_date"
    assert told(ruled(pin=pin), LINES, installed, by_hand=True) == (status, offer, "3.0", str(pin))


@pytest.mark.parametrize("pin", [Pin(7), Pin(2, 9), Pin(0)])
def test_a_pin_to_a_line_that_is_not_there_is_passed_over(pin: Pin) -> None:
    assert told(ruled(pin=pin), LINES, "2.4.0") == ("update_available", "3.0", "3.0", None)


def test_a_pin_to_a_line_that_was_withdrawn_altogether_strands_nobody() -> None:
    product = a_product(a_release("2.4.0", "2026-02-10", withdrawn=True), a_release("3.0", "2026-05-01"))
    assert told(ruled(pin=Pin(2, 4)), product, "2.4.0") == ("installed_withdrawn", "3.0", "3.0", None)


def test_a_line_of_another_platform_or_channel_is_no_line_for_this_copy() -> None:
    product = a_product(
        a_release("2.4.0", "2026-02-10", platforms="windows-x86_64"),
        a_release("2.4.1b1", "2026-02-10", channel="beta"),
        a_release("3.0", "2026-05-01"),
    )
    assert told(ruled(pin=Pin(2, 4)), product, "2.0") == ("update_available", "3.0", "3.0", None)


@pytest.mark.parametrize("rollout", [Rollout(0), Rollout(is_halted=True)])
def test_withholding_the_last_release_of_a_line_moves_nobody_off_it(rollout: Rollout) -> None:
    product = a_product(a_release("2.4.0", "2026-02-10"), a_release("3.0", "2026-05-01"), rollouts={"2.4.0": rollout})
    assert told(ruled(pin=Pin(2, 4)), product, "2.0") == ("up_to_date", None, "3.0", "2.4")


def test_steps_come_before_the_pin() -> None:
    product = a_product(
        a_release("2.0", "2026-02-01"),
        a_release("2.4.0", "2026-02-10", upgrade_from="2.0"),
        a_release("3.0", "2026-05-01"),
    )
    choice = choose_update(ruled(pin=Pin(2, 4)), product, a_copy("1.0"))
    assert choice.offer is not None
    assert (str(choice.offer.release.version), str(choice.offer.last_step)) == ("2.0", "2.4.0")


def test_a_pinned_copy_whose_version_was_withdrawn_stays_on_its_line() -> None:
    product = a_product(
        a_release("2.4.0", "2026-02-10"),
        a_release("2.4.1", "2026-02-20", withdrawn=True),
        a_release("3.0", "2026-05-01"),
    )
    assert told(ruled(pin=Pin(2, 4)), product, "2.4.1") == ("installed_withdrawn", "2.4.0", "3.0", "2.4")


def test_a_pin_does_not_limit_what_can_be_downloaded() -> None:
    decisions = download_decisions(ruled(pin=Pin(2, 4)), LINES)
    assert all(isinstance(decision, Covered) for decision in decisions.values())


@given(strategies.situations(), st.builds(Pin, st.integers(0, 4), st.one_of(st.none(), st.integers(0, 3))))
@settings(max_examples=300, deadline=None)
def test_following_a_pinned_answer_never_loops_and_never_passes_the_line(
    situation: strategies.Situation, pin: Pin
) -> None:
    licence = replace(situation.licence, updates=UpdateRules(pin=pin))
    copy = situation.copy
    for _ in range(len(situation.product.releases) + 1):
        choice = choose_update(licence, situation.product, copy)
        if choice.offer is None or choice.status is UpdateStatus.INSTALLED_WITHDRAWN:
            return
        version = choice.offer.release.version
        assert version > copy.version
        assert choice.pin is None or pin.allows(version)
        copy = replace(copy, version=version)
    raise AssertionError("the offers never end")


# Turns

RELEASE = a_release("4.1", "2026-06-01")
INSTALLS = [f"install-{number}" for number in range(10_000)]


def reached(share: int, turn: Turn) -> set[str]:
    rollout = Rollout(share)
    return {each for each in INSTALLS if reaches(rollout, RELEASE, each, is_manual=False, turn=turn)}


@given(st.integers(0, 9_999))
def test_early_places_are_the_first_half_and_late_places_the_last(place: int) -> None:
    assert 0 <= place_in_turn(place, Turn.EARLY) < 5_000 <= place_in_turn(place, Turn.LATE) <= 9_999
    assert place_in_turn(place, Turn.NORMAL) == place


@pytest.mark.parametrize(
    ("share", "early", "late"), [(0, 0, 0), (1_000, 0.2, 0), (5_000, 1, 0), (7_500, 1, 0.5), (10_000, 1, 1)]
)
def test_who_asks_to_go_first_or_last_is_reached_before_and_after_the_others(
    share: int, early: float, late: float
) -> None:
    for turn, part in ((Turn.EARLY, early), (Turn.LATE, late)):
        count = len(reached(share, turn))
        assert abs(count - len(INSTALLS) * part) <= 3 * sqrt(len(INSTALLS) * part * (1 - part))
    assert reached(share, Turn.LATE) <= reached(share, Turn.NORMAL) <= reached(share, Turn.EARLY)


@given(st.sampled_from(Turn), st.integers(0, 10_000), st.integers(0, 10_000), st.sampled_from(INSTALLS))
def test_growing_the_share_only_adds_installs_of_every_turn(turn: Turn, one: int, other: int, install: str) -> None:
    few, many = Rollout(min(one, other)), Rollout(max(one, other))
    assert reaches(few, RELEASE, install, is_manual=False, turn=turn) <= reaches(
        many, RELEASE, install, is_manual=False, turn=turn
    )


def test_a_turn_undoes_no_halt() -> None:
    assert not reaches(Rollout(is_halted=True), RELEASE, "install-1", is_manual=False, turn=Turn.EARLY)


def test_an_install_that_asks_for_a_turn_has_it_before_its_licence() -> None:
    product = a_product(RELEASE, rollouts={"4.1": Rollout(5_000)})
    copy = a_copy("4.0", install_id="install-1")
    late = ruled(turn=Turn.LATE)
    assert choose_update(late, product, copy).offer is None
    assert choose_update(late, product, replace(copy, turn=Turn.EARLY)).offer is not None
