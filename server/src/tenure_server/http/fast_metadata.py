"""``GET /metadata/<file>`` where anyone may read: files that were asked for lately, as they are.

A file is believed as long as the database's version stands still.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from tenure_server.errors import TenureError
from tenure_server.http.etags import is_known, strong_etag
from tenure_server.http.fast_request import has_no_body, known_tags
from tenure_server.http.metadata import TIMESTAMP_FILE, VERSIONED_FILE, public_caching
from tenure_server.http.whole_answers import ALWAYS_RAW, WholeAnswer, header_lines
from tenure_server.use_cases.licence_cache import RecentlyUsed
from tenure_server.use_cases.ports import Database

MAX_FILES = 32
MAX_FILE_BYTES = 1024 * 1024
"""Larger ones are read from the database each time."""

_FOLDER = b"/metadata/"
_JSON = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True)
class _File:
    version: int  # of the database
    etag: str
    whole: WholeAnswer
    unchanged: WholeAnswer

    def for_tags(self, tags: list[str]) -> WholeAnswer:
        return self.unchanged if is_known(tags, self.etag) else self.whole


class FastMetadata:
    """ASGI. ``general`` is the application that answers everything."""

    def __init__(self, general: ASGIApp, database: Database) -> None:
        self._general = general
        self._database = database
        self._files: RecentlyUsed[bytes, _File] = RecentlyUsed(MAX_FILES)

    def at_once(self, scope: Scope) -> WholeAnswer | None:
        """The file, where it was asked for lately and the general route has nothing to say."""
        if not _is_plain(scope):
            return None
        file = self._files.get(scope["raw_path"][len(_FOLDER) :])
        try:
            if file is None or file.version != self._database.quick.version():
                return None
        except TenureError:
            return None
        return file.for_tags(known_tags(scope))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        file = None
        if _is_plain(scope):
            try:
                file = await self._file(scope["raw_path"][len(_FOLDER) :])
            except TenureError:
                file = None  # the general route says what is wrong
        if file is None:
            await self._general(scope, receive, send)
        else:
            await file.for_tags(known_tags(scope)).send(send)

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


def _is_plain(scope: Scope) -> bool:
    return scope["method"] == "GET" and not scope["query_string"] and has_no_body(scope)


def _prepared(name: str, data: bytes, version: int) -> _File:
    etag = strong_etag(data)
    caching = ((b"cache-control", public_caching(name).encode()), (b"etag", etag.encode()))
    length = (b"content-length", str(len(data)).encode())
    return _File(
        version=version,
        etag=etag,
        whole=WholeAnswer(200, header_lines(*caching, length, _JSON, *ALWAYS_RAW), data),
        unchanged=WholeAnswer(304, header_lines(*caching), b""),
    )
