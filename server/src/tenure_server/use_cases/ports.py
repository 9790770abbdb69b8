"""What the use cases ask of the world. Each protocol says what happens when nothing is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

Progress = Callable[[int], None]
"""Called with the number of bytes done since the last call."""


class Clock(Protocol):
    """The present instant, aware, in UTC."""

    def __call__(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the store says about an object."""

    key: str
    length: int  # bytes


class ObjectStore(Protocol):
    """Where builds lie. Keys are ``/``-separated segments of ``[A-Za-z0-9._-]``, at most 1000 characters, no segment
    beginning with a dot; any other key raises ``InvalidKey`` before the store is asked.

    Every method raises ``StoreUnavailable`` when the store does not answer.
    """

    def put_file(self, key: str, source: Path, *, progress: Progress | None = None) -> StoredObject:
        """Store the file's bytes under the key: all of them or nothing, replacing what was there."""
        ...

    def stat(self, key: str) -> StoredObject | None:
        """What is stored under the key, or None."""
        ...

    def read(self, key: str) -> Iterator[bytes]:
        """The object's bytes in pieces. Raises ``ObjectNotFound`` before the first piece."""
        ...

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens if there is none."""
        ...

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys of complete objects that begin with the prefix, in order."""
        ...

    def signed_url(self, key: str, *, file_name: str, seconds: int) -> str:
        """A URL that anyone can GET and HEAD for that many seconds (1 to 604 800); saved under the file name."""
        ...

    def check(self) -> None:
        """Raise ``StoreUnavailable`` unless the store can be read and written."""
        ...
