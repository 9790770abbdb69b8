"""What goes the short way is answered as what does not, to the byte, and nothing else goes it."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import urlsplit

import pytest

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.app import create_app, server_metrics
from tenure_server.http.fast_routes import FastApplication
from tenure_server.http.request_counts import RequestCounts
from tenure_server.http.whole_answers import WholeAnswer
from tests.server.world import CAD, World
from tests.services.web_server import running_web_server


@dataclass
class Counted:
    """How many requests were answered at once."""

    count: int = 0


@dataclass
class Served:
    address: tuple[str, int]
    key: str
    short: Counted
    token: str
    app: FastApplication
    requests: RequestCounts

    def check(self, query: str = "product=cad", *headers: str) -> bytes:
        return self.get(f"/v1/update-check?{query}&version=0.9&os=linux&arch=x86_64", *headers)

    def get(self, target: str, *headers: str, version: str = "1.1") -> bytes:
        lines = [f"GET {target} HTTP/{version}", "Host: updates", f"Authorization: License {self.key}", *headers]
        return "\r\n".join([*lines, "", ""]).encode()

    def ask(self, *requests: bytes, pieces: int = 1) -> list[bytes]:
        """Sent on one connection, one after the other; every answer without its date."""
        answers = []
        with closing(socket.create_connection(self.address, timeout=30)) as connection:
            stream = connection.makefile("rb")
            for request in requests:
                size = -(-len(request) // pieces)
                for start in range(0, len(request), size):
                    connection.sendall(request[start : start + size])
                answers.append(one_answer(stream))
        return answers


def one_answer(stream: object) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()  # type: ignore[attr-defined]
        assert line, head
        head += line
    length = re.search(rb"content-length: (\d+)", head)
    body = stream.read(int(length[1])) if length and not head.startswith(b"HTTP/1.1 304") else b""  # type: ignore[attr-defined]
    return re.sub(rb"date: [^\r]*\r\n", b"", head) + body


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    world = World(tmp_path_factory.mktemp("short"), MemoryDatabase())
    world.add_product(CAD)
    world.publish("1.0", date(2024, 1, 10))
    issued = world.issue(date(2024, 3, 1), smp_years=1)
    metrics = server_metrics(world.installation)
    app = create_app(world.installation, metrics)
    world.installation.catalogue.current()
    short = Counted()
    before = app.at_once

    def counted(scope: object) -> WholeAnswer | None:
        answer = before(scope)  # type: ignore[arg-type]
        short.count += answer is not None
        return answer

    app.at_once = counted  # type: ignore[method-assign]
    with running_web_server(app) as url:
        parts = urlsplit(url)
        token = world.installation.feed_tokens.token_of(issued.licence.licence_id)
        yield Served((str(parts.hostname), int(parts.port or 0)), issued.key, short, token, app, metrics.counts)


def test_a_plain_check_is_answered_at_once_and_as_any_other(served: Served) -> None:
    before = served.short.count
    short, again, general = served.ask(served.check(), served.check(), served.check("product=%63ad"))
    assert served.short.count == before + 2
    assert short.startswith(b"HTTP/1.1 200 OK\r\n")
    assert short == again == general
    etag = re.search(rb"etag: ([^\r]*)", short)
    assert etag is not None
    tag = f"If-None-Match: {etag[1].decode()}"
    unchanged, general_unchanged = served.ask(served.check("product=cad", tag), served.check("product=%63ad", tag))
    assert unchanged.startswith(b"HTTP/1.1 304 Not Modified\r\n")
    assert unchanged == general_unchanged


def test_what_is_answered_at_once_is_counted_as_any_other(served: Served) -> None:
    def counted(route: str) -> int:
        return sum(count for name, outcome, count in served.requests.items() if (name, outcome) == (route, "2xx"))

    served.ask(served.check(), served.get("/metadata/timestamp.json"))
    checks, metadata, short = counted("update_check"), counted("metadata"), served.short.count
    served.ask(served.check(), served.check("product=%63ad"), served.get("/metadata/timestamp.json"))
    assert served.short.count >= short + 2
    assert (counted("update_check"), counted("metadata")) == (checks + 2, metadata + 1)


@pytest.mark.parametrize(
    "target",
    [
        "/metadata/timestamp.json",
        "/downloads/cad/1.0/nothing.zip",
        "/downloads/cad/9.9/nothing.zip",
        "/feeds/TOKEN/velopack/cad/linux-x86_64/stable/releases.linux.json",
        "/feeds/velopack/cad/linux-x86_64/stable/releases.linux.json",
        f"/feeds/{'a' * 32}/velopack/cad/linux-x86_64/stable/releases.linux.json",
    ],
)
def test_every_fast_route_answers_alike(served: Served, target: str) -> None:
    target = target.replace("TOKEN", served.token)
    escaped = f"{target[:-1]}%{ord(target[-1]):02X}"
    served.ask(served.get(target))
    before = served.short.count
    short, general = served.ask(served.get(target), served.get(escaped))
    assert short == general
    assert served.short.count == before + 1


def test_a_forged_key_is_refused_alike(served: Served) -> None:
    _, _, signature = served.key.rpartition(".")
    other = served.key[:-86] + ("A" if signature[0] != "A" else "B") + signature[1:]
    forged = [
        one.replace(served.key.encode(), other.encode()) for one in (served.check(), served.check("product=%63ad"))
    ]
    short, general = served.ask(*forged)
    assert short.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert short == general


@pytest.mark.parametrize("pieces", [2, 7])
def test_a_request_that_comes_in_pieces_is_answered(served: Served, pieces: int) -> None:
    whole, in_pieces = served.ask(served.check())[0], served.ask(served.check(), served.check(), pieces=pieces)
    assert in_pieces == [whole, whole]


def test_requests_sent_together_are_answered_in_order(served: Served) -> None:
    queries = ("product=cad", "product=cam", "product=cad&channel=beta", "product=%63ad", "product=cad")
    alone = [served.ask(served.check(query))[0] for query in queries]
    with closing(socket.create_connection(served.address, timeout=30)) as connection:
        connection.sendall(b"".join(served.check(query) for query in queries))
        stream = connection.makefile("rb")
        assert [one_answer(stream) for _ in queries] == alone


@pytest.mark.parametrize(
    "request_of",
    [
        lambda served: served.check("product=cad", "Connection: close"),
        lambda served: served.check("product=cad").replace(b"HTTP/1.1", b"HTTP/1.0"),
        lambda served: served.check("product=cad", "Content-Length: 1") + b"x",
        lambda served: served.check("product=cad", "Connection: Upgrade", "Upgrade: h2c"),
        lambda served: served.check("product=cad").replace(b"GET ", b"HEAD ", 1),
        lambda served: served.check("product=cad").replace(b"GET /", b"GET http://updates/", 1),
        lambda served: served.check("product=cad", "Expect: 100-continue"),
        lambda served: served.check("product=cad", "Tenure-Certificate: none"),
    ],
)
def test_whatever_is_not_plain_goes_the_general_way(served: Served, request_of: object) -> None:
    assert callable(request_of)
    before = served.short.count
    with closing(socket.create_connection(served.address, timeout=30)) as connection:
        connection.sendall(request_of(served))
        assert connection.recv(65536).startswith(b"HTTP/1.1 ")
    assert served.short.count == before


def test_an_answer_from_a_copy_says_of_when_it_is_on_either_way(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served.app, "_as_of", lambda: datetime(2026, 11, 23, 12, tzinfo=UTC))
    before = served.short.count
    short, general = served.ask(served.check(), served.check("product=%63ad"))
    assert served.short.count == before + 1
    assert b"tenure-as-of: 2026-11-23T12:00:00Z\r\n" in short
    assert short == general


def test_a_failure_on_the_short_way_is_answered_by_the_general_one(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tenure_server.http.fast_update_check import FastUpdateCheck

    expected = served.ask(served.check())[0]

    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(FastUpdateCheck, "at_once", broken)
    assert served.ask(served.check())[0] == expected
