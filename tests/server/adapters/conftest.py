"""The same records in memory, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tenure_server.adapters.database import SqlDatabase, upgrade_schema
from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.use_cases.ports import Database
from tests.services.postgres import PostgresServer


@pytest.fixture
def sql_url(database_url: str) -> str:
    """The URL of a database with the newest schema."""
    upgrade_schema(database_url)
    return database_url


@pytest.fixture
def sql_database(sql_url: str) -> Iterator[SqlDatabase]:
    database = SqlDatabase(sql_url)
    yield database
    database.close()


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Every implementation of the port, empty."""
    match request.param:
        case "memory":
            yield MemoryDatabase()
            return
        case "sqlite":
            url = f"sqlite:///{tmp_path / 'tenure.db'}"
            upgrade_schema(url)
            finish = None
        case _:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = server.new_database(template=server.template("newest_schema", upgrade_schema))
            finish = server.drop_database
    sql = SqlDatabase(url)
    yield sql
    sql.close()
    if finish is not None:
        finish(url)
