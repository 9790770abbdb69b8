"""``tenure licence import`` and ``export``: CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, context_of
from tenure_server.cli.licences import commands
from tenure_server.cli.output import plural, print_json, print_line, say
from tenure_server.domain.licences import Licence
from tenure_server.domain.paging import MAX_PAGE, Place
from tenure_server.errors import InvalidRequest
from tenure_server.use_cases.import_licences import COLUMNS, exported
from tenure_server.use_cases.ports import Database

MAX_FILE_BYTES = 64 * 1024 * 1024


@commands.command("import")
def import_licences(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="It ends in .csv or .json; docs/selling.md.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is wrong, and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import a file of licences with their customers.

    All of it, or nothing if a row is bad. Again, only what is new.
    """
    context = context_of(ctx)
    found = context.installation.import_licences(_rows(file), who=context.who, dry_run=dry_run)
    if as_json:
        bad = [{"row": one.number, "problem": one.problem} for one in found.bad]
        print_json({"new": found.new, "known": found.known, "bad": bad, "changed": not (dry_run or found.bad)})
    else:
        for one in found.bad:
            print_line(f"row {one.number}: {one.problem}")
        done = "would be imported" if dry_run or found.bad else "imported"
        print_line(f"{plural(found.new, 'licence')} {done}, {found.known} here already.")
    if found.bad:
        say(f"{plural(len(found.bad), 'bad row')}: nothing was changed")
        raise typer.Exit(1)


@commands.command("export")
def export_licences(
    ctx: typer.Context,
    as_json: AsJson = False,
) -> None:
    """Write all licences as CSV, or with --json as JSON.

    In the columns that import reads, to standard output.
    """
    licences = _all(context_of(ctx).installation.database)
    if as_json:
        print_json([exported(licence) for licence in licences])
        return
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for licence in licences:
        writer.writerow(exported(licence))


def _all(database: Database) -> Iterator[Licence]:
    after: Place | None = None
    while True:
        with database.reading() as records:
            page = records.licences.search(limit=MAX_PAGE, after=after)
        yield from page
        if len(page) < MAX_PAGE:
            return
        after = Place(page[-1].created_at, page[-1].licence_id)


def _rows(file: Path) -> list[dict[str, str]]:
    """Raises ``InvalidRequest`` (``invalid_file``)."""
    if file.stat().st_size > MAX_FILE_BYTES:
        raise _invalid("has more than 64 MiB")
    try:
        text = file.read_bytes().decode("utf-8-sig")
        match file.suffix.lower():
            case ".csv":
                return [_texts(row) for row in csv.DictReader(io.StringIO(text), strict=True)]
            case ".json":
                rows = json.loads(text)
                if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                    raise _invalid("is not a list of objects")
                return [_texts(row) for row in rows]
            case _:
                raise _invalid("ends neither in .csv nor in .json")
    except (ValueError, csv.Error) as error:
        raise _invalid("cannot be read as UTF-8 text of its kind") from error


def _texts(row: dict[object, object]) -> dict[str, str]:
    """Numbers of JSON as text; what CSV has beyond its columns shows as a column that there is not."""
    return {str(name or "beyond the last column"): "" if value is None else str(value) for name, value in row.items()}


def _invalid(problem: str) -> InvalidRequest:
    return InvalidRequest(f"The file {problem}.", code="invalid_file", hint=f"its columns are {', '.join(COLUMNS)}")
