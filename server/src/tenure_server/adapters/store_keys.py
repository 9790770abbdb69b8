"""Keys of the object store, checked before any store is asked.

A key is one or more segments joined by ``/``. A segment is 1 to 255 of ``A-Z a-z 0-9 . _ -`` and does not begin with a
dot, so that neither ``..`` nor a hidden file can be named; a whole key has at most 1000 characters (S3 allows 1024
bytes and a store's own prefix has to fit as well).
"""

from __future__ import annotations

import re

from tenure_server.errors import InvalidKey

MAX_KEY_CHARACTERS = 1000

_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}"
_KEY = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*", re.ASCII)
_PREFIX = re.compile(rf"(?:{_SEGMENT}/)*(?:{_SEGMENT})?", re.ASCII)


def is_key(text: str) -> bool:
    """Whether the text is a legal key."""
    return len(text) <= MAX_KEY_CHARACTERS and _KEY.fullmatch(text) is not None


def check_key(key: str) -> str:
    """The key itself, or ``InvalidKey``."""
    if not is_key(key):
        raise InvalidKey(
            f"{_shown(key)} is no store key: segments of A-Z a-z 0-9 . _ - joined by /, none beginning with a dot or "
            f"longer than 255, at most {MAX_KEY_CHARACTERS} characters in all"
        )
    return key


def check_prefix(prefix: str) -> str:
    """What keys may begin with: the empty text or the beginning of a legal key. Raises ``InvalidKey``."""
    if len(prefix) > MAX_KEY_CHARACTERS or not _PREFIX.fullmatch(prefix):
        raise InvalidKey(f"{_shown(prefix)} is not the beginning of any store key")
    return prefix


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 80 else f"{text[:60]!r}… ({len(text)} characters)"
