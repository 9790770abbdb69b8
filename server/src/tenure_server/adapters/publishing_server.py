"""Another Tenure server, over HTTPS, for those who publish to it. The token is sent to its own addresses only."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import urllib3

from tenure_server.domain.products import Product
from tenure_server.domain.publishing import PartLink, PublishingPlan, UploadState
from tenure_server.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    Refusal,
    ServerUnavailable,
    TokenRequired,
)
from tenure_signing.names import ChannelName, ProductName, parse_channel, parse_edition
from tenure_signing.releases import Build
from tenure_signing.versions import Version

CONNECT_SECONDS = 10
READ_SECONDS = 120
READ_BACK_SECONDS = 3_600  # the server reads the whole build
ATTEMPTS = 4
BUSY_ATTEMPTS, BUSY_SECONDS = 60, 5.0
MAX_ANSWER_BYTES = 4 * 1024 * 1024

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_AGAIN = (429, 500, 502, 503, 504)
_REFUSALS: dict[int, type[Refusal]] = {
    400: InvalidRequest, 401: TokenRequired, 403: Forbidden, 404: NotFound, 409: Conflict, 413: InvalidRequest,
}  # fmt: skip


class HttpPublishingServer:
    """The server at a URL. Raises ``InvalidRequest`` (``insecure_server``) for one that would be told the token in the
    clear."""

    def __init__(self, url: str, token: str, *, pause: Callable[[float], None] = time.sleep) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise InvalidRequest("The server's URL is written https://host, perhaps with a path.", code="server_url")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise InvalidRequest(
                "The token would cross the network in the clear.", code="insecure_server", hint="use https://"
            )
        self._url = url.rstrip("/")
        self._scheme = parts.scheme
        self._token = token
        self._pause = pause
        self._pool = urllib3.PoolManager(num_pools=4, maxsize=8, headers={"User-Agent": "tenure"}, retries=False)

    def __repr__(self) -> str:
        return f"HttpPublishingServer({self._url!r})"

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def plan(
        self, product: ProductName, version: Version, channel: ChannelName | None, builds: Sequence[Build]
    ) -> PublishingPlan:
        body = {
            "product": product,
            "version": str(version),
            "channel": channel,
            "builds": [_announced(build) for build in builds],
        }
        answer = self._ask("drafts", body)
        try:
            plan = PublishingPlan(
                Product(
                    product,
                    str(answer["title"]),
                    tuple(parse_edition(name) for name in answer["editions"]),
                    tuple(parse_channel(name) for name in answer["channels"]),
                ),
                date.fromisoformat(answer["today"]),
                tuple(_state(each) for each in answer["uploads"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _strange() from error
        if len(plan.uploads) != len(builds) or not plan.product.channels:
            raise _strange()
        return plan

    def upload(self, product: ProductName, version: Version, build: Build) -> UploadState:
        return self._upload("uploads", product, version, build, READ_BACK_SECONDS)

    def complete(self, product: ProductName, version: Version, build: Build) -> None:
        for attempt in range(1, BUSY_ATTEMPTS + 1):
            try:
                state = self._upload("uploads/complete", product, version, build, READ_BACK_SECONDS)
                break
            except Conflict as error:  # a proxy gave up on the first request, which the server is still at
                if error.code != "upload_busy" or attempt == BUSY_ATTEMPTS:
                    raise
            self._pause(BUSY_SECONDS)
        if not state.is_stored:
            raise _strange()

    def send_part(self, link: PartLink, data: bytes) -> None:
        if urlsplit(link.url).scheme not in ("https", self._scheme):
            raise ServerUnavailable("The server wants a build to be sent in the clear.")
        response = self._request("PUT", link.url, data, {"Content-Type": "application/octet-stream"}, READ_SECONDS)
        if response.status not in (200, 201, 204):
            raise ServerUnavailable(f"The store did not take a part: HTTP status {response.status}.")

    def publish(
        self, product: ProductName, version: Version, role: bytes, notes: str | None, share_basis_points: int | None
    ) -> bool:
        body = {
            "product": product,
            "version": str(version),
            "role": role.decode(),
            "notes": notes,
            "share_basis_points": share_basis_points,
        }
        return self._ask("publish", body, READ_BACK_SECONDS).get("is_new") is True

    def _upload(self, path: str, product: ProductName, version: Version, build: Build, seconds: float) -> UploadState:
        body = {"product": product, "version": str(version), "build": _announced(build)}
        try:
            return _state(self._ask(path, body, seconds))
        except (KeyError, TypeError, ValueError) as error:
            raise _strange() from error

    def _ask(self, path: str, body: dict[str, Any], seconds: float = READ_SECONDS) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        url = f"{self._url}/v1/publishing/{path}"
        response = self._request("POST", url, json.dumps(body, ensure_ascii=False).encode(), headers, seconds)
        answer = _json(response)
        if response.status == 200 and answer is not None:
            return answer
        kind = _REFUSALS.get(response.status)
        if kind is not None and answer is not None and isinstance(answer.get("code"), str):
            hint = answer.get("hint")
            raise kind(_words(answer), code=answer["code"][:64], hint=hint[:500] if isinstance(hint, str) else None)
        raise ServerUnavailable(f"{self._url} answers with HTTP status {response.status}.")

    def _request(
        self, method: str, url: str, body: bytes, headers: dict[str, str], seconds: float
    ) -> urllib3.BaseHTTPResponse:
        """One request, again after failures that may pass: everything here can be repeated. Follows no redirect."""
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=seconds)
        failure = "does not answer"
        for attempt in range(ATTEMPTS):
            if attempt:
                self._pause(2.0**attempt)
            try:
                response = self._pool.request(
                    method, url, body=body, headers=headers, timeout=timeout, redirect=False, retries=False,
                    preload_content=False,
                )  # fmt: skip
                try:
                    data = response.read(MAX_ANSWER_BYTES + 1)
                finally:
                    response.release_conn()
            except urllib3.exceptions.HTTPError as error:
                failure = f"does not answer ({type(error).__name__})"
                continue
            if len(data) > MAX_ANSWER_BYTES:
                raise _strange()
            if response.status not in _AGAIN:
                return urllib3.HTTPResponse(data, response.headers, response.status)
            failure = f"answers with HTTP status {response.status}"
        raise ServerUnavailable(f"{urlsplit(url).hostname} {failure}.")


def _announced(build: Build) -> dict[str, object]:
    return {
        "file_name": build.file_name,
        "platform": str(build.platform),
        "length": build.length,
        "sha256": build.sha256,
        "sha1": build.sha1,
    }


def _state(answer: dict[str, Any]) -> UploadState:
    links = tuple(
        PartLink(int(link["number"]), int(link["offset"]), int(link["length"]), str(link["url"]))
        for link in answer["links"]
    )
    return UploadState(answer["is_stored"] is True, int(answer["parts"]), int(answer["missing"]), links)


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


def _strange() -> ServerUnavailable:
    return ServerUnavailable("The server's answer is not one of a Tenure server.", hint="check the URL")
