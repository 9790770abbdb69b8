"""Why a copy is offered what it is offered: what became of every release."""

from __future__ import annotations

from hypothesis import given, settings

from tenure_signing.coverage import Covered
from tenure_signing.entitlement import Entitlement
from tenure_signing.releases import Release, Rollout
from tenure_signing.update_choice import InstalledCopy, Obstacle, choose_update
from tenure_signing.update_explanation import Outcome, explain_update
from tests.signing import strategies
from tests.signing.small_catalogues import a_copy, a_licence, a_product, a_release

YEAR = a_licence("2026-01-15/2027-01-14")


def outcomes(licence: Entitlement, copy: InstalledCopy, *releases: Release, **rollouts: Rollout) -> dict[str, str]:
    shares = {name.removeprefix("v").replace("_", "."): rollout for name, rollout in rollouts.items()}
    told = explain_update(licence, a_product(*releases, rollouts=shares), copy)
    return {str(each.release.version): each.outcome.value for each in told.releases}


def test_every_release_says_what_became_of_it() -> None:
    assert outcomes(
        YEAR,
        a_copy("4.0"),
        a_release("3.9", "2025-10-01"),
        a_release("4.0", "2026-01-10"),
        a_release("4.1", "2026-02-01"),
        a_release("4.2", "2026-03-01"),
        a_release("4.3", "2026-04-01", channel="beta"),
        a_release("4.4", "2026-05-01", editions="lite"),
        a_release("4.5", "2026-05-02", platforms="windows-any"),
        a_release("4.6", "2026-05-03", withdrawn=True),
        a_release("4.7", "2027-02-01"),
    ) == {
        "4.7": "not_covered",
        "4.6": "withdrawn",
        "4.5": "no_build",
        "4.4": "other_edition",
        "4.3": "less_stable_channel",
        "4.2": "offered",
        "4.1": "passed_over",
        "4.0": "installed",
        "3.9": "older",
    }


def test_a_step_on_the_way_and_a_release_without_one() -> None:
    steps = (a_release("5.0", "2026-03-01"), a_release("6.0", "2026-04-01", upgrade_from="5.0"))
    assert outcomes(YEAR, a_copy("4.0"), *steps) == {"6.0": "next_step", "5.0": "offered"}
    assert outcomes(YEAR, a_copy("4.0"), steps[1]) == {"6.0": "needs_step"}


def test_the_place_in_a_rollout_is_told() -> None:
    release = a_release("4.1", "2026-02-01")
    tenth = a_product(release, rollouts={"4.1": Rollout(1_000)})
    for number in range(30):
        copy = a_copy("4.0", install_id=f"install-{number}")
        (told,) = explain_update(YEAR, tenth, copy).releases
        assert told.place is not None
        is_reached = told.place < 1_000
        assert told.outcome is (Outcome.OFFERED if is_reached else Obstacle.NOT_YET_ROLLED_OUT)
    assert outcomes(YEAR, a_copy("4.0"), release, v4_1=Rollout(is_halted=True)) == {"4.1": "halted"}


@settings(max_examples=150, deadline=None)
@given(strategies.situations())
def test_the_explanation_is_of_the_answer_that_is_given(situation: strategies.Situation) -> None:
    licence, product, copy = situation.licence, situation.product, situation.copy
    told = explain_update(licence, product, copy)
    assert told.choice == choose_update(licence, product, copy)
    offered = [each.release for each in told.releases if each.outcome is Outcome.OFFERED]
    assert offered == ([told.choice.offer.release] if told.choice.offer else [])
    assert {each.release for each in told.releases} == set(product.releases)
    last = told.choice.offer.last_step if told.choice.offer else None
    assert last is None or last in {e.release.version for e in told.releases if e.outcome is Outcome.NEXT_STEP}
    for each in told.releases:
        if each.outcome is Outcome.NOT_COVERED:
            assert not isinstance(each.coverage, Covered)
        if each.outcome in (Outcome.PASSED_OVER, Outcome.NEXT_STEP):
            assert isinstance(each.coverage, Covered)
            assert told.choice.offer is not None
