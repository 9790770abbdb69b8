"""Who is signed in: a signed cookie that holds the licence's id and when it was set, nothing else.

The licence itself is read anew on each request, so a suspension or revocation holds at once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from itsdangerous import BadData, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import Response

from tenure_server.use_cases.ports import Clock

COOKIE = "tenure_portal"
PATH = "/portal"
LIFETIME = timedelta(hours=8)
MAX_COOKIE_CHARACTERS = 512


@dataclass(frozen=True, slots=True)
class Sessions:
    """``clock`` is the real one, whatever day the page shows. ``is_https`` tells how customers reach the page."""

    secret: bytes = field(repr=False)
    clock: Clock
    is_https: bool

    def start(self, response: Response, licence_id: str) -> None:
        value = self._serializer.dumps([licence_id, int(self.clock().timestamp())])
        text = value if isinstance(value, str) else value.decode("ascii")
        response.set_cookie(
            COOKIE,
            text,
            max_age=int(LIFETIME.total_seconds()),
            path=PATH,
            secure=self.is_https,
            httponly=True,
            samesite="strict",
        )

    def end(self, response: Response) -> None:
        response.delete_cookie(COOKIE, path=PATH, secure=self.is_https, httponly=True, samesite="strict")

    def licence_id(self, request: Request) -> str | None:
        """The licence that is signed in; None without a cookie, or with one that is forged, malformed or over."""
        text = request.cookies.get(COOKIE)
        if text is None or len(text) > MAX_COOKIE_CHARACTERS:
            return None
        try:
            value = self._serializer.loads(text)
        except BadData:
            return None
        match value:
            case [str() as licence_id, int() as seconds]:
                age = self.clock() - datetime.fromtimestamp(seconds, UTC)
                return licence_id if timedelta(0) <= age < LIFETIME else None
            case _:
                return None

    @property
    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(
            self.secret,
            salt="tenure portal session",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )
