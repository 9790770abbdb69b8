"""The signer as a process of its own: real ``tenure signer`` and ``tenure serve`` processes that share a database.

The server's processes have no snapshot and no timestamp key; a release engineer and key holders work as ever.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3
from sqlalchemy import create_engine, text

from tenure_client import Client
from tenure_server.domain.api_tokens import Scope
from tenure_server.installation import Installation, remote_drafts, utc_now
from tenure_server.settings import Settings
from tenure_server.use_cases.api_tokens import TokenWish
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.ports_signer import RequestKind
from tenure_server.use_cases.publication import locked_repository, publish_roles
from tenure_server.use_cases.publish import FileToPublish, Published, PublishRequest
from tenure_signing.key_sources import new_key, read_key, tuf_signer
from tenure_signing.names import ChannelName, EditionName, FileName, Platform, ProductName
from tenure_signing.releases import Build, Release
from tenure_signing.tuf_drafts import sign, with_release
from tenure_signing.tuf_repository import Repository
from tenure_signing.versions import Version, kind_of
from tests.server.cli.at_the_terminal import PASSPHRASE, PROGRAM, Operator, RunningServer
from tests.services.postgres import PostgresServer
from tests.services.softhsm import PIN, SoftHsm

CAD = ProductName("cad")
PATIENCE_SECONDS = 20.0


def eventually(what: Callable[[], object]) -> None:
    """Wait until it is true."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


@dataclass
class Vendor:
    """``operator`` is at the server, whose keys are in its data directory; the signer's are in ``signer_keys``."""

    operator: Operator
    logs: int = 0
    url: str = ""
    token: str = ""

    @property
    def signer_keys(self) -> Path:
        return self.operator.directory / "signer-keys"

    @property
    def settings(self) -> Settings:
        return Settings.from_environ(self.operator.environment)

    @contextlib.contextmanager
    def signer(self, **settings: str) -> Iterator[RunningServer]:
        """``tenure signer``, once it has said that it is at work."""
        self.logs += 1
        log = self.operator.directory / f"signer-{self.logs}.log"
        environment = {**self.operator.environment, "TENURE_KEYS_DIR": str(self.signer_keys), **settings}
        with log.open("w") as stderr:
            process = subprocess.Popen([PROGRAM, "signer"], env=environment, stdout=stderr, stderr=stderr)
        try:
            eventually(lambda: "at work" in log.read_text() or process.poll() is not None)
            assert process.poll() is None, log.read_text()
            yield RunningServer(process, log, "")
        finally:
            process.kill()
            process.wait(30)

    def opened(self) -> contextlib.closing[Installation]:
        """To look behind."""
        return contextlib.closing(Installation(self.settings))

    def new_token(self) -> str:
        with self.opened() as installation:
            wish = TokenWish("ci", frozenset({Scope.PUBLISH}), datetime.now(UTC) + timedelta(days=1), CAD)
            return installation.create_token(wish, who="a test").secret

    def repository(self) -> Repository:
        with self.opened() as installation, installation.database.reading() as records:
            return read_repository(records)

    def status(self) -> Any:
        return self.operator.run("status", "--json").json["signer"]

    def publish(self, version: str) -> Published:
        """A release engineer on another machine, with a token and the product's key."""
        name = f"cad-{version}.zip"
        file = self.operator.build(name)
        key = tuf_signer(read_key(self.operator.data_dir / "keys" / "offline" / "product-cad.pem", PASSPHRASE.encode))
        first_root = (self.operator.data_dir / "root.json").read_bytes()
        request = PublishRequest(
            CAD,
            Version(version),
            (FileToPublish(file, FileName(name), Platform("any", "any")),),
            editions=frozenset({EditionName("pro")}),
            channel=ChannelName("stable"),
        )
        with remote_drafts(self.url, self.token, first_root, utc_now) as remote:
            prepared = remote.publishing.prepare(request, is_unattended=True)
            return remote.publishing(prepared, signers=[key])

    def certificate_kid(self, licence_key: str) -> str:
        """The key that signs certificates now."""
        headers = {"Authorization": f"License {licence_key}"}
        answer = urllib3.request("GET", f"{self.url}/v1/licence", headers=headers, retries=False, timeout=30)
        header = json.loads(answer.data)["certificate"].partition(".")[0]
        kid: str = json.loads(base64.urlsafe_b64decode(header + "=="))["kid"]
        return kid

    def waiting(self) -> int:
        with self.opened() as installation, installation.database.reading() as records:
            return records.publication_requests.count_waiting()

    def count(self, action: str) -> int:
        return self.operator.audit_trail().count(action)

    def readiness(self) -> Any:
        answer = urllib3.request("GET", f"{self.url}/readyz", retries=False, timeout=30)
        return json.loads(answer.data)


@contextlib.contextmanager
def opened(directory: Path, database_url: str) -> Iterator[Vendor]:
    """Keys in two places, a product, and a server that holds neither snapshot nor timestamp key."""
    database = {"TENURE_DATABASE_URL": database_url}
    operator = Operator(directory, database, today=(datetime.now(UTC) - timedelta(days=1)).date())
    operator.did("init")
    operator.did("product", "add", "cad", "--edition", "pro")
    vendor = Vendor(operator)
    online = vendor.signer_keys / "online"
    online.mkdir(mode=0o700, parents=True)
    for name in ("snapshot.pem", "timestamp.pem"):
        (operator.data_dir / "keys" / "online" / name).rename(online / name)
    operator.settings = {**database, "TENURE_SIGNER": "external"}
    with operator.serving() as server:
        vendor.url = server.url
        vendor.token = vendor.new_token()
        yield vendor


@pytest.fixture
def vendor(tmp_path: Path, database_url: str) -> Iterator[Vendor]:
    with opened(tmp_path, database_url) as vendor:
        yield vendor


@pytest.fixture
def sqlite_vendor(tmp_path: Path) -> Iterator[Vendor]:
    with opened(tmp_path, f"sqlite:///{tmp_path / 'tenure.sqlite3'}") as vendor:
        yield vendor


@contextlib.contextmanager
def refusing_connections(server: PostgresServer, url: str) -> Iterator[None]:
    """Cuts every connection to the database; nobody gets a new one until the block ends."""
    name = url.rpartition("/")[2]
    engine = create_engine(server.url("postgres"), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
            cut = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
            connection.execute(cut, {"name": name})
            yield
            connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
    finally:
        engine.dispose()


def listening_sockets(pid: int) -> list[str]:
    """The TCP and UDP sockets of a process that anybody could connect or send to."""
    own = {str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir() if each.is_symlink()}
    found = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            is_open = fields[3] == "0A" or table.startswith("udp")  # 0A: LISTEN
            if is_open and f"socket:[{fields[9]}]" in own:
                found.append(line)
    return found


def test_a_release_is_published_by_a_signer_that_listens_to_nothing(vendor: Vendor) -> None:
    with vendor.signer() as signer:
        assert vendor.publish("1.0").is_new
        assert not vendor.publish("1.0").is_new
        assert listening_sockets(signer.process.pid) == []
        eventually(lambda: vendor.status()["warning"] is None)
        assert vendor.status()["mode"] == "external"
        assert vendor.readiness()["signer"]["mode"] == "external"
        assert signer.end(signal.SIGTERM) == 0
    assert "Traceback" not in signer.log.read_text()
    assert vendor.count("release.publish") == 1
    assert [r["version"] for r in vendor.operator.did("releases", "--json").json] == ["1.0"]


def test_what_is_asked_while_no_signer_runs_is_kept_and_published_once_by_whichever_comes(vendor: Vendor) -> None:
    assert "no signer has been heard of" in vendor.status()["warning"]
    assert vendor.readiness()["signer"]["warning"] is not None
    before = vendor.repository()
    with ThreadPoolExecutor(1) as thread:
        publishing = thread.submit(vendor.publish, "1.0")
        eventually(lambda: vendor.waiting() == 1)
        assert vendor.repository() == before
        with vendor.signer() as one, vendor.signer():
            one.process.kill()  # at whatever it is: the other one goes on
            published = publishing.result(PATIENCE_SECONDS)
    assert published.release.version == Version("1.0")
    assert vendor.count("release.publish") == 1
    assert vendor.waiting() == 0


def test_the_signer_believes_nothing_that_the_server_says(sqlite_vendor: Vendor) -> None:
    """Whoever broke into the server writes requests of their own into the database."""
    thief = tuf_signer(new_key())
    before = sqlite_vendor.repository()
    release = Release(
        product=CAD, version=Version("6.6"), kind=kind_of(Version("6.6")), editions=frozenset({EditionName("pro")}),
        released_on=datetime.now(UTC).date(), channel=ChannelName("stable"),
        builds=(Build("cad/6.6/evil.zip", FileName("evil.zip"), Platform("any", "any"), 4, "ab" * 32),),
    )  # fmt: skip
    forged = sign(CAD, with_release(before.bytes_of(CAD), release, datetime.now(UTC)), thief)
    with sqlite_vendor.opened() as installation, installation.database.writing() as records:
        token_id = next(token.token_id for token in records.tokens.all())
        wish = {"product": "cad", "version": "6.6", "role": forged.decode(), "notes": None, "share_basis_points": None}
        for kind, body in [
            (RequestKind.RELEASE, json.dumps({**wish, "token_id": token_id}).encode()),
            (RequestKind.RELEASE, json.dumps({**wish, "token_id": "aaaaaaaaaaaa"}).encode()),
            (RequestKind.RELEASE, b"[" * 100_000),
            (RequestKind.RELEASE, b"\xff\0"),
            (RequestKind.DRAFT, b'{"format": "tenure-draft"}'),
        ]:
            records.publication_requests.ask(kind, body, "the server", datetime.now(UTC))
    with sqlite_vendor.signer():
        eventually(lambda: sqlite_vendor.waiting() == 0)
        assert sqlite_vendor.publish("1.0").is_new  # nothing of it stands in the way
    assert sqlite_vendor.count("publication.refuse") == 5
    assert [r["version"] for r in sqlite_vendor.operator.did("releases", "--json").json] == ["1.0"]


def test_a_signer_whose_database_goes_away_waits_and_goes_on(tmp_path: Path, postgres_server: PostgresServer) -> None:
    url = postgres_server.new_database()
    with opened(tmp_path, url) as vendor, vendor.signer() as signer:
        with refusing_connections(postgres_server, url):
            eventually(lambda: "could not answer what the server asks" in signer.log.read_text())
        eventually(lambda: "could answer what the server asks again" in signer.log.read_text())
        assert vendor.publish("1.0").is_new
    assert signer.log.read_text().count("could not answer what the server asks") == 1
    postgres_server.drop_database(url)


def test_new_online_keys_come_into_use_while_both_processes_run(sqlite_vendor: Vendor) -> None:
    """Snapshot and timestamp in the signer, the certificate key in the server: neither is restarted."""
    operator = sqlite_vendor.operator
    key = operator.issue("--smp-years", "1")["key"]
    old_certificate_key = sqlite_vendor.certificate_kid(key)
    root, targets = (operator.data_dir / "keys" / "offline" / f"{role}.pem" for role in ("root", "targets"))
    with sqlite_vendor.signer():
        draft, before = operator.directory / "online.json", sqlite_vendor.repository().root().roles
        operator.did("trust", "draft", "online-keys", "--out", draft, TENURE_KEYS_DIR=str(sqlite_vendor.signer_keys))
        operator.did("trust", "sign", draft, "--key", root, "--yes")
        operator.did("trust", "submit", draft)
        after = sqlite_vendor.repository().root().roles
        assert not {*after["snapshot"].keyids, *after["timestamp"].keyids} & {*before["snapshot"].keyids}
        draft = operator.directory / "licence.json"
        only = ("--licence-keys", "retire", "--only-licence-keys")
        operator.did("trust", "draft", "online-keys", *only, "--out", draft)
        operator.did("trust", "sign", draft, "--key", targets, "--yes")
        operator.did("trust", "submit", draft)
        eventually(lambda: sqlite_vendor.certificate_kid(key) != old_certificate_key)
        assert sqlite_vendor.publish("1.0").is_new
    client = Client.open(
        root=(operator.data_dir / "root.json").read_bytes(), server_url=sqlite_vendor.url, product="cad", version="0.9",
        licence_key=key, platform="linux-x86_64", state_directory=operator.directory / "copy",
    )  # fmt: skip
    eventually(lambda: client.check().offer is not None)  # the server looks twice a second for what others published


def test_what_is_past_half_its_life_is_signed_as_soon_as_a_signer_comes(sqlite_vendor: Vendor) -> None:
    """Nobody has signed for thirty hours of the timestamp's two days."""
    settings = replace(sqlite_vendor.settings, keys_dir=sqlite_vendor.signer_keys)
    with contextlib.closing(Installation(settings, is_signer=True)) as installation:
        online = installation.online_signers()
        with installation.database.writing() as records:
            then = datetime.now(UTC) - timedelta(hours=30)
            publish_roles(records, locked_repository(records), {}, online, then)
    stale = sqlite_vendor.repository().roles["timestamp"]
    with sqlite_vendor.signer():
        eventually(lambda: sqlite_vendor.repository().roles["timestamp"] != stale)
    signed = datetime.fromisoformat(sqlite_vendor.status()["last_signed"])
    assert datetime.now(UTC) - signed < timedelta(hours=1)


def test_the_online_keys_may_lie_on_a_token(tmp_path: Path, softhsm: SoftHsm) -> None:
    """From the first root on, and another one after a ceremony, without a restart of the signer."""
    pin = tmp_path / "pin"
    pin.write_text(f"{PIN}\n")
    keys = {role: softhsm.new_key(number) for number, role in ((71, "snapshot"), (72, "timestamp"), (73, "next"))}
    settings = {
        "PYKCS11LIB": str(softhsm.library),
        "SOFTHSM2_CONF": os.environ["SOFTHSM2_CONF"],
        "TENURE_SNAPSHOT_KEY": f"{keys['snapshot']} {keys['next']}",
        "TENURE_TIMESTAMP_KEY": keys["timestamp"],
        "TENURE_SIGNER_PIN_FILE": str(pin),
    }
    operator = Operator(tmp_path, settings, today=(datetime.now(UTC) - timedelta(days=1)).date())
    operator.did("init")
    assert {each.name for each in (operator.data_dir / "keys" / "online").glob("*.pem")} == {
        "licence.pem",
        "certificate.pem",
    }
    operator.did("product", "add", "cad", "--edition", "pro")
    operator.publish("1.0")
    public, draft = tmp_path / "next.json", tmp_path / "online.json"
    operator.did("keys", "public", keys["next"], "--out", public)
    timestamp = tmp_path / "timestamp.json"
    operator.did("keys", "public", keys["timestamp"], "--out", timestamp)
    given = ("--snapshot-key", public, "--timestamp-key", timestamp)
    operator.did("trust", "draft", "online-keys", *given, "--out", draft)
    operator.did("trust", "sign", draft, "--key", operator.data_dir / "keys" / "offline" / "root.pem", "--yes")
    operator.did("trust", "submit", draft)
    operator.publish("1.1")
    with operator.serving() as server:
        assert urllib3.request("GET", f"{server.url}/metadata/timestamp.json", retries=False).status == 200
    without_pin = operator.run("publish", operator.build("x"), *FACTS, TENURE_SIGNER_PIN_FILE=None)
    assert "PIN" in without_pin.error


FACTS = ("--product", "cad", "--version", "1.2", "--platform", "any")


def test_what_needs_the_online_keys_says_where_they_are(sqlite_vendor: Vendor) -> None:
    refused = sqlite_vendor.operator.run("withdraw", *FACTS[:4], "--reason", "no")
    assert "external signer" in refused.error
    assert "trust draft" in refused.hint
