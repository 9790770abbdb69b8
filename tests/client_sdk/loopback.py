"""A small HTTP server on this machine whose answers a test decides, and that remembers what it was asked."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Request:
    path: str  # with the query
    headers: Mapping[str, str]  # names in lower case
    body: bytes | None = None  # of a POST; None for a GET


@dataclass(frozen=True, slots=True)
class Reply:
    """``cut_after``: the connection breaks after so many bytes of the body. ``drip_seconds``: pause after each byte."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    drip_seconds: float | None = None
    is_endless: bool = False


@dataclass(slots=True)
class Loopback:
    """``answer`` may be replaced at any time."""

    answer: Callable[[Request], Reply]
    port: int
    requests: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]


@contextmanager
def running_loopback(answer: Callable[[Request], Reply]) -> Iterator[Loopback]:
    """The server, on a free port, until the end of the ``with``."""
    stop = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            with suppress(OSError):  # clients may go away at any time
                super().handle()

        def do_GET(self) -> None:
            self._answer(None)

        def do_DELETE(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, body: bytes | None) -> None:
            request = Request(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            loopback.requests.append(request)
            with suppress(OSError):
                self._send(loopback.answer(request))

        def _send(self, reply: Reply) -> None:
            headers = {"Content-Length": str(len(reply.body))} | dict(reply.headers)
            if reply.is_endless:
                headers.pop("Content-Length")
                headers["Connection"] = "close"
            head = (
                f"HTTP/1.1 {reply.status} Because\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n"
            )
            body = reply.body if reply.cut_after is None else reply.body[: reply.cut_after]
            if reply.drip_seconds is not None:
                self.wfile.write(head.encode())
                for byte in body:
                    if stop.is_set():
                        break
                    self.wfile.write(bytes((byte,)))
                    time.sleep(reply.drip_seconds)
            else:
                self.wfile.write(head.encode() + body)
            while reply.is_endless and not stop.is_set():
                self.wfile.write(b"x" * 65_536)
            if reply.cut_after is not None or reply.is_endless:
                self.close_connection = True
                with suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    loopback = Loopback(answer, server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield loopback
    finally:
        stop.set()
        server.shutdown()
        thread.join()
        server.socket.close()
