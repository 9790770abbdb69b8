"""``tenure explain``: what the person on the telephone is told about an answer."""

from __future__ import annotations

from datetime import date

from tenure_server.cli.explain import _OUTCOMES
from tenure_signing.update_choice import Obstacle
from tenure_signing.update_explanation import Outcome
from tests.server.cli.at_the_terminal import Operator

COPY = ("--installed", "1.0", "--platform", "linux-x86_64")


def stocked(operator: Operator) -> str:
    """A licence with a year of SMP from 2025-11-01, and releases inside, after and ahead of it; returns its id."""
    for version, day in {"1.0": "2025-10-01", "1.1": "2026-02-03", "1.2": "2026-11-10", "1.3": "2026-12-01"}.items():
        operator.publish(version, "--released-on", day)
    licence: str = operator.issue("--purchased-on", "2025-11-01", "--smp-years", "1")["licence_id"]
    return licence


def test_every_release_is_explained_with_its_dates(operator: Operator) -> None:
    licence = stocked(operator)
    said = operator.did("explain", licence, *COPY).out
    assert "answer           update available, to 1.1\n" in said
    assert "support periods  2025-11-01 to 2026-10-31\n" in said
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in said.splitlines() if line[:2] == "1."}
    assert rows == {
        "1.3": "2026-12-01 stable not yet appears on 2026-12-01",
        "1.2": "2026-11-10 stable not covered newer than what is installed; "
        "not covered: dated after the last paid day 2026-10-31",
        "1.1": "2026-02-03 stable offered the one to install next; "
        "covered: dated in the support period 2025-11-01 to 2026-10-31",
        "1.0": "2025-10-01 stable installed what is installed; covered: dated on or before the purchase on 2025-11-01",
    }


def test_the_place_in_a_rollout_is_explained(operator: Operator) -> None:
    licence = stocked(operator)
    operator.did("rollout", "set", "cad", "1.1", "0%")
    said = operator.did("explain", licence, *COPY, "--install-id", "copy-1").out
    assert "its rollout does not reach this copy: 0 % of installs, its place is " in said
    assert "it sends no install id" in operator.did("explain", licence, *COPY).out
    assert "the one to install next (0 % of installs" in operator.did("explain", licence, *COPY, "--manual").out


def test_programs_get_the_same_in_json(operator: Operator) -> None:
    licence = stocked(operator)
    told = operator.did("explain", licence, *COPY, "--json").json
    assert (told["status"], told["offer"], told["on"]) == ("update_available", "1.1", "2026-11-23")
    assert [release["outcome"] for release in told["releases"]] == ["not_covered", "offered", "installed"]
    assert told["releases"][0]["coverage"] == "after_support"
    assert told["not_yet"] == [{"version": "1.3", "released_on": "2026-12-01"}]


def test_another_instant_can_be_asked_about(operator: Operator) -> None:
    licence = stocked(operator)
    told = operator.did("explain", licence, *COPY, "--at", "2026-01-01T00:00Z", "--json").json
    assert (told["status"], told["on"]) == ("up_to_date", "2026-01-01")
    operator.today = date(2026, 12, 2)
    assert operator.did("explain", licence, *COPY, "--json").json["not_yet"] == []


def test_what_does_not_exist_is_refused(operator: Operator) -> None:
    licence = stocked(operator)
    assert operator.run("explain", "no-such-licence", *COPY).error == "there is no such licence"
    assert "there is no such channel" in operator.run("explain", licence, *COPY, "--channel", "nightly").error
    for no_instant in ("2026-01-01T00:00", "yesterday"):
        assert "an instant is written" in operator.run("explain", licence, *COPY, "--at", no_instant).error


def test_every_outcome_has_words() -> None:
    assert set(_OUTCOMES) == {*Obstacle, *Outcome}
