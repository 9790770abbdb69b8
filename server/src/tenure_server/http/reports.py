"""``GET /v1/reports/<report>``: the SMP business in numbers, as JSON, CSV or a picture. docs/integration.md."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator
from starlette.requests import Request
from starlette.responses import Response

from tenure_server.domain.api_tokens import Scope
from tenure_server.domain.report_forms import as_csv, as_json, as_svg
from tenure_server.domain.reports import Month, Months, ReportName, parse_month
from tenure_server.http.authentication import TokenAuthentication
from tenure_server.http.endpoint import Access, Operation
from tenure_server.http.reading import IN_PATH, RequestModel, read
from tenure_server.http.refusals import ONE_REFUSALS
from tenure_server.http.wire import Answer
from tenure_server.use_cases.make_report import MakeReport
from tenure_signing.names import ProductName, parse_product


class Form(StrEnum):
    JSON = "json"
    CSV = "csv"
    SVG = "svg"


class ReportAnswer(Answer):
    """A report as JSON. Amounts and percentages are texts, exact in decimal."""

    report: ReportName
    title: str
    columns: list[str]
    rows: list[dict[str, str | int | None]]


def _parse_report(text: str) -> ReportName:
    if text not in tuple(ReportName):
        raise ValueError(f"a report is one of {', '.join(ReportName)}")
    return ReportName(text)


def _parse_form(text: str) -> Form:
    if text not in tuple(Form):
        raise ValueError(f"a form is one of {', '.join(Form)}")
    return Form(text)


def _text(description: str, **more: object) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": description, **more})


class ReportRequest(RequestModel):
    report: Annotated[ReportName, PlainValidator(_parse_report), _text("which report", enum=list(ReportName))] = Field(
        json_schema_extra=IN_PATH
    )
    first: Annotated[
        Month | None, PlainValidator(parse_month), _text("the first month, such as 2026-01; goes with `last`")
    ] = None
    last: Annotated[Month | None, PlainValidator(parse_month), _text("the last month, inclusive")] = None
    product: Annotated[ProductName | None, PlainValidator(parse_product), _text("only of this product")] = None
    form: Annotated[Form, PlainValidator(_parse_form), _text("json, csv or svg", enum=list(Form))] = Form.JSON

    @model_validator(mode="after")
    def _months_are_whole(self) -> Self:
        if (self.first is None) != (self.last is None):
            raise ValueError("first and last go together")
        _ = self.months
        return self

    @property
    def months(self) -> Months | None:
        return Months(self.first, self.last) if self.first is not None and self.last is not None else None


OPERATION = Operation(
    summary="Income, renewals, who lapsed and why, versions in the field; CSV and SVG with `form`",
    request=ReportRequest,
    answer=ReportAnswer,
    access=Access.TOKEN,
    refusals=ONE_REFUSALS,
)


@dataclass(frozen=True, slots=True)
class ReportsEndpoint:
    authentication: TokenAuthentication
    make_report: MakeReport

    def get(self, request: Request) -> Response:
        self.authentication.token(request, Scope.READ)
        asked = read(request, ReportRequest)
        report = self.make_report(asked.report, months=asked.months, product=asked.product)
        headers = {"Cache-Control": "no-store", "Vary": "Authorization"}
        match asked.form:
            case Form.JSON:
                body = ReportAnswer.model_validate(as_json(report)).model_dump_json()
                return Response(body, headers=headers, media_type="application/json")
            case Form.CSV:
                headers["Content-Disposition"] = f'attachment; filename="{report.name}.csv"'
                return Response(as_csv(report), headers=headers, media_type="text/csv; charset=utf-8; header=present")
            case Form.SVG:
                headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
                return Response(as_svg(report), headers=headers, media_type="image/svg+xml")
