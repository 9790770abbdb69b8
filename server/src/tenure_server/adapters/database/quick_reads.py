"""What every request reads, without session, pool and thread: one prepared statement each on a connection kept open.

A connection that fails is dropped and opened anew at the next read.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import URL

from tenure_server.adapters.database.facts_rows import (
    BY_FEED_TOKEN_ON_POSTGRESQL,
    BY_FEED_TOKEN_ON_SQLITE,
    facts_of_row,
)
from tenure_server.domain.licence_facts import FoundKey, LicenceFacts
from tenure_server.errors import DatabaseUnavailable

if TYPE_CHECKING:
    import psycopg

LOOK_SECONDS = 0.1
"""How often to look for commits of other processes on SQLite."""

BELIEVE_SECONDS = 0.5
"""For how long nothing is taken to have changed on PostgreSQL, which cannot be asked for that cheaply."""

_WAIT_SECONDS = 5
_CACHE_KIB = 4_096  # of SQLite's pages: the upper ones of the indexes; the system keeps the others, for all workers

_COUNTER = "SELECT counter FROM publication WHERE only_row = 1"

_KEY = "SELECT issued_at, licence_id, lines, days, terms FROM licence_facts WHERE digest = {mark}"
_KEY_ON_SQLITE, _KEY_ON_POSTGRESQL = _KEY.format(mark="?"), _KEY.format(mark="%s")
_KEYS_ON_POSTGRESQL = (
    "SELECT digest, issued_at, licence_id, lines, days, terms FROM licence_facts WHERE digest = ANY(%s)"
)


class SqliteQuickReads:
    """``commits`` counts what this process committed."""

    is_inline = True

    def __init__(self, url: URL, commits: Callable[[], int]) -> None:
        self._path = Path(str(url.database)).absolute()
        self._commits = commits
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._generation = 0  # data_version begins anew with each connection
        self._looked_at = 0.0
        self._looked_at_commits = -1
        self._version = 0

    def version(self) -> int:
        commits = self._commits()
        if commits == self._looked_at_commits and time.monotonic() - self._looked_at < LOOK_SECONDS:
            return self._version
        now = time.monotonic()
        ((found,),) = self._rows("PRAGMA data_version")
        self._version = self._generation << 32 | found
        self._looked_at, self._looked_at_commits = now, commits
        return self._version

    def publication_counter(self) -> int:
        ((counter,),) = self._rows(_COUNTER)
        return int(counter)

    def licence_key(self, digest: str) -> FoundKey | None:
        rows = self._rows(_KEY_ON_SQLITE, (digest,))
        if not rows:
            return None
        issued_at, *facts = rows[0]
        return FoundKey(datetime.fromisoformat(issued_at).replace(tzinfo=UTC), facts_of_row(*facts))

    def licence_keys(self, digests: Sequence[str]) -> Mapping[str, FoundKey]:
        found = ((digest, self.licence_key(digest)) for digest in digests)
        return {digest: key for digest, key in found if key is not None}

    def licence_of_feed_token(self, digest: str) -> LicenceFacts | None:
        rows = self._rows(BY_FEED_TOKEN_ON_SQLITE, (digest,))
        return facts_of_row(*rows[0]) if rows else None

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _rows(self, statement: str, arguments: tuple[str, ...] = ()) -> list[Any]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._opened()
                return self._connection.execute(statement, arguments).fetchall()
            except sqlite3.Error as error:
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None
                raise DatabaseUnavailable(f"The database does not answer ({type(error).__name__}).") from error

    def _opened(self) -> sqlite3.Connection:
        self._generation += 1
        connection = sqlite3.connect(
            f"file:{quote(str(self._path))}?mode=rw",
            uri=True,
            timeout=_WAIT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA query_only = ON")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        return connection


class PostgresQuickReads:
    """A read waits for the network, so it belongs into a thread."""

    is_inline = False

    def __init__(self, url: URL, commits: Callable[[], int]) -> None:
        self._url = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._commits = commits
        self._lock = threading.Lock()
        import psycopg  # here: it takes 9 MB, and SQLite needs none of it

        self._psycopg = psycopg
        self._connection: psycopg.Connection[Any] | None = None

    def version(self) -> int:
        return int(time.monotonic() / BELIEVE_SECONDS) + (self._commits() << 40)

    def publication_counter(self) -> int:
        ((counter,),) = self._rows(_COUNTER)
        return int(counter)

    def licence_key(self, digest: str) -> FoundKey | None:
        rows = self._rows(_KEY_ON_POSTGRESQL, (digest,))
        return FoundKey(rows[0][0], facts_of_row(*rows[0][1:])) if rows else None

    def licence_keys(self, digests: Sequence[str]) -> Mapping[str, FoundKey]:
        rows = self._rows(_KEYS_ON_POSTGRESQL, (list(digests),))
        return {row[0]: FoundKey(row[1], facts_of_row(*row[2:])) for row in rows}

    def licence_of_feed_token(self, digest: str) -> LicenceFacts | None:
        rows = self._rows(BY_FEED_TOKEN_ON_POSTGRESQL, (digest,))
        return facts_of_row(*rows[0]) if rows else None

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _rows(self, statement: str, arguments: tuple[object, ...] = ()) -> Sequence[Any]:
        with self._lock:
            for attempt in (1, 2):  # a connection that lay idle may have been cut
                try:
                    if self._connection is None:
                        self._connection = self._opened()
                        attempt = 2
                    return self._connection.execute(statement, arguments or None, prepare=True).fetchall()
                except self._psycopg.Error as error:
                    if self._connection is not None:
                        with suppress(self._psycopg.Error):
                            self._connection.close()
                        self._connection = None
                    if attempt == 2:
                        raise DatabaseUnavailable(f"The database does not answer ({type(error).__name__}).") from error
        raise AssertionError("the second attempt returns or raises")

    def _opened(self) -> psycopg.Connection[Any]:
        return self._psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=_WAIT_SECONDS,
            options=f"-c statement_timeout={_WAIT_SECONDS}s -c default_transaction_read_only=on -c timezone=UTC",
        )
