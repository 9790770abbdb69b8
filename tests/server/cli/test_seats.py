"""``tenure seats``, and ``tenure product seats``."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from typing import Any

import pytest

from tests.server.cli.at_the_terminal import Operator

LAPTOP, LAB, THIRD = "a1b2" * 16, "a1b3" * 16, "c0de" * 16


def activate(operator: Operator, licence_id: str, machine: str, name: str | None = None) -> None:
    with closing(operator.installation()) as installation:
        installation.activate_seat(licence_id, machine, name=name)


@pytest.fixture
def ada(operator: Operator) -> dict[str, Any]:
    """A licence of two seats, one of them taken by her laptop."""
    issued = operator.issue("--additional-users", "1", "--additional-users-price", "100.00")
    activate(operator, issued["licence_id"], LAPTOP, "Ada's laptop")
    return issued


def test_the_machines_are_listed_for_people_and_for_programs(operator: Operator, ada: dict[str, Any]) -> None:
    columns, line = operator.did("seats", "list", ada["licence_id"]).out.splitlines()
    assert columns.startswith("LICENCE")
    for told in (ada["licence_id"], "Ada Tan", "1 of 2", "a1b2a1b2a1b2", "Ada's laptop", "never"):
        assert told in line
    assert LAPTOP not in line
    (found,) = operator.did("seats", "list", ada["licence_id"], "--json").json
    assert (found["seats"], found["taken"], found["over_limit"], found["limit"]) == (2, 1, False, "refuse")
    (machine,) = found["machines"]
    assert (machine["machine"], machine["name"], machine["valid_until"]) == (LAPTOP, "Ada's laptop", None)
    assert machine["activated_at"] == machine["seen_at"]


def test_a_licence_is_found_by_what_a_caller_says(operator: Operator, ada: dict[str, Any]) -> None:
    operator.issue()
    ran = operator.did("seats", "list", "ada")
    assert ada["licence_id"] in ran.out
    assert ran.err == "1 licence more without a machine\n"
    assert operator.did("seats", "list", "nobody").out == "There is no such licence.\n"
    assert operator.did("seats", "list", "nobody", "--json").json == []
    other = operator.issue()["licence_id"]
    said = operator.did("seats", "list", other).out
    assert said == f"No machine holds a seat of {other} (Ada Tan), which has 1 seat.\n"
    assert "there are more" in operator.did("seats", "list", "ada", "--limit", "1").err


def test_an_operator_releases_a_seat_by_the_name_of_the_machine(operator: Operator, ada: dict[str, Any]) -> None:
    said = operator.did("seats", "release", "ada", "Ada's laptop").out
    assert said == f"a1b2a1b2a1b2 (Ada's laptop) has no seat of {ada['licence_id']} any more: 0 of 2 seats taken.\n"
    assert operator.audit_trail(ada["licence_id"])[0] == "seat.released"
    with closing(operator.installation()) as installation, installation.database.reading() as records:
        assert records.audit.newest(subject=ada["licence_id"], limit=1)[0].who == "Aminah"


def test_an_operator_releases_a_seat_by_how_the_machine_begins(operator: Operator, ada: dict[str, Any]) -> None:
    activate(operator, ada["licence_id"], LAB)
    refused = operator.run("seats", "release", ada["licence_id"], "a1b")
    assert "no machine of that name" in refused.error
    assert "4 characters" in refused.hint
    refused = operator.run("seats", "release", ada["licence_id"], "A1B")
    assert refused.code == 1
    done = operator.did("seats", "release", ada["licence_id"], "a1b3", "--json").json
    assert done == {"licence_id": ada["licence_id"], "machine": LAB, "name": None, "released": True}


def test_a_name_that_fits_several_machines_or_licences_releases_none(operator: Operator, ada: dict[str, Any]) -> None:
    activate(operator, ada["licence_id"], LAB, "Ada's laptop")
    assert "2 machines of the licence fit" in operator.run("seats", "release", "ada", "Ada's laptop").error
    other = operator.issue()["licence_id"]
    activate(operator, other, THIRD, "Ada's laptop")
    refused = operator.run("seats", "release", "ada", "Ada's laptop")
    assert "machines of 2 licences fit" in refused.error
    assert other in refused.hint
    assert "no such licence" in operator.run("seats", "release", "nobody", "Ada's laptop").error
    assert "seat.released" not in operator.audit_trail()


def test_rules_are_set_per_product_and_go_back_to_the_settings(operator: Operator, ada: dict[str, Any]) -> None:
    assert operator.did("product", "seats", "cad").out.splitlines() == [
        "at the limit  refuse (the setting)",
        "seats expire  never (the setting)",
    ]
    said = operator.did("product", "seats", "cad", "--limit", "warn", "--expiry-days", "30").out
    assert said.splitlines() == ["at the limit  warn", "seats expire  after 30 days without contact"]
    assert operator.audit_trail("cad")[0] == "product.seat_rules"
    for machine in (LAB, THIRD):
        activate(operator, ada["licence_id"], machine)
    (found,) = operator.did("seats", "list", ada["licence_id"], "--json").json
    assert (found["taken"], found["over_limit"], found["limit"]) == (3, True, "warn")
    operator.today = date(2026, 12, 24)
    assert operator.did("seats", "list", ada["licence_id"], "--json").json[0]["taken"] == 0
    told = operator.did("product", "seats", "cad", "--limit", "default", "--expiry-days", "never", "--json").json
    assert told["own"] == {"limit": None, "expiry_days": 0}
    assert told["holds"] == {"limit": "refuse", "expiry_days": None}
    operator.did("product", "seats", "cad", "--expiry-days", "default", TENURE_SEAT_EXPIRY_DAYS="90")
    shown = operator.did("product", "seats", "cad", TENURE_SEAT_EXPIRY_DAYS="90").out
    assert "after 90 days without contact (the setting)" in shown
    assert operator.audit_trail("cad").count("product.seat_rules") == 3


@pytest.mark.parametrize("option", [("--limit", "maybe"), ("--expiry-days", "0"), ("--expiry-days", "3661")])
def test_a_rule_that_there_is_not_is_a_usage_error(operator: Operator, option: tuple[str, str]) -> None:
    refused = operator.run("product", "seats", "cad", *option)
    assert refused.code == 2
    assert option[0] in refused.err


def test_rules_of_a_product_that_there_is_not_are_refused(operator: Operator) -> None:
    assert "no such product" in operator.run("product", "seats", "cam", "--limit", "warn").error
