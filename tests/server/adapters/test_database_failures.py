"""Databases that are missing, broken, stopped or killed half-way, and what people are told."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import traceback
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tenure_server.adapters.database import SqlDatabase, upgrade_schema
from tenure_server.errors import Conflict, DatabaseUnavailable, InvalidRequest, SettingsError
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.names import ProductName
from tests.server.adapters.sample_records import CAD, add, digest_of, paid, plain_licence, product, store
from tests.services.ports import free_port
from tests.services.postgres import PostgresServer

PASSWORD = "hunter2-üñ"


def everything_said(error: BaseException) -> str:
    """What a log shows at most: the error, its hint and the whole chain of causes."""
    return "".join([*traceback.format_exception(error), str(getattr(error, "hint", None)), repr(error)])


# --- Addresses


@pytest.mark.parametrize(
    "url",
    [
        "",
        "no url",
        f"postgresql+psycopg://u:{PASSWORD}@host:port/name",
        f"mysql://u:{PASSWORD}@host/name",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:name?uri=true",
        "sqlite:///name?mode=memory",
        "sqlite:///what?/tenure.db",
    ],
)
def test_an_address_that_is_no_database_of_ours_is_refused_without_repeating_it(url: str) -> None:
    for use in (SqlDatabase, upgrade_schema):
        with pytest.raises(SettingsError) as caught:
            use(url)
        assert PASSWORD not in str(caught.value)
        assert PASSWORD not in repr(caught.value.__context__) or caught.value.__suppress_context__


def test_neither_the_database_nor_its_errors_show_the_password() -> None:
    url = f"postgresql+psycopg://tenure:{PASSWORD}@127.0.0.1:{free_port()}/tenure"
    database = SqlDatabase(url)
    assert PASSWORD not in repr(database)
    assert "127.0.0.1" in repr(database)
    with pytest.raises(DatabaseUnavailable) as caught:
        database.check()
    assert PASSWORD not in everything_said(caught.value)
    with pytest.raises(DatabaseUnavailable) as caught, database.reading():
        pass
    with pytest.raises(DatabaseUnavailable) as caught, database.writing():
        pass
    with pytest.raises(DatabaseUnavailable) as caught:
        upgrade_schema(url)
    assert PASSWORD not in everything_said(caught.value)
    assert "refused" in (caught.value.hint or "")


@pytest.mark.postgres
def test_a_url_without_a_driver_uses_ours(postgres_server: PostgresServer) -> None:
    url = postgres_server.new_database()
    plain = url.replace("postgresql+psycopg://", "postgresql://")
    upgrade_schema(plain)
    database = SqlDatabase(plain)
    database.check()
    database.close()
    postgres_server.drop_database(url)


# --- SQLite files


def test_a_missing_sqlite_file_is_an_error_and_is_not_made_by_looking(tmp_path: Path) -> None:
    path = tmp_path / "mistyped.db"
    database = SqlDatabase(f"sqlite:///{path}")
    with pytest.raises(DatabaseUnavailable):
        database.check()
    with pytest.raises(DatabaseUnavailable), database.writing():
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_place_where_no_file_can_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseUnavailable, match="cannot be made"):
        upgrade_schema(f"sqlite:///{tmp_path / 'file' / 'tenure.db'}")


def test_a_file_that_is_no_database_is_an_error_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(b"Dear customer, " * 1000)
    url = f"sqlite:///{path}"
    with pytest.raises(DatabaseUnavailable):
        upgrade_schema(url)
    database = SqlDatabase(url)
    with pytest.raises(DatabaseUnavailable):
        database.check()
    with pytest.raises(DatabaseUnavailable), database.writing():
        pass
    database.close()
    assert path.read_bytes() == b"Dear customer, " * 1000


def test_a_damaged_sqlite_file_is_an_error_and_not_an_empty_answer(tmp_path: Path) -> None:
    path = tmp_path / "tenure.db"
    upgrade_schema(f"sqlite:///{path}")
    database = SqlDatabase(f"sqlite:///{path}")
    store(database, *(plain_licence(f"{n:04}") for n in range(200)))
    database.close()
    intact = path.read_bytes()
    path.write_bytes(intact[:4096] + b"\xff" * (len(intact) - 4096))
    damaged = SqlDatabase(f"sqlite:///{path}")
    with pytest.raises(DatabaseUnavailable), damaged.reading() as records:
        records.licences.search()
    damaged.close()


def test_upgrading_does_not_drop_the_lock_of_a_writer_in_the_same_process(tmp_path: Path) -> None:
    path = tmp_path / "tenure.db"
    upgrade_schema(f"sqlite:///{path}")
    database = SqlDatabase(f"sqlite:///{path}")
    script = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None);"
        "c.execute('BEGIN IMMEDIATE')"
    )
    with database.writing() as records:
        records.products.add(product(CAD))
        upgrade_schema(f"sqlite:///{path}")
        other = subprocess.run(
            [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False, timeout=60
        )
        assert "database is locked" in other.stderr
    database.close()


def test_what_is_committed_is_flushed_to_the_disk(tmp_path: Path) -> None:
    """``synchronous`` is FULL (2) and the journal a write-ahead log, for every connection."""
    path = tmp_path / "tenure.db"
    upgrade_schema(f"sqlite:///{path}")
    database = SqlDatabase(f"sqlite:///{path}")
    with database.writing() as records:
        records.products.add(product(CAD))
        session = records.products._session  # type: ignore[attr-defined]
        for pragma, expected in (("synchronous", 2), ("journal_mode", "wal"), ("foreign_keys", 1)):
            assert session.connection().exec_driver_sql(f"PRAGMA {pragma}").scalar() == expected
    database.close()


# --- PostgreSQL


@pytest.mark.postgres
def test_a_connection_that_breaks_is_an_error_once_and_then_all_is_well(postgres_server: PostgresServer) -> None:
    url = postgres_server.new_database(template=postgres_server.template("newest_schema", upgrade_schema))
    database = SqlDatabase(url)
    store(database)
    engine = create_engine(postgres_server.url("postgres"))
    end_all = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")

    def break_all_connections() -> None:
        with engine.connect() as connection:
            connection.execute(end_all, {"name": url.rpartition("/")[2]})

    def write_over_a_connection_that_breaks() -> None:
        with database.writing() as records:
            records.products.add(product(ProductName("new")))
            break_all_connections()
            records.products.add(product(ProductName("newer")))

    with pytest.raises(DatabaseUnavailable):
        write_over_a_connection_that_breaks()
    break_all_connections()
    with database.reading() as records:
        assert [found.name for found in records.products.all()] == ["cad", "cam"]
    database.close()
    engine.dispose()
    postgres_server.drop_database(url)


@pytest.mark.postgres
def test_text_that_postgresql_cannot_hold_is_refused(postgres_server: PostgresServer) -> None:
    url = postgres_server.new_database(template=postgres_server.template("newest_schema", upgrade_schema))
    database = SqlDatabase(url)
    store(database, plain_licence())
    with pytest.raises(InvalidRequest) as caught, database.writing() as records:
        records.licences.set_status("7k2m", LicenceStatus.REVOKED, "a\0b")
    assert caught.value.code == "unstorable_value"
    with database.reading() as records:
        assert records.licences.get("7k2m") == plain_licence()
    database.close()
    postgres_server.drop_database(url)


@pytest.mark.postgres
def test_transactions_that_wait_for_each_other_end_with_an_error_and_one_of_them_done(
    postgres_server: PostgresServer,
) -> None:
    url = postgres_server.new_database(template=postgres_server.template("newest_schema", upgrade_schema))
    database = SqlDatabase(url)
    store(database, plain_licence("7k2m"), plain_licence("8aaa"))
    both_hold_one = threading.Barrier(2)
    outcomes: list[str] = []

    def suspend(first: str, second: str) -> None:
        try:
            with database.writing() as records:
                records.licences.set_status(first, LicenceStatus.SUSPENDED, "unpaid")
                both_hold_one.wait()
                records.licences.set_status(second, LicenceStatus.SUSPENDED, "unpaid")
            outcomes.append("done")
        except DatabaseUnavailable:
            outcomes.append("given up")

    threads = [threading.Thread(target=suspend, args=pair) for pair in (("7k2m", "8aaa"), ("8aaa", "7k2m"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done", "given up"]
    database.close()
    postgres_server.drop_database(url)


# --- Errors say nothing they should not


def test_errors_do_not_repeat_the_values_of_a_statement(sql_database: SqlDatabase) -> None:
    store(sql_database)
    licence = replace(plain_licence(customer="Secretive Customer"), currency="ringgit")
    with (
        pytest.raises(Conflict, match=r"rule of the database \(.*licence_currency\)") as caught,
        sql_database.writing() as records,
    ):
        add(records, licence, feed_token_digest=digest_of("feed"))
    assert "Secretive Customer" not in everything_said(caught.value)


# --- Killed


_HALF_A_SALE = """
import sys, time
from datetime import date
from tenure_server.adapters.database import SqlDatabase
from tests.server.adapters.sample_records import add, digest_of, paid, plain_licence
with SqlDatabase(sys.argv[1]).writing() as records:
    add(records, plain_licence("8aaa"), feed_token_digest=digest_of("feed"))
    records.licences.add_period("7k2m", paid(date(2025, 1, 1), date(2025, 12, 31)))
    records.signed_files.publish({"1.root.json": b"r", "timestamp.json": b"t"})
    print("half-way", flush=True)
    time.sleep(600)
"""


def test_a_process_killed_in_the_middle_of_a_sale_leaves_nothing_and_blocks_nobody(
    sql_url: str, sql_database: SqlDatabase
) -> None:
    store(sql_database, plain_licence())
    checkout = Path(__file__).resolve().parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", _HALF_A_SALE, sql_url], cwd=checkout, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half-way\n"
        process.kill()
    with sql_database.writing() as records:
        assert records.licences.search() == (plain_licence(),)
        assert records.signed_files.current() == {}
        records.licences.add_period("7k2m", paid(date(2025, 6, 1), date(2026, 5, 31)))


_ADD_PERIOD = """
import sys
from datetime import date
from tenure_server.adapters.database import SqlDatabase
from tenure_server.errors import Conflict
from tests.server.adapters.sample_records import add, paid
database = SqlDatabase(sys.argv[1])
database.check()
print("ready", flush=True)
sys.stdin.readline()
try:
    with database.writing() as records:
        records.licences.get("7k2m")
        records.licences.add_period("7k2m", paid(date(2025, 1, 1), date(2025, 12, 31)))
except Conflict as error:
    print(error.code)
else:
    print("stored")
"""


def test_of_overlapping_periods_added_by_several_processes_one_is_stored(
    sql_url: str, sql_database: SqlDatabase
) -> None:
    store(sql_database, plain_licence())
    checkout = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-c", _ADD_PERIOD, sql_url]
    processes = [
        subprocess.Popen(command, cwd=checkout, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outcomes = sorted(process.communicate(timeout=60)[0].strip() for process in processes)
    assert outcomes == ["periods_overlap", "periods_overlap", "stored"]


def test_an_old_sqlite_reader_does_not_stop_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "tenure.db"
    upgrade_schema(f"sqlite:///{path}")
    database = SqlDatabase(f"sqlite:///{path}")
    store(database)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM product").fetchone() == (2,)
    with database.writing() as records:
        records.products.add(product(ProductName("new")))
    assert reader.execute("SELECT count(*) FROM product").fetchone() == (2,)
    reader.close()
    database.close()
