"""``GET /metadata/<file>`` where anyone may read: files that were asked for lately, as they are.

A file is believed as long as the database's version stands still.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from tenure_server.errors import TenureError
from tenure_server.http.etags import is_known, strong_etag
from tenure_server.http.fast_request import ALWAYS_RAW, has_no_body, known_tags
from tenure_server.http.metadata import TIMESTAMP_FILE, VERSIONED_FILE, public_caching
from tenure_server.use_cases.licence_cache import RecentlyUsed
from tenure_server.use_cases.ports import Database

MAX_FILES = 32
MAX_FILE_BYTES = 1024 * 1024
"""Larger ones are read from the database each time."""

_FOLDER = b"/metadata/"


@dataclass(frozen=True, slots=True)
class _File:
    version: int  # of the database
    etag: str
    start: dict[str, object]
    body: dict[str, object]
    unchanged: dict[str, object]


class FastMetadata:
    """ASGI. ``general`` is the application that answers everything."""

    def __init__(self, general: ASGIApp, database: Database) -> None:
        self._general = general
        self._database = database
        self._files: RecentlyUsed[bytes, _File] = RecentlyUsed(MAX_FILES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        file = None
        if scope["method"] == "GET" and not scope["query_string"] and has_no_body(scope):
            try:
                file = await self._file(scope["raw_path"][len(_FOLDER) :])
            except TenureError:
                file = None  # the general route says what is wrong
        if file is None:
            await self._general(scope, receive, send)
        elif is_known(known_tags(scope), file.etag):
            await send(file.unchanged)
            await send({"type": "http.response.body", "body": b""})
        else:
            await send(file.start)
            await send(file.body)

    async def _file(self, raw_name: bytes) -> _File | None:
        file = self._files.get(raw_name)
        version = self._database.quick.version()
        if file is not None and file.version == version:
            return file
        name = raw_name.decode("latin-1")
        if name != TIMESTAMP_FILE and not VERSIONED_FILE.fullmatch(name):
            return None
        data = await run_in_threadpool(self._read, name)
        if data is None or len(data) > MAX_FILE_BYTES:
            return None
        file = _prepared(name, data, version)
        self._files.put(raw_name, file)
        return file

    def _read(self, name: str) -> bytes | None:
        with self._database.reading_published() as records:
            return records.signed_files.file(name)


def _prepared(name: str, data: bytes, version: int) -> _File:
    etag = strong_etag(data)
    caching = [(b"cache-control", public_caching(name).encode()), (b"etag", etag.encode())]
    whole = [(b"content-length", str(len(data)).encode()), (b"content-type", b"application/json")]
    return _File(
        version=version,
        etag=etag,
        start={"type": "http.response.start", "status": 200, "headers": [*caching, *whole, *ALWAYS_RAW]},
        body={"type": "http.response.body", "body": data},
        unchanged={"type": "http.response.start", "status": 304, "headers": caching},
    )
