"""Files sent by the kernel: in order on one connection, beside other requests, and never for ever."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2 as httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tenure_server import file_sending
from tenure_server.errors import StoreUnavailable
from tenure_server.file_sending import EXTENSION, FileSender, FileSendingProtocol
from tests.services.web_server import running_web_server

BODY = os.urandom(3_000_000)


class _Sent(Response):
    """The file between two texts, announced with a length that is wrong by so many bytes."""

    def __init__(self, path: Path, wrong_by: int = 0) -> None:
        super().__init__(headers={"Content-Length": str(len(BODY) + 10 + wrong_by)})
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._path.open("rb") as file:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": b"begin", "more_body": True})
            await send({"type": EXTENSION, "file": file, "offset": 0, "count": len(BODY), "more_body": True})
            await send({"type": "http.response.body", "body": b"ended", "more_body": False})


@pytest.fixture
def address(tmp_path: Path) -> Iterator[tuple[str, int]]:
    path = tmp_path / "file"
    path.write_bytes(BODY)

    async def file(request: Request) -> Response:
        return _Sent(path, int(request.query_params.get("wrong_by", 0)))

    async def word(request: Request) -> Response:
        return PlainTextResponse("here")

    app = Starlette(routes=[Route("/file", file), Route("/word", word)])
    with running_web_server(app, FileSendingProtocol) as url:
        yield "127.0.0.1", int(url.rpartition(":")[2])


def asking(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: store", *headers, "", ""]).encode()


def everything(connection: socket.socket) -> bytes:
    with closing(connection):
        return b"".join(iter(lambda: connection.recv(1 << 20), b""))


def test_files_and_other_answers_follow_each_other_on_one_connection(address: tuple[str, int]) -> None:
    connection = socket.create_connection(address, timeout=30)
    connection.sendall(asking("/file") + asking("/word") + asking("/file") + asking("/word", "Connection: close"))
    received = everything(connection)
    whole = b"begin" + BODY + b"ended"
    bodies = [answer.split(b"\r\n\r\n", 1)[1] for answer in received.split(b"HTTP/1.1 200 OK\r\n")[1:]]
    assert bodies == [whole, b"here", whole, b"here"]


def test_others_are_answered_while_a_client_takes_nothing(address: tuple[str, int]) -> None:
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(address)
        slow.sendall(asking("/file"))
        slow.recv(1)
        for _ in range(20):
            assert httpx.get(f"http://127.0.0.1:{address[1]}/word").text == "here"
        whole = httpx.get(f"http://127.0.0.1:{address[1]}/file").content
        assert whole == b"begin" + BODY + b"ended"


def test_a_client_that_takes_nothing_is_given_up(address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    given_up, end = threading.Event(), file_sending._Transfer.end

    def ended(transfer: file_sending._Transfer, error: Exception | None) -> None:
        end(transfer, error)
        given_up.set()

    monkeypatch.setattr(file_sending._Transfer, "end", ended)
    monkeypatch.setattr(file_sending, "_LOOK_SECONDS", 0.01)
    sender = FileSender(stalled_seconds=0.05)
    monkeypatch.setattr(file_sending, "file_sender", lambda: sender)
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(30)
        slow.connect(address)
        slow.sendall(asking("/file"))
        slow.recv(1)
        assert given_up.wait(30)
        received = 0
        with contextlib.suppress(ConnectionResetError):
            while piece := slow.recv(1 << 20):
                received += len(piece)
        assert received < len(BODY)  # the little that fits into the buffers


@pytest.mark.parametrize("wrong_by", [-100, 100])
def test_a_file_of_another_length_than_announced_cuts_the_connection(address: tuple[str, int], wrong_by: int) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"http://127.0.0.1:{address[1]}/file?wrong_by={wrong_by}")


def test_a_file_that_ends_too_soon_and_a_connection_that_is_gone_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"short")
    sender = FileSender()

    async def sent(count: int, *, is_gone: bool) -> None:
        here, there = socket.socketpair()
        with here, there, path.open("rb") as file:
            here.setblocking(False)
            if is_gone:
                there.close()
            await sender.send(here.fileno(), file.fileno(), 0, count)
            assert there.recv(100) == b"short"

    asyncio.run(sent(5, is_gone=False))
    with pytest.raises(StoreUnavailable):
        asyncio.run(sent(6, is_gone=False))
    with pytest.raises(ConnectionError):
        asyncio.run(sent(5, is_gone=True))


def test_a_transfer_that_nobody_waits_for_any_more_ends(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(BODY)
    sender = FileSender()

    async def given_up() -> None:
        here, there = socket.socketpair()
        with there, path.open("rb") as file:
            with here:
                here.setblocking(False)
                sending = asyncio.ensure_future(sender.send(here.fileno(), file.fileno(), 0, len(BODY)))
                await asyncio.to_thread(there.recv, 1)
                sending.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await sending
            there.settimeout(30)  # its end comes when the sender has closed its own descriptor
            while await asyncio.to_thread(there.recv, 1 << 20):
                pass

    asyncio.run(given_up())
