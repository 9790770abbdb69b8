"""JSON and base64url from strangers, each accepted in one spelling only.

Python's own decoders are generous: they take padding, spare bits, ``NaN`` and the last of two equal names. What
two programs could read differently is refused here with ``ValueError``; callers turn that into their own error.
"""

from __future__ import annotations

import base64
import json
import math
import re

MAX_JSON_DEPTH = 8
"""Objects and arrays inside one another. Nothing Tenure signs goes deeper than 4."""

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)  # possessive: no memory for turning back
_MAX_WHOLE_NUMBER_DIGITS = 15  # all whole numbers of 15 digits are exact in a double (RFC 8259, section 6)


def to_base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515, appendix C)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """The bytes; refuses padding, other alphabets, white space and non-zero spare bits (RFC 4648, section 3.5)."""
    if not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        raise ValueError("not base64url")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if to_base64url(data) != text:
        raise ValueError("not the canonical base64url spelling")
    return data


def json_object(data: bytes) -> dict[str, object]:
    """One JSON object in UTF-8 (RFC 8259): no repeated names, no NaN or Infinity, at most 8 levels deep.

    The caller limits the size. A whole number of more than 15 digits comes back as infinity, which no check of a
    whole number accepts, because other languages would round it.
    """
    text = data.decode("utf-8")
    _refuse_depth(text)
    value = _STRICT.decode(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _refuse_depth(text: str) -> None:
    if text.count("{") + text.count("[") <= MAX_JSON_DEPTH:
        return
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        if match[0] in ("[", "{"):
            depth += 1
            if depth > MAX_JSON_DEPTH:
                raise ValueError("the JSON is nested too deeply")
        elif match[0] in ("]", "}"):
            depth -= 1


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a JSON object has the same name twice")
    return members


def _refuse_constant(_: str) -> object:
    raise ValueError("NaN and Infinity are not JSON")


def _whole_number(digits: str) -> int | float:
    return int(digits) if len(digits.lstrip("-")) <= _MAX_WHOLE_NUMBER_DIGITS else math.inf


_STRICT = json.JSONDecoder(object_pairs_hook=_distinct, parse_constant=_refuse_constant, parse_int=_whole_number)
