"""Sending webhooks, to where they may be sent and nowhere else.

The host's addresses are looked up once, every one of them has to be allowed, and the connection is made to one of
those: a name that changes its mind between look-up and connection gains nothing (DNS rebinding). Certificates are
verified always, redirects are not followed, proxies of the environment are not used, and what a receiver says is not
kept.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import SplitResult, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from tenure_server.domain.webhooks import Sent, is_reachable

TIMEOUT_SECONDS = 10.0
TOTAL_SECONDS = 20.0
_USER_AGENT = "tenure-webhooks/1"

LookUp = Callable[[str, int], list[str]]


def look_up(host: str, port: int) -> list[str]:
    """The host's addresses. Raises ``OSError``."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


class WebhookSender:
    """Safe to use from several threads. ``tls`` trusts the system's authorities unless told otherwise."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, look_up: LookUp = look_up) -> None:
        self._tls = tls or ssl.create_default_context()
        self._look_up = look_up

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes, *, allows_private: bool) -> Sent:
        began = time.monotonic()
        status, problem, retry_after = self._tried(url, headers, body, allows_private)
        return Sent(status, problem, retry_after, int((time.monotonic() - began) * 1000))

    def _tried(
        self, url: str, headers: Mapping[str, str], body: bytes, allows_private: bool
    ) -> tuple[int | None, str | None, int | None]:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        try:
            addresses = self._look_up(host, port)
        except (OSError, UnicodeError):
            return None, "its host is not found", None
        if not addresses or not all(_is_allowed(address, allows_private) for address in addresses):
            return None, "its host has an address to which webhooks are not sent", None
        if parts.scheme != "https" and not all(_is_loopback(address) for address in addresses):
            return None, "without TLS nothing is sent beyond this machine", None
        try:
            return self._posted(parts, addresses[0], port, headers, body)
        except (ssl.SSLError, urllib3.exceptions.SSLError) as error:
            reason = getattr(error, "verify_message", None) or "the TLS handshake failed"
            return None, f"its certificate is not believed: {reason}", None
        except urllib3.exceptions.NewConnectionError as error:
            return None, _connection_problem(error), None
        except (TimeoutError, urllib3.exceptions.TimeoutError):
            return None, "it took too long", None
        except (OSError, urllib3.exceptions.HTTPError) as error:
            return None, _connection_problem(error), None
        except Exception as error:  # http.client's own, for what is not HTTP
            return None, f"its answer is not HTTP ({type(error).__name__})", None

    def _posted(
        self, parts: SplitResult, address: str, port: int, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, None, int | None]:
        connection = self._connection(parts, address, port)
        sent_headers = {**headers, "Host": parts.netloc, "User-Agent": _USER_AGENT, "Content-Type": "application/json"}
        with _ended_after(TOTAL_SECONDS, connection):
            try:
                path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                connection.request("POST", path, body=body, headers=sent_headers, preload_content=False)
                answer = connection.getresponse()
                return answer.status, None, _seconds(answer.headers.get("Retry-After"))
            finally:
                connection.close()

    def _connection(self, parts: SplitResult, address: str, port: int) -> HTTPConnection:
        if parts.scheme != "https":
            return HTTPConnection(address, port, timeout=TIMEOUT_SECONDS)
        return HTTPSConnection(
            address,
            port,
            timeout=TIMEOUT_SECONDS,
            ssl_context=self._tls,
            server_hostname=parts.hostname,  # for which the certificate has to be
        )


@contextmanager
def _ended_after(seconds: float, connection: HTTPConnection) -> Iterator[None]:
    """Ends the connection when the time is over: a receiver that sends a byte now and then holds no thread for ever."""

    def end() -> None:
        open_socket: Any = connection.sock
        if open_socket is not None:
            with suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _is_allowed(address: str, allows_private: bool) -> bool:
    try:
        return is_reachable(ipaddress.ip_address(address.partition("%")[0]), allows_private=allows_private)
    except ValueError:
        return False


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _connection_problem(error: Exception) -> str:
    cause = error if isinstance(error, OSError) else error.__cause__ or error.__context__
    if isinstance(cause, ConnectionRefusedError):
        return "it refuses the connection"
    strerror = cause.strerror if isinstance(cause, OSError) else None
    return f"it does not answer: {strerror or type(error).__name__}"


def _seconds(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None
