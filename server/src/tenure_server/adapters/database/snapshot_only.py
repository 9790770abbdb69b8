"""A snapshot in the place of a database that this server never had: ``tenure edge``.

The file is written by another server, ``tenure snapshot``, and may be replaced at any time by a newer one. What is
opened is a copy of it under a name of its own, so that SQLite's side files never meet another file than theirs.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path

from tenure_server.adapters.database.snapshot import Snapshot
from tenure_server.domain.licence_facts import FoundKey, LicenceFacts
from tenure_server.errors import DatabaseUnavailable, NotInSnapshot
from tenure_server.use_cases.ports import QuickReads, Records

_log = logging.getLogger(__name__)

_HINT = "ask the vendor's main server"


class SnapshotOnly:
    """``Database``. Raises ``DatabaseUnavailable`` where the file cannot be used at the start."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._directory = Path(tempfile.mkdtemp(prefix="tenure-edge-"))
        self._lock = threading.Lock()
        self._taken: tuple[int, int, int] | None = None
        self._retired: Snapshot | None = None
        self._generation = 0
        self.quick: QuickReads = _QuickReadsOfSnapshot(self)
        try:
            self.snapshot, self._as_of = self._copied(self._identity())
        except BaseException:
            self.close()
            raise

    @property
    def as_of(self) -> datetime:
        return self._as_of

    @property
    def generation(self) -> int:
        """Moves with every file that was taken up."""
        return self._generation

    def look(self) -> None:
        """Take up the file if it is another one. One that cannot be used is left alone until it is replaced again;
        while there is none, what was taken up before goes on."""
        with self._lock:
            try:
                identity = self._identity()
            except DatabaseUnavailable:
                return
            if identity == self._taken:
                return
            self._taken = identity
            try:
                snapshot, as_of = self._copied(identity)
            except DatabaseUnavailable as error:
                _log.error("the new snapshot is not taken up: %s", error)
                return
            if as_of < self._as_of:
                snapshot.close()
                _log.error("the new snapshot is not taken up: it is older than the one before")
                return
            before, self.snapshot, self._as_of = self.snapshot, snapshot, as_of
            self._generation += 1
            if self._retired is not None:
                self._retired.remove()
            self._retired = before  # somebody may be reading it this instant

    def reading(self) -> AbstractContextManager[Records]:
        raise self._refusal()

    def writing(self) -> AbstractContextManager[Records]:
        raise self._refusal()

    @contextmanager
    def reading_published(self) -> Iterator[Records]:
        with self.snapshot.reading() as records:
            yield records

    def check(self) -> None:
        raise self._refusal()

    def close(self) -> None:
        if hasattr(self, "snapshot"):
            self.snapshot.close()
        if self._retired is not None:
            self._retired.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _refusal(self) -> DatabaseUnavailable:
        return DatabaseUnavailable("This server has no database; it answers update checks only.", hint=_HINT)

    def _identity(self) -> tuple[int, int, int]:
        try:
            found = self._file.stat()
        except OSError as error:
            raise DatabaseUnavailable(
                f"The snapshot cannot be read ({error.strerror}).", hint=f"tenure snapshot writes it: {self._file}"
            ) from error
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _copied(self, identity: tuple[int, int, int]) -> tuple[Snapshot, datetime]:
        path = self._directory / f"{self._generation + 1}-{identity[0]}-{identity[1]}.db"
        try:
            shutil.copyfile(self._file, path)
        except OSError as error:
            raise DatabaseUnavailable(f"The snapshot cannot be copied ({error.strerror}).") from error
        path.chmod(0o600)
        snapshot = Snapshot(path)
        state = snapshot.state()
        if state is None:
            snapshot.remove()
            raise DatabaseUnavailable(f"{self._file} is no snapshot.", hint="tenure snapshot writes one")
        try:
            snapshot.bring_to_schema()
        except DatabaseUnavailable:
            snapshot.remove()
            raise
        self._taken = identity
        return snapshot, state.as_of


class _QuickReadsOfSnapshot:
    is_inline = True

    def __init__(self, database: SnapshotOnly) -> None:
        self._database = database

    def version(self) -> int:
        return self._database.generation

    def publication_counter(self) -> int:
        return self._database.snapshot.publication_counter()

    def licence_key(self, digest: str) -> FoundKey | None:
        found = self._database.snapshot.licence_key(digest)
        if found is None:
            raise NotInSnapshot(
                "This server has no database, and its copy does not have this licence.",
                hint="send the SMP certificate in the header Tenure-Certificate, or ask the main server",
            )
        return found

    def licence_keys(self, digests: Sequence[str]) -> Mapping[str, FoundKey]:
        found = ((digest, self.licence_key(digest)) for digest in digests)
        return {digest: key for digest, key in found if key is not None}

    def licence_of_feed_token(self, digest: str) -> LicenceFacts | None:
        raise DatabaseUnavailable("This server has no database; it answers update checks only.", hint=_HINT)
