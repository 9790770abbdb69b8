"""Lists page by page: where the next page begins is told in a cursor, which means nothing to whoever passes it on.

Entries that are added meanwhile neither shift a page nor come twice.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from tenure_server.domain.paging import MAX_PAGE, Place

DEFAULT_PAGE = 100
MAX_CURSOR_CHARACTERS = 300
_LIMIT = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)


def cursor_of(place: Place | None) -> str | None:
    if place is None:
        return None
    text = json.dumps([place.at.isoformat(), place.id]).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def parse_cursor(text: str) -> Place:
    """Raises ``ValueError`` for what no list has given out."""
    problem = "is no cursor: pass on what a list gave as next_cursor, unchanged"
    if len(text) > MAX_CURSOR_CHARACTERS:
        raise ValueError(problem)
    try:
        at, identity = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        place = Place(datetime.fromisoformat(at), str(identity))
    except (ValueError, TypeError):
        raise ValueError(problem) from None
    if place.at.tzinfo is None or "\0" in place.id or not place.id.isascii():
        raise ValueError(problem)
    return place


def _parse_limit(text: object) -> int:
    if not isinstance(text, str) or not _LIMIT.fullmatch(text) or int(text) > MAX_PAGE:
        raise ValueError(f"is a whole number from 1 to {MAX_PAGE}")
    return int(text)


def _parse_given_cursor(text: object) -> Place:
    return parse_cursor(str(text))


Limit = Annotated[
    int,
    PlainValidator(_parse_limit),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": DEFAULT_PAGE}),
    Field(description="entries on a page"),
]
Cursor = Annotated[
    Place | None,
    PlainValidator(_parse_given_cursor),
    WithJsonSchema({"type": "string"}),
    Field(description="`next_cursor` of the page before, unchanged"),
]
