"""A bundle as a ZIP file without compression: the same content gives the same bytes, and nothing is held in memory."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tenure_server.use_cases.ports import Progress

_EARLIEST = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_MODE = 0o100644 << 16


class ZipBundleWriter:
    """Raises ``OSError`` when it cannot write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft = path.with_name(f".{path.name}.part")
        self._file = self._draft.open("wb")
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_STORED)

    @property
    def draft(self) -> Path:
        return self._draft

    def add(self, name: str, length: int, pieces: Iterable[bytes], progress: Progress) -> None:
        entry = zipfile.ZipInfo(name, _EARLIEST)
        entry.create_system, entry.external_attr, entry.file_size = _UNIX, _MODE, length
        with self._zip.open(entry, "w") as file:
            for piece in pieces:
                file.write(piece)
                progress(len(piece))

    def finish(self) -> None:
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def put_in_place(self) -> None:
        self._draft.replace(self._path)

    def abandon(self) -> None:
        with suppress(OSError, ValueError):
            self._zip.close()
        self._file.close()
        self._draft.unlink(missing_ok=True)
