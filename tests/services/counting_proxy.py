"""A TCP proxy that counts the bytes of a conversation as they are on the wire, headers included."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Counted:
    """What was sent and received by clients since ``forget``."""

    url: str
    sent: bytearray = field(default_factory=bytearray)
    received: bytearray = field(default_factory=bytearray)
    connections: int = 0

    def forget(self) -> None:
        self.sent.clear()
        self.received.clear()
        self.connections = 0

    @property
    def requests(self) -> list[str]:
        """The targets asked for, in order."""
        lines = bytes(self.sent).split(b"\r\n")
        return [line.split(b" ")[1].decode() for line in lines if line.endswith(b" HTTP/1.1")]


@contextmanager
def counting_proxy(upstream_url: str) -> Iterator[Counted]:
    """Passes everything on to the server at the URL until the end of the block."""
    upstream = urlsplit(upstream_url)
    open_sockets: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def pump(source: socket.socket, sink: socket.socket, seen: bytearray) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                seen.extend(data)
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def accept() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            counted.connections += 1
            server = socket.create_connection((upstream.hostname or "", upstream.port or 80))
            open_sockets.extend((client, server))
            for arguments in ((client, server, counted.sent), (server, client, counted.received)):
                thread = threading.Thread(target=pump, args=arguments)
                threads.append(thread)
                thread.start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        counted = Counted(f"http://127.0.0.1:{listening.getsockname()[1]}")
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield counted
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            for each in open_sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join()
            for each in open_sockets:
                each.close()
