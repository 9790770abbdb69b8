"""A server that is behind refuses what installed copies ask by themselves, answers people, and says when to come back.

Nothing here waits for a server to be slow: it is told what it would have found out.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from tenure_client import Client, KeptReason
from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.app import create_app, server_metrics
from tenure_server.domain.load import Found
from tenure_server.http.load_shedding import EPISODE_ENDS_AFTER_SECONDS, LoadShedding
from tenure_server.http.request_counts import RequestCounts
from tests.server.world import CAD, World, license_header
from tests.services.web_server import running_web_server

LATE = Found(elapsed=0.5, waited=0.5, requests=1_000)
HOPELESS = Found(elapsed=3.0, waited=3.0, requests=10_000)
CALM = Found(elapsed=0.5, waited=0.0, requests=10)
QUESTION = "product=cad&version=0.9&os=linux&arch=x86_64"


@dataclass
class Busy:
    """A server that finds out about itself what the test says, and nothing else."""

    world: World
    load: LoadShedding
    client: TestClient
    key: str
    address: tuple[str, int] = field(default=("", 0))

    def is_behind(self, found: Found = LATE) -> None:
        for _ in range(100):
            self.load.observe(found)

    def has_caught_up(self) -> None:
        while self.load.is_shedding:
            self.load.observe(CALM)

    def asked(self, query: str) -> int:
        return self.client.get(f"/v1/update-check?{query}", headers=license_header(self.key)).status_code

    def over_the_wire(self, target: str) -> bytes:
        """The whole answer to a request as installed software sends it: the short way."""
        request = f"GET {target} HTTP/1.1\r\nHost: updates\r\nAuthorization: License {self.key}\r\n\r\n"
        with closing(socket.create_connection(self.address, timeout=30)) as connection:
            connection.sendall(request.encode())
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Busy]:
    world = World(tmp_path / "server", MemoryDatabase())
    world.add_product(CAD)
    world.publish("1.0", date(2024, 1, 10))
    issued = world.issue(date(2024, 3, 1), smp_years=1)
    metrics = server_metrics(world.installation)
    app = create_app(world.installation, metrics)
    world.installation.catalogue.current()
    with running_web_server(app) as url:  # without its lifespan: nobody looks but the test
        parts = urlsplit(url)
        yield Busy(world, metrics.load, TestClient(app), issued.key, (str(parts.hostname), int(parts.port or 0)))


def test_checks_in_the_background_are_refused_and_checks_by_hand_are_answered(busy: Busy) -> None:
    assert busy.over_the_wire(f"/v1/update-check?{QUESTION}").startswith(b"HTTP/1.1 200 ")
    busy.is_behind()
    refused = busy.over_the_wire(f"/v1/update-check?{QUESTION}")
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"x-content-type-options: nosniff" in refused
    assert json.loads(refused.partition(b"\r\n\r\n")[2])["code"] == "overloaded"
    assert busy.over_the_wire(f"/v1/update-check?{QUESTION}&manual=true").startswith(b"HTTP/1.1 200 ")
    busy.has_caught_up()
    assert busy.over_the_wire(f"/v1/update-check?{QUESTION}").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("escaped", ["product=%63ad", "product=cad"])
def test_either_way_refuses_and_answers_alike(busy: Busy, escaped: str) -> None:
    query = QUESTION.replace("product=cad", escaped)
    busy.is_behind()
    assert (busy.asked(query), busy.asked(f"{query}&manual=true")) == (503, 200)


def test_those_who_are_refused_do_not_all_come_back_at_once(busy: Busy) -> None:
    busy.is_behind()
    answers = [busy.client.get(f"/v1/update-check?{QUESTION}") for _ in range(64)]
    waits = {int(answer.headers["retry-after"]) for answer in answers}
    assert min(waits) >= 60
    assert max(waits) <= 300
    assert len(waits) > 20


def test_the_portal_downloads_and_operators_are_answered_while_the_background_is_refused(busy: Busy) -> None:
    client, file = busy.client, "/downloads/cad/1.0/nothing.zip"
    addresses = ["/portal", "/v1/releases?product=cad", file, "/metadata/timestamp.json", "/v1/orders"]
    before = {path: client.get(path, headers=license_header(busy.key)).status_code for path in addresses}
    busy.is_behind()
    assert {path: client.get(path, headers=license_header(busy.key)).status_code for path in addresses} == before
    assert client.get("/feeds/velopack/cad/linux-x86_64/stable/releases.linux.json").status_code == 503
    assert client.post("/v1/install-reports", json={}).status_code == 503


def test_when_nothing_else_helps_people_are_refused_for_a_moment_too_but_never_monitoring(busy: Busy) -> None:
    busy.is_behind(HOPELESS)
    answer = busy.client.get(f"/v1/update-check?{QUESTION}&manual=true", headers=license_header(busy.key))
    assert answer.status_code == 503
    assert 2 <= int(answer.headers["retry-after"]) <= 10
    assert busy.client.get("/portal").status_code == 503
    assert busy.client.get("/healthz").status_code == 200
    busy.has_caught_up()
    assert busy.asked(QUESTION) == 200


def test_the_admitted_share_is_answered_to_the_request(busy: Busy) -> None:
    while busy.load.admission.background > 0.5:
        busy.load.observe(LATE)
    share = busy.load.admission.background
    answered = sum(busy.asked(QUESTION) == 200 for _ in range(100))
    assert answered == int(100 * share)


def test_an_overloaded_server_looks_at_no_key_before_it_refuses(busy: Busy) -> None:
    busy.is_behind()
    answers = {busy.client.get(f"/v1/update-check?{QUESTION}", headers=license_header(k)).text for k in ("", "x", "y")}
    assert len(answers) == 1


def test_an_episode_is_logged_when_it_begins_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    load = LoadShedding(0.2, RequestCounts(), monotonic=lambda: now[0])
    with caplog.at_level(logging.WARNING):
        for found in [LATE] * 50 + [CALM] * 100 + [LATE] * 50 + [CALM] * 300:
            now[0] += 0.02
            load.observe(found)
            load.is_shedding and load.refusal(b"/v1/update-check", b"")
        assert len(caplog.records) == 1
        now[0] += EPISODE_ENDS_AFTER_SECONDS
        load.observe(CALM)
    began, ended = (record.getMessage() for record in caplog.records)
    assert "more is asked than this process can answer" in began
    assert re.search(rf"refused were {load.background_refused} checks in the background and 0 other requests", ended)
    assert load.episodes == 1


def test_a_process_finds_out_by_itself_that_it_is_behind() -> None:
    """By a clock on which each turn of its event loop takes half a second, in which a hundred requests come."""
    counts, now = RequestCounts(), [0.0]

    def clock() -> float:
        now[0] += 0.25
        for _ in range(50):
            counts.count(b"/v1/update-check", 200)
        return now[0]

    async def seen() -> bool:
        load = LoadShedding(0.2, counts, monotonic=clock, look_seconds=0)
        async with load.looking():
            for _ in range(1_000):
                await asyncio.sleep(0)
                if load.is_shedding:
                    return True
        return False

    assert asyncio.run(seen())


def test_a_process_finds_out_that_requests_wait_for_something_else() -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 0.01
        return now[0]

    async def seen() -> bool:
        load = LoadShedding(0.2, RequestCounts(), monotonic=clock, look_seconds=0.01)
        load.begun = 500
        async with load.looking():
            for _ in range(1_000):
                await asyncio.sleep(0.001)
                if load.is_shedding:
                    return True
        return False

    assert asyncio.run(seen())


def test_the_sdk_leaves_a_busy_server_alone_and_asks_when_its_user_does(busy: Busy, tmp_path: Path) -> None:
    client = Client.open(
        product="cad",
        version="0.9",
        server_url=f"http://{busy.address[0]}:{busy.address[1]}",
        root=busy.world.root_json,
        licence_key=busy.key,
        state_directory=tmp_path / "state",
        clock=busy.world.now,
    )
    client.check()
    busy.is_behind()
    refused = client.check()
    assert refused.kept_reason is KeptReason.SERVER_UNAVAILABLE
    assert timedelta(seconds=60) <= refused.next_check_after - busy.world.now() <= timedelta(seconds=375)
    assert client.check().kept_reason is KeptReason.SERVER_ASKED_TO_WAIT
    assert client.check(manual=True).kept_reason is None


def test_within_a_long_turn_of_the_event_loop_background_checks_are_refused_until_it_ends() -> None:
    """The loop's timer comes only after all that was ready: at 48 times 1,024 events with libuv."""
    now = [0.0]
    load = LoadShedding(0.2, RequestCounts(), monotonic=lambda: now[0])
    background, people = (b"/v1/update-check", b"product=cad"), (b"/v1/update-check", b"product=cad&manual=true")
    refused = 0
    for _ in range(3_000):
        now[0] += 0.0002
        load.left -= 1
        if not load.left:
            load.look_within_turn()
        refused += load.is_shedding and load.refusal(*background) is not None
        assert not (load.is_shedding and load.refusal(*people))
    assert 1_900 < refused < 2_000  # what came after 0.2 s
    load.observe(CALM)
    assert not load.is_shedding
    assert load.refusal(*background) is None
