"""Who is asking: the licence key, or at management addresses the API token, in the ``Authorization`` header.
docs/http-api.md, Who is asking.

A key is never echoed, and no error says more of a header than what is wrong with its form.
"""

from __future__ import annotations

import base64
from collections.abc import Collection
from dataclasses import dataclass

from starlette.requests import Request

from tenure_server.domain.api_tokens import ApiToken, Scope, ScopeRefusal
from tenure_server.domain.licence_facts import LicenceFacts
from tenure_server.domain.licences import Licence
from tenure_server.errors import (
    AuthenticationRequired,
    DatabaseUnavailable,
    Forbidden,
    InvalidRequest,
    TokenRequired,
)
from tenure_server.http.parameters import NO_CERTIFICATE
from tenure_server.use_cases.api_tokens import TOKEN_PREFIX, AuthenticateToken, require_scope
from tenure_server.use_cases.identify_licence import IdentifyLicence

MAX_CREDENTIALS_CHARACTERS = 8192
"""A licence key has at most 2048 characters; as a password it is a third longer, and has a user name before it."""

_BEARER_HINT = "send it as 'Authorization: Bearer tenure_…'; tenure token create makes one"
_HINT = "send the licence key as 'Authorization: License <key>'"


@dataclass(frozen=True, slots=True)
class Authentication:
    """Turns a request into the licence it is about."""

    identify: IdentifyLicence

    def licence(self, request: Request) -> Licence:
        """The licence, whatever its status. Raises ``AuthenticationRequired``, or ``InvalidRequest`` if the header is
        there twice: a proxy and we might not read the same one."""
        return self.identify.by_key(licence_key_in(request.headers.getlist("authorization")))

    def facts(self, request: Request, certificate: str | None) -> LicenceFacts:
        """The licence in facts, whatever its status. While the database is away and the licence was not seen lately:
        what its certificate says. Raises as ``licence``, and ``DatabaseUnavailable``."""
        key = licence_key_in(request.headers.getlist("authorization"))
        try:
            return self.identify.facts(key)
        except DatabaseUnavailable:
            if certificate is None or certificate == NO_CERTIFICATE:
                raise
            return self.identify.by_certificate(key, certificate)


@dataclass(frozen=True, slots=True)
class TokenAuthentication:
    """Turns a request to a management address into the API token it carries."""

    authenticate: AuthenticateToken

    def token(self, request: Request, scope: Scope | None = None) -> ApiToken:
        """The active token. With a scope that is bound to no product, the token has it.

        Raises ``TokenRequired``, ``Forbidden``, or ``InvalidRequest`` if the header is there twice.
        """
        token = self.authenticate(api_token_in(request.headers.getlist("authorization")))
        if scope is not None:
            require_scope(token, scope)
        return token

    def token_for_any(self, request: Request, scopes: Collection[Scope]) -> ApiToken:
        """The active token, which has at least one of the scopes. Raises as ``token``."""
        token = self.token(request)
        if Scope.ADMIN not in token.scopes and token.scopes.isdisjoint(scopes):
            listed = ", ".join(sorted(token.scopes))
            raise Forbidden(
                f"This token is for {listed}, not for {' or '.join(scopes)}.",
                code=ScopeRefusal.SCOPE,
                hint="use a token made for this",
            )
        return token


def carries_api_token(request: Request) -> bool:
    """Whether one ``Authorization: Bearer`` header holds what looks like an API token and not like a licence key."""
    headers = request.headers.getlist("authorization")
    scheme, _, credentials = (headers[0] if len(headers) == 1 else "").strip(" \t").partition(" ")
    return scheme.lower() == "bearer" and credentials.strip(" \t").startswith(TOKEN_PREFIX)


def api_token_in(headers: list[str]) -> str:
    """The token in the values of the ``Authorization`` headers: ``Bearer`` and nothing else."""
    if not headers:
        raise TokenRequired("An API token is required.", code="token_missing", hint=_BEARER_HINT)
    if len(headers) > 1:
        raise InvalidRequest("The Authorization header is there more than once.", code="repeated_authorization")
    scheme, _, credentials = headers[0].strip(" \t").partition(" ")
    if scheme.lower() != "bearer":
        raise TokenRequired(
            "Management addresses take an API token with the scheme Bearer; licence keys do not open them.",
            code="unknown_authorization_scheme",
            hint=_BEARER_HINT,
        )
    return credentials.strip(" \t")


def licence_key_in(headers: list[str]) -> str:
    """The key in the values of the ``Authorization`` headers: ``License``, ``Bearer``, or ``Basic`` as the password."""
    if not headers:
        raise AuthenticationRequired("A licence key is required.", code="licence_key_missing", hint=_HINT)
    if len(headers) > 1:
        raise InvalidRequest("The Authorization header is there more than once.", code="repeated_authorization")
    if len(headers[0]) > MAX_CREDENTIALS_CHARACTERS:
        raise _malformed(f"The Authorization header has more than {MAX_CREDENTIALS_CHARACTERS} characters.")
    scheme, _, credentials = headers[0].strip(" \t").partition(" ")
    credentials = credentials.strip(" \t")
    if credentials.startswith(TOKEN_PREFIX):
        raise AuthenticationRequired(
            "An API token opens management addresses only; this one wants a licence key.",
            code="api_token_not_accepted",
            hint=_HINT,
        )
    match scheme.lower():
        case "license" | "bearer":
            key = credentials
        case "basic":
            key = _password(credentials)
        case _:
            raise AuthenticationRequired(
                "The Authorization header uses none of the schemes License, Bearer and Basic.",
                code="unknown_authorization_scheme",
                hint=_HINT,
            )
    if not key:
        raise AuthenticationRequired(
            "The Authorization header holds no licence key.", code="licence_key_missing", hint=_HINT
        )
    return key


def _password(credentials: str) -> str:
    """RFC 7617: the Base64 of ``user:password`` in UTF-8; the user is whoever, the password the key."""
    try:
        decoded = base64.b64decode(credentials, validate=True)
        text = decoded.decode("utf-8") if base64.b64encode(decoded).decode() == credentials else None
    except ValueError:
        text = None
    if text is None:
        raise _malformed("The Basic credentials are not Base64 of UTF-8 text.")
    _, colon, password = text.partition(":")
    if not colon:
        raise _malformed("The Basic credentials have no colon between user name and password.")
    return password


def _malformed(detail: str) -> AuthenticationRequired:
    return AuthenticationRequired(detail, code="malformed_authorization", hint=_HINT)
