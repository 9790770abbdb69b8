"""The ``Range`` header of RFC 9110 section 14, for byte ranges.

electron-updater asks for up to 1000 parts in one request and counts them, so parts are neither joined nor reordered.
Overlapping parts could make one request cost many times the file: a set that asks for more bytes than the file has is
ignored, as section 14.2 allows, and the file is served once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_RANGES = 1024

_RANGE = re.compile(r"([0-9]{0,30})-([0-9]{0,30})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes of a file, both ends inclusive, counted from 0."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many bytes; 0 for the whole of an empty file, whose last byte is -1."""
        return self.last - self.first + 1


def select_ranges(header: str | None, length: int) -> tuple[ByteRange, ...] | None:
    """What to serve of a file of that many bytes.

    None: the whole file, because no range is asked, or the header is malformed, in another unit, of more than 1024
    ranges, or asks for more bytes than there are. An empty tuple: no range lies in the file (416). Otherwise the ranges
    that do, in the order asked, cut at the file's end.
    """
    if header is None:
        return None
    unit, equals, specifiers = header.partition("=")
    if not equals or unit.strip(" \t").lower() != "bytes" or specifiers.count(",") >= MAX_RANGES:
        return None
    asked = [item for item in (part.strip(" \t") for part in specifiers.split(",")) if item]
    if not asked:
        return None
    selected: list[ByteRange] = []
    for item in asked:
        match = _RANGE.fullmatch(item)
        if match is None or match.groups() == ("", ""):
            return None
        first, last = match.groups()
        if first and last and int(last) < int(first):
            return None
        if not first and length == 0 and int(last) > 0:
            return None  # a suffix of nothing is all of it, and Content-Range cannot say so
        if (found := _in_file(first, last, length)) is not None:
            selected.append(found)
    if sum(part.length for part in selected) > length:
        return None
    return tuple(selected)


def _in_file(first: str, last: str, length: int) -> ByteRange | None:
    """The range ``first-last``, ``first-`` or ``-suffix`` as far as it lies in the file, or None."""
    if not first:
        suffix = min(int(last), length)
        return ByteRange(length - suffix, length - 1) if suffix else None
    if int(first) >= length:
        return None
    return ByteRange(int(first), min(int(last), length - 1) if last else length - 1)
