"""Reads large metadata entry by entry, so that other threads get their turn.

``json.loads`` of five megabytes is one call that holds the interpreter for some 50 ms: a server answers nobody then.
This reads the same, and refuses the same, in as many calls as there are targets; what lies deeper is read by C code.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from json.decoder import JSONObject  # type: ignore[attr-defined]  # the standard library's own, in Python
from typing import Any

from tuf.api.metadata import Metadata
from tuf.api.serialization import DeserializationError, MetadataDeserializer

DEPTH = 3
"""Of the document, of ``signed``, and of its ``targets``."""

_Scan = Callable[[str, int], tuple[Any, int]]


class PatientDeserializer(MetadataDeserializer):
    """As python-tuf's ``JSONDeserializer``."""

    def deserialize(self, raw_data: bytes) -> Metadata[Any]:
        try:
            return Metadata.from_dict(read_json(raw_data.decode("utf-8")))
        except Exception as error:
            raise DeserializationError("Failed to deserialize JSON") from error


def read_json(text: str) -> Any:
    """As ``json.loads``. Raises ``ValueError`` as that does."""
    decoder: Any = json.JSONDecoder()
    decoder.scan_once = _scanning(decoder.scan_once, DEPTH)
    return decoder.decode(text)


def _scanning(at_once: _Scan, depth: int) -> _Scan:
    if not depth:
        return at_once
    deeper, known_keys = _scanning(at_once, depth - 1), dict[str, str]()

    def scan(text: str, start: int) -> tuple[Any, int]:
        if text.startswith("{", start):
            found: tuple[Any, int] = JSONObject((text, start + 1), True, deeper, None, None, known_keys)
            return found
        return at_once(text, start)

    return scan
