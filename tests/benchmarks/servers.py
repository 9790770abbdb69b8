"""The Python contenders, each as a process of its own: ``python -m tests.benchmarks.servers NAME PORT [DIRECTORY]``.

All run on uvicorn with the settings that ``tenure serve`` uses and no access log.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Any, Send], Awaitable[None]]

ANSWER_FILE = "answer.json"


def raw_asgi(body: bytes) -> App:
    """The least that uvicorn can be asked to do."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]

    async def app(scope: Scope, receive: Any, send: Send) -> None:
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def bare_starlette(body: bytes) -> App:
    """The yardstick: a framework's route that answers bytes it has ready."""

    async def answer(request: Request) -> Response:
        return Response(body, media_type="application/json")

    return Starlette(routes=[Route("/v1/update-check", answer)])


def one_sqlmodel_row(body: bytes, directory: Path) -> App:
    """The body from one row of SQLite, by a session per request, on the event loop."""
    from sqlalchemy import create_engine
    from sqlmodel import Field, Session, SQLModel

    class BenchmarkRow(SQLModel, table=True):
        number: int = Field(primary_key=True)
        body: bytes

    engine = create_engine(f"sqlite:///{directory / 'one-row.db'}")
    SQLModel.metadata.create_all(engine)
    with Session(engine) as session:
        session.merge(BenchmarkRow(number=1, body=body))
        session.commit()

    async def answer(request: Request) -> Response:
        with Session(engine) as session:
            row = session.get_one(BenchmarkRow, 1)
            return Response(row.body, media_type="application/json")

    return Starlette(routes=[Route("/v1/update-check", answer)])


def tenure(directory: Path, **settings: object) -> App:
    """The whole application, on the dataset's installation."""
    from tenure_server.app import create_app  # here, so that the others' memory is their own
    from tests.benchmarks.dataset import installation_at

    installation = installation_at(directory, **settings)
    installation.keep_metadata_fresh()
    return create_app(installation)


def tenure_edge(directory: Path) -> App:
    """A server without a database, with what is published and no licence at all."""
    from tenure_server.adapters.database.snapshot import Snapshot
    from tenure_server.adapters.database.snapshot_only import SnapshotOnly
    from tenure_server.edge_serving import EdgeServer
    from tests.benchmarks.dataset import installation_at, kept_snapshot

    installation = installation_at(directory)
    installation.keep_metadata_fresh()
    with tempfile.TemporaryDirectory(prefix="tenure-bench-edge-") as kept:
        file = kept_snapshot(installation, Snapshot(Path(kept) / "snapshot.db"))
        database = SnapshotOnly(file)
    installation.close()
    return EdgeServer(installation.settings, database).application()


S3 = {
    "s3_bucket": "builds",
    "s3_endpoint_url": "https://s3.example.com",
    "s3_access_key_id": "AKIDEXAMPLE",
    "s3_secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
}
"""Never asked: links are signed without the store."""


def app_named(name: str, directory: Path, database_url: str | None) -> App:
    match name:
        case "tenure":
            return tenure(directory, database_url=database_url)
        case "tenure-s3":
            return tenure(directory, database_url=database_url, **S3)
        case "tenure-edge":
            return tenure_edge(directory)
        case "raw-asgi":
            return raw_asgi((directory / ANSWER_FILE).read_bytes())
        case "bare-starlette":
            return bare_starlette((directory / ANSWER_FILE).read_bytes())
        case "sqlmodel":
            return one_sqlmodel_row((directory / ANSWER_FILE).read_bytes(), directory)
        case _:
            raise SystemExit(f"no such server: {name}")


def main(name: str, port: str, directory: str, database_url: str | None = None) -> None:
    logging.basicConfig(level=logging.WARNING)
    app = app_named(name, Path(directory), database_url)
    http: Any = "auto"
    if name.startswith("tenure"):  # imported here, so that the others' memory is their own
        from tenure_server.short_way import short_way

        http = short_way(app)  # type: ignore[arg-type]
    config = uvicorn.Config(
        app,
        http=http,
        port=int(port),
        log_level="warning",
        access_log=False,
        server_header=False,
    )
    asyncio.set_event_loop_policy(None)
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
