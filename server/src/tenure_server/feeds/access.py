"""Who asks for a feed: a licence key in the ``Authorization`` header, or a feed token in the path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from starlette.requests import Request

from tenure_server.domain.licences import Licence
from tenure_server.errors import AuthenticationRequired, Forbidden
from tenure_server.http.authentication import Authentication
from tenure_server.use_cases.feed_tokens import token_digest
from tenure_server.use_cases.ports import Database
from tenure_signing.coverage import RefusalReason
from tenure_signing.entitlement import LicenceStatus


@dataclass(frozen=True, slots=True)
class FeedAccess:
    authentication: Authentication
    database: Database

    def licence(self, request: Request) -> Licence:
        """The licence of the path's ``token``, where it has one, else of the header.

        Raises ``AuthenticationRequired``, and ``Forbidden`` for a suspended or revoked licence: updaters show an error
        as one, while an empty feed would say that all is well.
        """
        token = request.path_params.get("token")
        licence = self.authentication.licence(request) if token is None else self._by_token(token)
        match licence.status:
            case LicenceStatus.ACTIVE:
                return licence
            case LicenceStatus.SUSPENDED:
                raise Forbidden("This licence is suspended.", code=RefusalReason.LICENCE_SUSPENDED)
            case LicenceStatus.REVOKED:
                raise Forbidden("This licence was revoked.", code=RefusalReason.LICENCE_REVOKED)
            case unexpected:
                assert_never(unexpected)

    def _by_token(self, token: str) -> Licence:
        """In any case of letters: some updaters retry a failed address in lower case."""
        with self.database.reading() as records:
            licence = records.licences.by_feed_token_digest(digest_of(token))
        if licence is None:
            raise unknown_feed_token()
        return licence


def digest_of(token: str) -> str:
    """In any case of letters, as above."""
    return token_digest(token.lower())


def unknown_feed_token() -> AuthenticationRequired:
    return AuthenticationRequired(
        "This server knows no such feed token.",
        code="unknown_feed_token",
        hint="copy the feed address from the customer page again",
    )
