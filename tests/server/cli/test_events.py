"""``tenure events`` as operators use it."""

from __future__ import annotations

from tests.server.cli.at_the_terminal import Operator

LICENCES = ("--type", "licence", "--type", "period")


def test_what_happened_is_shown_oldest_first(operator: Operator) -> None:
    issued = operator.issue("--smp-years", "1")
    operator.did("licence", "revoke", issued["licence_id"], "--reason", "chargeback")
    assert "licence.issued" in operator.did("events").out
    lines = operator.did("events", *LICENCES).out.splitlines()
    assert [line.split()[3] for line in lines[1:]] == ["licence.issued", "period.added", "licence.revoked"]
    assert "reason: chargeback" in lines[3]
    assert issued["key"] not in "".join(lines)


def test_programs_go_on_where_they_stopped(operator: Operator) -> None:
    operator.issue("--smp-years", "1")
    first = operator.did("events", "--after", "0", "--limit", "1", "--json", *LICENCES).json
    assert ([event["type"] for event in first["events"]], first["has_more"]) == (["licence.issued"], True)
    rest = operator.did("events", "--after", first["next_cursor"], "--json", *LICENCES).json
    assert ([event["type"] for event in rest["events"]], rest["has_more"]) == (["period.added"], False)
    more = operator.did("events", "--after", "0", "--limit", "1", *LICENCES)
    assert f"--after {first['next_cursor']}" in more.err


def test_a_misspelt_type_is_noticed(operator: Operator) -> None:
    ran = operator.run("events", "--type", "licences")
    assert ran.code == 2
    assert "there are no events licences" in ran.error
