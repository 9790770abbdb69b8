"""The dataset in PostgreSQL: a throw-away cluster, filled from the SQLite file by COPY."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from tenure_server.adapters.database import upgrade_schema
from tenure_server.adapters.database.tables import Row
from tests.benchmarks.dataset import Dataset
from tests.services.postgres import running_postgres


@contextmanager
def running_copy(made: Dataset) -> Iterator[str | None]:
    """The URL of a PostgreSQL database that holds the same rows; None where PostgreSQL is not installed."""
    if shutil.which("initdb") is None and not any(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        yield None
        return
    with running_postgres() as server:
        url = server.new_database()
        upgrade_schema(url)
        print("copying the dataset to PostgreSQL", flush=True)
        with (
            closing(sqlite3.connect(f"file:{made.sqlite_file}?mode=ro", uri=True)) as source,
            psycopg.connect(url.replace("postgresql+psycopg", "postgresql")) as target,
        ):
            target.execute("SET TIME ZONE 'UTC'")
            target.execute("SET session_replication_role = replica")  # rows come as they are: no trigger, no check
            there = {name for (name,) in source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            for table in (table for table in Row.metadata.sorted_tables if table.name in there):
                _copy(source, target, table.name, [column.name for column in table.columns])
            target.commit()
            target.autocommit = True
            target.execute("VACUUM ANALYZE")
        yield url


def _copy(
    source: sqlite3.Connection, target: psycopg.Connection[tuple[object, ...]], table: str, columns: list[str]
) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    target.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    with target.cursor() as cursor, cursor.copy(statement) as copy:
        for row in source.execute(f"SELECT {', '.join(columns)} FROM {table}"):
            copy.write_row(row)
