"""Refuses what can wait while the process is behind: before a header is read or a key looked at.

``domain.load`` has the rule. What is found out costs a timer of the event loop fifty times a second and, for each
request that waits for something, two additions; a request that is answered at once pays the question whether there is
an episode.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

from tenure_server.domain.load import EVERYONE, Admission, Backlog, Found, next_admission
from tenure_server.http.problems import Answerable
from tenure_server.http.request_counts import RequestCounts
from tenure_server.http.whole_answers import WholeAnswer, whole

LOOK_SECONDS = 0.02
STRIDE = 32
"""After so many requests that were answered at once somebody looks at the clock."""

EPISODE_ENDS_AFTER_SECONDS = 10.0
"""Without a refusal: what comes again sooner belongs to the same episode, and is not logged again."""

BACKGROUND_AGAIN_SECONDS = (60, 300)
PEOPLE_AGAIN_SECONDS = (2, 10)
"""``Retry-After`` lies between these, another one each time: those who were refused do not all come back at once."""

_BACKGROUND = frozenset({b"/v1/update-check", b"/v1/install-reports", b"/feeds/"})
_NEVER = frozenset({b"/healthz", b"/readyz", b"/metrics"})
_BY_HAND = b"manual=true"
_FORMS = 32

_log = logging.getLogger(__name__)


class LoadShedding:
    """One for each process; only its event loop asks. ``longest_wait`` as in ``next_admission``."""

    def __init__(
        self,
        longest_wait: float,
        counts: RequestCounts,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self.is_shedding = False
        self.admission: Admission = EVERYONE
        self.waited = 0.0
        self.background_refused = self.people_refused = self.episodes = 0
        self.begun = self.ended = 0  # background checks that are waited for
        self._longest_wait = longest_wait
        self._counts = counts
        self._monotonic = monotonic
        self._look_seconds = look_seconds
        self._backlog = Backlog()
        self._credit = [0.0, 0.0]  # of background and people: what is left of the shares of those before
        self._again = _refusals(BACKGROUND_AGAIN_SECONDS), _refusals(PEOPLE_AGAIN_SECONDS)
        self._episode: tuple[float, int, int] | None = None  # since when, and the numbers refused before
        self._last_whole = 0.0
        self.left = STRIDE  # requests until the next look within a turn
        self._turn_began: float | None = None  # when the first look within it was
        self._turn_is_spent = False

    @staticmethod
    def is_background(path: bytes, query: bytes) -> bool:
        """Whether nobody sits before it: what installed software asks by itself, which asks again."""
        return (path in _BACKGROUND or path[: path.find(b"/", 1) + 1] in _BACKGROUND) and _BY_HAND not in query

    def refusal(self, path: bytes, query: bytes) -> WholeAnswer | None:
        """The answer 503 for a request that is not to be answered; None for one that is. For while ``is_shedding``."""
        if path in _NEVER:
            return None
        if self.is_background(path, query):
            if not self._turn_is_spent and self._is_admitted(0, self.admission.background):
                return None
            self.background_refused += 1
            return next(self._again[0])
        if self._is_admitted(1, self.admission.people):
            return None
        self.people_refused += 1
        return next(self._again[1])

    def _is_admitted(self, place: int, share: float) -> bool:
        credit = self._credit[place] + share
        is_admitted = credit >= 1.0
        self._credit[place] = credit - 1.0 if is_admitted else credit
        return is_admitted

    def look_within_turn(self) -> None:
        """The event loop comes to its timer only when all that is ready was answered, and that may be fifty thousand
        requests. Once a turn has taken longer than requests may wait, the rest of its background checks is refused."""
        self.left = STRIDE
        now = self._monotonic()
        if self._turn_began is None:
            self._turn_began = now
        elif now - self._turn_began > self._longest_wait:
            self._turn_is_spent = self.is_shedding = True

    def observe(self, found: Found) -> None:
        """Takes a finding into account."""
        now = self._monotonic()
        self._turn_began, self._turn_is_spent = None, False
        self.waited = found.waited
        self.admission = next_admission(self.admission, found, self._longest_wait)
        self.is_shedding = not self.admission.is_whole
        if self.is_shedding:
            self._last_whole = now
            if self._episode is None:
                self._episode = now, self.background_refused, self.people_refused
                self.episodes += 1
                _log.warning(
                    "more is asked than this process can answer: requests wait %.2f s, so checks in the background are "
                    "refused with 503 for now",
                    found.waited,
                )
        elif self._episode is not None and now - self._last_whole >= EPISODE_ENDS_AFTER_SECONDS:
            since, background, people = self._episode
            self._episode = None
            _log.warning(
                "everything is answered again, %.0f s after it began to be too much; refused were %d checks in the "
                "background and %d other requests",
                self._last_whole - since,
                self.background_refused - background,
                self.people_refused - people,
            )

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """Finds out how things stand while the block runs."""
        task = asyncio.get_running_loop().create_task(self._look(), name="load")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _look(self) -> None:
        before, answered_before = self._monotonic(), self._counts.total()
        while True:
            await asyncio.sleep(self._look_seconds)
            now, answered = self._monotonic(), self._counts.total()
            elapsed = now - before
            late = elapsed - self._look_seconds  # what this timer waited, any request would have
            waited = max(0.0, late, self._backlog.waited(now, self.begun, self.ended))
            waiting = self.begun - self.ended
            self.observe(Found(elapsed, waited, max(answered - answered_before, waiting)))
            before, answered_before = now, answered


def _refusals(again_seconds: tuple[int, int]) -> Iterator[WholeAnswer]:
    """The same answer for ever, with another ``Retry-After`` each time, in an order of this process's own."""
    first, last = again_seconds
    forms = [first + (last - first) * n // (_FORMS - 1) for n in range(_FORMS)]
    random.shuffle(forms)
    return itertools.cycle([overloaded(seconds) for seconds in forms])


def overloaded(again_seconds: int) -> WholeAnswer:
    problem = Answerable(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "overloaded",
        "More is asked of this server at the moment than it can answer.",
        "wait for as long as Retry-After says; a check by hand (manual=true) is answered before others",
    )
    return whole(problem.response({"Retry-After": str(again_seconds)}))
