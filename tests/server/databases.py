"""Databases for fixtures that outlive one test: ``params=DATABASES`` and ``with migrated(request, …)``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tenure_server.adapters.database import SqlDatabase, upgrade_schema
from tests.services.postgres import PostgresServer

DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@contextmanager
def migrated(request: pytest.FixtureRequest, directory: Path) -> Iterator[SqlDatabase]:
    """An empty database with the newest schema, of the kind that the fixture's parameter names."""
    server: PostgresServer | None = None
    if request.param == "postgres":
        server = request.getfixturevalue("postgres_server")
    url = f"sqlite:///{directory / 'tenure.db'}" if server is None else server.new_database()
    upgrade_schema(url)
    database = SqlDatabase(url)
    try:
        yield database
    finally:
        database.close()
        if server is not None:
            server.drop_database(url)
