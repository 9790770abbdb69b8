"""The database goes away, and update checks go on from the snapshot; nothing else does."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from starlette.testclient import TestClient

from tenure_server.adapters.database import SqlDatabase
from tenure_server.adapters.database.keep_snapshot import KeepSnapshot
from tenure_server.adapters.database.snapshot import Snapshot, SnapshotState
from tenure_server.adapters.database.standing_in import DatabaseWithSnapshot
from tenure_server.app import create_app
from tenure_server.domain.facts_text import facts_of, facts_text
from tenure_server.domain.licence_facts import FoundKey, LicenceFacts
from tenure_server.errors import DatabaseUnavailable
from tenure_server.installation import Installation
from tenure_server.use_cases.catalogue import CatalogueSource
from tenure_server.use_cases.issue_licence import IssuedLicence
from tenure_server.use_cases.ports import QuickReads, Records
from tenure_signing.certificate import verify_certificate
from tenure_signing.entitlement import LicenceStatus, LineGrant, Pin, Turn, UpdateRules, VersionGrant
from tenure_signing.licence_key import licence_key_digest
from tenure_signing.names import ChannelName
from tenure_signing.releases import Rollout
from tenure_signing.versions import Version
from tests.server.databases import DATABASES, migrated
from tests.server.http.test_fast_update_check import facts
from tests.server.world import World, license_header

CHECK = "/v1/update-check?product=cad&version=1.0&os=linux&arch=x86_64&channel=stable"
SEEN_AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@dataclass
class Breakable:
    """A database that can be taken away."""

    database: SqlDatabase
    is_away: bool = field(default=False)

    @property
    def reached(self) -> SqlDatabase:
        if self.is_away:
            raise DatabaseUnavailable("The database does not answer.")
        return self.database

    @contextmanager
    def reading(self) -> Iterator[Records]:
        with self.reached.reading() as records:
            yield records

    def reading_published(self) -> AbstractContextManager[Records]:
        return self.reading()

    def writing(self) -> AbstractContextManager[Records]:
        return self.reached.writing()

    @property
    def as_of(self) -> None:
        return None

    @property
    def quick(self) -> QuickReads:
        return _BreakableReads(self)

    def check(self) -> None:
        self.reached.check()


@dataclass
class _BreakableReads:
    behind: Breakable

    @property
    def is_inline(self) -> bool:
        return self.behind.database.quick.is_inline

    def version(self) -> int:
        return self.behind.reached.quick.version()

    def publication_counter(self) -> int:
        return self.behind.reached.quick.publication_counter()

    def licence_keys(self, digests: Sequence[str]) -> Mapping[str, FoundKey]:
        return self.behind.reached.quick.licence_keys(digests)

    def licence_of_feed_token(self, digest: str) -> LicenceFacts | None:
        return self.behind.reached.quick.licence_of_feed_token(digest)

    def licence_key(self, digest: str) -> FoundKey | None:
        return self.behind.reached.quick.licence_key(digest)


class Server:
    """A server process over the world's database, with its snapshot."""

    def __init__(self, world: World, live: Breakable, file: Path) -> None:
        self.live = live
        self.snapshot = Snapshot(file)
        self.database = DatabaseWithSnapshot(live, self.snapshot)
        self.installation: Installation = world.reopened()
        vars(self.installation)["database"] = self.database
        vars(self.installation)["catalogue"] = CatalogueSource(self.database, fresh_seconds=0)
        self.client = TestClient(create_app(self.installation), follow_redirects=False)
        with suppress(DatabaseUnavailable):
            self.installation.catalogue.current()  # as when it starts
        self.keep = KeepSnapshot(
            live.database,
            self.snapshot,
            self.installation.seen_licences.take,
            world.now,
            is_away=lambda: self.database.as_of is not None,
        )

    def check(self, licence: IssuedLicence, **headers: str) -> tuple[int, object, str | None]:
        """Status, version on offer, and of when the answer says it is."""
        answer = self.client.get(CHECK, headers=license_header(licence.key) | headers)
        offer = answer.json().get("offer")
        return answer.status_code, offer and offer["version"], answer.headers.get("tenure-as-of")

    def close(self) -> None:
        self.database.close()


@dataclass
class Stage:
    world: World
    live: Breakable
    file: Path
    servers: list[Server] = field(default_factory=list)

    def serve(self) -> Server:
        server = Server(self.world, self.live, self.file)
        self.servers.append(server)
        return server


@pytest.fixture(params=DATABASES)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    with migrated(request, tmp_path) as database:
        world = World(tmp_path / "world", database)
        world.add_product()
        world.publish("1.0", date(2026, 1, 10), notes="The first.")
        world.publish("1.1", date(2026, 6, 1), notes="Faster.")
        stage = Stage(world, Breakable(database), tmp_path / "snapshot.db")
        yield stage
        for server in stage.servers:
            server.close()


def test_checks_go_on_as_of_when_the_database_was_last_seen(stage: Stage) -> None:
    server, licence = stage.serve(), stage.world.issue(date(2026, 1, 15))
    assert server.check(licence) == (200, "1.1", None)
    server.keep()
    stage.live.is_away = True
    assert server.check(licence)[:2] == (200, "1.1")  # nobody knew before that the database is away
    assert server.check(licence) == (200, "1.1", "2026-11-23T12:00:00Z")
    assert server.client.get("/metadata/timestamp.json").status_code == 200
    restarted = stage.serve()
    assert restarted.check(licence) == (200, "1.1", "2026-11-23T12:00:00Z")
    general = restarted.client.get(CHECK + "&manual=true", headers={"Authorization": f"Bearer {licence.key}"})
    assert general.json()["offer"]["notes"] == "Faster."
    assert general.json()["renewal"]["options"]


def test_when_the_database_is_back_it_is_asked_again(stage: Stage) -> None:
    server, licence = stage.serve(), stage.world.issue(date(2026, 1, 15))
    server.check(licence)
    server.keep()
    stage.live.is_away = True
    server.check(licence)
    stage.live.is_away = False
    give_up_at = time.monotonic() + 30
    while server.database.as_of is not None:
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    stage.world.change_status(licence.licence, LicenceStatus.SUSPENDED)
    time.sleep(0.6)  # what another process commits is known within half a second
    assert server.check(licence) == (200, None, None)


def test_a_licence_that_was_not_seen_waits_unless_it_carries_its_certificate(stage: Stage) -> None:
    server, licence = stage.serve(), stage.world.issue(date(2026, 1, 15))
    other = stage.world.issue(date(2026, 1, 15))
    server.keep()
    certificate = stage.world.installation.show_licence(licence.licence).certificate
    stage.live.is_away = True
    assert server.check(licence)[0] == 503
    assert server.check(licence, **{"Tenure-Certificate": "none"})[0] == 503
    headers = license_header(licence.key) | {"Tenure-Certificate": certificate}
    answer = server.client.get(CHECK, headers=headers)
    assert (answer.status_code, answer.json()["offer"]["version"]) == (200, "1.1")
    assert answer.json()["support"]["last_covered_day"] == "2027-01-14"
    assert answer.json()["renewal"]["options"] == []  # what was paid is not in a certificate
    keys = stage.world.installation.keys.licence_key_set()
    fresh = verify_certificate(answer.json()["certificate"], keys, stage.world.now())
    assert fresh.issued_at == SEEN_AT
    foreign = server.client.get(CHECK, headers=license_header(other.key) | {"Tenure-Certificate": certificate})
    assert (foreign.status_code, foreign.json()["code"]) == (401, "certificate_invalid_claims")
    forged = licence.key[:-8] + "AAAAAAAA"
    assert server.client.get(CHECK, headers=license_header(forged)).status_code == 401


def test_a_certificate_of_the_copy_is_as_old_as_the_copy(stage: Stage) -> None:
    server, licence = stage.serve(), stage.world.issue(date(2026, 1, 15))
    server.check(licence)
    server.keep()
    stage.live.is_away = True
    stage.world.today += timedelta(days=1)
    answer = server.client.get(CHECK, headers=license_header(licence.key) | {"Tenure-Certificate": "none"})
    keys = stage.world.installation.keys.licence_key_set()
    assert verify_certificate(answer.json()["certificate"], keys, stage.world.now()).issued_at == SEEN_AT


def test_everything_else_waits_for_the_database(stage: Stage) -> None:
    server, licence = stage.serve(), stage.world.issue(date(2026, 1, 15))
    server.check(licence)
    server.keep()
    stage.live.is_away = True
    server.check(licence)
    headers = license_header(licence.key)
    for path in ("/v1/licence", "/v1/releases", "/downloads/cad/1.1/cad-1.1-linux-x86_64.zip"):
        assert server.client.get(path, headers=headers).status_code == 503, path
    assert server.client.get("/readyz").status_code == 503
    with pytest.raises(DatabaseUnavailable), server.database.writing():
        pass


def test_without_a_snapshot_nothing_stands_in(stage: Stage) -> None:
    server, licence = stage.serve(), stage.world.issue(date(2026, 1, 15))
    stage.live.is_away = True
    assert server.check(licence) == (503, None, None)


def test_the_snapshot_follows_what_happens_to_its_licences_and_releases(stage: Stage) -> None:
    server = stage.serve()
    kept, stopped = stage.world.issue(date(2026, 1, 15)), stage.world.issue(date(2026, 1, 15))
    assert server.check(kept)[0] == server.check(stopped)[0] == 200
    server.keep()
    stage.world.change_status(stopped.licence, LicenceStatus.REVOKED)
    stage.world.roll_out("1.1", Rollout(is_halted=True))
    stage.world.publish("1.0.1", date(2026, 7, 1))
    server.keep()
    stage.live.is_away = True
    restarted = stage.serve()
    assert restarted.check(kept)[:2] == (200, "1.0.1")
    assert restarted.check(stopped)[:2] == (200, None)


def test_a_file_that_is_no_snapshot_is_made_anew(stage: Stage) -> None:
    stage.file.write_bytes(b"not a database at all, whatever its name says" * 100)
    server, licence = stage.serve(), stage.world.issue(date(2026, 1, 15))
    server.check(licence)
    server.keep()
    assert server.snapshot.state() == SnapshotState(SEEN_AT, _newest_event(stage))


def _newest_event(stage: Stage) -> int:
    with stage.world.database.reading() as records:
        return records.audit.head().number


def test_the_licences_seen_longest_ago_make_room(stage: Stage) -> None:
    server = stage.serve()
    licences = [stage.world.issue(date(2026, 1, 15)) for _ in range(4)]
    server.keep()
    for licence in licences:
        digest = licence_key_digest(licence.key)
        found = stage.live.database.quick.licence_key(digest)
        server.snapshot.keep(SnapshotState(SEEN_AT, 1), found={digest: found}, most=2)
    held = [server.snapshot.licence_key(licence_key_digest(licence.key)) is not None for licence in licences]
    assert held == [False, False, True, True]


def test_the_snapshot_holds_no_licence_key(stage: Stage) -> None:
    server, licence = stage.serve(), stage.world.issue(date(2026, 1, 15), customer="Ada Tan")
    server.check(licence)
    server.keep()
    connection = sqlite3.connect(stage.file)
    dump = "\n".join(connection.iterdump())
    connection.close()
    assert licence.licence.licence_id in dump
    assert licence.key not in dump
    assert "Ada Tan" not in dump
    assert stage.file.stat().st_mode & 0o077 == 0


@given(facts())
def test_facts_are_read_back_as_they_were(licence: LicenceFacts) -> None:
    found = FoundKey(datetime(2026, 1, 1, tzinfo=UTC), licence)
    assert facts_of(facts_text(found)) == found


@given(facts())
def test_grants_and_rules_are_read_back_too(whole: LicenceFacts) -> None:
    rules = UpdateRules(frozenset({ChannelName("beta")}), Pin(2, 1), Turn.LATE)
    rich = replace(whole, grants=(VersionGrant(Version("3.0")), LineGrant(2, 1)), updates=rules)
    found = FoundKey(SEEN_AT, rich)
    assert facts_of(facts_text(found)) == found
