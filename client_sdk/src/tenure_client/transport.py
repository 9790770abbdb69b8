"""HTTP to the vendor's server and, where it points, to its store: over urllib3, bounded in size and time.

Who sees the licence key: only the server's own origin, only below ``/v1/``, ``/downloads/`` and ``/metadata/`` of its
address. Redirects are followed here, one by one, so that no library carries the header further.
"""

from __future__ import annotations

import posixpath
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Self
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError, SSLError, TimeoutError

from tenure_client.configuration import Origin, TransferLimits, origin_of
from tenure_client.errors import InvalidServerAnswer, ServerUnreachable, TransferTooSlow, UnsafeRedirect
from tenure_client.problems import MAX_PROBLEM_BYTES, refusal_of
from tenure_client.prompt_answers import make_prompt

MAX_REDIRECTS = 5
MAX_RETRY_AFTER_SECONDS = 86_400

_CHUNK_BYTES = 262_144
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SUCCESSES = frozenset({200, 202, 206})
_FOR_ANYONE = frozenset({"Range", "If-None-Match"})
_KEY_PATHS = ("/v1/", "/downloads/", "/metadata/")


@dataclass(frozen=True, slots=True)
class Response:
    """A response whose body is still to be read, once, through ``chunks``."""

    status: int
    headers: Mapping[str, str]
    is_from_server: bool  # and not from where it redirected to
    chunks: Iterator[bytes] = field(repr=False)

    def read(self, max_bytes: int) -> bytes:
        """The whole body. Raises ``InvalidServerAnswer`` if it is larger."""
        body = bytearray()
        for chunk in self.chunks:
            body += chunk
            if len(body) > max_bytes:
                raise InvalidServerAnswer(f"the server's answer is larger than {max_bytes} bytes")
        return bytes(body)

    def require_success(self) -> None:
        """Returns for 200, 202, 206; raises what any other status means. An error's body is read as RFC 9457 has it."""
        if self.status in _SUCCESSES:
            return
        if self.status < 400:
            raise InvalidServerAnswer(f"the server answered with status {self.status}, which nobody asked for")
        body = b""
        if self.is_from_server and "json" in self.headers.get("content-type", ""):
            try:
                body = self.read(MAX_PROBLEM_BYTES)
            except (ServerUnreachable, InvalidServerAnswer):
                body = b""
        raise refusal_of(self.status, body, self.is_from_server, retry_after_seconds(self.headers))


class Transport:
    """Connections of one operation; to be closed, or used in a ``with`` statement."""

    def __init__(self, server_url: str, limits: TransferLimits) -> None:
        from tenure_client import __version__

        self.server_url = server_url
        self._origin = origin_of(server_url)
        self._base_path = urlsplit(server_url).path
        self._limits = limits
        self._pools: dict[str | None, urllib3.PoolManager] = {}
        self._headers = {"User-Agent": f"tenure-client/{__version__}", "Accept-Encoding": "identity"}

    def to(self, url: str) -> Transport:
        """To another address over the same connections, which end with this one. It is given no licence key."""
        other = Transport(url, self._limits)
        other._pools = self._pools
        return other

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for pool in self._pools.values():
            pool.clear()

    @contextmanager
    def get(
        self, path: str, *, headers: Mapping[str, str] | None = None, licence_key: str | None = None
    ) -> Iterator[Response]:
        """GET ``path`` (from ``/``, with a query) of the server, redirects followed; any status below 300 or from 400.

        Raises ``ServerUnreachable`` or ``TransferTooSlow``, also while chunks are read; ``UnsafeRedirect``.
        """
        url = f"{self.server_url}{path}"
        for _ in range(MAX_REDIRECTS + 1):
            raw = self._request("GET", url, dict(headers or {}), licence_key)
            try:
                if raw.status not in _REDIRECTS or "location" not in raw.headers:
                    lower = {name.lower(): value for name, value in raw.headers.items()}
                    yield Response(raw.status, lower, origin_of(url) == self._origin, self._chunks(raw))
                    return
                url = self._next_url(url, raw.headers["location"])
            finally:
                raw.close()
        raise UnsafeRedirect(f"the server redirects more than {MAX_REDIRECTS} times")

    @contextmanager
    def post(self, path: str, body: bytes, *, licence_key: str) -> Iterator[Response]:
        """POST a JSON body to ``path`` of the server. A redirect is an answer like any other: nothing follows it.

        Raises ``ServerUnreachable`` or ``TransferTooSlow``, also while chunks are read.
        """
        with self._sent("POST", path, {"Content-Type": "application/json"}, licence_key, body) as response:
            yield response

    @contextmanager
    def delete(self, path: str, *, licence_key: str) -> Iterator[Response]:
        """DELETE ``path`` (with a query) of the server; otherwise as ``post``."""
        with self._sent("DELETE", path, {}, licence_key, None) as response:
            yield response

    @contextmanager
    def _sent(
        self, method: str, path: str, headers: dict[str, str], licence_key: str, body: bytes | None
    ) -> Iterator[Response]:
        raw = self._request(method, f"{self.server_url}{path}", headers, licence_key, body)
        try:
            lower = {name.lower(): value for name, value in raw.headers.items()}
            yield Response(raw.status, lower, True, self._chunks(raw))
        finally:
            raw.close()

    def _request(
        self, method: str, url: str, headers: dict[str, str], licence_key: str | None, body: bytes | None = None
    ) -> urllib3.BaseHTTPResponse:
        if licence_key is not None and self._may_see_licence_key(url):
            headers["Authorization"] = f"License {licence_key}"
        elif not self._may_see_licence_key(url):
            headers = {name: value for name, value in headers.items() if name in _FOR_ANYONE}  # certificates neither
        try:
            return self._pool(origin_of(url)).request(
                method,
                url,
                body=body,
                headers=self._headers | headers,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(connect=self._limits.timeout_seconds, read=self._limits.timeout_seconds),
            )
        except (HTTPError, OSError, ValueError) as error:
            raise _unreachable(url, error) from None  # urllib3's errors show whole links

    def _pool(self, origin: Origin) -> urllib3.PoolManager:
        proxy = None if origin.is_loopback or proxy_bypass(origin.host) else getproxies().get(origin.scheme)
        if proxy not in self._pools:
            self._pools[proxy] = make_prompt(urllib3.PoolManager() if proxy is None else urllib3.ProxyManager(proxy))
        return self._pools[proxy]

    def _may_see_licence_key(self, url: str) -> bool:
        path = unquote(urlsplit(url).path)
        if origin_of(url) != self._origin or posixpath.normpath(path) != path.rstrip("/") or "\\" in path:
            return False
        return any(path.startswith(f"{self._base_path}{below}") for below in _KEY_PATHS)

    def _next_url(self, url: str, location: str) -> str:
        """Where a redirect leads. Raises ``UnsafeRedirect`` without showing the link, which may be a capability."""
        try:
            target = urljoin(url, location)
            origin = origin_of(target)
        except ValueError as error:
            raise UnsafeRedirect(f"the server redirects to an address that cannot be used: {error}") from None
        if origin.scheme == "http" and origin_of(url).scheme == "https":
            raise UnsafeRedirect("the server redirects from https to plain http")
        return target

    def _chunks(self, raw: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        """The body as it arrives; raises if it stops early or comes too slowly."""
        limits, expected, received = self._limits, _content_length(raw.headers), 0
        window_began, in_window = time.monotonic(), 0
        while True:
            try:
                # read1 returns what has arrived: stream() would wait for a full chunk, however slowly it drips in
                chunk = raw.read1(_CHUNK_BYTES, decode_content=False)
            except (HTTPError, OSError) as error:
                raise _unreachable("", error) from None
            if not chunk:
                break
            received += len(chunk)
            in_window += len(chunk)
            yield chunk
            elapsed = time.monotonic() - window_began
            if elapsed >= limits.rate_window_seconds:
                if in_window < limits.min_bytes_per_second * elapsed:
                    raise TransferTooSlow(f"the server sends less than {limits.min_bytes_per_second} bytes a second")
                window_began, in_window = time.monotonic(), 0
        if expected is not None and received < expected:
            raise ServerUnreachable("the connection broke in the middle of an answer")


def retry_after_seconds(headers: Mapping[str, str]) -> int | None:
    """The Retry-After header (RFC 9110, section 10.2.3), at most a day; None if absent or unreadable."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), MAX_RETRY_AFTER_SECONDS)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return max(0, min(int((until - datetime.now(UTC)).total_seconds()), MAX_RETRY_AFTER_SECONDS))


def _content_length(headers: Mapping[str, str]) -> int | None:
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _unreachable(url: str, error: Exception) -> ServerUnreachable:
    host = f" {urlsplit(url).hostname}" if url else ""
    if isinstance(error, SSLError):
        return ServerUnreachable(
            f"no secure connection to{host or ' the server'}: its certificate or encryption is not accepted",
            hint="check this computer's date and time, and whether a proxy opens its connections",
        )
    if isinstance(error, TimeoutError) and "NewConnection" not in type(error).__name__:
        return ServerUnreachable(f"the server{host} did not answer in time")
    return ServerUnreachable(f"the connection to{host or ' the server'} failed")
