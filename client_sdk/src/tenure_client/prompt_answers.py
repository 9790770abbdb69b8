"""Connections whose answers cannot be drawn out: no step of reading one takes longer than the socket's timeout.

A socket's timeout alone begins anew with every byte, so a server that drips headers, chunk sizes or trailers could hold
a client for weeks. How fast a body has to come is the transport's matter.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection


def make_prompt(pools: urllib3.PoolManager) -> urllib3.PoolManager:
    """The same pools, whose connections from now on are those of this module."""
    pools.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
    return pools


class _BoundedReads(io.RawIOBase):
    """Reads from a socket until the step's time is up, then raises ``TimeoutError``."""

    def __init__(self, connection: socket.socket, source: io.RawIOBase) -> None:
        self._connection = connection
        self._source = source
        self._timeout_seconds: float | None = connection.gettimeout()
        self.begin_step()

    def begin_step(self) -> None:
        self._began = time.monotonic()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # a writable buffer, a type of its own only from Python 3.12 on
        if self._timeout_seconds is None:
            return self._source.readinto(buffer)
        left = self._began + self._timeout_seconds - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._connection.settimeout(left)
        try:
            return self._source.readinto(buffer)
        finally:
            self._connection.settimeout(self._timeout_seconds)

    def close(self) -> None:
        self._source.close()
        super().close()


class _PromptResponse(http.client.HTTPResponse):
    """The status and headers are one step, each ``read1`` is another."""

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self._reads = _BoundedReads(sock, self.fp.detach())
        self.fp = io.BufferedReader(self._reads)

    def read1(self, n: int = -1) -> bytes:
        self._reads.begin_step()
        return super().read1(n)


class _HTTPConnection(HTTPConnection):
    response_class = _PromptResponse


class _HTTPSConnection(HTTPSConnection):
    response_class = _PromptResponse


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection
