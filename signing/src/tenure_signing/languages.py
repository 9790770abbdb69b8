"""Languages of release notes: tags of BCP 47 in lower case, and which of those there are suits a reader best."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import NewType

from tenure_signing.errors import InvalidName

Language = NewType("Language", str)

ENGLISH = Language("en")

_TAG = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,3}", re.ASCII)


def parse_language(text: str) -> Language:
    """``de``, ``pt-br``, ``zh-Hant``, in lower case. Raises ``InvalidName``."""
    tag = text.lower()
    if len(text) > 35 or not text.isascii() or not _TAG.fullmatch(tag):
        raise InvalidName("a language is a tag such as de, pt-br or zh-hant")
    return Language(tag)


def best_language(wanted: Iterable[Language], available: Collection[Language], default: Language) -> Language | None:
    """The first wanted language that is there: as asked, or shorter by its last parts (RFC 4647, 3.4 Lookup).

    None means the default's own, which is always there; so for a language of the default's before any other.
    """
    for language in wanted:
        tag: str = language
        while tag:
            if tag == default:
                return None
            if tag in available:
                return Language(tag)
            tag = tag.rpartition("-")[0]
    return None
