"""Entity tags and conditional requests. RFC 9110, sections 8.8.3 and 13.1.2."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

_MEMBER = re.compile(r'[ \t]*(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?:,|$)')


def strong_etag(body: bytes) -> str:
    """A strong entity tag, with its quotation marks: equal for equal bytes only."""
    return f'"{hashlib.sha256(body).hexdigest()[:40]}"'


def is_known(if_none_match: list[str], etag: str) -> bool:
    """Whether ``If-None-Match`` names the tag, compared weakly; ``*`` names every tag, a malformed list none."""
    text = ", ".join(line.strip(" \t") for line in if_none_match)
    if text == "*":
        return True
    found, at = False, 0
    while at < len(text):
        member = _MEMBER.match(text, at)
        if member is None:
            return False
        found = found or member[1] == etag
        at = member.end()
    return found


def conditional(request: Request, body: bytes, *, media_type: str, headers: Mapping[str, str]) -> Response:
    """The body with its entity tag, or 304 for a client that has it already."""
    all_headers = {**headers, "ETag": strong_etag(body)}
    if is_known(request.headers.getlist("if-none-match"), all_headers["ETag"]):
        return Response(status_code=304, headers=all_headers)
    return Response(body, headers=all_headers, media_type=media_type)
