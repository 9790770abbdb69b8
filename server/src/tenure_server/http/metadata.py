"""``GET /metadata/<file>``: TUF metadata, the exact bytes that were signed (specification, section 7.1).

A missing file is 404 and never 401 or 403: clients look for the next root until they are told that there is none, and
several of them take a refusal for that answer. Where the metadata is for licensees only, a stranger gets 401; the API
token of a release engineer or of somebody who signs drafts opens it as a licence key does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from tenure_server.domain.api_tokens import METADATA_SCOPES
from tenure_server.errors import AuthenticationRequired, DatabaseUnavailable, InvalidRequest, NotFound
from tenure_server.http.authentication import Authentication, TokenAuthentication, carries_api_token
from tenure_server.http.endpoint import Operation
from tenure_server.http.etags import conditional
from tenure_server.http.parameters import MetadataRequest
from tenure_server.http.problems import problem_of
from tenure_server.http.reading import read
from tenure_server.use_cases.ports import Database
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.tuf_roles import TIMESTAMP, metadata_file_name

OPERATION = Operation(
    summary="TUF metadata",
    request=MetadataRequest,
    answer="application/json",
    is_conditional=True,
    refusals=(InvalidRequest, AuthenticationRequired, NotFound, DatabaseUnavailable),
)

FRESH_SECONDS = 60
"""For how long caches may keep what changes: timestamp.json, and that a file is not there yet."""

TIMESTAMP_FILE = metadata_file_name(TIMESTAMP, 0)
VERSIONED_FILE = re.compile(r"[1-9][0-9]{0,14}\.[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\.json", re.ASCII)


@dataclass(frozen=True, slots=True)
class MetadataEndpoint:
    """``authentication`` is None where anyone may read; ``tokens`` is then not asked."""

    database: Database
    authentication: Authentication | None
    tokens: TokenAuthentication | None

    def get(self, request: Request) -> Response:
        if self.authentication is not None:
            self._require_reader(self.authentication, request)
        name = read(request, MetadataRequest).file
        body = self._file(name)
        if body is None:
            missing = NotFound("There is no such metadata file.", code="unknown_metadata")
            return problem_of(missing).response(self._caching(f"max-age={FRESH_SECONDS}"))
        return conditional(request, body, media_type="application/json", headers=self._caching(_lifetime(name)))

    def _caching(self, lifetime: str) -> dict[str, str]:
        if self.authentication is None:
            return {"Cache-Control": f"public, {lifetime}"}
        return {"Cache-Control": f"private, {lifetime}", "Vary": "Authorization"}

    def _file(self, name: str) -> bytes | None:
        if name != TIMESTAMP_FILE and not VERSIONED_FILE.fullmatch(name):
            return None
        with self.database.reading_published() as records:
            return records.signed_files.file(name)

    def _require_reader(self, authentication: Authentication, request: Request) -> None:
        if self.tokens is not None and carries_api_token(request):
            if not self.tokens.token(request).scopes & METADATA_SCOPES:
                raise AuthenticationRequired("This API token does not open the metadata.", code="token_scope")
            return
        licence = authentication.licence(request)
        if licence.status is not LicenceStatus.ACTIVE:
            raise AuthenticationRequired(f"This licence is {licence.status}.", code=f"licence_{licence.status}")


def public_caching(name: str) -> str:
    """The ``Cache-Control`` of a file that anyone may read."""
    return f"public, {_lifetime(name)}"


def _lifetime(name: str) -> str:
    return f"max-age={FRESH_SECONDS}" if name == TIMESTAMP_FILE else "max-age=31536000, immutable"
