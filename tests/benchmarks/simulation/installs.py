"""Installed copies: when they ask on an ordinary day, on a release day, and after an outage. Times in seconds.

Somebody's machine runs from about nine to about half past five, local time, on one of the time zones; a third of all
machines never stop. The product asks when the SDK's suggestion is due (24 hours, a quarter more or less) or, where it
was due while the machine was off, some minutes after it is started: this is what makes the peaks at the start of work.
"""

from __future__ import annotations

import heapq
import random
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from tenure_client.manners import CHECK_INTERVAL

HOUR, DAY, MINUTE = 3_600.0, 86_400.0, 60.0
MINUTES = 1_440

ZONES: Sequence[tuple[float, float]] = (
    (-8, 0.10),
    (-6, 0.08),
    (-5, 0.16),
    (-3, 0.04),
    (0, 0.07),
    (1, 0.24),
    (2, 0.06),
    (3, 0.04),
    (5.5, 0.06),
    (8, 0.09),
    (9, 0.06),
)
"""Hours from UTC and share of the installs: an assumption, a vendor's own are in ``tenure report versions``."""

ALWAYS_ON = 1 / 3
START, START_SPREAD = 8.75 * HOUR, 0.5 * HOUR  # normal: most start work between 7.45 and 9.45
STOP, STOP_SPREAD = 17.5 * HOUR, 1.0 * HOUR
AFTER_START = 10 * MINUTE  # at most so long after the start, evenly
DAYS = 5  # the last of them is told: by then it does not matter how the first began


@dataclass(frozen=True, slots=True)
class Day:
    """Checks in each minute of a day, UTC, of so many installs, and how many were for a licence asked for lately."""

    installs: int
    checks: Sequence[int]
    found_lately: int

    @property
    def total(self) -> int:
        return sum(self.checks)

    @property
    def busiest_minute(self) -> int:
        return max(self.checks)

    @property
    def peak(self) -> float:
        """The busiest minute against the average one."""
        return self.busiest_minute / (self.total / MINUTES)


def suggested(now: float, chance: random.Random) -> float:
    """When the SDK suggests to ask again: ``tenure_client.manners.next_check_after`` with a chance of our own."""
    interval = CHECK_INTERVAL.total_seconds()
    return now + interval + chance.uniform(-interval / 4, interval / 4)


class _Habits:
    """When one machine runs."""

    __slots__ = ("_always", "_offset", "_start", "_stop")

    def __init__(self, chance: random.Random) -> None:
        (self._offset,) = chance.choices([hours * HOUR for hours, _ in ZONES], [share for _, share in ZONES])
        self._always = chance.random() < ALWAYS_ON
        self._start = chance.gauss(START, START_SPREAD)
        self._stop = max(chance.gauss(STOP, STOP_SPREAD), self._start + HOUR)

    def next_running(self, due: float, chance: random.Random) -> float:
        """When the product asks that should at ``due``."""
        if self._always:
            return due
        midnight, at = divmod(due + self._offset, DAY)
        if self._start <= at <= self._stop:
            return due
        day = midnight if at < self._start else midnight + 1
        started = day * DAY + self._start - self._offset + chance.gauss(0, 5 * MINUTE)
        return max(due, started) + chance.uniform(0, AFTER_START)


def ordinary_day(installs: int, seed: int, *, seats: int = 1, kept_licences: int = 0) -> Day:
    """The last of some days. ``seats`` installs share a licence; a server keeps the last ``kept_licences`` of them."""
    chance = random.Random(seed)
    habits = [_Habits(chance) for _ in range(installs)]
    due = [(one.next_running(chance.uniform(0, DAY), chance), number) for number, one in enumerate(habits)]
    heapq.heapify(due)
    lately: OrderedDict[int, None] = OrderedDict()
    checks, found, begins = [0] * MINUTES, 0, (DAYS - 1) * DAY
    while due[0][0] < DAYS * DAY:
        at, number = due[0]
        heapq.heapreplace(due, (habits[number].next_running(suggested(at, chance), chance), number))
        licence, is_told = number // seats, at >= begins
        if is_told:
            checks[int((at - begins) // MINUTE)] += 1
        if licence in lately:
            lately.move_to_end(licence)
            found += is_told
        elif kept_licences:
            lately[licence] = None
            if len(lately) > kept_licences:
                lately.popitem(last=False)
    return Day(installs, checks, found)


def back_after_an_outage(installs: int, within: float, chance: random.Random) -> list[float]:
    """All of them, evenly over the seconds: as when a network that they share is there again."""
    return sorted(chance.uniform(0, within) for _ in range(installs))
