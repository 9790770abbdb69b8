"""Real services for tests: PostgreSQL, an S3 server, a browser, a PKCS#11 token, release histories.

Each is started when the first test asks for it. Where one is missing, its tests are left out and one line says so.
The service modules are imported inside the fixtures: the client's tests run where the server's packages are missing.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.services.leaving_out import fail_if_everything_is_required, summary_line

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.services.postgres import PostgresServer
    from tests.services.softhsm import SoftHsm
    from tests.services.swift import S3Server

settings.register_profile("tenure", deadline=None)  # machines are shared: no test judges by time
settings.load_profile("tenure")

_MARKER_OF_FIXTURE = {
    "postgres_server": "postgres",
    "s3_server": "swift",
    "chromium_path": "browser",
    "softhsm": "softhsm",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the service they use: ``-m 'not browser'`` leaves those out."""
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in _MARKER_OF_FIXTURE:
                item.add_marker(_MARKER_OF_FIXTURE[fixture])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    fail_if_everything_is_required(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    fail_if_everything_is_required(report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    line = summary_line(terminalreporter.getreports("skipped"))
    if line is not None:
        terminalreporter.write_line(line, yellow=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL cluster of this session's own."""
    from tests.services.postgres import running_postgres

    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The SQLAlchemy URL of an empty database: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'tenure.sqlite3'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.new_database()
    try:
        yield url
    finally:
        server.drop_database(url)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """An S3 server of this session's own that checks signatures: OpenStack Swift."""
    from tests.services.swift import running_swift

    with running_swift() as server:
        yield server


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """Debian's chromium."""
    from tests.services.chromium import installed_chromium

    return installed_chromium()


@pytest.fixture(scope="module")
def browser(chromium_path: Path) -> Iterator[Browser]:
    """A headless browser: ``page = browser.new_page()``.

    Not for the whole session: while Playwright runs, its event loop counts as the main thread's running one, and other
    tests could not call ``asyncio.run``.
    """
    from tests.services.chromium import running_browser

    with running_browser(chromium_path) as browser:
        yield browser


@pytest.fixture(scope="session")
def softhsm() -> Iterator[SoftHsm]:
    """A PKCS#11 token of this session's own."""
    from tests.services.softhsm import running_softhsm

    with running_softhsm() as token:
        yield token


@pytest.fixture(scope="session")
def catalogue_directory() -> Path:
    """The folder of real release histories."""
    from tests.services.catalogues import catalogue_files

    return catalogue_files()
