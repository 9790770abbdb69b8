"""``tenure report``: income, renewals, who lapsed and why, versions in the field."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, context_of, parsed_or_none
from tenure_server.cli.output import print_json, print_line, print_table, say
from tenure_server.domain.report_forms import as_csv, as_json, as_svg
from tenure_server.domain.reports import Months, Report, ReportName, parse_month
from tenure_signing.names import parse_product


class Form(StrEnum):
    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    SVG = "svg"


def register(app: typer.Typer) -> None:
    app.command("report")(report)


def report(
    ctx: typer.Context,
    name: Annotated[ReportName, typer.Argument(metavar="REPORT", help=f"One of {', '.join(ReportName)}.")],
    first: Annotated[str | None, typer.Option("--from", help="YYYY-MM, the first month; default: a year.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="YYYY-MM, the last month.")] = None,
    product: Annotated[str | None, typer.Option("--product", help="Only of this product.")] = None,
    form: Annotated[Form, typer.Option("--format", help="table, csv, json, or svg: a picture.")] = Form.TABLE,
    output: Annotated[Path | None, typer.Option("--output", help="Write it to this file.")] = None,
    as_json_too: AsJson = False,
) -> None:
    """Show the SMP business in numbers.

    Income by month, renewals due, who lapsed and why, versions in the field.
    """
    make_report = context_of(ctx).installation.make_report
    beginning, end = parsed_or_none("--from", first, parse_month), parsed_or_none("--to", last, parse_month)
    default = make_report.default_months(name)
    try:
        months = Months(
            beginning or min(default.first, end or default.first), end or max(default.last, beginning or default.last)
        )
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--from and --to") from error
    made = make_report(name, months=months, product=parsed_or_none("--product", product, parse_product))
    form = Form.JSON if as_json_too else form
    if form is Form.TABLE and output is None:
        _show(made)
        return
    if form is Form.JSON and output is None:
        print_json(as_json(made))
        return
    text = _text(made, form)
    if output is None:
        sys.stdout.write(text)
        return
    output.write_text(text, encoding="utf-8", newline="")
    say(f"Wrote {output}.")


def _show(made: Report) -> None:
    print_line(made.title)
    columns = [name.replace("_", " ").upper() for name in made.columns]
    rows = [["" if cell is None else cell for cell in row] for row in made.rows]
    print_table(columns, rows, nothing="There is nothing to show.")


def _text(made: Report, form: Form) -> str:
    match form:
        case Form.SVG:
            return as_svg(made)
        case Form.CSV:
            return as_csv(made)
        case Form.JSON:
            return json.dumps(as_json(made), indent=2, ensure_ascii=False) + "\n"
        case Form.TABLE:
            raise typer.BadParameter("a file is written as csv, json or svg", param_hint="--output")
