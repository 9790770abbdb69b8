"""A file on its way into S3, with what proves afterwards which bytes arrived.

S3 answers an upload with an entity tag: the MD5 of what it received, or of its parts' MD5s. We compute the same while
the bytes go out, and their SHA-256. Where both tags agree, the store received just the bytes of that SHA-256, and
nothing has to be read back. MD5 guards here against accidents on the way, not against anybody: whoever could choose
the bytes is the publisher, and clients believe the signed SHA-256 alone. Stores whose tags are something else (some
encrypt first) give no such proof; then the object is read back.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any


class SentBytes(io.FileIO):
    """Read once from the beginning to the end; what is read again, for a part that is sent again, counts once."""

    def __init__(self, source: Path, part_bytes: int) -> None:
        super().__init__(source, "rb")
        self._part_bytes = part_bytes
        self._sha256 = hashlib.sha256()
        self._parts: list[bytes] = []  # MD5s of those that are complete
        self._part, self._in_part = _md5(), 0
        self._sent = 0

    def read(self, size: int | None = -1, /) -> bytes:
        at = self.tell()
        piece = super().read(-1 if size is None else size) or b""
        self._note(memoryview(piece), at)
        return piece

    def readinto(self, buffer: Any, /) -> int:
        at = self.tell()
        count = super().readinto(buffer) or 0
        self._note(memoryview(buffer).cast("B")[:count], at)
        return count

    def sha256(self, length: int) -> str | None:
        """Of all bytes that were sent, if there were so many."""
        return self._sha256.hexdigest() if self._sent == length else None

    def entity_tag(self, *, is_multipart: bool) -> str:
        """As S3 makes it of what was sent, with its quotation marks."""
        parts = [*self._parts, self._part.digest()] if self._in_part or not self._parts else self._parts
        if not is_multipart:
            return f'"{parts[0].hex()}"' if len(parts) == 1 else ""
        return f'"{_md5(b"".join(parts)).hexdigest()}-{len(parts)}"'

    def _note(self, piece: memoryview, at: int) -> None:
        if at > self._sent:  # a hole: nothing is proved
            return
        new = piece[self._sent - at :]
        self._sent += len(new)
        self._sha256.update(new)
        while new:
            fitting = new[: self._part_bytes - self._in_part]
            self._part.update(fitting)
            self._in_part += len(fitting)
            new = new[len(fitting) :]
            if self._in_part == self._part_bytes:
                self._parts.append(self._part.digest())
                self._part, self._in_part = _md5(), 0


def _md5(data: bytes = b"") -> hashlib._Hash:
    return hashlib.md5(data, usedforsecurity=False)
