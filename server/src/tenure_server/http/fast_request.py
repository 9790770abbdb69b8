"""What the fast routes ask of a request before they take it, and how they refuse.

A request is plain when it is a GET, has at most one ``Authorization`` header of the form ``License <key>``, no body,
and no header twice that matters. Any other request belongs to the general route.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Scope

from tenure_server.errors import AuthenticationRequired, DatabaseUnavailable, TenureError
from tenure_server.http.authentication import MAX_CREDENTIALS_CHARACTERS
from tenure_server.http.languages import MAX_HEADER_CHARACTERS
from tenure_server.http.problems import problem_of
from tenure_server.http.waiting_keys import WaitingKeys
from tenure_server.http.whole_answers import WholeAnswer, whole
from tenure_server.use_cases.api_tokens import TOKEN_PREFIX
from tenure_server.use_cases.catalogue import Catalogue
from tenure_server.use_cases.identify_licence import IdentifyLicence
from tenure_server.use_cases.licence_cache import KnownLicence, RecentlyUsed

_SCHEME = b"License "
_TOKEN = TOKEN_PREFIX.encode()  # the general route says what is wrong with an API token here
_MAX_REFUSALS = 64
_REFUSALS: RecentlyUsed[tuple[str, str, str | None], WholeAnswer] = RecentlyUsed(_MAX_REFUSALS)
_HAS_BODY = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade"})


@dataclass(slots=True)
class PlainHead:
    key: str
    if_none_match: str | None
    certificate: bytes | None
    accept_language: bytes | None


def any_plain_head(scope: Scope) -> PlainHead | None:
    """None for a request that is not plain. Its key, if it carries one, is not looked at."""
    if scope["method"] != "GET" or not has_no_body(scope):
        return None
    tags = known_tags(scope)
    return PlainHead("", tags[0] if tags else None, certificate=None, accept_language=None) if len(tags) < 2 else None


def plain_head(scope: Scope) -> PlainHead | None:
    """None for a request that is not plain or carries no licence key."""
    if scope["method"] != "GET":
        return None
    authorization: bytes | None = None
    if_none_match: bytes | None = None
    certificate: bytes | None = None
    accept_language: bytes | None = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            if authorization is not None:
                return None
            authorization = value
        elif name == b"if-none-match":
            if if_none_match is not None:
                return None
            if_none_match = value
        elif name == b"tenure-certificate":
            if certificate is not None:
                return None
            certificate = value
        elif name == b"accept-language":
            if accept_language is not None or len(value) > MAX_HEADER_CHARACTERS:
                return None
            accept_language = value
        elif name in _HAS_BODY:
            return None
    if (
        authorization is None
        or not authorization.startswith(_SCHEME)
        or len(authorization) > MAX_CREDENTIALS_CHARACTERS
    ):
        return None
    key = authorization[len(_SCHEME) :]
    if not key or b" " in key or b"\t" in key or key.startswith(_TOKEN):
        return None
    return PlainHead(
        key.decode("latin-1"),
        None if if_none_match is None else if_none_match.decode("latin-1"),
        certificate,
        accept_language,
    )


def has_no_body(scope: Scope) -> bool:
    return not any(name in _HAS_BODY for name, _ in scope["headers"])


def known_tags(scope: Scope) -> list[str]:
    """The values of ``If-None-Match``."""
    return [value.decode("latin-1") for name, value in scope["headers"] if name == b"if-none-match"]


def refusal(error: TenureError) -> WholeAnswer:
    """In the words of the general route. Keys are refused in few words and, when somebody guesses, by the thousand."""
    if type(error) is not AuthenticationRequired:
        return whole(problem_of(error).response())
    words = str(error), error.code, error.hint
    found = _REFUSALS.get(words)
    if found is None:
        found = whole(problem_of(error).response())
        _REFUSALS.put(words, found)
    return found


class Identified:
    """Who asks. Raises as ``IdentifyLicence`` does."""

    def __init__(self, identify: IdentifyLicence) -> None:
        self._identify = identify
        self._waiting = WaitingKeys(identify.database.quick)

    def at_once(self, key: str, digest: str, catalogue: Catalogue) -> KnownLicence | None:
        """The licence of the key; None where the database is across a network and has to be waited for."""
        identify = self._identify
        known = identify.at_hand(digest, catalogue)
        if known is None and identify.database.quick.is_inline:
            return identify.known(key, digest, catalogue)
        return known

    async def by(self, key: str, digest: str, catalogue: Catalogue) -> KnownLicence:
        """The licence of the key; together with others where the database is across a network."""
        known = self.at_once(key, digest, catalogue)
        if known is not None:
            return known
        identify = self._identify
        judged = identify.judged(key, digest, catalogue)
        try:
            version, found = await self._waiting.found(digest)
        except DatabaseUnavailable:
            if not identify.database.quick.is_inline:
                raise
            return identify.known(key, digest, catalogue)  # a copy stands in by now, which may know this one
        return identify.remembered(judged, version, found)
