"""``tenure report`` as operators use it."""

from __future__ import annotations

from xml.etree import ElementTree

from tests.server.cli.at_the_terminal import Operator


def test_reports_are_tables_csv_json_and_pictures(operator: Operator) -> None:
    operator.issue("--smp-years", "1")
    table = operator.did("report", "income", "--from", "2026-11", "--to", "2026-11").out
    assert "SMP income, 2026-11 to 2026-11" in table
    assert "150.00" in table
    assert operator.did("report", "income", "--json").json["rows"][-1]["total"] == "150.00"
    assert operator.did("report", "income", "--format", "csv").out.splitlines()[0].startswith("month,currency")
    file = operator.directory / "income.svg"
    operator.did("report", "income", "--format", "svg", "--output", file)
    ElementTree.fromstring(file.read_text())
    saved = operator.directory / "income.json"
    operator.did("report", "income", "--format", "json", "--output", saved)
    assert "150.00" in saved.read_text()


def test_without_dates_a_report_is_of_a_year(operator: Operator) -> None:
    rows = operator.did("report", "renewals", "--json").json["rows"]
    assert (rows[0]["month"], rows[-1]["month"]) == ("2026-05", "2027-04")
    assert "There is nothing to show" in operator.did("report", "versions").out
    assert "There is nothing to show" in operator.did("report", "lapsed", "--to", "2020-12").out


def test_a_report_that_makes_no_sense_is_refused(operator: Operator) -> None:
    for options in (("--from", "2026-13"), ("--from", "2026-12", "--to", "2026-01"), ("--from", "1990-01")):
        assert operator.run("report", "income", *options).code == 2
    assert operator.run("report", "profit").code == 2
    assert "no such product" in operator.run("report", "income", "--product", "nothing").error
    table_in_a_file = operator.run("report", "income", "--output", operator.directory / "x.txt")
    assert table_in_a_file.code == 2
