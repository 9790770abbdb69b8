"""Bringing a database to the schema that this code expects, by Alembic."""

from __future__ import annotations

import sqlite3
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from tenure_server.adapters.database.engine import (
    LOCK_WAIT_SECONDS,
    POSTGRESQL,
    SQLITE,
    make_sqlite_file,
    open_engine,
    parse_url,
)
from tenure_server.adapters.database.failures import translated
from tenure_server.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).with_name("migrations")
_ADVISORY_LOCK = 0x74656E757265  # "tenure"


def upgrade_schema(url: str) -> None:
    """Bring the database to the newest schema, or leave it as it is if it is there; makes SQLite's file.

    All in one transaction: killed at any moment, it has done nothing. Several processes may try at once; the later
    ones wait. Raises ``DatabaseUnavailable``, also for a schema newer than this program, and ``SettingsError``.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == SQLITE:
        make_sqlite_file(parsed)
    engine = open_engine(parsed, for_migration=True)
    try:
        with translated(parsed):
            if engine.dialect.name == SQLITE:
                _use_wal(engine)
            with engine.connect() as connection:
                if current_revision(connection) == newest_revision():
                    return
            with engine.connect() as plain:
                connection = plain.execution_options(tenure_writing=True)
                with connection.begin():
                    _upgrade(connection)
    finally:
        engine.dispose()


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == POSTGRESQL:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    found = current_revision(connection)
    if found == newest_revision():
        return
    if found is not None and found not in _known_revisions():
        raise DatabaseUnavailable(
            f"The database has schema {found}, which this program does not know.",
            hint="it was upgraded by a newer program: use that one, or restore a backup",
        )
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    if connection.dialect.name == SQLITE and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise DatabaseUnavailable("The upgraded tables contradict each other; nothing was changed.")


def current_revision(connection: Connection) -> str | None:
    """The schema that the database has, or None for an empty one. As Alembic keeps it, which is loaded only where there
    is something to upgrade."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


@cache
def newest_revision() -> str:
    return max(_known_revisions())


@cache
def _known_revisions() -> frozenset[str]:
    """Migrations are numbered, in their file names too."""
    return frozenset(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def _use_wal(engine: Engine) -> None:
    """Readers and the writer do not wait for each other. The mode stays with the file; changing to it does not wait for
    other connections by itself."""
    give_up_at = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            with engine.connect() as connection:
                connection.connection.cursor().execute("PRAGMA journal_mode = WAL")  # outside of any transaction
        except sqlite3.Error as error:
            if not isinstance(error, sqlite3.OperationalError) or time.monotonic() > give_up_at:
                raise DatabaseUnavailable("The database file cannot be used.", hint=str(error)) from error
            time.sleep(0.05)
        else:
            return


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
