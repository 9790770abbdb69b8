"""One opened object of the embedded store: what is served is what was opened, even if it is replaced meanwhile."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from io import FileIO

from tenure_server.errors import StoreUnavailable


class LocalFile:
    """The opened file, its length in bytes and the validators of RFC 9110 section 8.8. The holder closes it."""

    __slots__ = ("_file", "content_disposition", "entity_tag", "length", "modified_at")

    def __init__(self, file: FileIO, content_disposition: str = "attachment") -> None:
        found = os.fstat(file.fileno())
        self._file = file
        self.length = found.st_size
        self.modified_at = datetime.fromtimestamp(found.st_mtime, UTC)
        self.content_disposition = content_disposition
        # Strong: every put makes another file, so other bytes never share file number, time and length.
        identity = f"{found.st_ino}-{found.st_mtime_ns}-{found.st_size}"
        self.entity_tag = f'"{hashlib.sha256(identity.encode("ascii")).hexdigest()[:32]}"'

    def read(self, offset: int, size: int) -> bytes:
        """At most ``size`` bytes from the offset, at least one. Raises ``StoreUnavailable`` where the file now ends."""
        try:
            piece = os.pread(self._file.fileno(), size, offset)
        except OSError as error:
            raise StoreUnavailable(f"An object of the store could not be read: {error.strerror}.") from error
        if not piece:
            raise StoreUnavailable("An object of the store has become shorter while it was read.")
        return piece

    def fileno(self) -> int:
        """The descriptor, until ``close``."""
        return self._file.fileno()

    def close(self) -> None:
        """Close the file; closing twice is no error."""
        self._file.close()
