"""``tenure problems`` and ``tenure publish --fixes`` as support and release engineers type them."""

from __future__ import annotations

from tests.server.cli.at_the_terminal import Operator


def test_a_problem_goes_from_the_report_to_the_release_at_the_terminal(operator: Operator) -> None:
    operator.did("problems", "report", "--product", "cad", "--title", "Walls vanish", "--found-in", "1.0")
    assert "P-1 (reproduced): Walls vanish" in operator.did("problems", "reproduce", "p-1", "--not-material").out
    operator.did("problems", "work-around", "P-1", "--text", "Save twice.")
    assert (
        "fix planned for 4.2.1"
        in operator.did("problems", "plan", "P-1", "--in", "service_pack", "--version", "4.2.1").out
    )
    assert "P-1" in operator.did("problems", "list", "--status", "fix_planned").out
    build = operator.build("cad-4.2.1-linux-x86_64.tar.gz", b"fixed")
    publish = ("publish", build, "--product", "cad", "--version", "4.2.1", "--platform", "linux-x86_64", "--yes")
    assert "fixes" in operator.did(*publish, "--fixes", "p-1", "--dry-run").out
    assert operator.did("problems", "show", "P-1", "--json").json["status"] == "fix_planned"
    assert operator.did(*publish, "--fixes", "P-1", "--json").json["fixes"] == ["P-1"]
    shown = operator.did("problems", "show", "P-1").out
    assert "released in 4.2.1" in shown
    assert "work around" in shown
    assert "FIXES" in operator.did("releases").out
    assert "There is no such problem" in operator.did("problems", "list").out
    refused = operator.run("problems", "decline", "P-1", "--reason", "late")
    assert "was released in 4.2.1 already" in refused.error
    assert "tenure problems reopen P-1" in refused.hint


def test_a_slip_at_the_terminal_is_said_in_one_line_with_a_hint(operator: Operator) -> None:
    build = operator.build("cad-4.2.1-linux-x86_64.tar.gz", b"fixed")
    publish = ("publish", build, "--product", "cad", "--version", "4.2.1", "--platform", "linux-x86_64", "--yes")
    refused = operator.run(*publish, "--fixes", "P-9")
    assert refused.error == "there is no problem P-9 of cad"
    assert "tenure problems list --product cad" in refused.hint
    assert "P-17" in operator.run(*publish, "--fixes", "17").err
    assert "such problem" in operator.run("problems", "show", "P-9").error
    assert "one of reported" in operator.run("problems", "list", "--status", "fixed").err
