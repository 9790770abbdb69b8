"""Transactions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlmodel import Session

from tenure_server.adapters.database.engine import LOCK_WAIT_SECONDS, SQLITE, open_engine, parse_url
from tenure_server.adapters.database.failures import UPGRADE_HINT, translated
from tenure_server.adapters.database.migrate import current_revision, newest_revision
from tenure_server.adapters.database.quick_reads import PostgresQuickReads, SqliteQuickReads
from tenure_server.adapters.database.records import SqlRecords
from tenure_server.errors import DatabaseUnavailable
from tenure_server.use_cases.ports import Records


class SqlDatabase:
    """One database, for any number of threads. Opens connections when they are first needed.

    Raises ``SettingsError`` for a URL that is neither PostgreSQL's nor that of an SQLite file.
    """

    def __init__(self, url: str) -> None:
        self._url = parse_url(url)
        self._engine = open_engine(self._url)
        self._reading_options: dict[str, object] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._one_writer: threading.Lock | None = None
        self._commits = 0
        quick = SqliteQuickReads if self._url.get_backend_name() == SQLITE else PostgresQuickReads
        self.quick: SqliteQuickReads | PostgresQuickReads = quick(self._url, lambda: self._commits)
        if self._url.get_backend_name() == SQLITE:
            # SQLite lets one write at a time and has the others poll for it: among our own threads, queue instead.
            self._one_writer = threading.Lock()
            self._reading_options = {}

    def __repr__(self) -> str:
        return f"SqlDatabase({self._url.render_as_string(hide_password=True)!r})"

    @property
    def as_of(self) -> None:
        """Never a copy."""
        return None

    @contextmanager
    def reading(self) -> Iterator[Records]:
        """A consistent view from the first statement on. What the block changes is not kept."""
        with self.reading_session() as session:
            yield SqlRecords(session)

    @contextmanager
    def reading_published(self) -> Iterator[Records]:
        with self.reading() as records:
            yield records

    @contextmanager
    def writing(self) -> Iterator[Records]:
        """SQLite takes its one write lock at the beginning, so that no transaction fails half-way for want of it."""
        with self.writing_session() as session:
            records = SqlRecords(session)
            yield records
            records.finish()

    @contextmanager
    def reading_session(self) -> Iterator[Session]:
        with translated(self._url), self._engine.connect() as plain:
            connection = plain.execution_options(**self._reading_options)
            with Session(connection) as session:
                yield session

    @contextmanager
    def writing_session(self) -> Iterator[Session]:
        with self._counted(), self._turn(), translated(self._url), self._engine.connect() as plain:
            connection = plain.execution_options(tenure_writing=True)
            with Session(connection) as session, session.begin():
                session.connection()
                yield session

    def check(self) -> None:
        with translated(self._url), self._engine.connect() as connection:
            found = current_revision(connection)
        if found != newest_revision():
            what = "has no tables yet" if found is None else f"has schema {found}"
            raise DatabaseUnavailable(
                f"The database {what}; this program expects schema {newest_revision()}.", hint=UPGRADE_HINT
            )

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        self._engine.dispose()
        self.quick.close()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Every end of a writing transaction counts, because a commit may have happened even if we were not told."""
        try:
            yield
        finally:
            self._commits += 1

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._one_writer is None:
            yield
        elif self._one_writer.acquire(timeout=LOCK_WAIT_SECONDS):
            try:
                yield
            finally:
                self._one_writer.release()
        else:
            raise DatabaseUnavailable("Another transaction has not ended for too long.")
