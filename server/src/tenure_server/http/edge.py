"""The outermost layer: refuses requests that nobody should parse, adds the headers every answer has, and turns what
nobody expected into a problem detail. ASGI middleware, because it also has to see what never reaches a route.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tenure_server.http.bodies import max_body_bytes
from tenure_server.http.problems import Answerable, incident_of

MAX_TARGET_BYTES = 8192
"""Of path and query together. The longest genuine target is a signed link of about 1 500."""

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""On every answer that does not say otherwise itself; not on 304, which has no body and changes no stored header."""


class BodyLimit:
    """The same for bodies that do not say how long they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        most = max_body_bytes(scope["path"]) if scope["type"] == "http" else 0
        await RequestBodyLimitMiddleware(self._app, max_body_size=most)(scope, receive, send)


class Edge:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = MutableHeaders(scope=message)
                for name, value in ALWAYS.items() if message["status"] != 304 else ():
                    headers.setdefault(name, value)
            await send(message)

        refusal = _refusal(scope)
        if refusal is not None:
            await refusal.response()(scope, receive, send_with_headers)
            return
        try:
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            return  # nobody is left to answer
        except Exception as error:
            problem = incident_of(error)
            if has_begun:  # the answer cannot be taken back: the server cuts the connection, so it is not believed
                raise
            await problem.response()(scope, receive, send_with_headers)


def _refusal(scope: Scope) -> Answerable | None:
    """Why the request is not looked at any further. What it says is not repeated and not logged."""
    path = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogatepass")
    if len(path) + len(scope["query_string"]) > MAX_TARGET_BYTES:
        return Answerable(414, "uri_too_long", f"The address has more than {MAX_TARGET_BYTES} bytes.")
    try:
        text = unquote_to_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        return Answerable(400, "malformed_path", "The path is not UTF-8, percent-encoded.")
    if not text.isprintable():
        return Answerable(400, "malformed_path", "The path holds a control character.")
    length = Headers(scope=scope).get("content-length", "0")
    if not length.isascii() or not length.isdigit():
        return Answerable(400, "malformed_length", "The Content-Length is not a number.")
    most = max_body_bytes(scope["path"])
    if len(length) > 18 or int(length) > most:
        return Answerable(413, "body_too_large", f"The body of a request to this address has at most {most} bytes.")
    return None
