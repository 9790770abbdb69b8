"""Connections: how each of the two databases is opened."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from tenure_server.errors import DatabaseUnavailable, SettingsError

SQLITE = "sqlite"
POSTGRESQL = "postgresql"

LOCK_WAIT_SECONDS = 30
"""How long to wait for somebody else's transaction before giving up."""

_CONNECT_SECONDS = 5
_SQLITE_POOL = 20  # a connection is a file handle; at most twice as many
_POSTGRESQL_POOL = 10  # a connection is a process of the server; at most twice as many for each of our processes


def parse_url(text: str) -> URL:
    """An SQLAlchemy URL of a database we know. Raises ``SettingsError``, which does not repeat it."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise SettingsError("The database's URL cannot be read.") from None
    match url.get_backend_name():
        case "postgresql":
            return url.set(drivername="postgresql+psycopg")
        case "sqlite" if url.database and not url.database.startswith((":memory:", "file:")) and "?" not in text:
            return url
        case "sqlite":
            raise SettingsError("An SQLite database is a file: sqlite:///path, without options or a question mark.")
        case _:
            raise SettingsError("The database's URL is neither of postgresql nor of sqlite.")


def sqlite_file(text: str) -> Path | None:
    """The file of an SQLite database; None for another database. Raises ``SettingsError``."""
    url = parse_url(text)
    return Path(str(url.database)) if url.get_backend_name() == SQLITE else None


def open_engine(url: URL, *, for_migration: bool = False) -> Engine:
    """Connects to nothing yet. Migrations rebuild tables, which SQLite cannot do while it enforces foreign keys."""
    if url.get_backend_name() == SQLITE:
        return _open_sqlite(url, enforce_foreign_keys=not for_migration)
    engine = create_engine(
        url,
        pool_size=_POSTGRESQL_POOL,
        max_overflow=_POSTGRESQL_POOL,
        pool_timeout=LOCK_WAIT_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
        isolation_level="READ COMMITTED",  # publishing waits for its lock, then has to see what it waited for
        connect_args={"connect_timeout": _CONNECT_SECONDS},
    )
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _open_sqlite(url: URL, *, enforce_foreign_keys: bool) -> Engine:
    """``mode=rw``: a mistyped path is an error, not a new and empty database."""
    file = f"file:{quote(str(Path(str(url.database)).absolute()))}"
    engine = create_engine(
        url.set(database=file, query={"mode": "rw", "uri": "true"}),
        pool_size=_SQLITE_POOL,
        max_overflow=_SQLITE_POOL,
        pool_timeout=LOCK_WAIT_SECONDS,
        hide_parameters=True,
        connect_args={"timeout": LOCK_WAIT_SECONDS, "isolation_level": None, "check_same_thread": False},
    )

    def prepare(connection: object, _record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        # FULL, although WAL is sound with NORMAL: a licence sold or a release published must survive a power cut, and
        # there are few enough of them for one fsync each. Update checks write nothing.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute(f"PRAGMA foreign_keys = {'ON' if enforce_foreign_keys else 'OFF'}")
        cursor.close()

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _begin_sqlite(connection: object) -> None:
    """A writer takes the one write lock at once: upgrading a read lock half-way could only fail."""
    is_writing = connection.get_execution_options().get("tenure_writing", False)  # type: ignore[attr-defined]
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")  # type: ignore[attr-defined]


def _prepare_postgresql(connection: object, _record: object) -> None:
    connection.execute("SET TIME ZONE 'UTC'")  # type: ignore[attr-defined]
    connection.execute(f"SET lock_timeout = '{LOCK_WAIT_SECONDS}s'")  # type: ignore[attr-defined]
    connection.commit()  # type: ignore[attr-defined]


def make_sqlite_file(url: URL) -> None:
    """An empty file that is its owner's only, as SQLite's side files then are too; so is an existing one from now on.

    One that exists is never opened here: closing it would drop the locks that SQLite holds on it for this process
    (SQLite, How To Corrupt An SQLite Database File, section 2.2).
    """
    path = Path(str(url.database))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                path.chmod(0o600)
    except OSError as error:
        raise DatabaseUnavailable(f"The database file cannot be made ({error.strerror}).", hint=str(path)) from error
