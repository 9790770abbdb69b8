"""The application behind a real web server, asked by a real TUF client and by raw bytes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import Updater

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.app import create_app
from tenure_signing.tuf_roles import LICENCE_KEYS_PATH
from tests.server.world import CAD, World
from tests.services.web_server import running_web_server


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Dated today, because clients look at their own clocks."""
    world = World(tmp_path / "server", MemoryDatabase(), today=datetime.now(UTC).date())
    world.add_product(CAD)
    world.publish("1.0", world.today)
    return world


@pytest.fixture
def url(world: World) -> Iterator[str]:
    with running_web_server(create_app(world.reopened())) as url:
        yield url


def client_of(world: World, url: str, directory: Path) -> Updater:
    for name in ("state", "downloads"):
        (directory / name).mkdir(exist_ok=True)
    return Updater(
        str(directory / "state"),
        f"{url}/metadata/",
        str(directory / "downloads"),
        f"{url}/downloads/",
        bootstrap=world.root_json,
    )


def test_a_tuf_client_comes_from_the_embedded_root_to_a_release_and_the_licence_keys(
    world: World, url: str, tmp_path: Path
) -> None:
    client = client_of(world, url, tmp_path)
    client.refresh()
    build = client.get_targetinfo("cad/1.0/cad-1.0-linux-x86_64.zip")
    assert build is not None
    keys = client.get_targetinfo(LICENCE_KEYS_PATH)
    assert keys is not None
    downloaded = Path(client.download_target(keys))
    assert downloaded.read_bytes() == world.installation.keys.licence_key_set().to_json()
    with pytest.raises(DownloadHTTPError) as refused:
        client.download_target(build)
    assert refused.value.status_code == 401


def test_a_tuf_client_sees_the_next_publication(world: World, url: str, tmp_path: Path) -> None:
    client_of(world, url, tmp_path).refresh()
    world.publish("1.1", world.today)
    assert client_of(world, url, tmp_path).get_targetinfo("cad/1.1/cad-1.1-linux-x86_64.zip") is not None


def exchange(url: str, request: bytes) -> bytes:
    """Send the bytes and return everything that comes back until the server closes."""
    parts = urlsplit(url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=30) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_head_answers_with_the_headers_of_get_and_nothing_after_them(url: str) -> None:
    answers = [
        exchange(url, f"{method} /metadata/timestamp.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        for method in ("GET", "HEAD")
    ]
    heads = [answer.partition(b"\r\n\r\n")[0] for answer in answers]
    lines = [
        sorted(line for line in head.lower().split(b"\r\n") if not line.startswith((b"date:", b"server:")))
        for head in heads
    ]
    assert lines[0] == lines[1]
    assert answers[0].partition(b"\r\n\r\n")[2]
    assert answers[1].partition(b"\r\n\r\n")[2] == b""


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /metadata/%00 HTTP/1.1\r\nHost: x\r\n", b"400"),
        (b"GET /metadata/%ff HTTP/1.1\r\nHost: x\r\n", b"400"),
        (b"GET /metadata/\xff HTTP/1.1\r\nHost: x\r\n", b"400"),
        (b"GET /v1/licence?\xff=1 HTTP/1.1\r\nHost: x\r\n", b"40"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n", b"414"),
        (b"GET //metadata/timestamp.json HTTP/1.1\r\nHost: x\r\n", b"404"),
        (b"GET /metadata/../v1/licence HTTP/1.1\r\nHost: x\r\n", b"404"),
        (b"GET /healthz/ HTTP/1.1\r\nHost: evil.example\r\n", b"404"),
        (b"GET /v1/licence HTTP/1.1\r\nHost: x\r\nAuthorization: License a\r\nAuthorization: License b\r\n", b"400"),
        (b"POST /v1/licence HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n", b"413"),
        (b"BREW /healthz HTTP/1.1\r\nHost: x\r\n", b"40"),
        (b"nonsense\r\n", b"400"),
    ],
)
def test_raw_nonsense_is_refused(url: str, head: bytes, status: bytes) -> None:
    answer = exchange(url, head + b"Connection: close\r\n\r\n")
    assert answer.split(b" ")[1].startswith(status), answer[:300]
    assert b"evil" not in answer
    assert b"Traceback" not in answer
