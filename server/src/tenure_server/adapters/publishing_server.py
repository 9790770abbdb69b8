"""Another Tenure server, over HTTPS, for those who publish to it. The token is sent to its own addresses only."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from tenure_server.adapters.server_connection import READ_SECONDS, ServerConnection
from tenure_server.adapters.server_connection import strange_answer as _strange
from tenure_server.domain.products import Product
from tenure_server.domain.publishing import PartLink, PublishingPlan, UploadState
from tenure_server.errors import Conflict, ServerUnavailable
from tenure_signing.languages import Language, parse_language
from tenure_signing.names import ChannelName, ProductName, parse_channel, parse_edition
from tenure_signing.problem_numbers import ProblemNumber
from tenure_signing.releases import Build, ReleaseFile
from tenure_signing.versions import Version

READ_BACK_SECONDS = 3_600  # the server reads the whole build
BUSY_ATTEMPTS, BUSY_SECONDS = 60, 5.0


class HttpPublishingServer:
    """The server at a URL. Raises ``InvalidRequest`` (``insecure_server``) for one that would be told the token in the
    clear."""

    def __init__(self, url: str, token: str, *, pause: Callable[[float], None] = time.sleep) -> None:
        self._connection = ServerConnection(url, token, pause=pause)
        self._scheme = urlsplit(url).scheme

    def __repr__(self) -> str:
        return f"HttpPublishingServer({self._connection.url!r})"

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def plan(
        self,
        product: ProductName,
        version: Version,
        channel: ChannelName | None,
        builds: Sequence[ReleaseFile],
        fixes: Sequence[ProblemNumber] = (),
    ) -> PublishingPlan:
        body = {
            "product": product,
            "version": str(version),
            "channel": channel,
            "builds": [_announced(build) for build in builds],
            **({"fixes": list(fixes)} if fixes else {}),  # older servers know no such member
        }
        answer = self._ask("drafts", body)
        try:
            plan = PublishingPlan(
                Product(
                    product,
                    str(answer["title"]),
                    tuple(parse_edition(name) for name in answer["editions"]),
                    tuple(parse_channel(name) for name in answer["channels"]),
                    notes_language=parse_language(answer["notes_language"]),
                ),
                date.fromisoformat(answer["today"]),
                tuple(_state(each) for each in answer["uploads"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _strange() from error
        if len(plan.uploads) != len(builds) or not plan.product.channels:
            raise _strange()
        return plan

    def upload(self, product: ProductName, version: Version, build: ReleaseFile) -> UploadState:
        return self._upload("uploads", product, version, build, READ_BACK_SECONDS)

    def complete(self, product: ProductName, version: Version, build: ReleaseFile) -> None:
        for attempt in range(1, BUSY_ATTEMPTS + 1):
            try:
                state = self._upload("uploads/complete", product, version, build, READ_BACK_SECONDS)
                break
            except Conflict as error:  # a proxy gave up on the first request, which the server is still at
                if error.code != "upload_busy" or attempt == BUSY_ATTEMPTS:
                    raise
            self._connection.pause(BUSY_SECONDS)
        if not state.is_stored:
            raise _strange()

    def send_part(self, link: PartLink, data: bytes) -> None:
        if urlsplit(link.url).scheme not in ("https", self._scheme):
            raise ServerUnavailable("The server wants a build to be sent in the clear.")
        headers = {"Content-Type": "application/octet-stream"}
        response = self._connection.request("PUT", link.url, data, headers, READ_SECONDS)
        if response.status not in (200, 201, 204):
            raise ServerUnavailable(f"The store did not take a part: HTTP status {response.status}.")

    def publish(
        self,
        product: ProductName,
        version: Version,
        role: bytes,
        notes: str | None,
        share_basis_points: int | None,
        translations: Mapping[Language, str] | None = None,
    ) -> bool:
        body = {
            "product": product,
            "version": str(version),
            "role": role.decode(),
            "notes": notes,
            "share_basis_points": share_basis_points,
            "translations": dict(translations or {}),
        }
        return self._ask("publish", body, READ_BACK_SECONDS).get("is_new") is True

    def _upload(
        self, path: str, product: ProductName, version: Version, build: ReleaseFile, seconds: float
    ) -> UploadState:
        body = {"product": product, "version": str(version), "build": _announced(build)}
        try:
            return _state(self._ask(path, body, seconds))
        except (KeyError, TypeError, ValueError) as error:
            raise _strange() from error

    def _ask(self, path: str, body: dict[str, Any], seconds: float = READ_SECONDS) -> dict[str, Any]:
        return self._connection.post(f"/v1/publishing/{path}", body, seconds)


def _announced(file: ReleaseFile) -> dict[str, object]:
    """A side file too: for the store it does not matter what runs on which platform."""
    return {
        "file_name": file.file_name,
        "platform": str(file.platform) if isinstance(file, Build) else "any",
        "length": file.length,
        "sha256": file.sha256,
        "sha1": file.sha1 if isinstance(file, Build) else None,
    }


def _state(answer: dict[str, Any]) -> UploadState:
    links = tuple(
        PartLink(int(link["number"]), int(link["offset"]), int(link["length"]), str(link["url"]))
        for link in answer["links"]
    )
    return UploadState(answer["is_stored"] is True, int(answer["parts"]), int(answer["missing"]), links)
