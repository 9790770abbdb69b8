"""The database goes away under a running ``tenure serve``: installed software still learns of updates."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import urllib3

from tenure_server.adapters.database.snapshot import Snapshot
from tests.server.cli.at_the_terminal import Operator, RunningServer
from tests.server.world import license_header
from tests.services.postgres import own_postgres

PATIENCE_SECONDS = 60.0
CHECK = "/v1/update-check?product=cad&version=0.9&os=linux&arch=x86_64"


def eventually(what: Callable[[], object]) -> None:
    """Wait until it is true."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < give_up_at
        time.sleep(0.1)


def check(server: RunningServer, key: str) -> tuple[int, str | None, bool]:
    """Status, version on offer, and whether the answer says of when it is."""
    answer = urllib3.request("GET", server.url + CHECK, headers=license_header(key), retries=False, timeout=30)
    offer = answer.json().get("offer")
    return answer.status, offer and offer["version"], "Tenure-As-Of" in answer.headers


def status(server: RunningServer, path: str) -> int:
    return urllib3.request("GET", server.url + path, retries=False, timeout=30).status


@pytest.mark.postgres
def test_update_checks_are_answered_while_the_database_is_away_by_a_restarted_server_too(tmp_path: Path) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    with own_postgres() as postgres:
        operator = Operator(tmp_path, {"TENURE_DATABASE_URL": postgres.server.new_database()}, today=yesterday)
        operator.did("init")
        operator.did("product", "add", "cad", "--edition", "pro")
        operator.publish("1.0")
        key = operator.issue("--smp-years", "1")["key"]
        snapshot = Snapshot(operator.data_dir / "snapshot.db")
        with operator.serving() as server:
            assert check(server, key) == (200, "1.0", False)
            eventually(lambda: snapshot.state() is not None and snapshot.oldest(1))
            snapshot.close()
            postgres.stop()
            eventually(lambda: check(server, key) == (200, "1.0", True))
            assert status(server, "/metadata/timestamp.json") in (200, 401)
            eventually(lambda: status(server, "/readyz") == 503)
            assert server.end() == 0
        assert server.log.read_text().count("update checks are answered as of") == 1
        with operator.serving("--workers", "2") as server:
            assert check(server, key) == (200, "1.0", True)
            postgres.start()
            eventually(lambda: check(server, key) == (200, "1.0", False))
            operator.publish("1.1")
            eventually(lambda: check(server, key) == (200, "1.1", False))
            eventually(lambda: status(server, "/readyz") == 200)
            assert server.end() == 0
        assert "Traceback" not in server.log.read_text()


def test_a_database_file_that_is_gone_is_not_replaced_by_an_empty_one(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    operator.did("init")
    file = operator.data_dir / "tenure.db"
    with operator.serving():
        snapshot = Snapshot(operator.data_dir / "snapshot.db")
        eventually(lambda: snapshot.state() is not None)
        snapshot.close()
    moved = file.rename(tmp_path / "elsewhere.db")
    with operator.serving() as server:
        assert status(server, "/readyz") == 503
        assert not file.exists()
        moved.rename(file)
        eventually(lambda: "the database answers again" in server.log.read_text())
    assert "gone" in server.log.read_text()
