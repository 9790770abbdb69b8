"""A server with a snapshot, public keys and nothing else answers as the main one does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from tenure_server.adapters.database import SqlDatabase, upgrade_schema
from tenure_server.adapters.database.keep_snapshot import KeepSnapshot
from tenure_server.adapters.database.snapshot import Snapshot
from tenure_server.adapters.database.snapshot_only import SnapshotOnly
from tenure_server.app import create_app
from tenure_server.edge_serving import EdgeServer
from tenure_server.errors import DatabaseUnavailable
from tenure_server.http.fast_routes import FastApplication
from tenure_server.use_cases.issue_licence import IssuedLicence
from tenure_signing.entitlement import LicenceStatus
from tests.server.world import World, license_header

CHECK = "/v1/update-check"
QUERY = "product=cad&version=1.0&os=linux&arch=x86_64"
AS_OF = "2026-11-23T12:00:00Z"


@dataclass
class Stage:
    """``seen`` is in the snapshot; ``certified`` and ``other`` are not, and have certificates."""

    directory: Path
    world: World
    live: SqlDatabase
    main: TestClient
    seen: IssuedLicence
    certified: IssuedLicence
    other: IssuedLicence

    @property
    def file(self) -> Path:
        return self.directory / "copied.db"

    def copy(self, *seen: IssuedLicence) -> None:
        """What ``tenure serve`` keeps, and ``tenure snapshot`` writes."""
        digests = [licence.licence.keys[0].digest for licence in seen]
        snapshot = Snapshot(self.directory / "snapshot.db")
        with closing(snapshot):
            KeepSnapshot(self.live, snapshot, lambda _: digests, self.world.now, is_away=lambda: False)()
            snapshot.write_copy(self.file)

    def certificate(self, licence: IssuedLicence) -> str:
        headers = license_header(licence.key) | {"Tenure-Certificate": "none"}
        found: str = self.main.get(f"{CHECK}?{QUERY}", headers=headers).json()["certificate"]
        return found


@dataclass
class Edge:
    database: SnapshotOnly
    app: FastApplication
    client: TestClient

    def check(self, licence: IssuedLicence, certificate: str | None = None, query: str = QUERY) -> Any:
        headers = {"Tenure-Certificate": certificate} if certificate is not None else {}
        return self.client.get(f"{CHECK}?{query}", headers=license_header(licence.key) | headers)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    url = f"sqlite:///{tmp_path / 'tenure.db'}"
    upgrade_schema(url)
    with closing(SqlDatabase(url)) as live:
        world = World(tmp_path / "world", live)
        world.add_product()
        world.publish("1.0", date(2026, 1, 10), notes="The first.")
        world.publish("1.1", date(2026, 6, 1), notes="Faster.")
        seen, certified, other = (world.issue(date(2026, 1, day)) for day in (15, 16, 17))
        main = TestClient(create_app(world.installation), follow_redirects=False)
        stage = Stage(tmp_path, world, live, main, seen, certified, other)
        stage.copy(seen)
        yield stage


@pytest.fixture
def edge(stage: Stage) -> Iterator[Edge]:
    settings = replace(stage.world.settings, data_dir=stage.directory / "nothing")  # no key, no database
    with closing(SnapshotOnly(stage.file)) as database:
        app = EdgeServer(settings, database, stage.world.now).application()
        yield Edge(database, app, TestClient(app, follow_redirects=False))


def test_a_licence_of_the_snapshot_is_answered_as_by_the_main_server(stage: Stage, edge: Edge) -> None:
    for query in (QUERY, f"{QUERY}&manual=true&install_id=12345678", f"{QUERY}&channel=none", "product=cad"):
        main = stage.main.get(f"{CHECK}?{query}", headers=license_header(stage.seen.key))
        found = edge.check(stage.seen, query=query)
        assert (found.status_code, found.content) == (main.status_code, main.content)
        assert found.headers["tenure-as-of"] == AS_OF
        assert "tenure-as-of" not in main.headers


def test_another_licence_is_answered_from_its_certificate(stage: Stage, edge: Edge) -> None:
    main = stage.main.get(f"{CHECK}?{QUERY}", headers=license_header(stage.certified.key)).json()
    found = edge.check(stage.certified, stage.certificate(stage.certified))
    assert found.status_code == 200
    assert found.headers["tenure-as-of"] == AS_OF
    assert found.headers["cache-control"] == "no-store"
    answer = found.json()
    assert answer["offer"]["version"] == "1.1"
    assert answer["certificate"] is None  # there is no private key here to sign one
    renewal = main["renewal"] | {"options": []}  # the certificate does not say what was paid
    assert answer == main | {"renewal": renewal}


def test_without_a_certificate_an_unknown_licence_is_told_to_bring_one(stage: Stage, edge: Edge) -> None:
    for certificate in (None, "none"):
        found = edge.check(stage.certified, certificate)
        assert (found.status_code, found.json()["code"]) == (503, "certificate_needed")
        assert "Tenure-Certificate" in found.json()["hint"]
        assert "retry-after" in found.headers


def test_the_snapshot_overrules_a_certificate(stage: Stage, edge: Edge) -> None:
    certificate = stage.certificate(stage.seen)
    assert edge.check(stage.seen, certificate).json()["offer"]["version"] == "1.1"
    stage.world.change_status(stage.seen.licence, LicenceStatus.REVOKED)
    stage.copy(stage.seen)
    edge.database.look()
    assert edge.check(stage.seen, certificate).json()["newest"]["reason"] == "licence_revoked"
    assert edge.check(stage.seen).json()["newest"]["reason"] == "licence_revoked"


def test_the_quick_answer_to_a_certificate_is_the_general_one(stage: Stage, edge: Edge) -> None:
    genuine = stage.certificate(stage.certified)
    head, claims, signature = genuine.split(".")
    forged = f"{head}.{claims}.{'A' * 86}"
    key = stage.certified.key
    key_forged = f"{key[:-86]}{'A' * 86}"
    cases = [
        (given, certificate, query)
        for given in (key, stage.other.key, stage.seen.key, key_forged, "nonsense", genuine)
        for certificate in (genuine, forged, f"{head}.{claims}", key, f"{genuine}x", signature)
        for query in (QUERY, f"{QUERY}&install_id=abcdefgh", f"{QUERY}&channel=none", QUERY.replace("cad", "cam"))
    ]
    statuses = set()
    for given, certificate, query in cases:
        quick, general = both(edge, given, certificate, query)
        if quick is not None:
            assert quick == general
        statuses.add((quick is not None, general[0]))
    assert statuses >= {(True, 200), (True, 401)}


def both(edge: Edge, key: str, certificate: str, query: str) -> tuple[Any, Any]:
    """The answer at once, None where there is none, and the general route's."""
    scope = {
        **{"type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "root_path": ""},
        **{"path": CHECK, "raw_path": CHECK.encode(), "query_string": query.encode()},
        "headers": [(b"authorization", f"License {key}".encode()), (b"tenure-certificate", certificate.encode())],
    }
    answer = edge.app.at_once(scope)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(edge.app(dict(scope), receive, send))
    general = sent[0]["status"], sorted(sent[0]["headers"]), b"".join(part.get("body", b"") for part in sent[1:])
    if answer is None:
        return None, general
    headers = sorted(tuple(line.split(b": ", 1)) for line in answer.head.split(b"\r\n")[:-1])
    return (answer.status, headers, answer.body), general


def test_a_newer_snapshot_is_taken_up_and_an_older_or_broken_one_is_not(stage: Stage, edge: Edge) -> None:
    older = stage.file.read_bytes()
    stage.world.today += timedelta(days=1)
    stage.world.publish("1.2", date(2026, 11, 24))
    stage.copy(stage.other)
    edge.database.look()
    for replaced in (stage.file.read_bytes(), older, b"no database"):
        draft = stage.directory / "draft"
        draft.write_bytes(replaced)
        draft.replace(stage.file)
        edge.database.look()
        found = edge.check(stage.other, query=f"{QUERY}&manual=true")
        assert found.json()["offer"]["version"] == "1.2"
        assert found.headers["tenure-as-of"] == "2026-11-24T12:00:00Z"
    stage.file.unlink()
    edge.database.look()
    assert edge.check(stage.seen).status_code == 200


def test_metadata_and_health_are_there_and_nothing_else(stage: Stage, edge: Edge) -> None:
    for name in ("timestamp.json", "1.root.json"):
        assert edge.client.get(f"/metadata/{name}").content == stage.main.get(f"/metadata/{name}").content
    assert edge.client.get("/healthz").json()["status"] == "ok"
    assert edge.client.get("/readyz").json()["status"] == "ready"
    for path in ("/v1/licence", "/v1/releases", "/portal", "/downloads/cad/1.1/cad", "/v1/customers"):
        assert edge.client.get(path, headers=license_header(stage.seen.key)).status_code == 404
    stage.world.today += timedelta(days=400)
    assert edge.client.get("/readyz").status_code == 503


def test_what_is_no_snapshot_is_refused_at_the_start(stage: Stage, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"no database")
    for file in (garbage, tmp_path / "nothing.db", tmp_path / "tenure.db"):
        with pytest.raises(DatabaseUnavailable) as refused:
            SnapshotOnly(file)
        assert "tenure snapshot" in (refused.value.hint or "")
    with pytest.raises(DatabaseUnavailable, match="no snapshot yet"):
        Snapshot(tmp_path / "nothing.db").write_copy(tmp_path / "copy.db")
