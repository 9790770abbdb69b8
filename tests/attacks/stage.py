"""Where the attacks happen: a vendor's server that really runs, a wire that somebody sits on, and installed copies.

The server is uvicorn over SQLite and a directory. Every copy reaches it, and the store, through ``Wire``.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tenure_client import Client, UpdateAnswer
from tenure_client.configuration import TransferLimits
from tenure_server.adapters.database import SqlDatabase, upgrade_schema
from tenure_server.adapters.database.quick_reads import LOOK_SECONDS
from tenure_server.adapters.s3_store import S3Store
from tenure_server.app import create_app
from tenure_server.installation import Installation
from tenure_server.settings import Settings
from tenure_server.use_cases.catalogue import CatalogueSource, read_repository
from tenure_signing.releases import Release
from tenure_signing.tuf_repository import Repository
from tests.client_sdk.loopback import Loopback, Reply, Request, running_loopback
from tests.server.world import CAD, LINUX, TODAY, World, body_of
from tests.services.web_server import running_web_server

PATIENT = TransferLimits(
    timeout_seconds=10,
    rate_window_seconds=0.3,
    attempts=2,
    pause_seconds=0.01,
    settle_seconds=2 * LOOK_SECONDS,
)

_HOP_BY_HOP = frozenset({"connection", "content-length", "date", "host", "server", "transfer-encoding"})


def untouched(_: Request, reply: Reply) -> Reply:
    return reply


def file_name(version: str) -> str:
    return f"cad-{version}-{LINUX}.zip"


@dataclass(slots=True)
class Wire:
    """Passes requests to the server and answers back. ``tamper`` is whoever sits on it."""

    loopback: Loopback
    upstream: str = ""
    tamper: Callable[[Request, Reply], Reply] = untouched
    recording: dict[str, Reply] = field(default_factory=dict)  # the last whole answer by path, without the query

    def serve(self, request: Request) -> Reply:
        reply = self._passed_on(request)
        if reply.status != 304:
            self.recording[urlsplit(request.path).path] = reply
        return self.tamper(request, reply)

    def play(self, recording: dict[str, Reply]) -> None:
        """From now on, what was answered once: nothing newer exists."""
        self.tamper = lambda request, _: recording.get(urlsplit(request.path).path, Reply(404))

    def replace(self, part_of_path: str, change: Callable[[Reply], Reply]) -> None:
        """Changes the answers to requests whose path has this in it."""
        self.tamper = lambda request, reply: change(reply) if part_of_path in request.path else reply

    def clear(self) -> None:
        self.tamper = untouched

    def _passed_on(self, request: Request) -> Reply:
        connection = http.client.HTTPConnection(str(urlsplit(self.upstream).netloc), timeout=30)
        try:
            headers = {name: value for name, value in request.headers.items() if name not in _HOP_BY_HOP}
            connection.request("GET", request.path, headers=headers)
            response = connection.getresponse()
            body = response.read()
            kept = {name: value for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP}
            return Reply(response.status, body, kept)
        finally:
            connection.close()


@dataclass(slots=True)
class InstalledCopy:
    """The product on a customer's machine. ``downloads`` is where it lets builds arrive."""

    stage: Stage
    directory: Path
    version: str
    limits: TransferLimits = PATIENT

    @property
    def state(self) -> Path:
        return self.directory / "state"

    @property
    def downloads(self) -> Path:
        return self.directory / "downloads"

    def client(self, **options: Any) -> Client:
        arguments: dict[str, Any] = {
            "root": self.stage.world.root_json,
            "server_url": self.stage.wire.loopback.url,
            "product": "cad",
            "version": self.version,
            "state_directory": self.state,
            "licence_key": self.stage.licence_key,
            "platform": str(LINUX),
            "clock": self.stage.world.now,
        }
        client = Client.open(**(arguments | options))
        return Client(replace(client._configuration, limits=self.limits))

    def check(self) -> UpdateAnswer:
        return self.client().check(manual=True)

    def offered(self) -> str | None:
        offer = self.check().offer
        return str(offer.version) if offer is not None else None

    def update(self) -> str:
        """Checks, downloads what is offered, and sees that it is what the engineer built."""
        client = self.client()
        offer = client.check(manual=True).offer
        assert offer is not None
        path = client.download(offer, self.downloads)
        assert path.read_bytes() == body_of(file_name(str(offer.version)))
        return str(offer.version)

    def get(self, version: str) -> Path:
        return self.client().download_release(version, self.downloads)

    def arrived(self) -> dict[str, bytes]:
        """Everything in the folder for builds, hidden files too."""
        files = self.downloads.rglob("*") if self.downloads.exists() else ()
        return {path.name: path.read_bytes() for path in files if path.is_file()}

    def kept_metadata(self) -> dict[str, bytes]:
        files = self.state.glob("metadata/**/*.json")
        return {str(path.relative_to(self.state / "metadata")): path.read_bytes() for path in files}

    def leftovers(self) -> list[str]:
        """Drafts of a write that did not come to its end."""
        return [path.name for path in self.state.rglob("*") if path.name.startswith((".draft-", "tmp"))]

    @contextmanager
    def refuses(
        self, error: type[Exception], match: str | None = None, *, online_keys_are_safe: bool = True
    ) -> Iterator[None]:
        """The attack fails: nothing arrives, and nothing is kept that was not genuine.

        With stolen online keys, snapshot and timestamp are whatever the thief signed; the roles of people never are.
        """
        before = self.arrived()
        with pytest.raises(error, match=match) as raised:
            yield
        assert self.stage.licence_key not in f"{raised.value} {raised.value!r}"
        assert self.arrived() == before
        assert self.leftovers() == []
        for name, data in self.kept_metadata().items():
            if online_keys_are_safe or name not in ("snapshot.json", "timestamp.json"):
                assert data in self.stage.genuine, f"{name} was kept, which the vendor never signed"


@dataclass(slots=True)
class Stage:
    """``genuine``: every metadata file that the vendor has ever signed. Copies begin with 1.0; 1.1 is the update."""

    world: World
    wire: Wire
    licence_key: str
    directory: Path
    genuine: set[bytes] = field(default_factory=set)
    copies: int = 0

    @property
    def database_file(self) -> Path:
        return self.directory / "tenure.sqlite3"

    @property
    def store_directory(self) -> Path:
        return self.world.settings.data_dir / "store"

    def publish(self, version: str, released_on: date | None = None, **facts: Any) -> Release:
        release = self.world.publish(version, released_on or self.world.today, **facts)
        self.remember()
        return release

    def publish_again(self) -> None:
        """The engineer runs the command for 1.1 once more; the first time publishes it."""
        self.publish("1.1", TODAY - timedelta(days=5), notes="Faster hidden-line removal.")

    def withdraw(self, version: str, reason: str) -> None:
        self.world.withdraw(version, reason)
        self.remember()

    def days_later(self, days: int) -> None:
        """The clock moves on everywhere, and the server has signed snapshot and timestamp anew."""
        self.world.today += timedelta(days=days)
        self.world.installation.keep_metadata_fresh()
        self.remember()

    def remember(self) -> None:
        self.genuine.update(self.repository().files().values())

    def repository(self) -> Repository:
        with self.world.database.reading() as records:
            return read_repository(records)

    def new_copy(self, version: str = "1.0") -> InstalledCopy:
        """One that was never in contact."""
        self.copies += 1
        return InstalledCopy(self, self.directory / f"copy-{self.copies}", version)

    def known_copy(self, version: str = "1.0") -> InstalledCopy:
        """One that has already been in honest contact."""
        copy = self.new_copy(version)
        copy.check()
        return copy

    def sql(self, statement: str, *values: object) -> None:
        """What somebody does who can write to the database behind the server's back."""
        connection = sqlite3.connect(self.database_file, timeout=30)
        try:
            with connection:
                connection.execute(statement, values)
                connection.execute("UPDATE publication SET counter = counter + 1")
        finally:
            connection.close()
        self.settle()

    def settle(self) -> None:
        """Waits until the server has seen what another process committed."""
        time.sleep(2 * LOOK_SECONDS)


@contextmanager
def running_stage(directory: Path, settings: Settings | None = None) -> Iterator[Stage]:
    """The vendor has published 1.0 and 1.1, both covered by the licence. Only links to S3 do not go over the wire."""
    (directory / "tenure.sqlite3").write_bytes(_empty_database())
    database = SqlDatabase(f"sqlite:///{directory / 'tenure.sqlite3'}")
    try:
        world = World(directory / "server", database, settings or Settings())
        world.add_product(CAD)
        licence_key = world.issue(TODAY - timedelta(days=30)).key
        with running_loopback(lambda _: Reply(502)) as loopback:
            wire = Wire(loopback)
            served = _served(world, loopback.url)
            stores = _closing_stores(world.installation, served)
            with stores, running_web_server(create_app(served)) as wire.upstream:
                stage = Stage(world, wire, licence_key, directory)
                stage.publish("1.0", TODAY - timedelta(days=20))
                stage.publish_again()
                loopback.answer = wire.serve
                yield stage
    finally:
        database.close()


@contextmanager
def _closing_stores(*installations: Installation) -> Iterator[None]:
    try:
        yield
    finally:
        for installation in installations:
            if isinstance(installation.store, S3Store):
                installation.store.close()


@functools.cache
def _empty_database() -> bytes:
    """The schema, made once."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "empty.sqlite3"
        upgrade_schema(f"sqlite:///{file}")
        with contextlib.closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return file.read_bytes()


def _served(world: World, url: str) -> Installation:
    """The server's own process knows at once what others wrote."""
    installation = world.reopened(base_url=url)
    vars(installation)["catalogue"] = CatalogueSource(world.database, fresh_seconds=0)
    return installation
