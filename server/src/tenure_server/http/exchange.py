"""``/v1/exports`` and ``/v1/imports``: whole tables as CSV or JSON. Read and changed with the scope sales: an export
names every customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import Field, PlainValidator, WithJsonSchema
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tenure_server.domain.api_tokens import Scope
from tenure_server.domain.row_files import Row, RowForm, read_rows
from tenure_server.errors import InvalidRequest
from tenure_server.http.authentication import TokenAuthentication
from tenure_server.http.customers import PRIVATE, answered
from tenure_server.http.endpoint import Access, Operation
from tenure_server.http.problems import FaultyRequest
from tenure_server.http.reading import IN_PATH, RequestModel, read
from tenure_server.http.refusals import TOKEN_REFUSALS
from tenure_server.http.wire import Answer, Fault
from tenure_server.use_cases.exports import Export, Table
from tenure_server.use_cases.import_rows import Imported

CSV = "text/csv"
MAX_BAD_ROWS = 1_000
"""As many are named in an answer."""

_FORMS = {CSV: RowForm.CSV, "application/json": RowForm.JSON}


class Importable(StrEnum):
    CUSTOMERS = "customers"
    CONTACTS = "contacts"
    LICENCES = "licences"


class Import(Protocol):
    def __call__(self, rows: Sequence[Row], *, who: str, dry_run: bool) -> Imported: ...


def _table(text: str) -> Table:
    if text not in tuple(Table):
        raise ValueError(f"a table is one of {', '.join(Table)}")
    return Table(text)


def _importable(text: str) -> Importable:
    if text not in tuple(Importable):
        raise ValueError(f"what can be imported are {', '.join(Importable)}")
    return Importable(text)


def _form(text: str) -> RowForm:
    if text not in tuple(RowForm):
        raise ValueError(f"a form is one of {', '.join(RowForm)}")
    return RowForm(text)


def _yes_or_no(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("is true or false")
    return text == "true"


class ExportRequest(RequestModel):
    table: Annotated[
        Table, PlainValidator(_table), WithJsonSchema({"type": "string", "enum": list(Table)}),
        Field(description="which table", json_schema_extra=IN_PATH),
    ]  # fmt: skip
    form: Annotated[
        RowForm, PlainValidator(_form), WithJsonSchema({"type": "string", "enum": list(RowForm), "default": "csv"}),
        Field(description="csv or json"),
    ] = RowForm.CSV  # fmt: skip


class ImportRequest(RequestModel):
    table: Annotated[
        Importable, PlainValidator(_importable), WithJsonSchema({"type": "string", "enum": list(Importable)}),
        Field(description="what the rows are", json_schema_extra=IN_PATH),
    ]  # fmt: skip
    dry_run: Annotated[
        bool, PlainValidator(_yes_or_no), WithJsonSchema({"type": "boolean", "default": False}),
        Field(description="say what is wrong, and change nothing"),
    ] = False  # fmt: skip


class BadRow(Answer):
    row: int = Field(description="from 1, without a heading")
    problem: str


class ImportAnswer(Answer):
    new: int
    known: int = Field(description="here already, and passed over")
    bad: list[BadRow] = Field(description="in a dry run; otherwise a bad row is answered with a problem")
    changed: bool

    @classmethod
    def of(cls, imported: Imported) -> ImportAnswer:
        bad = [BadRow(row=one.number, problem=one.problem) for one in imported.bad[:MAX_BAD_ROWS]]
        return cls(new=imported.new, known=imported.known, bad=bad, changed=imported.is_changed)


EXPORT = Operation(
    summary="All customers, contacts, licences or orders, as CSV or JSON in the columns that imports read",
    request=ExportRequest, answer=CSV, access=Access.TOKEN, refusals=TOKEN_REFUSALS,
)  # fmt: skip
IMPORT = Operation(
    summary="Import customers, contacts or licences from CSV, or JSON as a list of objects: all rows or none",
    method="POST", request=ImportRequest, body=CSV, answer=ImportAnswer, access=Access.TOKEN, refusals=TOKEN_REFUSALS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExchangeEndpoints:
    authentication: TokenAuthentication
    export: Export
    imports: Mapping[Importable, Import]

    def get(self, request: Request) -> Response:
        self.authentication.token(request, Scope.SALES)
        asked = read(request, ExportRequest)
        name = f'attachment; filename="{asked.table}.{asked.form}"'
        headers = {**PRIVATE, "Content-Disposition": name, "X-Content-Type-Options": "nosniff"}
        kinds = {RowForm.CSV: "text/csv; charset=utf-8; header=present", RowForm.JSON: "application/json"}
        return Response(self.export(asked.table, asked.form), headers=headers, media_type=kinds[asked.form])

    async def post(self, request: Request) -> Response:
        """Raises ``InvalidRequest`` (``bad_rows``) with every bad row, unless it was to be tried only."""
        token = await run_in_threadpool(self.authentication.token, request, Scope.SALES)
        asked = read(request, ImportRequest)
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in _FORMS:
            raise FaultyRequest(
                (Fault(where="header.Content-Type", problem="is neither text/csv nor application/json"),)
            )
        try:
            rows = read_rows(await request.body(), _FORMS[media_type])
        except ValueError as error:
            raise InvalidRequest(f"The body {error}.", code="invalid_file") from error
        found = await run_in_threadpool(self.imports[asked.table], rows, who=token.who, dry_run=asked.dry_run)
        if found.bad and not asked.dry_run:
            raise BadRows(found)
        return answered(ImportAnswer.of(found))


class BadRows(FaultyRequest):
    """Some rows make no sense, and none was imported."""

    def __init__(self, found: Imported) -> None:
        super().__init__(
            tuple(Fault(where=f"row.{one.number}", problem=one.problem) for one in found.bad[:MAX_BAD_ROWS]),
            code="bad_rows",
        )
