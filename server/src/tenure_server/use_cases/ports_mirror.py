"""What the mirror's use case asks of the world."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from tenure_server.use_cases.ports import Progress, StoredObject


class MirrorTarget(Protocol):
    """A directory or bucket that others read: store keys as in ``ObjectStore``. Every method raises
    ``StoreUnavailable`` when the target does not answer."""

    @property
    def name(self) -> str:
        """How the operator named it; no secret."""
        ...

    def put(self, key: str, source: Path, *, cache_control: str, progress: Progress | None = None) -> None:
        """Put the file's bytes there, all of them or nothing, replacing what was there."""
        ...

    def objects(self) -> Iterator[StoredObject]:
        """Every complete object, in the order of the keys."""
        ...

    def read(self, key: str) -> Iterator[bytes]:
        """The object's bytes in pieces. Raises ``ObjectNotFound`` before the first piece."""
        ...

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens if there is none."""
        ...

    def is_readable_by_strangers(self, key: str) -> bool:
        """Whether somebody without credentials can read the object."""
        ...
