"""Who is asking: the licence key in the ``Authorization`` header. docs/http-api.md, Who is asking.

A key is never echoed, and no error says more of a header than what is wrong with its form.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from starlette.requests import Request

from tenure_server.domain.licences import Licence
from tenure_server.errors import AuthenticationRequired, InvalidRequest
from tenure_server.use_cases.identify_licence import IdentifyLicence

MAX_CREDENTIALS_CHARACTERS = 8192
"""A licence key has at most 2048 characters; as a password it is a third longer, and has a user name before it."""

_HINT = "send the licence key as 'Authorization: License <key>'"


@dataclass(frozen=True, slots=True)
class Authentication:
    """Turns a request into the licence it is about."""

    identify: IdentifyLicence

    def licence(self, request: Request) -> Licence:
        """The licence, whatever its status. Raises ``AuthenticationRequired``, or ``InvalidRequest`` if the header is
        there twice: a proxy and we might not read the same one."""
        return self.identify.by_key(licence_key_in(request.headers.getlist("authorization")))


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
