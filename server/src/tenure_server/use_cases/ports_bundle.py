"""What the bundles' use cases ask of the world."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from tenure_server.use_cases.ports import Progress
from tenure_server.use_cases.signers import OnlineSigners


class AirGapKeys(Protocol):
    """The keys that sign bundles, and the root that names them."""

    def made(self) -> OnlineSigners:
        """The keys, made if they are missing."""
        ...

    def root(self) -> bytes | None:
        """The accepted air-gap root, or None."""
        ...

    def keep_root(self, data: bytes) -> None: ...


class BundleWriter(Protocol):
    """Writes a bundle under a draft's name; whole and in its place only after ``finish``."""

    def add(self, name: str, length: int, pieces: Iterable[bytes], progress: Progress) -> None:
        """Add a file. What reading the pieces raises is passed on."""
        ...

    def finish(self) -> None:
        """Close and force it to the disk; still under the draft's name."""
        ...

    def put_in_place(self) -> None: ...

    def abandon(self) -> None:
        """Remove what was written; nothing happens if it is in place."""
        ...

    @property
    def draft(self) -> Path: ...
