"""Two engineers with a key each publish from two machines; a customer's product sees the release when both signed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import Signer

from tenure_client import Client
from tenure_server.adapters.local_store import LocalStore
from tenure_server.adapters.local_uploads import LocalUploads
from tenure_server.adapters.release_drafts_server import HttpReleaseDraftsServer
from tenure_server.adapters.server_connection import ServerConnection
from tenure_server.app import create_app
from tenure_server.domain.release_drafts import DraftStanding, DraftState, DraftWish
from tenure_server.errors import Conflict
from tenure_server.installation import Installation
from tenure_server.settings import Settings
from tenure_server.use_cases.publish import Published
from tenure_server.use_cases.publish_remotely import PublishRemotely
from tenure_server.use_cases.release_drafts_remotely import PublishByDraft, ReleaseDraftsRemotely
from tenure_signing.names import ProductName
from tests.end_to_end.remote_publisher import Bench, ProcessKilled, running_bench
from tests.end_to_end.shop import MACHINE, Shop, days_ago, open_shop
from tests.server.cli.at_the_terminal import Operator
from tests.server.use_cases.test_release_drafts import Team
from tests.services.web_server import running_web_server

SECONDS_TO_APPEAR = 30.0


# With the real commands, a real server and a real client


@dataclass
class Machine:
    """An engineer's machine: a key, a token and the first root."""

    terminal: Operator
    key: Path
    token: str
    root: Path

    def did(self, url: str, *arguments: object) -> Any:
        where = ("--server", url, "--root", self.root, "--json")
        return self.terminal.did(*arguments, *where, TENURE_TOKEN=self.token).json["draft"]

    def publish(self, url: str, body: bytes, *options: str) -> Any:
        build = self.terminal.build(f"cad-2.0-{MACHINE}.tar.gz", body)
        facts = ("--product", "cad", "--version", "2.0", "--platform", MACHINE, "--edition", "pro", "--yes")
        signed = ("--channel", "stable", "--key", f"file:{self.key}")
        return self.did(url, "publish", build, *facts, *signed, *options)

    def sign(self, url: str, draft: Any) -> Any:
        return self.did(url, "drafts", "sign", draft["id"], "--code", draft["code"], "--key", f"file:{self.key}")


def machines(operator: Operator, directory: Path) -> tuple[Machine, Machine]:
    """From now on a release of cad takes the keys of both."""
    offline = operator.data_dir / "keys" / "offline"
    keys = {"Aminah": offline / "product-cad.pem", "Ben": directory / "ben.pem"}
    operator.did("keys", "new", keys["Ben"])
    options: list[object] = []
    for name, key in keys.items():
        operator.did("keys", "public", key, "--out", directory / f"{name}.json", "--name", name)
        options += ["--key", directory / f"{name}.json"]
    draft = directory / "keys.draft"
    operator.did("trust", "draft", "product-keys", "cad", *options, "--threshold", "2", "--out", draft)
    for key in (offline / "targets.pem", *keys.values()):
        operator.did("trust", "sign", draft, "--key", f"file:{key}", "--yes")
    operator.did("trust", "submit", draft)
    made = []
    for name, key in keys.items():
        folder = directory / f"machine of {name}"
        folder.mkdir()
        scope = ("--scope", "publish", "--product", "cad", "--days", "9")
        token = operator.did("token", "create", "--name", "laptop", *scope, "--person", name).out.strip()
        made.append(Machine(Operator(folder), key, token, operator.data_dir / "root.json"))
    return made[0], made[1]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path) as shop:
        yield shop


def offered(client: Client) -> str | None:
    offer = client.check(manual=True).offer
    return str(offer.version) if offer is not None else None


def test_a_customer_sees_the_release_once_the_second_engineer_has_signed(shop: Shop, tmp_path: Path) -> None:
    aminah, ben = machines(shop.operator, tmp_path)
    shop.operator.today = days_ago(1)  # its clock stands at noon, and no key is believed before it was issued
    key = shop.sell(days_ago(30), "--smp-years", "1")["key"]
    body = b"the second version" * 10_000
    made = aminah.publish(shop.url, body)
    assert made["standing"] == "1 of 2 signatures"
    shop.settled_at = time.monotonic() + 1.0
    client = shop.client(key, "1.0")
    assert offered(client) is None
    assert ben.sign(shop.url, made)["state"] == "published"
    assert wait_for(lambda: offered(client) == "2.0")
    result = client.check(manual=True)
    assert result.offer is not None
    assert client.download(result.offer, tmp_path).read_bytes() == body


def test_a_scheduled_release_appears_at_its_time_after_a_restart(tmp_path: Path) -> None:
    """Both sign while the server's clock is an hour behind; the server that is started then finds it due."""
    operator = Operator(tmp_path, {}, today=days_ago(1))
    operator.did("init")
    operator.did("product", "add", "cad", "--edition", "pro")
    aminah, ben = machines(operator, tmp_path)
    order = ("--product", "cad", "--edition", "pro", "--customer", "Ada", "--price", "1000", "--smp-years", "1")
    sold = operator.did("licence", "issue", *order, "--json").json

    def an_hour_ago() -> datetime:
        return datetime.now(UTC) - timedelta(hours=1)

    before = Installation(Settings.from_environ(operator.environment), clock=an_hour_ago)
    address = list[str]()
    vars(before)["upload_store"] = uploads_at(before, address)
    at = (an_hour_ago() + timedelta(minutes=30)).replace(microsecond=0)
    with running_web_server(create_app(before)) as url:
        address.append(url)
        made = aminah.publish(url, b"x", "--publish-at", at.isoformat())
        assert ben.sign(url, made)["standing"] == f"scheduled for {at:%Y-%m-%d %H:%M} UTC"
        assert operator.did("releases", "--json").json == []
    before.close()
    with operator.serving() as server:
        client = Shop(operator, server).client(sold["key"], "1.0")
        assert wait_for(lambda: offered(client) == "2.0")
    release = operator.did("releases", "--json").json[0]
    assert release["released_on"] == at.date().isoformat()


def uploads_at(installation: Installation, address: list[str]) -> LocalUploads:
    store = installation.store
    assert isinstance(store, LocalStore)
    link_key = installation.keys.secret_for("upload links")
    folder = installation.settings.data_dir / "store"
    clock = installation.signing_clock
    return LocalUploads(store, folder, base_url=lambda: address[0], link_key=link_key, clock=clock)


def wait_for(happened: Callable[[], bool]) -> bool:
    give_up_at = time.monotonic() + SECONDS_TO_APPEAR
    while time.monotonic() < give_up_at:
        if happened():
            return True
        time.sleep(0.2)
    return False


# Killed at any step


@dataclass
class KillableDrafts:
    """The real server over HTTP; the process ends before or after the call of that name."""

    server: HttpReleaseDraftsServer
    dies: str | None = None
    calls: list[str] = field(default_factory=list)

    def release_day(self, at: datetime) -> date:
        return self.server.release_day(at)

    def list(self, product: ProductName | None, *, over: bool = False) -> tuple[DraftStanding, ...]:
        return self.server.list(product, over=over)

    def one(self, draft_id: str) -> DraftStanding:
        return self._call("one", lambda: self.server.one(draft_id))

    def make(self, wish: DraftWish) -> DraftStanding:
        return self._call("make", lambda: self.server.make(wish))

    def sign(self, draft_id: str, code: str, signatures: Mapping[str, str]) -> DraftStanding:
        return self._call("sign", lambda: self.server.sign(draft_id, code, signatures))

    def approve(self, draft_id: str, code: str) -> DraftStanding:
        return self._call("approve", lambda: self.server.approve(draft_id, code))

    def rebuild(self, draft_id: str, code: str, wish: DraftWish) -> DraftStanding:
        return self._call("rebuild", lambda: self.server.rebuild(draft_id, code, wish))

    def cancel(self, draft_id: str, *, reason: str) -> DraftStanding:
        return self._call("cancel", lambda: self.server.cancel(draft_id, reason=reason))

    def _call(self, name: str, call: Callable[[], DraftStanding]) -> DraftStanding:
        if self.dies == f"before {name}":
            raise ProcessKilled
        standing = call()
        self.calls.append(name)
        if self.dies == f"after {name}":
            raise ProcessKilled
        return standing


def drafts_of(bench: Bench, token: str, dies: str | None = None) -> ReleaseDraftsRemotely:
    server = HttpReleaseDraftsServer(ServerConnection(bench.address, token))
    return ReleaseDraftsRemotely(KillableDrafts(server, dies), bench.metadata, bench.world.now)


@dataclass
class Two:
    bench: Bench
    team: Team

    def publish(
        self, version: str, *signers: Signer, person: str = "Aminah", dies: str | None = None, **options: Any
    ) -> Published | DraftStanding:
        """The whole command, again or for the first time."""
        token = self.bench.token(person=person).secret
        http = self.bench.server(token)
        drafts = drafts_of(self.bench, token, dies)
        publishing = PublishRemotely(http, self.bench.metadata, self.bench.world.now)
        prepared = publishing.prepare(self.bench.request(version), is_unattended=True)
        return PublishByDraft(publishing, drafts)(prepared, signers=signers, **options)

    @property
    def keys(self) -> Sequence[Signer]:
        return (self.bench.world.engineer, self.team.second)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    with running_bench(tmp_path) as bench:
        team = Team(bench.world)
        team.ask_two()
        yield Two(bench, team)


@pytest.mark.parametrize("dies", ["before make", "after make"])
def test_the_first_engineer_killed_at_any_step_goes_on(two: Two, dies: str) -> None:
    first, second = two.keys
    with pytest.raises(ProcessKilled):
        two.publish("1.0", first, dies=dies)
    made = two.publish("1.0", first)
    assert isinstance(made, DraftStanding)
    assert made.words == "1 of 2 signatures"
    assert len(two.team.world.installation.list_release_drafts(over=True)) == 1
    done = two.publish("1.0", second, person="Ben")
    assert isinstance(done, DraftStanding)
    assert done.draft.state is DraftState.PUBLISHED
    assert list(two.bench.published()) == ["1.0"]


@pytest.mark.parametrize("dies", ["before one", "after one", "before sign", "after sign"])
def test_the_second_engineer_killed_at_any_step_goes_on(two: Two, dies: str) -> None:
    first, second = two.keys
    two.publish("1.0", first)
    with pytest.raises(ProcessKilled):
        two.publish("1.0", second, person="Ben", dies=dies)
    assert set(two.bench.published()) == ({"1.0"} if dies == "after sign" else set())
    two.publish("1.0", second, person="Ben")
    assert list(two.bench.published()) == ["1.0"]
    assert two.team.actions().count("release.publish") == 1


@pytest.mark.parametrize("dies", ["before rebuild", "after rebuild"])
def test_whoever_is_killed_while_a_stale_draft_is_made_anew_goes_on(two: Two, dies: str) -> None:
    first, second = two.keys
    two.publish("1.0", first)
    assert isinstance(two.publish("2.0", first, second), Published)  # both keys on one machine: at once
    with pytest.raises(ProcessKilled):
        two.publish("1.0", first, dies=dies)
    again = two.publish("1.0", first)
    assert isinstance(again, DraftStanding)
    assert again.words == "1 of 2 signatures"
    two.publish("1.0", second, person="Ben")
    assert sorted(two.bench.published()) == ["1.0", "2.0"]


def test_both_keys_on_one_machine_make_a_draft_where_others_approve(two: Two) -> None:
    two.team.ask_approvals(1)
    made = two.publish("1.0", *two.keys)
    assert isinstance(made, DraftStanding)
    assert made.words == "2 of 2 signatures, 0 of 1 approvals"
    assert two.bench.published() == {}


def test_a_server_that_shows_another_release_than_was_made_gets_no_signature(two: Two) -> None:
    """The second engineer's command says what it wants; what a server makes of the draft is measured at that."""
    first, second = two.keys
    two.publish("1.0", first)
    other = two.bench.request("1.0", b"other bytes")
    token = two.bench.token(person="Ben").secret
    http = two.bench.server(token)
    publishing = PublishRemotely(http, two.bench.metadata, two.bench.world.now)
    drafts = drafts_of(two.bench, token)
    prepared = publishing.prepare(other, is_unattended=True)
    with pytest.raises(Conflict) as error:
        PublishByDraft(publishing, drafts)(prepared, signers=[second])
    assert error.value.code == "draft_exists"
    assert two.bench.published() == {}
