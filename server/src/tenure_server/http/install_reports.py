"""``POST /v1/install-reports``: how installing a release went. docs/http-api.md, Install reports."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from pydantic import AfterValidator, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tenure_server.domain.install_reports import Outcome
from tenure_server.errors import AuthenticationRequired, DatabaseUnavailable, Forbidden, InvalidRequest, NotFound
from tenure_server.http.authentication import Authentication
from tenure_server.http.bodies import BodyModel, read_body
from tenure_server.http.endpoint import Access, Operation
from tenure_server.http.parameters import NoParameters
from tenure_server.http.reading import read
from tenure_server.use_cases.report_install import ReportInstall
from tenure_signing.names import parse_product
from tenure_signing.versions import MAX_VERSION_CHARACTERS, Version, parse_version


def _version(text: str) -> str:
    return str(parse_version(text))


_VersionText = Annotated[str, Field(max_length=MAX_VERSION_CHARACTERS), AfterValidator(_version)]


class InstallReportBody(BodyModel):
    product: Annotated[str, Field(max_length=64), AfterValidator(parse_product)]
    from_version: _VersionText | None = Field(default=None, description="what was installed before; null: nothing")
    to_version: _VersionText
    outcome: Outcome
    install_id: str = Field(pattern="^[A-Za-z0-9._-]{8,64}$", description="as in the update check")
    detail_code: str | None = Field(
        default=None, pattern="^[a-z0-9][a-z0-9._-]{0,39}$", description="what went wrong, in a word; nothing personal"
    )


OPERATION = Operation(
    summary="How installing a release went",
    method="POST",
    body=InstallReportBody,
    answer=None,
    access=Access.LICENCE,
    status=HTTPStatus.ACCEPTED,
    refusals=(InvalidRequest, AuthenticationRequired, Forbidden, NotFound, DatabaseUnavailable),
)


@dataclass(frozen=True, slots=True)
class InstallReportsEndpoint:
    authentication: Authentication
    report_install: ReportInstall

    async def post(self, request: Request) -> Response:
        licence = await run_in_threadpool(self.authentication.licence, request)
        read(request, NoParameters)
        body = await read_body(request, InstallReportBody)
        await run_in_threadpool(
            self.report_install,
            licence,
            parse_product(body.product),
            Version(body.to_version),
            body.outcome,
            body.install_id,
            from_version=Version(body.from_version) if body.from_version is not None else None,
            detail_code=body.detail_code,
        )
        return Response(status_code=HTTPStatus.ACCEPTED, headers={"Cache-Control": "no-store"})
