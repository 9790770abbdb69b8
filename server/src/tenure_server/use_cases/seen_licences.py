"""The licences that were read for update checks, waiting to be copied into the snapshot."""

from __future__ import annotations

import threading

MAX_WAITING = 20_000


class SeenLicences:
    """By the digests of their keys. Where more wait than there is room for, the later ones are not noted: they will be
    seen again."""

    def __init__(self) -> None:
        self._waiting: set[str] = set()
        self._lock = threading.Lock()

    def note(self, digest: str) -> None:
        if len(self._waiting) < MAX_WAITING:
            self._waiting.add(digest)

    def take(self, most: int) -> list[str]:
        """Some of those that wait; they wait no longer."""
        with self._lock:
            return [self._waiting.pop() for _ in range(min(most, len(self._waiting)))]
