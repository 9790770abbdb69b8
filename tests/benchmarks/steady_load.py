"""Requests at a rate that does not depend on the answers, as installed software in the field asks.

wrk sends the next request when the last one is answered, so a slow moment keeps it from asking and hides itself
(coordinated omission). Here every request has an instant at which it is due, by a Poisson process; its time is counted
from there, also while it waits for a connection. One thread that never sleeps, on a core of its own:
``python -m tests.benchmarks.steady_load PORT SECONDS CONNECTIONS SETTLING NAME=RATE=FILE…``. Prints JSON by
name; the times of the first ``SETTLING`` seconds are left out.
"""

from __future__ import annotations

import itertools
import json
import math
import random
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

LINGER_SECONDS = 5.0
"""After the last request: what is not answered by then is not."""

_LENGTH = b"\r\ncontent-length: "


@dataclass(slots=True)
class Stream:
    """Requests of one kind, in order and again from the beginning."""

    name: str
    rate: float
    requests: Iterator[bytes]
    due: float = 0.0
    sent: int = 0
    answered: dict[int, list[tuple[float, float]]] = field(default_factory=dict)  # when due, and seconds, by status

    def figures(self, since: float) -> dict[str, float]:
        """Times, in microseconds, are of what was answered and not refused of requests due since that instant."""
        good = [each for status, times in self.answered.items() if status < 400 for each in times]
        refused = [each for status, times in self.answered.items() if status >= 400 for each in times]
        settled = sorted(seconds for due, seconds in good if due >= since)
        return {
            "sent": self.sent,
            "answered": len(good),
            "refused": len(refused),
            "unanswered": self.sent - len(good) - len(refused),
            "settled_answered": len(settled),
            **{name: at(settled, share) for name, share in PERCENTILES.items()},
            "refused_p99": at(sorted(seconds for due, seconds in refused if due >= since), 0.99),
        }


PERCENTILES = {"p50": 0.5, "p99": 0.99, "p999": 0.999, "longest": 1.0}


def at(times: list[float], share: float) -> float:
    return round(times[max(0, math.ceil(len(times) * share) - 1)] * 1e6, 1) if times else 0.0


def requests_of(path: Path) -> list[bytes]:
    return [each.encode() for each in path.read_bytes().decode("ascii").split("\n===\n") if each]


class Connections:
    """Each carries one request at a time."""

    def __init__(self, port: int, count: int) -> None:
        self.poll = select.epoll()
        self.sockets: dict[int, socket.socket] = {}
        self.idle: deque[int] = deque()  # the longest idle one is used next: the server closes those that stay idle
        self._port = port
        for _ in range(count):
            self._open()
        self.under_way: dict[int, tuple[Stream, float]] = {}
        self._begun: dict[int, bytes] = {}

    def _open(self) -> None:
        one = socket.create_connection(("127.0.0.1", self._port), timeout=30)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one.setblocking(False)
        self.sockets[one.fileno()] = one
        self.poll.register(one, select.EPOLLIN)
        self.idle.append(one.fileno())

    def send(self, stream: Stream, due: float) -> None:
        handle = self.idle.popleft()
        self.under_way[handle] = stream, due
        self.sockets[handle].send(next(stream.requests))  # a kilobyte fits any buffer

    def receive(self) -> None:
        """Every answer that is there."""
        for handle, _ in self.poll.poll(0):
            data = self._begun.pop(handle, b"") + self.sockets[handle].recv(16_384)
            if not data:
                if handle in self.under_way:
                    raise SystemExit("a connection was closed that waited for an answer")
                self.idle.remove(handle)
                self.sockets.pop(handle).close()
                self._open()
                continue
            if not is_whole(data):
                self._begun[handle] = data
                continue
            stream, due = self.under_way.pop(handle)
            stream.answered.setdefault(int(data[9:12]), []).append((due, time.perf_counter() - due))
            self.idle.append(handle)


def is_whole(answer: bytes) -> bool:
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    place = answer.find(_LENGTH, 0, end)
    if place < 0:
        return True  # 304
    length = int(answer[place + len(_LENGTH) : answer.find(b"\r\n", place + len(_LENGTH))])
    return len(answer) >= end + 4 + length


def run(connections: Connections, streams: list[Stream], seconds: float) -> float:
    """The instant of the beginning."""
    chance = random.Random(20_261_123)
    waiting: deque[tuple[Stream, float]] = deque()
    start = time.perf_counter()
    for stream in streams:
        stream.due = start + chance.expovariate(stream.rate)
    now = start
    while now < start + seconds + LINGER_SECONDS:
        if now < start + seconds:
            for stream in streams:
                while stream.due <= now:
                    waiting.append((stream, stream.due))
                    stream.sent += 1
                    stream.due += chance.expovariate(stream.rate)
        elif not waiting and not connections.under_way:
            break
        while waiting and connections.idle:
            connections.send(*waiting.popleft())
        connections.receive()
        now = time.perf_counter()
    return start


def main(port: str, seconds: str, count: str, settling: str, *described: str) -> None:
    streams = []
    for text in described:
        name, rate, path = text.split("=", 2)
        streams.append(Stream(name, float(rate), itertools.cycle(requests_of(Path(path)))))
    start = run(Connections(int(port), int(count)), streams, float(seconds))
    print(json.dumps({stream.name: stream.figures(start + float(settling)) for stream in streams}))


if __name__ == "__main__":
    main(*sys.argv[1:])
