"""A build on its way: a growing file, whose bytes are hashed in a second thread while the next ones arrive."""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

WAITING_CHUNKS = 16
"""How many may wait to be hashed: with what is being received, what a download holds in memory."""

_READ_BYTES = 1024 * 1024


class PartFile:
    """For reading and writing, made if absent; never through a link that someone laid there. A context manager."""

    def __init__(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        self.path = path
        self._file = FileIO(os.open(path, flags, 0o644), "r+b")
        self.length = os.fstat(self._file.fileno()).st_size
        self._file.seek(self.length)
        self._digest: _Digest | None = None if self.length else _Digest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._forget_digest()
        self._file.close()

    def cut(self, length: int) -> None:
        """Keep so many bytes, and go on behind them."""
        if length == self.length:
            return
        self._file.truncate(length)
        self._file.seek(length)
        self.length = length
        self._forget_digest()
        self._digest = None if length else _Digest()

    def append(self, chunk: bytes) -> None:
        if self._digest is None:
            self._digest = self._of_what_is_there()
        rest = memoryview(chunk)
        while rest:
            rest = rest[self._file.write(rest) :]
        self.length += len(chunk)
        self._digest.add(chunk)

    def sha256(self) -> str:
        """Of all that is there, in hexadecimal."""
        if self._digest is None:
            self._digest = self._of_what_is_there()
        return self._digest.value()

    def keep(self) -> None:
        """Returns when it is on the disk."""
        os.fsync(self._file.fileno())

    def _of_what_is_there(self) -> _Digest:
        """What an earlier run left is read once."""
        digest = _Digest()
        self._file.seek(0)
        while piece := self._file.read(_READ_BYTES):
            digest.add(piece)
        return digest

    def _forget_digest(self) -> None:
        if self._digest is not None:
            self._digest.end()


class _Digest:
    """SHA-256 in a thread of its own: hashlib lets others run meanwhile."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._waiting: queue.Queue[bytes | None] = queue.Queue(WAITING_CHUNKS)
        self._thread: threading.Thread | None = None

    def add(self, chunk: bytes) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="hash of a download", daemon=True)
            self._thread.start()
        self._waiting.put(chunk)

    def value(self) -> str:
        """Of all that was added; more can be added."""
        self.end()
        return self._sha256.hexdigest()

    def end(self) -> None:
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while (chunk := self._waiting.get()) is not None:
            self._sha256.update(chunk)
