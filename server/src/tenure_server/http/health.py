"""``GET /healthz`` and ``GET /readyz``: whether the process lives, and whether it can do its work."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from tenure_server.domain.signer_life import SignerMode
from tenure_server.errors import DatabaseUnavailable, InvalidRequest, StoreError, StoreUnavailable
from tenure_server.http import wire
from tenure_server.http.endpoint import Operation
from tenure_server.http.parameters import NoParameters
from tenure_server.http.problems import Answerable
from tenure_server.http.reading import read
from tenure_server.http.wire import Fault
from tenure_server.use_cases.catalogue import CatalogueSource
from tenure_server.use_cases.ports import Clock, Database, ObjectStore, Records
from tenure_server.use_cases.system_status import SignerStatus, signer_status
from tenure_signing.errors import PublishingError
from tenure_signing.tuf_repository import Repository, load_any
from tenure_signing.tuf_roles import TOP_LEVEL_ROLES

LIVE = Operation(summary="200 while the process answers", answer=wire.Health, refusals=(InvalidRequest,))
READY = Operation(
    summary="200 when database, store and metadata are usable, else 503 with what is not",
    answer=wire.Ready,
    refusals=(InvalidRequest, DatabaseUnavailable, StoreUnavailable),
)

HOLDS_SECONDS = 2.0
"""How long a finding holds: the check of the store writes to it, and anyone may ask."""

_log = logging.getLogger(__name__)


class Readiness:
    """Finds out whether the server can do its work: one check at a time, and not all the time."""

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        clock: Clock,
        signer_mode: SignerMode = SignerMode.EMBEDDED,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._signer_mode = signer_mode
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._found: tuple[Fault, ...] = ()
        self._found_at: float | None = None
        self._signer: SignerStatus | None = None

    def signer(self) -> SignerStatus | None:
        """Who signs, as ``faults`` found last; None if that could not be found out."""
        return self._signer

    def faults(self) -> tuple[Fault, ...]:
        """What is not usable, at most ``HOLDS_SECONDS`` old; empty when the server is ready."""
        with self._lock:
            if self._found_at is None or self._monotonic() - self._found_at >= HOLDS_SECONDS:
                self._found = (*self._in_database(), *self._in_store())
                self._found_at = self._monotonic()
            return self._found

    def _in_database(self) -> Iterator[Fault]:
        self._signer = None
        try:
            self._database.check()
            with self._database.reading() as records:
                roles = dict(records.signed_files.current())
                self._signer = self._signer_in(records, roles)
        except DatabaseUnavailable as error:
            _log.error("not ready: %s", error)
            yield Fault(where="database", problem="does not answer, or its schema is not the one of this server")
            return
        for role in TOP_LEVEL_ROLES:
            problem = self._problem_with(role, roles.get(role))
            if problem is not None:
                yield Fault(where=f"metadata.{role}", problem=problem)

    def _signer_in(self, records: Records, roles: dict[str, bytes]) -> SignerStatus | None:
        with suppress(PublishingError):
            return signer_status(records, Repository((), roles), self._clock(), self._signer_mode)
        return None

    def _in_store(self) -> Iterator[Fault]:
        try:
            self._store.check()
        except StoreError as error:
            _log.error("not ready: %s", error)
            yield Fault(where="store", problem="does not answer, or cannot be read and written")

    def _problem_with(self, role: str, data: bytes | None) -> str | None:
        if data is None:
            return "is missing: the server was not initialised"
        try:
            expires: datetime = load_any(role, data).signed.expires
        except PublishingError as error:
            _log.error("not ready: %s", error)
            return "cannot be read"
        return f"expired at {expires:%Y-%m-%dT%H:%M:%SZ}" if expires <= self._clock() else None


@dataclass(frozen=True, slots=True)
class HealthEndpoints:
    readiness: Readiness
    catalogue: CatalogueSource

    async def live(self, request: Request) -> Response:
        read(request, NoParameters)
        return _answer(wire.Health(status="ok", problems=[]))

    def ready(self, request: Request) -> Response:
        read(request, NoParameters)
        faults = self.readiness.faults()
        if not faults:
            problems, signer = self._damaged_products(), _signer(self.readiness.signer())
            return _answer(wire.Ready(status="ready", problems=[*problems], signer=signer))
        detail = f"The server is not ready: {', '.join(fault.where for fault in faults)}."
        return Answerable(HTTPStatus.SERVICE_UNAVAILABLE, "not_ready", detail, faults=faults).response()

    def _damaged_products(self) -> Iterator[Fault]:
        """A damaged product is told and does not make the server unready: another server would not have it either, and
        all other products are served."""
        for product in self.catalogue.current().damaged:
            yield Fault(where=f"product.{product}", problem="what is published of it cannot be read")


def _signer(found: SignerStatus | None) -> wire.SignerHealth | None:
    """The warning's own words are the operator's business."""
    if found is None:
        return None
    warning = "nobody signs who should: tenure status says more" if found.warning is not None else None
    return wire.SignerHealth(mode=found.mode, last_signed=found.last_signed, warning=warning)


def _answer(health: wire.Health) -> Response:
    return Response(health.model_dump_json(), headers={"Cache-Control": "no-store"}, media_type="application/json")
