"""Licence keys whose licences have to be read across a network: all that wait are asked for together.

While one read is under way in a thread, the next requests gather, so the more there are the less each costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from weakref import WeakKeyDictionary

from tenure_server.domain.licence_facts import FoundKey
from tenure_server.errors import DatabaseUnavailable
from tenure_server.use_cases.ports import QuickReads

MAX_AT_ONCE = 256

Found = tuple[int, FoundKey | None]
"""The version of the database before the read, and what was found."""


class WaitingKeys:
    """For any number of event loops; each has a read of its own under way."""

    def __init__(self, quick: QuickReads) -> None:
        self._quick = quick
        self._of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, _Waiting] = WeakKeyDictionary()

    async def found(self, digest: str) -> Found:
        """Raises ``DatabaseUnavailable``."""
        loop = asyncio.get_running_loop()
        waiting = self._of_loop.get(loop)
        if waiting is None:
            waiting = self._of_loop[loop] = _Waiting(self._quick)
        return await waiting.found(loop, digest)


class _Waiting:
    def __init__(self, quick: QuickReads) -> None:
        self._quick = quick
        self._futures: dict[str, list[asyncio.Future[Found]]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def found(self, loop: asyncio.AbstractEventLoop, digest: str) -> Found:
        future: asyncio.Future[Found] = loop.create_future()
        self._futures.setdefault(digest, []).append(future)
        if self._reading is None:
            self._reading = loop.create_task(self._read_all(loop))
        return await future

    async def _read_all(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            while self._futures:
                digests = list(self._futures)[:MAX_AT_ONCE]
                asked = {digest: self._futures.pop(digest) for digest in digests}
                try:
                    version, found = await loop.run_in_executor(None, self._read, digests)
                except DatabaseUnavailable as error:
                    _fail(asked.values(), error)
                except BaseException as error:
                    _fail(asked.values(), error)
                    raise
                else:
                    for digest, futures in asked.items():
                        for future in futures:
                            if not future.done():
                                future.set_result((version, found.get(digest)))
        finally:
            self._reading = None

    def _read(self, digests: list[str]) -> tuple[int, dict[str, FoundKey]]:
        version = self._quick.version()
        return version, dict(self._quick.licence_keys(digests))


def _fail(waiting: Iterable[list[asyncio.Future[Found]]], error: BaseException) -> None:
    for futures in waiting:
        for future in futures:
            if not future.done():
                if isinstance(error, asyncio.CancelledError):
                    future.cancel()
                else:
                    future.set_exception(error)
