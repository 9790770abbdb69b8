"""While a process is behind, installed copies wait before people do, and everyone is answered again afterwards."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace

import pytest

from tenure_server.domain.load import (
    EVERYONE,
    FEWEST_REQUESTS,
    PATIENCE,
    Admission,
    Backlog,
    Found,
    next_admission,
)

LONGEST = 0.2
CALM = Found(elapsed=0.02, waited=0.0, requests=100)
LATE = Found(elapsed=0.3, waited=0.3, requests=1_000)
HOPELESS = Found(elapsed=2.0, waited=2.0, requests=10_000)


def after(findings: Iterable[Found], before: Admission = EVERYONE) -> Admission:
    for found in findings:
        before = next_admission(before, found, LONGEST)
    return before


def test_a_single_pause_of_the_machine_refuses_nobody() -> None:
    assert after([LATE] * (PATIENCE - 1) + [CALM] + [LATE] * (PATIENCE - 1)).is_whole


def test_a_process_that_is_held_up_by_something_else_than_requests_refuses_nobody() -> None:
    assert after([replace(LATE, requests=FEWEST_REQUESTS - 1)] * 50).is_whole


def test_checks_in_the_background_are_refused_first_and_people_not_at_all_while_that_helps() -> None:
    behind = after([LATE] * 200)
    assert behind.background == 0
    assert behind.people == 1


def test_people_are_refused_only_when_refusing_the_background_does_not_help() -> None:
    shares = [EVERYONE]
    for _ in range(60):
        shares.append(next_admission(shares[-1], HOPELESS, LONGEST))
    assert shares[-1].people < 0.1
    assert all(share.people == 1 or share.background == 0 for share in shares)


@pytest.mark.parametrize("held_up", [LATE, HOPELESS])
def test_everyone_is_answered_again_once_nothing_waits_and_people_first(held_up: Found) -> None:
    shares = [after([held_up] * 100)]
    while not shares[-1].is_whole:
        shares.append(next_admission(shares[-1], CALM, LONGEST))
        assert len(shares) < 2_000
    assert all(a.people <= b.people and a.background <= b.background for a, b in itertools.pairwise(shares))
    assert all(share.people == 1 or share.background == 0 for share in shares)


def test_between_calm_and_late_everything_stays_as_it_is() -> None:
    behind = after([LATE] * 5)
    between = after([replace(LATE, waited=0.75 * LONGEST)] * 20, behind)
    assert (between.background, between.people) == (behind.background, behind.people)


def test_a_cut_is_given_time_to_show() -> None:
    """What waits for a database is found late some fifty times before a cut can have any effect."""
    often = replace(LATE, elapsed=0.02, waited=1.0)
    cuts = {after([often] * (PATIENCE + n)).background for n in range(40)}
    assert len(cuts) == 1


@pytest.mark.parametrize("capacity", [500, 5_000])
@pytest.mark.parametrize("times", [1.3, 2, 4])
def test_beyond_capacity_what_can_be_answered_is_answered_without_waiting_long(capacity: int, times: float) -> None:
    """A process in a model: it answers what waits in turns, and a refusal costs a tenth of an answer."""
    admission, clock, waiting, answered, refused, longest = EVERYONE, 0.0, 0.0, 0.0, 0.0, 0.0
    began = None
    while clock < 60:
        taken = waiting * admission.background
        turn = max(0.02, (taken + (waiting - taken) / 10) / capacity)
        if clock > 20:
            began = clock if began is None else began
            answered, refused, longest = answered + taken, refused + waiting - taken, max(longest, turn)
        waiting = turn * capacity * times
        clock += turn
        admission = next_admission(admission, Found(turn, turn - 0.02, int(waiting)), LONGEST)
    assert began is not None
    possible = (capacity - capacity * times / 10) / 0.9  # after what the refusals cost
    assert answered / (clock - began) > 0.8 * possible
    assert longest < 3 * LONGEST
    assert refused > 0


def test_nobody_waits_where_everything_that_began_is_answered() -> None:
    backlog = Backlog()
    assert [backlog.waited(n / 50, 1_000 * n, 1_000 * n) for n in range(1, 20)] == [0.0] * 19


def test_what_waits_for_a_database_waits_since_as_many_had_begun_as_are_answered() -> None:
    backlog = Backlog()
    for n in range(100):
        waited = backlog.waited(float(n), begun=100 * n, ended=100 * (n - 3) if n > 3 else 0)
    assert waited == pytest.approx(3.0)


def test_a_few_requests_that_hang_hold_nobody_else_up() -> None:
    backlog = Backlog()
    assert {backlog.waited(n / 50, 4 + 100 * n, 100 * n) for n in range(1, 500)} == {0.0}
