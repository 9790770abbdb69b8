"""The application with its fast routes: those are asked first, by the path, and hand on what is not for them."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import datetime
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tenure_server.errors import DatabaseUnavailable
from tenure_server.http.load_shedding import LoadShedding
from tenure_server.http.request_counts import RequestCounts
from tenure_server.http.whole_answers import WholeAnswer, header_lines


class FastRoute(Protocol):
    """An ASGI application for plain requests of one kind. It hands on to the general one what is not for it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    def at_once(self, scope: Scope) -> WholeAnswer | None:
        """The same answer where nothing has to be waited for; None where it has, or somebody else is to answer."""
        ...


FastRoutes = Mapping[bytes, FastRoute]
"""By the raw path, or by its first segment between slashes, such as ``/metadata/``."""


WAITED_FOR = b"/v1/update-check"
"""Of which it is known how many wait: for a database across a network, or in the general way for a thread. Downloads
may take hours, and nobody is behind for that."""

AS_OF_HEADER = b"tenure-as-of"
"""On every answer while the database is away: of when the copy is that update checks are answered from, RFC 3339."""

GC_THRESHOLDS = (2_000, 10, 2_000)
"""What requests leave behind has no cycles, or young ones. A full collection walks through every cached licence and
would hold up hundreds of requests for a tenth of a second, so it comes two hundred times as seldom as by default."""


class FastApplication(Starlette):
    """Starlette's application; ``fast`` makes the fast routes, given the application that answers everything.
    ``counts`` counts every answer; ``load`` says what is not answered while the process is behind."""

    def __init__(
        self,
        *,
        fast: Callable[[ASGIApp], FastRoutes],
        prepare: Callable[[], object],
        as_of: Callable[[], datetime | None],
        counts: RequestCounts,
        load: LoadShedding,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments, lifespan=_prepared(prepare, load))
        self._load = load
        self._counting, self._count = counts.counting, counts.count
        self._fast = fast(super().__call__)
        self._as_of = as_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        load, path = self._load, scope.get("raw_path", b"")
        as_of, route = self._as_of(), self._route(scope)
        if as_of is not None:
            send = _dated(send, as_of)
        send = self._counting(path, send)
        if load.is_shedding and (refusal := load.refusal(path, scope["query_string"])) is not None:
            await refusal.send(send)
            return
        answering = super().__call__(scope, receive, send) if route is None else route(scope, receive, send)
        if path != WAITED_FOR:
            await answering
            return
        load.begun += 1
        try:
            await answering
        finally:
            load.ended += 1

    def at_once(self, scope: Scope) -> WholeAnswer | None:
        """The answer to an HTTP request, without a task, where a fast route has it at hand."""
        load = self._load
        load.left -= 1
        if not load.left:
            load.look_within_turn()
        if load.is_shedding and (refusal := load.refusal(scope["raw_path"], scope["query_string"])) is not None:
            self._count(scope["raw_path"], refusal.status)
            return refusal
        as_of, route = self._as_of(), self._route(scope)
        answer = route.at_once(scope) if route is not None else None
        if answer is None:
            return None
        self._count(scope["raw_path"], answer.status)
        if as_of is None:
            return answer
        return answer._replace(head=answer.head + header_lines(_as_of_header(as_of)))

    def _route(self, scope: Scope) -> FastRoute | None:
        path = scope.get("raw_path", b"")
        return self._fast.get(path) or self._fast.get(path[: path.find(b"/", 1) + 1])


def _as_of_header(as_of: datetime) -> tuple[bytes, bytes]:
    return AS_OF_HEADER, f"{as_of:%Y-%m-%dT%H:%M:%SZ}".encode()


def _dated(send: Send, as_of: datetime) -> Send:
    """Every answer says of when the copy is that it may come from."""
    header = _as_of_header(as_of)

    async def send_dated(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], header]}
        await send(message)

    return send_dated


def _prepared(
    prepare: Callable[[], object], load: LoadShedding
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """Before the first request: what requests need in memory, and the garbage collector told to pass over all that is
    there by then. Going through it again and again would cost a check more than its answer."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        gc.set_threshold(*GC_THRESHOLDS)
        with suppress(DatabaseUnavailable):  # then the first requests try again
            await run_in_threadpool(prepare)
        gc.collect()
        gc.freeze()
        async with load.looking():
            yield

    return lifespan
