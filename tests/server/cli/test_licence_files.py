"""``tenure licence import`` and ``export``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.server.cli.at_the_terminal import Operator

GOOD = """\
reference,customer,email,product,edition,purchased_on,currency,base_price,additional_users,additional_users_price,support
9071,Aminah Sdn Bhd,it@aminah.example,cad,pro,2024-02-29,MYR,1000.00,2,400,2024-02-29..2025-02-28 2026-01-01..2026-12-31
9072,"Müller, Söhne",,cad,lite,2025-01-01,MYR,500,,,
9073,Aminah Sdn Bhd,IT@aminah.example,cad,pro,2025-01-01,MYR,1000,,,
"""


def file(operator: Operator, text: str, name: str = "licences.csv") -> Path:
    path = operator.directory / name
    path.write_text(text)
    return path


def test_licences_are_imported_with_customers_and_periods_and_once(operator: Operator) -> None:
    path = file(operator, "\ufeff" + GOOD)
    assert "3 licences would be imported, 0 here already" in operator.did("licence", "import", path, "--dry-run").out
    assert operator.did("licence", "list", "--json").json == []
    assert "3 licences imported, 0 here already" in operator.did("licence", "import", path).out
    assert "0 licences imported, 3 here already" in operator.did("licence", "import", path).out
    assert len(operator.did("customer", "list", "--json").json) == 2
    (found,) = operator.did("licence", "list", "9071", "--json").json
    assert (found["seats"], found["total_purchase_price"]["minor_units"]) == (3, 140_000)
    assert found["last_covered_day"] == "2026-12-31"


def test_what_is_exported_can_be_imported_and_is_here_already(operator: Operator) -> None:
    operator.did("licence", "import", file(operator, GOOD))
    as_csv = file(operator, operator.did("licence", "export").out, "out.csv")
    as_json = file(operator, operator.did("licence", "export", "--json").out, "out.json")
    for path in (as_csv, as_json):
        assert "0 licences imported, 3 here already" in operator.did("licence", "import", path).out
    assert {row["customer"] for row in json.loads(as_json.read_text())} == {"Aminah Sdn Bhd", "Müller, Söhne"}


@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)])
def test_every_bad_row_is_named_and_nothing_is_changed(operator: Operator, dry_run: tuple[str, ...]) -> None:
    bad = GOOD + "\n".join(
        (
            "B-1,,,cad,pro,2025-01-01,MYR,1,,,",
            "B-2,Bo,,cad,pro,2025-13-01,MYR,1,,,",
            "B-3,Bo,,cad,pro,2025-01-01,RM,1,,,",
            "B-4,Bo,,cad,pro,2025-01-01,MYR,-1,,,",
            "B-5,Bo,,cod,pro,2025-01-01,MYR,1,,,",
            "B-6,Bo,,cad,pro,2025-01-01,MYR,1,,,2025-01-01..2025-12-31 2025-12-31..2026-01-01",
            "B-7,Bo,,cad,pro,2025-01-01,MYR,1,,,2025-02-01..2025-01-01",
            "B-8,Bo,,cad,pro,2999-01-01,MYR,1,,,",
            "9071,Else,,cad,pro,2025-01-01,MYR,1,,,",
            "B-9,Bo,,cad,pro,2025-01-01,MYR,1,x,,,too,many",
        )
    )
    ran = operator.run("licence", "import", file(operator, bad), *dry_run, "--json")
    assert ran.code == 1
    assert [one["row"] for one in ran.json["bad"]] == list(range(4, 14))
    assert ran.json["changed"] is False
    assert operator.did("licence", "list", "--json").json == operator.did("customer", "list", "--json").json == []


@pytest.mark.parametrize(("name", "text"), [("a.json", "{"), ("a.json", "{}"), ("a.txt", ""), ("a.json", "[1]")])
def test_a_file_of_another_kind_is_refused(operator: Operator, name: str, text: str) -> None:
    assert "columns" in operator.run("licence", "import", file(operator, text, name)).hint


def test_customers_contacts_and_orders_are_exported_and_the_first_two_imported(operator: Operator) -> None:
    people = file(operator, "customer_id,name,number\n4711,Aminah Sdn Bhd,K-1\n", "people.csv")
    assert "1 customer imported, 0 here already" in operator.did("customer", "import", people).out
    contacts = file(operator, json.dumps([{"customer_id": "K-1", "name": "Bo", "phone": "+60 3"}]), "contacts.json")
    assert "1 contact imported" in operator.did("customer", "import", contacts, "--contacts").out
    assert "0 contacts imported, 1 here already" in operator.did("customer", "import", contacts, "--contacts").out
    (shown,) = json.loads(operator.did("customer", "export", "--json").out)
    assert (shown["name"], shown["number"]) == ("Aminah Sdn Bhd", "K-1")
    assert ",Bo,,'+60 3," in operator.did("customer", "export", "--contacts").out
    operator.issue("--smp-years", "1")
    (order,) = json.loads(operator.did("order", "export", "--json").out)
    assert (order["kind"], order["total"], order["state"]) == ("licence", "1150.00", "paid")
