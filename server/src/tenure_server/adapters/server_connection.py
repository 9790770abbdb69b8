"""How one Tenure server is talked to from elsewhere: over HTTPS, with a token that goes to its own addresses only."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import urllib3

from tenure_server.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    Refusal,
    ServerUnavailable,
    TokenRequired,
)

CONNECT_SECONDS = 10
READ_SECONDS = 120
ATTEMPTS = 4
MAX_ANSWER_BYTES = 4 * 1024 * 1024

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_AGAIN = (429, 500, 502, 503, 504)
_REFUSALS: dict[int, type[Refusal]] = {
    400: InvalidRequest, 401: TokenRequired, 403: Forbidden, 404: NotFound, 409: Conflict, 413: InvalidRequest,
}  # fmt: skip


def safe_url(url: str) -> str:
    """The server's URL without a slash at its end. Raises ``InvalidRequest`` (``server_url``; ``insecure_server`` for
    one that would be told the token in the clear)."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise InvalidRequest("The server's URL is written https://host, perhaps with a path.", code="server_url")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise InvalidRequest(
            "The token would cross the network in the clear.", code="insecure_server", hint="use https://"
        )
    return url.rstrip("/")


class ServerConnection:
    """The server at a URL. Raises ``InvalidRequest`` as ``safe_url`` does. Everything it asks can be asked again."""

    def __init__(self, url: str, token: str, *, pause: Callable[[float], None] = time.sleep) -> None:
        self.url = safe_url(url)
        self._token = token
        self.pause = pause
        self._pool = urllib3.PoolManager(num_pools=4, maxsize=8, headers={"User-Agent": "tenure"}, retries=False)

    def __repr__(self) -> str:
        return f"ServerConnection({self.url!r})"

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def get(self, path: str, *, max_bytes: int = MAX_ANSWER_BYTES) -> dict[str, Any]:
        """The JSON object at the path. Raises what the server refuses with, and ``ServerUnavailable``."""
        return self._answer("GET", path, None, READ_SECONDS, max_bytes)[1]

    def get_bytes(self, path: str, *, max_bytes: int) -> bytes:
        """The JSON object at the path, byte for byte."""
        return self._answer("GET", path, None, READ_SECONDS, max_bytes)[0]

    def post(self, path: str, body: dict[str, Any] | bytes, seconds: float = READ_SECONDS) -> dict[str, Any]:
        """The JSON object that answers the body. Raises as ``get`` does."""
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        return self._answer("POST", path, data, seconds, MAX_ANSWER_BYTES)[1]

    def _answer(
        self, method: str, path: str, body: bytes | None, seconds: float, max_bytes: int
    ) -> tuple[bytes, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self._token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        response = self.request(method, f"{self.url}{path}", body, headers, seconds, max_bytes=max_bytes)
        answer = _json(response)
        if response.status == 200 and answer is not None:
            return response.data, answer
        kind = _REFUSALS.get(response.status)
        if kind is not None and answer is not None and isinstance(answer.get("code"), str):
            hint = answer.get("hint")
            raise kind(_words(answer), code=answer["code"][:64], hint=hint[:500] if isinstance(hint, str) else None)
        raise ServerUnavailable(f"{self.url} answers with HTTP status {response.status}.")

    def request(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: dict[str, str],
        seconds: float,
        *,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> urllib3.BaseHTTPResponse:
        """One request, again after failures that may pass: everything here can be repeated. Follows no redirect."""
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=seconds)
        failure = "does not answer"
        for attempt in range(ATTEMPTS):
            if attempt:
                self.pause(2.0**attempt)
            try:
                response = self._pool.request(
                    method, url, body=body, headers=headers, timeout=timeout, redirect=False, retries=False,
                    preload_content=False,
                )  # fmt: skip
                try:
                    data = response.read(max_bytes + 1)
                finally:
                    response.release_conn()
            except urllib3.exceptions.HTTPError as error:
                failure = f"does not answer ({type(error).__name__})"
                continue
            if len(data) > max_bytes:
                raise strange_answer()
            if response.status not in _AGAIN:
                return urllib3.HTTPResponse(data, response.headers, response.status)
            failure = f"answers with HTTP status {response.status}"
            if b'"signer_silent"' in data:
                failure = "waits for its signer, which does this as soon as it runs"
        raise ServerUnavailable(f"{urlsplit(url).hostname} {failure}.")


def strange_answer() -> ServerUnavailable:
    """For an answer that no Tenure server would give."""
    return ServerUnavailable("The server's answer is not one of a Tenure server.", hint="check the URL")


def _json(response: urllib3.BaseHTTPResponse) -> dict[str, Any] | None:
    try:
        answer = json.loads(response.data)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _words(answer: dict[str, Any]) -> str:
    """The server's sentence, with every fault that it lists."""
    detail = answer.get("detail")
    words = [detail if isinstance(detail, str) else "The server refuses."]
    errors = answer.get("errors")
    for fault in errors if isinstance(errors, list) else ():
        if isinstance(fault, dict):
            words.append(f"{fault.get('where')}: {fault.get('problem')}.")
    return " ".join(words)[:2000]
