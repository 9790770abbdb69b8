"""Downloads from the embedded store: the other end of its signed links.

GET and HEAD with validators, single and multiple byte ranges (RFC 9110 sections 13 to 15). Always a Content-Length,
never a Content-Encoding: some updaters refuse the one's absence, and ranges count the bytes as stored.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Protocol

from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from tenure_server.http.problems import Answerable
from tenure_server.http.ranges import ByteRange, select_ranges

_PIECE_BYTES = 256 * 1024
_BY_KERNEL_BYTES = 128 * 1024  # smaller parts are read and gathered: handing them on would cost more
_SEND_FILE = "http.response.zerocopysend"  # ASGI extension of the web server
_MEDIA_TYPE = "application/octet-stream"
_CACHING = "private, no-transform"


class OpenedFile(Protocol):
    """One version of a stored file, held open until ``close``."""

    @property
    def length(self) -> int:
        """In bytes."""
        ...

    @property
    def modified_at(self) -> datetime:
        """Aware, in UTC."""
        ...

    @property
    def entity_tag(self) -> str:
        """A strong one, with its quotation marks."""
        ...

    @property
    def content_disposition(self) -> str:
        """The whole header, safe to send."""
        ...

    def read(self, offset: int, size: int) -> bytes:
        """At most ``size`` bytes from the offset, at least one; raises when the file ends there."""
        ...

    def fileno(self) -> int:
        """The descriptor, for a web server that sends files by itself."""
        ...

    def close(self) -> None: ...


class SignedFiles(Protocol):
    """Who verifies links and opens what they name."""

    def open_signed(self, key: str, *, expires: str, name: str, signature: str) -> OpenedFile:
        """Raises ``Forbidden`` for a link that is wrong or over, ``NotFound`` when the file is gone."""
        ...


@dataclass(frozen=True, slots=True)
class LocalStoreDownloads:
    """The endpoint for ``/store/{key:path}``."""

    files: SignedFiles
    redeem: Callable[[str], None]
    """Whether what a link of ours names may still be had; it raises if not."""

    nginx_location: str | None = None
    """The internal location by which nginx, which has asked us, sends the store's files: it answers ranges itself."""

    async def get(self, request: Request) -> Response:
        """The file behind the link, or the part of it that is asked for. The link is the only credential."""
        query = request.query_params
        file = await run_in_threadpool(
            self.files.open_signed,
            request.path_params["key"],
            expires=query.get("expires", ""),
            name=query.get("name", ""),
            signature=query.get("signature", ""),
        )
        try:
            await run_in_threadpool(self.redeem, request.path_params["key"])
        except BaseException:
            file.close()
            raise
        if self.nginx_location is not None:
            file.close()
            return _handed_to_nginx(f"{self.nginx_location}{request.path_params['key']}", file)
        try:
            response = _answer(request, file)
        except BaseException:
            file.close()
            raise
        if not isinstance(response, _FileParts):
            file.close()
        return response


def _handed_to_nginx(place: str, file: OpenedFile) -> Response:
    """No body: nginx puts the file in its place. The key of a verified link consists of ``A-Za-z0-9._-/``."""
    headers = {
        "X-Accel-Redirect": place,
        "Cache-Control": _CACHING,
        "Content-Disposition": file.content_disposition,
        "Content-Type": _MEDIA_TYPE,
    }
    return Response(headers=headers)


def _answer(request: Request, file: OpenedFile) -> Response:
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": _CACHING,
        "Content-Disposition": file.content_disposition,
        "ETag": file.entity_tag,
        "Last-Modified": format_datetime(file.modified_at, usegmt=True),
        "X-Content-Type-Options": "nosniff",
    }
    if _is_known(request.headers.getlist("if-none-match"), file.entity_tag):
        return Response(status_code=304, headers=headers)
    whole = ByteRange(0, file.length - 1)
    if request.method == "HEAD":  # ranges are defined for GET alone (section 14.2)
        return Response(headers=headers | {"Content-Length": str(file.length)}, media_type=_MEDIA_TYPE)
    ranges = None
    if request.headers.get("if-range", file.entity_tag) == file.entity_tag:
        # A date never holds here: nobody can know that the file did not change twice in a second (section 13.1.5).
        ranges = select_ranges(request.headers.get("range"), file.length)
    if ranges is None:
        return _FileParts(file, [(b"", whole)], headers=headers, media_type=_MEDIA_TYPE)
    if not ranges:
        return _not_satisfiable(file.length)
    if len(ranges) == 1:
        headers["Content-Range"] = _content_range(ranges[0], file.length)
        return _FileParts(file, [(b"", ranges[0])], status_code=206, headers=headers, media_type=_MEDIA_TYPE)
    boundary = secrets.token_hex(16)
    parts = [(_part_header(boundary, part, file.length, first=part is ranges[0]), part) for part in ranges]
    return _FileParts(
        file,
        parts,
        closing=f"\r\n--{boundary}--\r\n".encode("ascii"),
        status_code=206,
        headers=headers,
        media_type=f"multipart/byteranges; boundary={boundary}",
    )


def _is_known(if_none_match: list[str], entity_tag: str) -> bool:
    """Whether the client has this version already: the weak comparison of section 8.8.3.2."""
    known = {tag.strip(" \t").removeprefix("W/") for line in if_none_match for tag in line.split(",")}
    return entity_tag in known or "*" in known


def _content_range(part: ByteRange, length: int) -> str:
    return f"bytes {part.first}-{part.last}/{length}"


def _part_header(boundary: str, part: ByteRange, length: int, *, first: bool) -> bytes:
    """What precedes a part. The first has no line break before it: electron-updater does not expect one."""
    lines = f"--{boundary}\r\nContent-Type: {_MEDIA_TYPE}\r\nContent-Range: {_content_range(part, length)}\r\n\r\n"
    return (lines if first else f"\r\n{lines}").encode("ascii")


def _not_satisfiable(length: int) -> Response:
    detail = f"The file has {length} bytes; none of the ranges asked for lies in it."
    problem = Answerable(416, "range_not_satisfiable", detail)
    return problem.response({"Accept-Ranges": "bytes", "Content-Range": f"bytes */{length}"})


_Part = tuple[bytes, ByteRange]
"""What is sent before a part of the file, and the part."""


class _FileParts(StreamingResponse):
    """Parts of a file, each after its header, then a closing text, in bounded memory. Closes the file in any case."""

    def __init__(
        self,
        file: OpenedFile,
        parts: list[_Part],
        *,
        closing: bytes = b"",
        status_code: int = 200,
        headers: dict[str, str],
        media_type: str,
    ) -> None:
        length = sum(len(header) + part.length for header, part in parts) + len(closing)
        super().__init__(
            _pieces(file, parts, closing),
            status_code=status_code,
            headers=headers | {"Content-Length": str(length)},
            media_type=media_type,
        )
        self._file, self._parts, self._closing = file, parts, closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if _SEND_FILE in scope.get("extensions", {}):
                await self._send_by_kernel(send)
            else:
                await super().__call__(scope, receive, send)
        finally:
            self._file.close()

    async def _send_by_kernel(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for small, large in _large_apart(self._parts):
            async for piece in iterate_in_threadpool(_pieces(self._file, small, b"")):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            if large is not None:
                header, part = large
                await send({"type": "http.response.body", "body": header, "more_body": True})
                place = {"file": self._file, "offset": part.first, "count": part.length}
                await send({"type": _SEND_FILE, "more_body": True, **place})
        await send({"type": "http.response.body", "body": self._closing, "more_body": False})


def _large_apart(parts: list[_Part]) -> Iterator[tuple[list[_Part], _Part | None]]:
    """The parts in their order: small ones that follow each other, then a large one, if any."""
    small: list[_Part] = []
    for one in parts:
        if one[1].length >= _BY_KERNEL_BYTES:
            yield small, one
            small = []
        else:
            small.append(one)
    if small:
        yield small, None


def _pieces(file: OpenedFile, parts: list[_Part], closing: bytes) -> Iterator[bytes]:
    """What to send, small parts gathered into pieces of about 256 KiB: a thousand tiny parts are no thousand writes."""
    waiting = bytearray()
    for header, part in parts:
        waiting += header
        offset = part.first
        while offset <= part.last:
            piece = file.read(offset, min(_PIECE_BYTES, part.last - offset + 1))
            offset += len(piece)
            waiting += piece
            if len(waiting) >= _PIECE_BYTES:
                yield bytes(waiting)
                waiting.clear()
    waiting += closing
    if waiting:
        yield bytes(waiting)
