"""A server that drips headers, chunk sizes or trailers cannot hold a client longer than it is patient."""

from __future__ import annotations

import itertools

import pytest

from tenure_client.configuration import TransferLimits
from tenure_client.errors import ServerUnreachable, TransferTooSlow
from tenure_client.transport import Transport
from tests.attacks.raw_server import Dripping, running_raw_server

LIMITS = TransferLimits(timeout_seconds=0.4, rate_window_seconds=0.3)
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
PAUSE = 0.05


def read_from(url: str) -> bytes:
    with Transport(url, LIMITS) as transport, transport.get("/v1/anything") as response:
        return response.read(1_000_000)


@pytest.mark.parametrize(
    ("begins", "piece"),
    [
        (b"", b"H"),
        (b"", HEAD.replace(b"200 OK", b"100 Continue") + b"\r\n"),
        (HEAD, b"X"),
        (HEAD, b"X: y\r\n"),
        (CHUNKED, b"0"),
        (CHUNKED + b"1;", b"x"),
        (CHUNKED + b"5\r\nhello\r\n0\r\n", b"X: y\r\n"),
    ],
    ids=["status", "100 continue", "header name", "headers", "chunk size", "chunk extension", "trailers"],
)
def test_what_drips_is_given_up(begins: bytes, piece: bytes) -> None:
    def answer(_: bytes, client: Dripping) -> None:
        client.send(begins)
        client.drip_for_ever(piece, PAUSE)

    with running_raw_server(answer) as url, pytest.raises(ServerUnreachable, match="did not answer in time"):
        read_from(url)


@pytest.mark.parametrize(
    "begins", [HEAD + b"\r\n", HEAD + b"Content-Length: 9999\r\n\r\n"], ids=["until close", "length"]
)
def test_a_body_that_drips_is_given_up(begins: bytes) -> None:
    def answer(_: bytes, client: Dripping) -> None:
        client.send(begins)
        client.drip_for_ever(b"x", PAUSE)

    with running_raw_server(answer) as url, pytest.raises(TransferTooSlow):
        read_from(url)


def test_tiny_chunks_with_long_extensions_count_by_what_they_bring() -> None:
    def answer(_: bytes, client: Dripping) -> None:
        client.send(CHUNKED)
        client.drip_for_ever(b"1;" + b"e" * 60_000 + b"\r\nx\r\n", PAUSE)

    with running_raw_server(answer) as url, pytest.raises(TransferTooSlow):
        read_from(url)


@pytest.mark.parametrize(
    "flood",
    [
        b"H" * 65_536,
        HEAD + b"X-Big: " + b"y" * 65_536,
        HEAD + b"X: y\r\n" * 50_000,
        HEAD.replace(b"200 OK", b"100 Continue") + b"\r\n",
        CHUNKED + b"5;" + b"e" * 65_536,
    ],
    ids=["status", "long header", "many headers", "100 continue", "chunk extension"],
)
def test_a_flood_before_the_body_is_given_up(flood: bytes) -> None:
    def answer(_: bytes, client: Dripping) -> None:
        for begins in itertools.chain([flood], itertools.repeat(flood[-65_536:])):
            if client.stopped.is_set():
                return
            client.send(begins)

    with running_raw_server(answer) as url, pytest.raises(ServerUnreachable):
        read_from(url)


def test_an_answer_with_pauses_shorter_than_patience_is_read() -> None:
    def answer(_: bytes, client: Dripping) -> None:
        for line in (HEAD, b"Transfer-Encoding: chunked\r\n", b"\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n"):
            client.send(line)
            client.stopped.wait(PAUSE)

    with running_raw_server(answer) as url:
        assert read_from(url) == b"hello"
