"""A hostile server on this machine that answers with whatever bytes a test likes, at whatever pace."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dripping:
    """The connection of one client. ``stopped`` is set when the test is over."""

    connection: socket.socket
    stopped: threading.Event

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def drip_for_ever(self, piece: bytes, pause_seconds: float) -> None:
        while not self.stopped.wait(pause_seconds):
            self.connection.sendall(piece)


@contextmanager
def running_raw_server(answer: Callable[[bytes, Dripping], None]) -> Iterator[str]:
    """``answer`` is called once per connection with the request's head; yields the server's base URL."""
    stopped = threading.Event()
    threads: list[threading.Thread] = []

    def converse(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(10)
            head = b""
            while b"\r\n\r\n" not in head:
                received = connection.recv(65_536)
                if not received:
                    return
                head += received
            answer(head, Dripping(connection, stopped))

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            thread = threading.Thread(target=converse, args=(connection,))
            threads.append(thread)
            thread.start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            stopped.set()
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join()
