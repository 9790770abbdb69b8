"""``GET /downloads/…``: a gated build as a short-lived link of the store; trusted targets as they are, to anyone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from tenure_server.domain.licence_facts import LicenceFacts
from tenure_server.domain.licences import Licence
from tenure_server.errors import (
    AuthenticationRequired,
    DatabaseUnavailable,
    Forbidden,
    InvalidRequest,
    NotFound,
    StoreUnavailable,
)
from tenure_server.http.authentication import Authentication
from tenure_server.http.endpoint import Access, Operation
from tenure_server.http.etags import conditional
from tenure_server.http.parameters import DownloadRequest, RequestedFile, TrustedFileRequest
from tenure_server.http.reading import read
from tenure_server.use_cases.download import Download, DownloadLink, ReleaseGone
from tenure_server.use_cases.ports import Database
from tenure_signing.names import ProductName
from tenure_signing.tuf_roles import TRUST_FOLDER
from tenure_signing.versions import Version

DOWNLOAD = Operation(
    summary="A link to a build that works for some minutes",
    request=DownloadRequest,
    answer=None,
    access=Access.LICENCE,
    status=HTTPStatus.FOUND,
    refusals=(
        InvalidRequest,
        AuthenticationRequired,
        Forbidden,
        NotFound,
        ReleaseGone,
        DatabaseUnavailable,
        StoreUnavailable,
    ),
)

TRUSTED_FILE = Operation(
    summary="A trusted target such as the licence public keys",
    request=TrustedFileRequest,
    answer="application/octet-stream",
    is_conditional=True,
    refusals=(InvalidRequest, NotFound, DatabaseUnavailable),
)

_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class DownloadsEndpoint:
    authentication: Authentication
    download: Download

    def get(self, request: Request) -> Response:
        licence = self.authentication.licence(request)
        asked = read(request, DownloadRequest)
        return redirect_to(linked(self.download, licence, asked.product, asked.version, asked.file))


def linked(
    download: Download,
    licence: Licence | LicenceFacts,
    product: ProductName,
    version: Version,
    asked: RequestedFile,
) -> DownloadLink:
    """The link to the build, which has the asked hash where one was asked for.

    Raises as ``Download`` does; ``NotFound`` (``unknown_file``) for another hash.
    """
    if asked.sha256 is None:
        return download(licence, product, version, asked.name)
    try:
        link = download(licence, product, version, asked.name)
    except NotFound as error:
        if error.code != "unknown_file":
            raise
        # a file whose own name looks like that
        return download(licence, product, version, asked.whole)
    if link.build.sha256 != asked.sha256:
        raise NotFound("This release has no file with this hash.", code="unknown_file")
    return link


def redirect_to(link: DownloadLink) -> Response:
    return redirect_response(link.url)


def redirect_response(url: str) -> Response:
    """302 to the store. The link is a bearer capability: nothing on the way may keep or pass it on."""
    headers = {"Location": url, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Response(status_code=HTTPStatus.FOUND, headers=headers)


@dataclass(frozen=True, slots=True)
class TrustedFilesEndpoint:
    """Small targets that everybody may have: clients need the licence public keys before they have a licence."""

    database: Database

    def get(self, request: Request) -> Response:
        asked = read(request, TrustedFileRequest).file
        with self.database.reading_published() as records:
            body = records.signed_files.trusted_target(f"{TRUST_FOLDER}/{asked.name}")
        if body is None or asked.sha256 not in (None, hashlib.sha256(body).hexdigest()):
            raise NotFound("There is no such file.", code="unknown_file")
        headers = {"Cache-Control": _FOR_EVER if asked.sha256 is not None else "public, no-cache"}
        return conditional(request, body, media_type="application/octet-stream", headers=headers)
