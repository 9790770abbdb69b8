"""A rollout that grows by itself: the share at an instant is a matter of arithmetic, nothing has to run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure_signing.releases import Ramp, Rollout
from tenure_signing.rollout import reaches
from tests.signing.small_catalogues import a_release

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
RELEASE = a_release("4.1", "2026-06-01")
INSTALLS = [f"install-{number}" for number in range(5_000)]
instants = st.integers(-200, 200).map(lambda hours: START + timedelta(hours=hours))


def ramp(to: int, *, hours: float = 72) -> Ramp:
    return Ramp(to, START, START + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("hours", "share"),
    [(-1_000, 500), (0, 500), (18, 2_875), (36, 5_250), (71.99, 9_998), (72, 10_000), (9_999, 10_000)],
)
def test_the_share_grows_evenly_from_start_to_end(hours: float, share: int) -> None:
    assert Rollout(500, ramp=ramp(10_000)).at(START + timedelta(hours=hours)) == Rollout(share)


def test_without_a_ramp_time_changes_nothing() -> None:
    assert Rollout(1_234, is_halted=True).at(START) == Rollout(1_234, is_halted=True)


def test_halting_is_not_undone_by_a_ramp() -> None:
    assert Rollout(0, is_halted=True, ramp=ramp(10_000)).at(START + timedelta(days=99)).is_halted


def test_the_time_zone_of_the_clock_does_not_matter() -> None:
    in_malaysia = (START + timedelta(hours=36)).astimezone(timezone(timedelta(hours=8)))
    assert Rollout(0, ramp=ramp(10_000)).at(in_malaysia).share_basis_points == 5_000


@given(st.integers(0, 10_000), st.integers(0, 10_000), instants, instants)
def test_the_share_never_falls_as_time_goes_on(one: int, other: int, first: datetime, second: datetime) -> None:
    rollout = Rollout(min(one, other), ramp=ramp(max(one, other)))
    earlier, later = rollout.at(min(first, second)), rollout.at(max(first, second))
    assert min(one, other) <= earlier.share_basis_points <= later.share_basis_points <= max(one, other)


@pytest.mark.parametrize("hours", [0.72, 7.2, 36, 64.8, 71.28])
def test_a_ramp_reaches_the_part_of_installs_that_its_time_asks_for(hours: float) -> None:
    """Within three standard deviations; nobody who was reached is left out later."""
    rollout, part = Rollout(0, ramp=ramp(10_000)), hours / 72
    now, later = rollout.at(START + timedelta(hours=hours)), rollout.at(START + timedelta(hours=hours + 0.7))
    reached = {install for install in INSTALLS if reaches(now, RELEASE, install, is_manual=False)}
    assert abs(len(reached) - len(INSTALLS) * part) <= 3 * sqrt(len(INSTALLS) * part * (1 - part))
    assert all(reaches(later, RELEASE, install, is_manual=False) for install in reached)


def test_whoever_forgets_the_instant_offers_no_more_than_the_start() -> None:
    assert not any(reaches(Rollout(0, ramp=ramp(10_000)), RELEASE, each, is_manual=False) for each in INSTALLS)


@pytest.mark.parametrize(
    ("to", "start", "end"),
    [
        (10_001, START, START + timedelta(hours=1)),
        (-1, START, START + timedelta(hours=1)),
        (10_000, START, START),
        (10_000, START, START - timedelta(hours=1)),
        (10_000, START, START + timedelta(days=367)),
        (10_000, START.replace(tzinfo=None), START + timedelta(hours=1)),
        (10_000, START, (START + timedelta(hours=1)).replace(tzinfo=None)),
    ],
)
def test_what_is_no_ramp_is_refused(to: int, start: datetime, end: datetime) -> None:
    with pytest.raises(ValueError, match=r"ramp|share"):
        Ramp(to, start, end)


def test_a_ramp_never_leads_down() -> None:
    with pytest.raises(ValueError, match="only leads up"):
        Rollout(5_000, ramp=ramp(4_999))
