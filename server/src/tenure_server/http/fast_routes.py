"""The application with its fast routes: those are asked first, by the path, and hand on what is not for them."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from tenure_server.errors import DatabaseUnavailable

FastRoutes = Mapping[bytes, ASGIApp]
"""By the raw path, or by its first segment between slashes, such as ``/metadata/``."""


GC_THRESHOLDS = (2_000, 10, 2_000)
"""What requests leave behind has no cycles, or young ones. A full collection walks through every cached licence and
would hold up hundreds of requests for a tenth of a second, so it comes two hundred times as seldom as by default."""


class FastApplication(Starlette):
    """Starlette's application; ``fast`` makes the fast routes, given the application that answers everything."""

    def __init__(
        self, *, fast: Callable[[ASGIApp], FastRoutes], prepare: Callable[[], object], **arguments: Any
    ) -> None:
        super().__init__(**arguments, lifespan=_prepared(prepare))
        self._fast = fast(super().__call__)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope.get("raw_path", b"")
            route = self._fast.get(path) or self._fast.get(path[: path.find(b"/", 1) + 1])
            if route is not None:
                await route(scope, receive, send)
                return
        await super().__call__(scope, receive, send)


def _prepared(prepare: Callable[[], object]) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """Before the first request: what requests need in memory, and the garbage collector told to pass over all that is
    there by then. Going through it again and again would cost a check more than its answer."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        with suppress(DatabaseUnavailable):  # then the first requests try again
            await run_in_threadpool(prepare)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        yield

    return lifespan
