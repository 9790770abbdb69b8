"""A copy of what update checks need, in an SQLite file beside the data: everything published, and the licences seen.

It is made from the database and only ever a copy: a file that cannot be used is thrown away and made anew.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, SQLModel, col, delete, insert, or_, select

from tenure_server.adapters.database.database import SqlDatabase
from tenure_server.adapters.database.migrate import upgrade_schema
from tenure_server.adapters.database.tables import (
    ProductRow,
    PublicationRow,
    PublishedRoleRow,
    ReleaseNotesRow,
    RolloutRow,
    SignedFileRow,
    TrustedTargetRow,
)
from tenure_server.adapters.database.tables_notes import TranslatedNotesRow
from tenure_server.domain.facts_text import facts_of, facts_text
from tenure_server.domain.licence_facts import FoundKey
from tenure_server.errors import DatabaseUnavailable, InvalidRequest, TenureError
from tenure_server.use_cases.ports import Records
from tenure_signing.tuf_roles import ROOT

MAX_LICENCES = 200_000
"""About 1 kB each in the file; those seen longest ago make room."""

PUBLISHED: tuple[type[SQLModel], ...] = (
    ProductRow,
    SignedFileRow,
    PublishedRoleRow,
    TrustedTargetRow,
    RolloutRow,
    ReleaseNotesRow,
    TranslatedNotesRow,
    PublicationRow,
)
"""What ``read_catalogue`` and the metadata addresses read, in the order in which rows refer to one another."""

Rows = Mapping[type[SQLModel], Sequence[Mapping[str, Any]]]

_OWN_TABLES = """
CREATE TABLE IF NOT EXISTS snapshot_state (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1), as_of TEXT NOT NULL, audit_number INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS snapshot_licence (
  place INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT NOT NULL UNIQUE, licence_id TEXT NOT NULL, found TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS snapshot_licence_id ON snapshot_licence (licence_id);
"""


@dataclass(frozen=True, slots=True)
class SnapshotState:
    """``as_of``: everything that was committed before is in the copy, of the licences it holds. ``audit_number``: the
    last event of the audit trail that was looked at for it."""

    as_of: datetime
    audit_number: int


def published_rows(session: Session) -> Rows:
    """Everything published, of one consistent view."""
    rows: dict[type[SQLModel], Sequence[Mapping[str, Any]]] = {}
    for table in PUBLISHED:
        rows[table] = [row.model_dump() for row in session.exec(select(table).where(*_wanted(table))).all()]
    return rows


def _wanted(table: type[SQLModel]) -> list[ColumnElement[bool]]:
    """Of signed files: every root, and what is current of the other roles."""
    if table is not SignedFileRow:
        return []
    current = select(PublishedRoleRow.name)
    return [or_(col(SignedFileRow.name).in_(current), col(SignedFileRow.role) == ROOT)]


class Snapshot:
    """One file, for any number of threads. Every method raises ``DatabaseUnavailable``."""

    def __init__(self, path: Path) -> None:
        self.path = self._path = path
        self._url = f"sqlite:///{path}"
        self._lock = threading.Lock()
        self._database: SqlDatabase | None = None
        self._connection: sqlite3.Connection | None = None

    def state(self) -> SnapshotState | None:
        """None as long as nothing was copied yet; never makes the file."""
        if not self._path.exists():
            return None
        try:
            rows = self._rows("SELECT as_of, audit_number FROM snapshot_state WHERE only_row = 1")
        except DatabaseUnavailable:
            return None
        return SnapshotState(datetime.fromisoformat(rows[0][0]).replace(tzinfo=UTC), rows[0][1]) if rows else None

    def make(self) -> None:
        """Make the file, or bring it to the schema of this program; one that cannot be brought there is thrown away."""
        try:
            upgrade_schema(self._url)
        except TenureError:
            self.remove()
            upgrade_schema(self._url)
        with self._cursor() as connection:
            connection.executescript(_OWN_TABLES)

    def bring_to_schema(self) -> None:
        """Bring a copy of somebody else's file to the schema of this program."""
        upgrade_schema(self._url)

    def remove(self) -> None:
        """Close and remove the file."""
        self.close()
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def write_copy(self, path: Path) -> SnapshotState:
        """One consistent copy in a file of its own, which is there whole or not at all."""
        state = self.state()
        if state is None:
            raise DatabaseUnavailable("There is no snapshot yet.", hint="tenure serve makes it within seconds")
        draft = path.with_name(f".{path.name}.new")
        draft.unlink(missing_ok=True)
        try:
            with self._cursor() as connection:
                connection.execute("VACUUM INTO ?", (str(draft),))
            draft.chmod(0o600)
            draft.replace(path)
        except OSError as error:
            raise InvalidRequest(f"The copy cannot be written ({error.strerror}).", code="unwritable_file") from error
        finally:
            draft.unlink(missing_ok=True)
        return state

    def keep_published(self, rows: Rows) -> None:
        """Replace everything published, in one transaction."""
        with self._opened().writing_session() as session:
            for table in reversed(PUBLISHED):
                session.execute(delete(table))
            for table in PUBLISHED:
                if rows[table]:
                    session.execute(insert(table), list(rows[table]))

    def keep(self, state: SnapshotState, *, found: Mapping[str, FoundKey | None], most: int = MAX_LICENCES) -> None:
        """Licences by the digests of their keys, None to forget one, and how far the copy has come, in one go."""
        kept = [(digest, key.facts.licence_id, facts_text(key)) for digest, key in found.items() if key is not None]
        gone = [(digest,) for digest, key in found.items() if key is None]
        with self._cursor() as connection:
            connection.execute("BEGIN IMMEDIATE")
            # A licence that is kept again goes to the end of the line.
            connection.executemany(
                "DELETE FROM snapshot_licence WHERE digest = ?", [(each[0],) for each in kept] + gone
            )
            connection.executemany("INSERT INTO snapshot_licence (digest, licence_id, found) VALUES (?, ?, ?)", kept)
            connection.execute(
                "DELETE FROM snapshot_licence WHERE place <= (SELECT max(place) FROM snapshot_licence) - ?"
                " AND (SELECT count(*) FROM snapshot_licence) > ?",
                (most, most),
            )
            connection.execute(
                "INSERT OR REPLACE INTO snapshot_state VALUES (1, ?, ?)",
                (state.as_of.astimezone(UTC).replace(tzinfo=None).isoformat(), state.audit_number),
            )
            connection.execute("COMMIT")

    def digests_of(self, licence_ids: Iterable[str]) -> tuple[str, ...]:
        """The keys of these licences that are kept."""
        statement = "SELECT digest FROM snapshot_licence WHERE licence_id = ?"
        return tuple(row[0] for each in licence_ids for row in self._rows(statement, (each,)))

    def oldest(self, number: int) -> tuple[str, ...]:
        """The keys that were kept longest ago."""
        return tuple(
            row[0] for row in self._rows("SELECT digest FROM snapshot_licence ORDER BY place LIMIT ?", (number,))
        )

    def licence_key(self, digest: str) -> FoundKey | None:
        rows = self._rows("SELECT found FROM snapshot_licence WHERE digest = ?", (digest,))
        return facts_of(rows[0][0]) if rows else None

    def publication_counter(self) -> int:
        rows = self._rows("SELECT counter FROM publication WHERE only_row = 1")
        return int(rows[0][0]) if rows else 0

    @contextmanager
    def reading(self) -> Iterator[Records]:
        """What is published; the rest is not there."""
        with self._opened().reading() as records:
            yield records

    def close(self) -> None:
        with self._lock:
            self._drop_connection()
            if self._database is not None:
                self._database.close()
                self._database = None

    def _opened(self) -> SqlDatabase:
        with self._lock:
            if self._database is None:
                self._database = SqlDatabase(self._url)
            return self._database

    def _rows(self, statement: str, arguments: Sequence[object] = ()) -> list[Any]:
        with self._cursor() as connection:
            return connection.execute(statement, arguments).fetchall()

    @contextmanager
    def _cursor(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._connection is None:
                    uri = f"{self._path.absolute().as_uri()}?mode=rw"
                    self._connection = sqlite3.connect(
                        uri, uri=True, timeout=5, isolation_level=None, check_same_thread=False
                    )
                    # A power cut may take the last seconds: this is a copy, and written every second.
                    self._connection.execute("PRAGMA synchronous = NORMAL")
                yield self._connection
            except sqlite3.Error as error:
                self._drop_connection()
                raise DatabaseUnavailable(f"The snapshot cannot be used ({type(error).__name__}).") from error
            except BaseException:
                self._drop_connection()  # and with it what was not committed
                raise

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
