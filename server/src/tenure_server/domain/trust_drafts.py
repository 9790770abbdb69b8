"""Drafts of ceremonies on the server's board: how long they hang there, and in what state they are."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum

DRAFT_LIFETIME = timedelta(days=30)
"""A draft that nobody completed by then is taken down: what it was good for is forgotten, its signatures are not."""

MAX_OPEN_DRAFTS = 20
MAX_BOARD_BYTES = 256 * 1024 * 1024  # of all open drafts together
MAX_SHOWN_DRAFTS = 100
MIN_CODE_DIGITS = 4

_CODE = re.compile(r"[0-9a-f]{4}(?:-[0-9a-f]{4}){7}", re.ASCII)
_BEGINNING = re.compile(r"[0-9a-f-]{1,39}", re.ASCII)


class DraftState(StrEnum):
    """``stale`` is never stored: it is an open draft that something else overtook."""

    OPEN = "open"
    STALE = "stale"
    SUBMITTED = "submitted"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


STORED_STATES = (DraftState.OPEN, DraftState.SUBMITTED, DraftState.CANCELLED, DraftState.EXPIRED)


def parse_code(text: str) -> str:
    """A draft's whole code, such as ``1a2b-…`` with 32 digits. Raises ``ValueError``."""
    if not _CODE.fullmatch(text):
        raise ValueError("a draft's code is eight groups of four of 0-9 and a-f")
    return text


def is_code_beginning(text: str) -> bool:
    """Whether the text can be the beginning of a code that is long enough to be typed in its place."""
    return _BEGINNING.fullmatch(text) is not None and len(text.replace("-", "")) >= MIN_CODE_DIGITS
