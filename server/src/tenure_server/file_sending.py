"""Stored bytes go from the page cache to the socket in the kernel (sendfile(2)), beside the event loop.

The application says which part of which file comes next, by the ASGI extension ``http.response.zerocopysend``; one
thread for each process sends all of them, a mebibyte at a time and in turn. A disk that is slow, or a client that is,
holds up no update check, and nothing of a file is ever in Python's memory.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import socket
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from starlette.types import Message, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from tenure_server.errors import StoreUnavailable

EXTENSION = "http.response.zerocopysend"

STALLED_SECONDS = 60.0
"""A client that takes nothing for so long is given up."""

_TURN_BYTES = 1024 * 1024
_LOOK_SECONDS = 5.0


@dataclass(eq=False, slots=True)
class _Transfer:
    """Part of a file on its way. The descriptors are its own; the future is of the loop that waits."""

    connection: int
    file: int
    offset: int
    left: int
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]
    moved_at: float = field(default_factory=time.monotonic)
    is_given_up: bool = False

    def take_turn(self) -> bool:
        """Whether more is to be sent. Raises ``OSError`` for a connection that is gone, ``StoreUnavailable`` for a file
        that is."""
        try:
            sent = os.sendfile(self.connection, self.file, self.offset, min(self.left, _TURN_BYTES))
        except BlockingIOError:
            return True
        if sent == 0:
            raise StoreUnavailable("An object of the store has become shorter while it was read.")
        self.offset += sent
        self.left -= sent
        self.moved_at = time.monotonic()
        return self.left > 0

    def end(self, error: Exception | None) -> None:
        os.close(self.connection)
        os.close(self.file)
        with suppress(RuntimeError):  # the loop has ended, and whoever waited with it
            self.loop.call_soon_threadsafe(self._tell, error)

    def _tell(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


class FileSender:
    """The thread, which begins with the first file."""

    def __init__(self, *, stalled_seconds: float = STALLED_SECONDS) -> None:
        self._stalled_seconds = stalled_seconds
        self._new: deque[_Transfer] = deque()
        self._selector = selectors.DefaultSelector()
        self._asleep, self._waker = socket.socketpair()
        self._asleep.setblocking(False)
        self._waker.setblocking(False)
        self._selector.register(self._asleep, selectors.EVENT_READ)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    async def send(self, connection: int, file: int, offset: int, count: int) -> None:
        """Returns when all of it is with the kernel. The descriptors may be closed meanwhile.

        Raises ``ConnectionError`` when the client goes away or takes nothing any more, and ``StoreUnavailable``.
        Cancelling it ends the transfer.
        """
        loop = asyncio.get_running_loop()
        own = os.dup(connection), os.dup(file)
        with suppress(OSError):
            os.posix_fadvise(file, offset, count, os.POSIX_FADV_SEQUENTIAL)
        transfer = _Transfer(*own, offset, count, loop, loop.create_future())
        self._begin(transfer)
        try:
            await transfer.done
        except (StoreUnavailable, ConnectionError):
            raise
        except OSError as error:
            raise ConnectionError("the connection failed") from error
        finally:
            if not transfer.done.done() or transfer.done.cancelled():
                transfer.is_given_up = True
                self._wake()

    def _begin(self, transfer: _Transfer) -> None:
        self._new.append(transfer)
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="files", daemon=True)
                self._thread.start()
        self._wake()

    def _wake(self) -> None:
        with suppress(BlockingIOError):  # it has been told often enough
            self._waker.send(b"x")

    def _run(self) -> None:
        looked_at = time.monotonic()
        while True:
            is_woken = False
            for key, _ in self._selector.select(_LOOK_SECONDS):
                if key.data is None:
                    self._asleep.recv(4096)
                    is_woken = True
                else:
                    self._turn_of(key.data)
            while self._new:
                transfer = self._new.popleft()
                self._selector.register(transfer.connection, selectors.EVENT_WRITE, transfer)
            if is_woken or time.monotonic() - looked_at > _LOOK_SECONDS:
                looked_at = time.monotonic()
                self._drop_given_up()

    def _turn_of(self, transfer: _Transfer) -> None:
        try:
            if transfer.is_given_up or not transfer.take_turn():
                self._end(transfer, None)
        except Exception as error:  # told to whoever waits
            self._end(transfer, error)

    def _drop_given_up(self) -> None:
        oldest = time.monotonic() - self._stalled_seconds
        for key in list(self._selector.get_map().values()):
            transfer: Any = key.data
            if transfer is None:
                continue
            if transfer.is_given_up:
                self._end(transfer, None)
            elif transfer.moved_at < oldest:
                self._end(transfer, TimeoutError("the client takes nothing"))

    def _end(self, transfer: _Transfer, error: Exception | None) -> None:
        self._selector.unregister(transfer.connection)
        transfer.end(error)


@cache
def file_sender() -> FileSender:
    """Of this process."""
    return FileSender()


class FileSendingProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which also sends parts of files."""

    _under_way: asyncio.Future[None] | None = None
    _is_lost = False

    def on_headers_complete(self) -> None:
        self.scope["extensions"] = {EXTENSION: {}}
        before = self.cycle
        super().on_headers_complete()
        cycle = self.cycle
        if cycle is not before and cycle is not None:
            send: Any = cycle.send  # uvicorn's messages are typed dictionaries, Starlette's are mappings
            cycle.send = self._with_files(cycle, send)  # type: ignore[method-assign, assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._is_lost = True
        if self._under_way is not None:
            self._under_way.cancel()

    def _with_files(self, cycle: RequestResponseCycle, send: Send) -> Send:
        async def send_files(message: Message) -> None:
            if message["type"] != EXTENSION:
                await send(message)
                return
            if not cycle.disconnected:
                await self._send_file(cycle, message["file"].fileno(), message["offset"], message["count"])
            if not message.get("more_body", False):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        return send_files

    async def _send_file(self, cycle: RequestResponseCycle, file: int, offset: int, count: int) -> None:
        if count > cycle.expected_content_length:
            raise RuntimeError("Response content longer than Content-Length")
        await self._drained()
        if self._is_lost or self.transport.is_closing():
            cycle.disconnected = True
            return
        connection = self.transport.get_extra_info("socket").fileno()
        sending = self._under_way = asyncio.ensure_future(file_sender().send(connection, file, offset, count))
        try:
            await sending
        except ConnectionError:
            cycle.disconnected = True
            self.transport.abort()
        except asyncio.CancelledError:
            if not self._is_lost:  # the server ends, not the connection
                sending.cancel()
                raise
            cycle.disconnected = True
        finally:
            self._under_way = None
        cycle.expected_content_length -= count

    async def _drained(self) -> None:
        """What was written before is with the kernel: the file's bytes come after it."""
        transport = self.transport
        if not transport.get_write_buffer_size():
            return
        transport.set_write_buffer_limits(high=0)
        try:
            while transport.get_write_buffer_size() and not transport.is_closing():
                await self.flow.drain()
                await asyncio.sleep(0)
        finally:
            transport.set_write_buffer_limits()
