"""The addresses of a server without a database: update checks, signed metadata, health. docs/edge.md."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from tenure_server.http import health, metadata, update_check, wire
from tenure_server.http.authentication import Authentication
from tenure_server.http.edge import BodyLimit, Edge
from tenure_server.http.endpoint import Endpoint
from tenure_server.http.fast_metadata import FastMetadata
from tenure_server.http.fast_routes import FastApplication, FastRoute, FastRoutes
from tenure_server.http.fast_update_check import FastUpdateCheck
from tenure_server.http.load_shedding import LoadShedding
from tenure_server.http.parameters import NoParameters
from tenure_server.http.problems import EXCEPTION_HANDLERS, Answerable
from tenure_server.http.reading import read
from tenure_server.http.request_counts import RequestCounts
from tenure_server.http.wire import Fault
from tenure_server.use_cases.catalogue import CatalogueSource, read_repository
from tenure_server.use_cases.check_for_update import CheckForUpdate
from tenure_server.use_cases.identify_licence import IdentifyLicence
from tenure_server.use_cases.ports import Clock, Database
from tenure_signing.errors import PublishingError
from tenure_signing.tuf_repository import load_any
from tenure_signing.tuf_roles import TOP_LEVEL_ROLES

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EdgeParts:
    """``check_for_update`` signs no certificates. ``clock`` is the real one."""

    database: Database
    clock: Clock
    identify_licence: IdentifyLicence
    check_for_update: CheckForUpdate
    public_url: str
    metadata_is_public: bool
    request_counts: RequestCounts
    load: LoadShedding


@dataclass(frozen=True, slots=True)
class EdgeHealth:
    database: Database
    catalogue: CatalogueSource
    clock: Clock

    async def live(self, request: Request) -> Response:
        read(request, NoParameters)
        return _answer(wire.Health(status="ok", problems=[]))

    def ready(self, request: Request) -> Response:
        """200 while the snapshot can be read and no client would refuse its metadata as expired."""
        read(request, NoParameters)
        faults = tuple(self._faults())
        if not faults:
            damaged = self.catalogue.current().damaged
            problems = [
                Fault(where=f"product.{one}", problem="what is published of it cannot be read") for one in damaged
            ]
            return _answer(wire.Ready(status="ready", problems=problems, signer=None))
        detail = f"The server is not ready: {', '.join(fault.where for fault in faults)}."
        return Answerable(HTTPStatus.SERVICE_UNAVAILABLE, "not_ready", detail, faults=faults).response()

    def _faults(self) -> Iterator[Fault]:
        with self.database.reading_published() as records:
            roles = dict(records.signed_files.current())
            read_repository(records)
        for role in TOP_LEVEL_ROLES:
            problem = self._problem_with(role, roles.get(role))
            if problem is not None:
                yield Fault(where=f"metadata.{role}", problem=problem)

    def _problem_with(self, role: str, data: bytes | None) -> str | None:
        if data is None:
            return "is missing"
        try:
            expires: datetime = load_any(role, data).signed.expires
        except PublishingError as error:
            _log.error("not ready: %s", error)
            return "cannot be read"
        return f"expired at {expires:%Y-%m-%dT%H:%M:%SZ}" if expires <= self.clock() else None


def edge_application(parts: EdgeParts) -> FastApplication:
    check = parts.check_for_update

    def fast(general: ASGIApp) -> FastRoutes:
        routes: dict[bytes, FastRoute] = {
            b"/v1/update-check": FastUpdateCheck(general, parts.identify_licence, check, parts.public_url)
        }
        if parts.metadata_is_public:
            routes[b"/metadata/"] = FastMetadata(general, parts.database)
        return routes

    app = FastApplication(
        counts=parts.request_counts,
        load=parts.load,
        fast=fast,
        prepare=check.catalogue.current,
        as_of=lambda: parts.database.as_of,
        routes=[endpoint.route() for endpoint in _endpoints(parts)],
        middleware=[Middleware(Edge), Middleware(BodyLimit)],
        exception_handlers=dict(EXCEPTION_HANDLERS),
    )
    app.router.redirect_slashes = False  # it redirects to whatever host the request names
    return app


def _endpoints(parts: EdgeParts) -> Iterator[Endpoint]:
    authentication = Authentication(parts.identify_licence)
    check = update_check.UpdateCheckEndpoint(authentication, parts.check_for_update, parts.public_url)
    lives = EdgeHealth(parts.database, parts.check_for_update.catalogue, parts.clock)
    yield Endpoint("/v1/update-check", check.get, update_check.OPERATION)
    if parts.metadata_is_public:
        roles = metadata.MetadataEndpoint(parts.database, None, None)
        yield Endpoint("/metadata/{file}", roles.get, metadata.OPERATION)
    yield Endpoint("/healthz", lives.live, health.LIVE)
    yield Endpoint("/readyz", lives.ready, health.READY)


def _answer(health: wire.Health) -> Response:
    return Response(health.model_dump_json(), headers={"Cache-Control": "no-store"}, media_type="application/json")
