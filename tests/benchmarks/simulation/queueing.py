"""The core: requests that wait for a worker, first come, first served. Times in seconds."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

Duration = Callable[[], float]
"""Draws one duration in seconds."""


@dataclass(frozen=True, slots=True)
class Answers:
    """``latencies`` from arrival to answer, sorted. ``busy``: the share of the time that a worker was at work."""

    latencies: Sequence[float]
    busy: float
    per_second: float

    def percentile(self, share: float) -> float:
        """The latency that so many of 100 stay below; nearest rank."""
        rank = min(len(self.latencies) - 1, max(0, -(-len(self.latencies) * share // 100) - 1))
        return self.latencies[int(rank)]

    @property
    def mean(self) -> float:
        return sum(self.latencies) / len(self.latencies)


def poisson(per_second: float, until: float, chance: random.Random) -> Iterator[float]:
    """Arrivals of very many that know nothing of each other."""
    at = chance.expovariate(per_second)
    while at < until:
        yield at
        at += chance.expovariate(per_second)


def open_queue(arrivals: Iterable[float], service: Duration, workers: int = 1) -> Answers:
    """Everybody waits in one queue for whichever worker is free first. Arrivals in order of time, at least one."""
    free_at = [0.0] * workers
    latencies, worked, last = [], 0.0, 0.0
    for at in arrivals:
        takes = service()
        done = max(at, free_at[0]) + takes
        heapq.heapreplace(free_at, done)
        latencies.append(done - at)
        worked += takes
        last = max(last, done)
    latencies.sort()
    return Answers(latencies, worked / (last * workers), len(latencies) / last)


def closed_loop(connections: int, service: Duration, client: Duration, pause: float, requests: int) -> Answers:
    """A load generator of one thread with so many connections, each of which asks anew once its answer was read.

    ``client`` is that thread's own work for a request, ``pause`` the way there and back. A latency is what wrk
    means by it: from writing the request until the answer is read.
    """
    server_free = client_free = worked = 0.0
    under_way = [(0.0, 0.0)] * connections  # when the answer reaches the client, when it was asked for
    latencies: list[float] = []
    began, ended = 0.0, 0.0
    for number in range(requests + connections):
        reached, asked = heapq.heappop(under_way)
        read_at = max(reached, client_free)
        client_free = read_at + client()
        if number == connections:  # those before were the first round, which only fills the line
            began = read_at
        if number >= connections:
            latencies.append(read_at - asked)
            ended = read_at
        takes = service()
        worked += takes
        server_free = max(client_free + pause / 2, server_free) + takes
        heapq.heappush(under_way, (server_free + pause / 2, client_free))
    latencies.sort()
    return Answers(latencies, worked / server_free, len(latencies) / max(ended - began, 1e-9))
