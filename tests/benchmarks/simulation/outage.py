"""Everybody at once: what those get who come in the minute after an outage, and when the others come back.

The SDK asks once, waits ``timeout_seconds`` for an answer, and otherwise goes on with what it has kept until its next
check, a day later; so it does after 503 with ``Retry-After``. Nobody asks again at once.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from tenure_client.configuration import TransferLimits
from tests.benchmarks.simulation.queueing import Answers, Duration

PATIENCE_SECONDS = TransferLimits().timeout_seconds


@dataclass(frozen=True, slots=True)
class Outage:
    """``answers``: what was answered, also to those who had gone. ``refused`` came too many and was told so at once."""

    answers: Answers
    gone: int
    refused: int
    over_after: float  # seconds from the first arrival until nobody waits

    @property
    def back_tomorrow(self) -> int:
        return self.gone + self.refused


def outage(
    arrivals: Iterable[float],
    service: Duration,
    workers: int,
    *,
    refuse_after: float | None = None,
    refusal_seconds: float = 0.0,
) -> Outage:
    """``refuse_after``: who would wait longer is refused, for so little work; None: everybody waits."""
    free_at = [0.0] * workers
    latencies, worked, refused, gone, last = [], 0.0, 0, 0, 0.0
    for at in arrivals:
        begins = max(at, free_at[0])
        if refuse_after is not None and begins - at > refuse_after:
            refused += 1
            heapq.heapreplace(free_at, begins + refusal_seconds)
            worked += refusal_seconds
            continue
        takes = service()
        worked += takes
        last = max(last, begins + takes)
        heapq.heapreplace(free_at, begins + takes)
        latencies.append(begins + takes - at)
        gone += begins + takes - at > PATIENCE_SECONDS
    latencies.sort()
    return Outage(Answers(latencies, worked / (last * workers), len(latencies) / last), gone, refused, last)
