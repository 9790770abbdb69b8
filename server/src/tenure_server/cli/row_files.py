"""``import`` and ``export`` of customers, contacts, licences and orders: CSV and JSON files."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol

import typer

from tenure_server.cli import customers, licences, orders
from tenure_server.cli.context import AsJson, CommandContext, context_of
from tenure_server.cli.output import plural, print_json, print_line, say
from tenure_server.domain.row_files import Row, RowForm, read_rows
from tenure_server.errors import InvalidRequest
from tenure_server.use_cases.exports import Table
from tenure_server.use_cases.import_customers import CONTACT_COLUMNS, CUSTOMER_COLUMNS
from tenure_server.use_cases.import_licences import LICENCE_COLUMNS
from tenure_server.use_cases.import_rows import Imported

MAX_FILE_BYTES = 64 * 1024 * 1024

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="It ends in .csv or .json; docs/selling.md.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what is wrong, and change nothing.")]
Contacts = Annotated[bool, typer.Option("--contacts", help="The customers' contacts in place of the customers.")]


class _Import(Protocol):
    def __call__(self, rows: Sequence[Row], *, who: str, dry_run: bool) -> Imported: ...


@dataclass(frozen=True, slots=True)
class _Importing:
    """``noun`` is what a row is."""

    context: CommandContext
    noun: str
    columns: Sequence[str]
    do: _Import

    def __call__(self, file: Path, *, dry_run: bool, as_json: bool) -> None:
        found = self.do(self._rows(file), who=self.context.who, dry_run=dry_run)
        if as_json:
            bad = [{"row": one.number, "problem": one.problem} for one in found.bad]
            print_json({"new": found.new, "known": found.known, "bad": bad, "changed": found.is_changed})
        else:
            for one in found.bad:
                print_line(f"row {one.number}: {one.problem}")
            done = "imported" if found.is_changed else "would be imported"
            print_line(f"{plural(found.new, self.noun)} {done}, {found.known} here already.")
        if found.bad:
            say(f"{plural(len(found.bad), 'bad row')}: nothing was changed")
            raise typer.Exit(1)

    def _rows(self, file: Path) -> list[dict[str, str]]:
        """Raises ``InvalidRequest`` (``invalid_file``)."""
        forms = {".csv": RowForm.CSV, ".json": RowForm.JSON}
        form = forms.get(file.suffix.lower())
        if form is None:
            raise self._invalid("ends neither in .csv nor in .json")
        if file.stat().st_size > MAX_FILE_BYTES:
            raise self._invalid("has more than 64 MiB")
        try:
            return read_rows(file.read_bytes(), form)
        except ValueError as error:
            raise self._invalid(str(error)) from error

    def _invalid(self, problem: str) -> InvalidRequest:
        hint = f"its columns are {', '.join(self.columns)}"
        return InvalidRequest(f"The file {problem}.", code="invalid_file", hint=hint)


@licences.commands.command("import")
def import_licences(ctx: typer.Context, file: FileArgument, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Import a file of licences with their customers.

    All of it, or nothing if a row is bad. Again, only what is new.
    """
    context = context_of(ctx)
    run = _Importing(context, "licence", LICENCE_COLUMNS, context.installation.import_licences)
    run(file, dry_run=dry_run, as_json=as_json)


@customers.commands.command("import")
def import_customers(
    ctx: typer.Context,
    file: FileArgument,
    contacts: Contacts = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Import a file of customers, or of their contacts.

    All of it, or nothing if a row is bad. Again, only what is new.
    """
    context = context_of(ctx)
    if contacts:
        run = _Importing(context, "contact", CONTACT_COLUMNS, context.installation.import_contacts)
    else:
        run = _Importing(context, "customer", CUSTOMER_COLUMNS, context.installation.import_customers)
    run(file, dry_run=dry_run, as_json=as_json)


@licences.commands.command("export")
def export_licences(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Write all licences as CSV, or with --json as JSON.

    In the columns that import reads, to standard output.
    """
    _export(ctx, Table.LICENCES, as_json)


@customers.commands.command("export")
def export_customers(ctx: typer.Context, contacts: Contacts = False, as_json: AsJson = False) -> None:
    """Write all customers as CSV, or with --json as JSON.

    Or their contacts; in the columns that import reads, to standard output.
    """
    _export(ctx, Table.CONTACTS if contacts else Table.CUSTOMERS, as_json)


@orders.commands.command("export")
def export_orders(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Write all orders as CSV, or with --json as JSON.

    For accounting; to standard output.
    """
    _export(ctx, Table.ORDERS, as_json)


def _export(ctx: typer.Context, table: Table, as_json: bool) -> None:
    form = RowForm.JSON if as_json else RowForm.CSV
    sys.stdout.write(context_of(ctx).installation.export(table, form))
