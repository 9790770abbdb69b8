"""Everybody at once: what those get who come in the minute after an outage, and when the others are answered.

The server refuses who would wait too long (docs/overload.md) and says when to come back; the SDK comes then, up to a
quarter later. Who waits longer than the SDK's ``timeout_seconds`` goes on with what was kept, until the next day.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable
from dataclasses import dataclass

from tenure_client.configuration import TransferLimits
from tenure_server.http.load_shedding import BACKGROUND_AGAIN_SECONDS
from tenure_server.settings import Settings
from tests.benchmarks.simulation.queueing import Answers, Duration

PATIENCE_SECONDS = TransferLimits().timeout_seconds
LONGEST_WAIT_SECONDS = Settings().longest_wait_milliseconds / 1_000


@dataclass(frozen=True, slots=True)
class Outage:
    """``answers``: each in the time that its last attempt took. ``refusals`` may be several for one install, ``gone``
    are those who did not wait for their answer, which was worked out all the same."""

    answers: Answers
    gone: int
    refusals: int
    over_after: float  # seconds from the beginning until everybody was answered


def come_back(chance: random.Random) -> float:
    """After how many seconds an install asks again that was refused."""
    return chance.uniform(*BACKGROUND_AGAIN_SECONDS) * chance.uniform(1, 1.25)


def outage(
    arrivals: Iterable[float],
    service: Duration,
    workers: int,
    *,
    again: Duration | None = None,
    refusal_seconds: float = 0.0,
) -> Outage:
    """``again``: who would wait too long is refused, for so little work, and asks again so much later; None: everybody
    waits."""
    coming = list(arrivals)
    heapq.heapify(coming)
    free_at = [0.0] * workers
    latencies, worked, refusals, gone, last = [], 0.0, 0, 0, 0.0
    while coming:
        at = heapq.heappop(coming)
        begins = max(at, free_at[0])
        if again is not None and begins - at > LONGEST_WAIT_SECONDS:
            refusals += 1
            worked += refusal_seconds
            heapq.heapreplace(free_at, begins + refusal_seconds)
            heapq.heappush(coming, at + again())
            continue
        takes = service()
        worked += takes
        last = max(last, begins + takes)
        heapq.heapreplace(free_at, begins + takes)
        latencies.append(begins + takes - at)
        gone += begins + takes - at > PATIENCE_SECONDS
    latencies.sort()
    return Outage(Answers(latencies, worked / (last * workers), len(latencies) / last), gone, refusals, last)
