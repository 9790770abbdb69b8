"""The tables and migrations, on SQLite and PostgreSQL."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import IntegrityError

from tenure_server.adapters.database import SqlDatabase, upgrade_schema
from tenure_server.adapters.database.engine import make_sqlite_file, open_engine, parse_url
from tenure_server.adapters.database.migrate import MIGRATIONS, newest_revision
from tenure_server.adapters.database.tables import Row
from tenure_server.domain.licences import Licence, LineKind, OrderLine
from tenure_server.domain.paging import Place
from tenure_server.domain.support_requests import IN_WORK, QueuePlace, RequestFilter
from tenure_server.errors import Conflict, DatabaseUnavailable
from tenure_signing.releases import Money, Rollout
from tenure_signing.versions import Version
from tests.server.adapters.sample_records import CAD, NOON, add, digest_of, full_licence, paid, plain_licence, store
from tests.services.postgres import PostgresServer


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def schema_of(url: str) -> dict[str, Any]:
    """Every table with its columns, keys, checks and indexes, as the database describes them."""
    with connected(url) as connection:
        seen = inspect(connection)
        return {
            table: {
                "columns": sorted(
                    (column["name"], str(column["type"]), column["nullable"]) for column in seen.get_columns(table)
                ),
                "key": seen.get_pk_constraint(table)["constrained_columns"],
                "foreign": sorted(
                    (key["constrained_columns"], key["referred_table"]) for key in seen.get_foreign_keys(table)
                ),
                "checks": sorted((str(c["name"]), c["sqltext"]) for c in seen.get_check_constraints(table)),
                "unique": sorted((str(c["name"]), c["column_names"]) for c in seen.get_unique_constraints(table)),
                "indexes": sorted((str(i["name"]), i["column_names"]) for i in seen.get_indexes(table)),
            }
            for table in seen.get_table_names()
            if table != "alembic_version"
        }


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """What is sent to any database meanwhile, without BEGIN and the like."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")):
            sent.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


# --- Migrations


def test_an_empty_database_is_refused_until_it_is_upgraded(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        Path(database_url.removeprefix("sqlite:///")).touch()
    database = SqlDatabase(database_url)
    with pytest.raises(DatabaseUnavailable, match="no tables yet") as caught:
        database.check()
    assert "tenure init" in (caught.value.hint or "")
    with pytest.raises(DatabaseUnavailable), database.reading() as records:
        records.products.all()
    upgrade_schema(database_url)
    database.check()
    with database.reading() as records:
        assert records.publication_counter() == 0
    database.close()


def test_upgrading_again_changes_nothing(sql_url: str, sql_database: SqlDatabase) -> None:
    store(sql_database, full_licence())
    before = schema_of(sql_url)
    upgrade_schema(sql_url)
    sql_database.check()
    assert schema_of(sql_url) == before
    with sql_database.reading() as records:
        assert records.licences.search() == (full_licence(),)


def test_upgrading_does_not_wait_for_a_writer_when_there_is_nothing_to_do(
    sql_url: str, sql_database: SqlDatabase
) -> None:
    with sql_database.writing() as records:
        records.signed_files.lock()
        upgrade_schema(sql_url)


@pytest.mark.parametrize("revision", ["0000", "9999"])
def test_another_schema_is_refused_and_named(sql_url: str, sql_database: SqlDatabase, revision: str) -> None:
    with connected(sql_url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    with pytest.raises(DatabaseUnavailable, match=f"schema {revision}.*expects schema {newest_revision()}"):
        sql_database.check()
    with pytest.raises(DatabaseUnavailable, match=f"schema {revision}, which this program does not know"):
        upgrade_schema(sql_url)


def upgrade_only_to(revision: str, url: str) -> None:
    """As a program of that time would have done it."""
    parsed = parse_url(url)
    if url.startswith("sqlite"):
        make_sqlite_file(parsed)
    engine = open_engine(parsed, for_migration=True)
    with engine.connect() as plain:
        connection = plain.execution_options(tenure_writing=True)
        with connection.begin():
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    engine.dispose()


def test_an_older_schema_is_refused_until_it_is_upgraded_and_keeps_what_is_in_it(database_url: str) -> None:
    upgrade_only_to("0001", database_url)
    with connected(database_url) as connection:
        connection.execute(
            text(
                "INSERT INTO product (name, title, editions, channels, service_packs, lapse_policy)"
                """ VALUES ('cad', 'CAD', '["pro"]', '["stable"]', 'period', 'closed')"""
            )
        )
        connection.execute(
            text(
                "INSERT INTO rollout (product, version, share_basis_points, is_halted) VALUES ('cad', '4.2', 25, :yes)"
            ),
            {"yes": True},
        )
    database = SqlDatabase(database_url)
    if newest_revision() != "0001":
        with pytest.raises(DatabaseUnavailable, match=f"has schema 0001; .* expects schema {newest_revision()}"):
            database.check()
    upgrade_schema(database_url)
    database.check()
    with database.reading() as records:
        assert [found.name for found in records.products.all()] == ["cad"]
        assert records.rollouts.of_product(CAD) == {Version("4.2"): Rollout(25, is_halted=True)}
    database.close()


def test_a_failed_upgrade_leaves_nothing(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        Path(database_url.removeprefix("sqlite:///")).touch()
    with connected(database_url) as connection:
        connection.execute(text("CREATE TABLE rollout (anything INTEGER)"))  # in the way of the first migration
    with pytest.raises(Exception, match=r"rollout|does not answer"):
        upgrade_schema(database_url)
    with connected(database_url) as connection:
        assert inspect(connection).get_table_names() == ["rollout"]


def test_processes_that_start_at_once_upgrade_once(database_url: str) -> None:
    script = "import sys; from tenure_server.adapters.database import upgrade_schema; upgrade_schema(sys.argv[1])"
    started = [subprocess.Popen([sys.executable, "-c", script, database_url]) for _ in range(3)]
    assert [process.wait(timeout=120) for process in started] == [0, 0, 0]
    database = SqlDatabase(database_url)
    database.check()
    store(database)
    database.close()


def test_the_migrations_make_exactly_the_tables_of_the_code(
    sql_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with connected(sql_url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Row.metadata) == []
    if sql_url.startswith("sqlite"):
        other = f"sqlite:///{tmp_path / 'other.db'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        other = server.new_database()
    with connected(other) as connection:
        Row.metadata.create_all(connection)
    assert schema_of(sql_url) == schema_of(other)


def test_the_schema_is_in_the_sqlite_file_and_the_file_is_its_owners_only(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "50% of it" / "tenure #1.db"
    url = f"sqlite:///{path}"
    upgrade_schema(url)
    database = SqlDatabase(url)
    with database.writing() as records:
        records.signed_files.publish({"1.root.json": b"r"})
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
        assert {file.name for file in path.parent.iterdir()} >= {path.name, f"{path.name}-wal"}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    database.close()


def test_an_sqlite_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "tenure.db"
    path.touch(mode=0o644)
    path.chmod(0o644)
    upgrade_schema(f"sqlite:///{path}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# --- What the schema itself refuses


def _with_line(kind: LineKind, seats: int, amount: Money) -> Licence:
    return replace(plain_licence(), lines=(OrderLine(kind, seats, amount, date(2025, 1, 1)),))


@pytest.mark.parametrize(
    "licence",
    [
        _with_line(LineKind.BASE, 0, Money(1, "MYR")),
        _with_line(LineKind.BASE, 1, Money(-1, "MYR")),
        _with_line(LineKind.BASE, 1, Money(1, "RM")),
        replace(plain_licence(), currency="ringgit"),
        replace(plain_licence(), keys=(replace(plain_licence().keys[0], seats=0),)),
        replace(plain_licence(), periods=(replace(paid(date(2025, 1, 1), date(2025, 1, 2)), price=Money(-1, "MYR")),)),
    ],
    ids=["no seats", "negative amount", "short currency", "long currency", "a key for no seats", "negative price"],
)
def test_the_schema_refuses_nonsense(sql_database: SqlDatabase, licence: Licence) -> None:
    store(sql_database)
    with pytest.raises(Conflict) as caught, sql_database.writing() as records:
        add(records, licence, feed_token_digest=digest_of("feed"))
    assert caught.value.code == "constraint_violated"
    with sql_database.reading() as records:
        assert records.licences.search() == ()


def test_the_schema_refuses_a_share_beyond_everyone(sql_database: SqlDatabase) -> None:
    store(sql_database)
    with pytest.raises(Conflict) as caught, sql_database.writing() as records:
        records.rollouts.set(CAD, Version("1.0"), Rollout(10_001))
    assert caught.value.code == "constraint_violated"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE licence SET status = 'lost'",
        "UPDATE licence SET product = 'unknown'",
        "UPDATE support_period SET ends_on = '2024-12-31'",
        "UPDATE support_period SET currency = NULL",
        "UPDATE support_period SET source = 'found'",
        "UPDATE publication SET only_row = 2",
        "INSERT INTO publication (only_row, counter) VALUES (2, 0)",
        "UPDATE product SET lapse_policy = 'sometimes'",
        "DELETE FROM licence",
        "DELETE FROM product",
    ],
)
def test_the_schema_refuses_what_another_program_might_write(
    sql_url: str, sql_database: SqlDatabase, statement: str
) -> None:
    store(sql_database, replace(plain_licence(), periods=(paid(date(2025, 1, 1), date(2025, 1, 2)),)))
    enforce_references = "PRAGMA foreign_keys = ON" if sql_url.startswith("sqlite") else "SELECT 1"
    engine = create_engine(sql_url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(enforce_references)
        with pytest.raises(IntegrityError):
            connection.execute(text(statement))
    engine.dispose()


# --- What a question costs


def test_one_licence_costs_six_queries_and_a_hundred_cost_no_more(sql_database: SqlDatabase) -> None:
    store(sql_database, *(plain_licence(f"{n:04}") for n in range(120)))
    with statements() as sent, sql_database.reading() as records:
        assert records.licences.by_key_digest(plain_licence("0007").keys[0].digest) == plain_licence("0007")
    assert len(sent) == 6
    with statements() as sent, sql_database.reading() as records:
        assert len(records.licences.search("cad", limit=100)) == 100
    assert len(sent) == 6
    with statements() as sent, sql_database.reading() as records:
        records.publication_counter()
    assert len(sent) == 1


def test_more_licences_than_a_statement_takes_values_are_read_whole(sql_database: SqlDatabase) -> None:
    store(sql_database, *(plain_licence(f"{n:04}") for n in range(1_100)))
    with sql_database.reading() as records:
        found = records.licences.search(limit=5_000)
    assert sorted(found, key=lambda licence: licence.licence_id) == [plain_licence(f"{n:04}") for n in range(1_100)]


def test_no_lookup_reads_a_whole_table(sql_url: str, sql_database: SqlDatabase) -> None:
    """Asked of the database's planner, about the very statements that are sent."""
    store(sql_database, plain_licence())
    with statements() as sent, sql_database.reading() as records:
        records.licences.get("7k2m")
        records.licences.by_key_digest(plain_licence().keys[0].digest)
        records.licences.by_feed_token_digest(digest_of("feed of 7k2m"))
        records.licences.search(limit=10)
        records.licences.search("7k2 bhd", limit=10)
        records.licences.of_customer("c-7k2m")
        records.customers.search("bhd ada", limit=10)
        records.customers.search(limit=10, after=Place(NOON, "c-7k2m"))
        records.customers.same("Ada Bhd", "it@7k2m.example")
        records.products.get(CAD)
        records.rollouts.of_product(CAD)
        records.notes.get(CAD, Version("1.0"))
        records.notes.of_product(CAD)
        records.signed_files.file("timestamp.json")
        records.signed_files.roots()
        records.signed_files.trusted_target("_trust/licence-keys.json")
        records.audit.newest(subject="7k2m")
        records.support_requests.queue(RequestFilter(statuses=IN_WORK), limit=10)
        records.support_requests.queue(RequestFilter("ada 1042"), limit=10, after=QueuePlace(1, NOON, "req_a"))
        records.support_requests.of_customer("c-7k2m")
        records.support_requests.by_number("R-1042")
        records.support_requests.opened_on_days(NOON.date(), NOON.date())
        records.support_requests.last_seen_version("7k2m")
        records.support_messages.of_request("req_a")
        records.support_messages.by_mail_id("<a@b.example>")
    assert len(sent) > 20
    is_sqlite = sql_url.startswith("sqlite")
    with connected(sql_url) as connection:
        if not is_sqlite:
            connection.execute(text("SET enable_seqscan = off"))  # small tables are read whole with good reason
        for statement, parameters in sent:
            explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
            plan = [str(tuple(row)) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters)]
            whole = [line for line in plan if ("SCAN " in line and "USING" not in line) or "Seq Scan" in line]
            assert whole == [], statement
