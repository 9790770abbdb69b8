"""The services that other tests stand on do what those tests believe of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import Browser
from sqlalchemy import create_engine, text

from tests.services.postgres import PostgresServer
from tests.services.swift import S3Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHECKOUT = Path(__file__).resolve().parents[2]


def _run(url: str, statement: str) -> object:
    """The first value of the first row, where there are rows."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            result = connection.execute(text(statement))
            return result.scalar() if result.returns_rows else None
    finally:
        engine.dispose()


def test_each_database_answers_and_is_empty(database_url: str) -> None:
    assert _run(database_url, "SELECT 1") == 1
    _run(database_url, "CREATE TABLE leftover (id INTEGER)")
    assert _run(database_url, "SELECT count(*) FROM leftover") == 0


def test_postgres_does_not_run_as_root(postgres_server: PostgresServer) -> None:
    engine = create_engine(postgres_server.url("postgres"))
    with engine.connect() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar()
        assert Path(f"/proc/{pid}").stat().st_uid != 0
    engine.dispose()


def test_a_template_is_prepared_once_and_copied(postgres_server: PostgresServer) -> None:
    prepared: list[str] = []

    def prepare(url: str) -> None:
        prepared.append(url)
        _run(url, "CREATE TABLE ready AS SELECT 7 AS answer")

    for _ in range(2):
        copy = postgres_server.new_database(template=postgres_server.template("test_services", prepare))
        assert _run(copy, "SELECT answer FROM ready") == 7
        postgres_server.drop_database(copy)
    assert len(prepared) == 1


def test_a_database_with_an_open_connection_can_be_dropped(postgres_server: PostgresServer) -> None:
    url = postgres_server.new_database()
    engine = create_engine(url)
    connection = engine.connect()
    try:
        assert connection.execute(text("SELECT 1")).scalar() == 1
        postgres_server.drop_database(url)
    finally:
        connection.invalidate()
        connection.close()
        engine.dispose()
    name = url.rpartition("/")[2]
    assert _run(postgres_server.url("postgres"), f"SELECT count(*) FROM pg_database WHERE datname = '{name}'") == 0


@pytest.fixture
def s3_client(s3_server: S3Server) -> Iterator[S3Client]:
    client = s3_server.client()
    yield client
    client.close()


def test_swift_returns_what_was_put(s3_server: S3Server, s3_client: S3Client) -> None:
    bucket = s3_server.new_bucket()
    s3_client.put_object(Bucket=bucket, Key="a/b.bin", Body=b"four")
    with s3_client.get_object(Bucket=bucket, Key="a/b.bin")["Body"] as body:
        assert body.read() == b"four"


def test_swift_gives_every_caller_a_bucket_of_its_own(s3_server: S3Server, s3_client: S3Client) -> None:
    first, second = s3_server.new_bucket(), s3_server.new_bucket()
    assert first != second
    assert s3_client.list_objects_v2(Bucket=second)["KeyCount"] == 0


def test_swift_refuses_a_wrong_secret(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    stranger = s3_server.client(secret_key="not the secret")
    try:
        with pytest.raises(ClientError) as refused:
            stranger.put_object(Bucket=bucket, Key="a", Body=b"")
    finally:
        stranger.close()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_chromium_renders_a_page(browser: Browser) -> None:
    page = browser.new_page()
    page.goto("data:text/html,<title>ready</title><p>hello</p><script>document.title += ' now'</script>")
    assert page.title() == "ready now"
    assert page.inner_text("p") == "hello"
    page.close()


def test_the_release_histories_can_be_read(catalogue_directory: Path) -> None:
    for file in catalogue_directory.glob("*.json"):
        assert json.loads(file.read_bytes())


def _pytest(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """This file's tests in a process of their own, where some services are missing."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", __file__, *arguments],
        cwd=_CHECKOUT,
        env={name: value for name, value in os.environ.items() if name != "TENURE_TEST_REQUIRE_ALL"} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_missing_services_are_left_out_and_named_in_one_line(tmp_path: Path) -> None:
    nowhere = str(tmp_path)
    result = _pytest("-k", "refuses or histories", TENURE_TEST_SWIFT_SCRIPTS=nowhere, TENURE_TEST_CATALOGUES=nowhere)
    assert result.returncode == 0, result.stdout
    assert [line for line in result.stdout.splitlines() if "left out" in line] == [
        "left out: Swift (no scripts to start it), release histories (no catalogues beside the checkout);"
        " .ci/run leaves nothing out"
    ]
    assert "2 skipped" in result.stdout.splitlines()[-1]


def test_missing_services_are_failures_where_everything_is_required(tmp_path: Path) -> None:
    result = _pytest("-k", "refuses", TENURE_TEST_SWIFT_SCRIPTS=str(tmp_path), TENURE_TEST_REQUIRE_ALL="1")
    assert result.returncode == 1, result.stdout
    assert "would not run: left out: Swift (no scripts to start it)" in result.stdout
    assert "skipped" not in result.stdout.splitlines()[-1]
