"""The steps of a problem record. RULES.md, Support and maintenance."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure_server.domain.problems import (
    FROM,
    OPEN,
    Declined,
    Fix,
    FixKind,
    FixPlanned,
    FixWithdrawn,
    FoundDuplicate,
    NotReproducible,
    Plan,
    Problem,
    ProblemStatus,
    Released,
    Reopened,
    Reproduced,
    Step,
    Unfixable,
    WorkAroundGiven,
    after,
    why_unfixable,
)
from tenure_signing.names import ProductName
from tenure_signing.problem_numbers import ProblemNumber
from tenure_signing.versions import Version

CAD = ProductName("cad")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 24, 12, tzinfo=UTC)
REPORTED = Problem("prb_1", ProblemNumber("P-17"), CAD, "Loses drawings", "", None, NOON, NOON)
FIX = Fix(Version("4.2.1"), date(2026, 12, 1))
STEPS: tuple[Step, ...] = (
    Reproduced(True),
    Reproduced(False),
    WorkAroundGiven("Save twice"),
    FixPlanned(Plan(FixKind.SERVICE_PACK, Version("4.2.1"))),
    NotReproducible("not on our machines"),
    Declined("as designed"),
    FoundDuplicate(ProblemNumber("P-3"), "same"),
    Reopened("seen again"),
    Released(FIX),
    FixWithdrawn(),
)


def taken(*steps: Step) -> Problem:
    problem = REPORTED
    for step in steps:
        next_one = after(problem, step, LATER)
        assert next_one is not None, step
        problem = next_one
    return problem


def test_a_problem_goes_from_the_report_to_the_release() -> None:
    statuses = [
        taken(*STEPS[:1]).status,
        taken(STEPS[0], STEPS[2]).status,
        taken(STEPS[0], STEPS[2], STEPS[3]).status,
        taken(STEPS[0], STEPS[2], STEPS[3], STEPS[8]).status,
    ]
    assert REPORTED.status == "reported"
    assert statuses == ["reproduced", "work_around_given", "fix_planned", "released"]


def test_whether_it_is_material_is_said_when_it_is_reproduced_and_can_be_corrected() -> None:
    assert REPORTED.material is None
    assert taken(Reproduced(False)).material is False
    assert taken(Reproduced(False), Reproduced(True)).material is True


def test_a_work_around_found_after_the_fix_was_planned_takes_no_step_back() -> None:
    problem = taken(STEPS[0], STEPS[3], STEPS[2])
    assert (problem.status, problem.work_around) == (ProblemStatus.FIX_PLANNED, "Save twice")


def test_nobody_plans_or_works_around_what_nobody_has_seen() -> None:
    assert after(REPORTED, STEPS[2], LATER) is None
    assert after(REPORTED, STEPS[3], LATER) is None


def test_what_could_not_be_reproduced_can_be_reproduced_later() -> None:
    assert taken(NotReproducible("no"), Reproduced(True)).status == "reproduced"
    assert taken(Reproduced(True), NotReproducible("a mistake")).material is None


def test_reopening_goes_one_step_back() -> None:
    assert taken(STEPS[0], STEPS[2], Declined("no"), Reopened("yes")).status == "work_around_given"
    assert taken(STEPS[0], STEPS[3], Reopened("not in this one")).status == "reproduced"
    assert taken(STEPS[0], STEPS[3], Released(FIX), Reopened("still there")).status == "reproduced"


def test_a_withdrawn_release_leaves_the_problem_open_and_unplanned() -> None:
    problem = taken(STEPS[0], STEPS[2], STEPS[3], Released(FIX), FixWithdrawn())
    assert (problem.status, problem.fix, problem.plan) == (ProblemStatus.WORK_AROUND_GIVEN, None, None)


def test_a_release_fixes_open_problems_of_its_own_product_only() -> None:
    assert why_unfixable(REPORTED, CAD) is None
    assert why_unfixable(None, CAD) is Unfixable.UNKNOWN
    assert why_unfixable(REPORTED, ProductName("cam")) is Unfixable.UNKNOWN
    assert why_unfixable(taken(Declined("no")), CAD) is Unfixable.OVER
    assert why_unfixable(taken(Released(FIX)), CAD) is Unfixable.OVER


@given(st.lists(st.sampled_from(STEPS), max_size=12))
def test_whatever_is_done_the_status_says_what_is_known(steps: list[Step]) -> None:
    problem = REPORTED
    for step in steps:
        was = problem.status
        next_one = after(problem, step, LATER)
        assert (next_one is None) == (was not in FROM[type(step)])
        problem = next_one or problem
        assert problem.is_open == (problem.fix is None and problem.ending is None)
        assert (problem.status is ProblemStatus.RELEASED) == (problem.fix is not None)
        assert problem.fix is None or problem.ending is None
        if problem.status in (ProblemStatus.FIX_PLANNED, ProblemStatus.WORK_AROUND_GIVEN):
            assert problem.material is not None
    assert set(OPEN) <= set(ProblemStatus)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"title": ""}, "invalid_title"),
        ({"title": "two\nlines"}, "invalid_title"),
        ({"title": "x" * 201}, "invalid_title"),
        ({"description": "\x1b[2J"}, "invalid_description"),
        ({"work_around": " "}, "invalid_work_around"),
    ],
)
def test_texts_that_would_confuse_a_terminal_or_say_nothing_are_refused(change: dict[str, str], code: str) -> None:
    assert [fault for fault, _ in replace(REPORTED, **change).faults()] == [code]  # type: ignore[arg-type]
    assert not list(REPORTED.faults())
