"""``/healthz`` and ``/readyz``: what a load balancer and an operator's alarm ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from starlette.testclient import TestClient

from tenure_server.adapters.database import upgrade_schema
from tenure_server.app import create_app
from tenure_server.errors import DatabaseUnavailable
from tenure_server.http.health import HOLDS_SECONDS, Readiness
from tenure_server.installation import Installation
from tenure_server.settings import Settings
from tenure_server.use_cases.ports import Database, QuickReads, Records
from tests.server.http.asking import answer, problem
from tests.server.http.conftest import Shop

SECRET = "db.internal:5432"


@dataclass
class Switchable:
    """A database that can be switched off."""

    database: Database
    is_off: bool = field(default=False)

    def _require(self) -> None:
        if self.is_off:
            raise DatabaseUnavailable(f"{SECRET} does not answer")

    @contextmanager
    def reading(self) -> Iterator[Records]:
        self._require()
        with self.database.reading() as records:
            yield records

    def reading_published(self) -> AbstractContextManager[Records]:
        return self.reading()

    @property
    def as_of(self) -> None:
        return None

    def writing(self) -> AbstractContextManager[Records]:
        self._require()
        return self.database.writing()

    @property
    def quick(self) -> QuickReads:
        self._require()
        return self.database.quick

    def check(self) -> None:
        self._require()
        self.database.check()


def test_a_living_process_says_so_without_looking_at_anything(shop: Shop) -> None:
    assert answer(shop.client.get("/healthz")) == {"status": "ok", "problems": []}
    assert shop.client.head("/healthz").status_code == 200


def test_a_server_whose_parts_are_usable_is_ready(shop: Shop) -> None:
    response = shop.client.get("/readyz")
    signer = {"mode": "embedded", "last_signed": "2026-11-23T12:00:00Z", "warning": None}
    assert answer(response) == {"status": "ready", "problems": [], "signer": signer}
    assert response.headers["cache-control"] == "no-store"


def test_a_server_whose_metadata_expired_is_not_ready(own_shop: Shop) -> None:
    own_shop.world.today += timedelta(days=3)
    response = own_shop.client.get("/readyz")
    found = problem(response, 503)
    assert found["code"] == "not_ready"
    assert found["errors"] == [{"where": "metadata.timestamp", "problem": "expired at 2026-11-25T12:00:00Z"}]
    assert found["detail"] == "The server is not ready: metadata.timestamp."
    assert "retry-after" in response.headers


def test_a_server_that_was_never_initialised_is_not_ready(tmp_path: Path) -> None:
    installation = Installation(Settings(data_dir=tmp_path))
    installation.keys.make_online_keys()
    upgrade_schema(installation.settings.sqlalchemy_url)
    found = problem(TestClient(create_app(installation)).get("/readyz"), 503)
    assert [fault["where"] for fault in found["errors"]] == [
        f"metadata.{role}" for role in ("root", "targets", "snapshot", "timestamp")
    ]


def test_a_database_of_another_schema_is_not_ready(tmp_path: Path) -> None:
    installation = Installation(Settings(data_dir=tmp_path))
    installation.keys.make_online_keys()
    found = problem(TestClient(create_app(installation)).get("/readyz"), 503)
    assert [fault["where"] for fault in found["errors"]] == ["database"]
    assert str(tmp_path) not in str(found)


def test_a_store_that_cannot_be_written_is_not_ready(own_shop: Shop) -> None:
    store = own_shop.world.directory / "store"
    store.rename(own_shop.world.directory / "elsewhere")
    response = own_shop.client.get("/readyz")
    assert problem(response, 503)["errors"] == [
        {"where": "store", "problem": "does not answer, or cannot be read and written"}
    ]
    assert str(own_shop.world.directory) not in response.text


def test_a_database_that_does_not_answer_is_503_everywhere_and_back_by_itself(own_shop: Shop) -> None:
    world = own_shop.world
    world.database = switch = Switchable(world.database)
    client = TestClient(create_app(world.reopened()))
    for is_off in (False, True, False):
        switch.is_off = is_off
        response = client.get("/metadata/timestamp.json")
        assert response.status_code == (503 if is_off else 200)
        if is_off:
            assert problem(response, 503)["code"] == "database_unavailable"
            assert SECRET not in response.text


def test_many_who_ask_at_once_make_one_check(own_shop: Shop) -> None:
    world = own_shop.world
    switch, now = Switchable(world.database), [0.0]
    readiness = Readiness(switch, world.installation.store, world.now, monotonic=lambda: now[0])
    assert readiness.faults() == ()
    switch.is_off = True
    now[0] += HOLDS_SECONDS - 0.1
    assert readiness.faults() == ()
    now[0] += 0.1
    assert [fault.where for fault in readiness.faults()] == ["database"]
