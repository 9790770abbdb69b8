"""Who is answered when more is asked than one process can answer: people first, installed copies that ask by themselves
after them.

A controller in the manner of CoDel (RFC 8289): what counts is for how long requests wait, not how many come, so it
needs no knowledge of the machine. While they wait too long, and not for a moment only, the share that is answered is
cut; once they do not, it grows again. Nothing is read from a clock here.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

PEOPLE_WAIT_FACTOR = 5
"""People are refused only while requests wait this many times longer than background checks may."""

PATIENCE = 2
"""So many findings in a row begin an episode: a single one is a pause of the machine, which refusals do not help."""

FEWEST_REQUESTS = 100
"""Where fewer came since the last finding, it is not they that hold the process up."""

MILDEST_CUT, HARDEST_CUT = 0.8, 0.25
GROWTH_PER_SECOND = 0.2
_NOBODY = 0.01  # less than one of a hundred is none

UNANSWERED_SLACK = 4
"""So many requests may hang for reasons of their own."""

_MARKS = 1_024


@dataclass(frozen=True, slots=True)
class Found:
    """What a process finds out about itself some fifty times a second.

    ``elapsed`` seconds since the last finding, ``waited`` seconds that a request waits at present, ``requests`` that
    came or wait.
    """

    elapsed: float
    waited: float
    requests: int


@dataclass(frozen=True, slots=True)
class Admission:
    """Shares from 0 to 1 of what is answered. ``late`` findings in a row; ``since_cut`` seconds."""

    background: float = 1.0
    people: float = 1.0
    late: int = 0
    since_cut: float = 0.0

    @property
    def is_whole(self) -> bool:
        return self.background >= 1.0 and self.people >= 1.0


EVERYONE = Admission()


def next_admission(before: Admission, found: Found, longest_wait: float) -> Admission:
    """``longest_wait``: seconds that requests may wait before background checks are refused.

    A cut shows once what waits already is answered, so the next one comes no sooner. Between the longest wait and half
    of it everything stays as it is.
    """
    since_cut = before.since_cut + found.elapsed
    is_late = found.waited > longest_wait and found.requests >= FEWEST_REQUESTS
    if is_late:
        late = before.late + 1
        if (before.is_whole and late < PATIENCE) or (not before.is_whole and since_cut < found.waited):
            return replace(before, late=late, since_cut=since_cut)
        if before.background > 0:
            return Admission(_cut(before.background, longest_wait / found.waited), before.people, late)
        if found.waited > longest_wait * PEOPLE_WAIT_FACTOR:
            return Admission(0.0, _cut(before.people, longest_wait / found.waited), late)
        return replace(before, late=late, since_cut=since_cut)
    if found.waited > longest_wait / 2:
        return replace(before, late=0, since_cut=since_cut)
    more = min(found.elapsed, 1.0) * GROWTH_PER_SECOND
    if before.people < 1.0:
        return Admission(before.background, min(1.0, before.people + more), 0, since_cut)
    return Admission(min(1.0, before.background + more), 1.0, 0, since_cut)


def _cut(share: float, wanted: float) -> float:
    cut = share * min(MILDEST_CUT, max(HARDEST_CUT, wanted))
    return cut if cut >= _NOBODY else 0.0


class Backlog:
    """For how long requests wait that wait for something else than this process, such as a database: from how many had
    begun at earlier instants, and how many are answered. Two numbers for each request, and no clock."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque(maxlen=_MARKS)

    def waited(self, at: float, begun: int, ended: int) -> float:
        """Seconds since the last earlier instant up to which everything is answered that had begun."""
        marks = self._marks
        marks.append((at, begun))
        while len(marks) > 1 and marks[1][1] <= ended + UNANSWERED_SLACK:
            marks.popleft()
        return at - marks[0][0]
