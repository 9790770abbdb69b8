"""Answers that are whole before their first byte is sent: a status, header lines and a body."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

from starlette.responses import Response
from starlette.types import Send

from tenure_server.http.edge import ALWAYS

ALWAYS_RAW = tuple((name.lower().encode(), value.encode()) for name, value in ALWAYS.items())
"""The headers of every answer, as ``edge`` adds them."""

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


class WholeAnswer(NamedTuple):
    """``head`` is the header lines, names in lower case, each with its line end; ``body`` empty for 304."""

    status: int
    head: bytes
    body: bytes

    async def send(self, send: Send) -> None:
        """As ASGI messages."""
        headers = [tuple(line.split(b": ", 1)) for line in self.head.split(b"\r\n")[:-1]]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})

    def on_the_wire(self, first: bytes) -> bytes:
        """As HTTP/1.1. ``first`` is the header lines that the web server adds to every answer."""
        return b"".join((_STATUS_LINES[self.status], first, self.head, b"\r\n", self.body))


def header_lines(*headers: tuple[bytes, bytes]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)


def whole(response: Response) -> WholeAnswer:
    """A response with the headers of every answer."""
    there = {name for name, _ in response.raw_headers}
    head = header_lines(*response.raw_headers, *(pair for pair in ALWAYS_RAW if pair[0] not in there))
    return WholeAnswer(response.status_code, head, bytes(response.body))
