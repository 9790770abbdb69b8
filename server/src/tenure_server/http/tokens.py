"""``GET /v1/token``: whether an API token is accepted, and what for. A build can ask before it begins."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from tenure_server.errors import AuthenticationRequired, DatabaseUnavailable, InvalidRequest
from tenure_server.http import wire
from tenure_server.http.authentication import TokenAuthentication
from tenure_server.http.endpoint import Access, Operation
from tenure_server.http.parameters import NoParameters
from tenure_server.http.reading import read

OPERATION = Operation(
    summary="What the API token may do, and until when",
    answer=wire.TokenAnswer,
    access=Access.TOKEN,
    refusals=(InvalidRequest, AuthenticationRequired, DatabaseUnavailable),
)


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    authentication: TokenAuthentication

    def get(self, request: Request) -> Response:
        token = self.authentication.token(request)
        read(request, NoParameters)
        answer = wire.TokenAnswer(
            id=token.token_id,
            name=token.name,
            scopes=sorted(token.scopes),
            product=token.product,
            channel=token.channel,
            person=token.person,
            expires_at=token.expires_at,
        )
        headers = {"Cache-Control": "no-store", "Vary": "Authorization"}
        return Response(answer.model_dump_json(), headers=headers, media_type="application/json")
