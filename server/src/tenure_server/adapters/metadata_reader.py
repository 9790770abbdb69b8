"""The metadata of another Tenure server, read and verified by a real TUF client; with a token where it asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus

import urllib3
from tuf.api.exceptions import DownloadHTTPError, SlowRetrievalError
from tuf.ngclient import FetcherInterface

from tenure_server.adapters.server_connection import CONNECT_SECONDS, READ_SECONDS, safe_url
from tenure_server.errors import TokenRequired
from tenure_signing.errors import PublishingError
from tenure_signing.tuf_verified import Verified, verified_server

_PIECE_BYTES = 64 * 1024


class TokenFetcher(FetcherInterface):
    """Reads from one server with an API token, which goes to no other place: redirects are not followed."""

    def __init__(self, url: str, token: str) -> None:
        self._url = f"{safe_url(url)}/"
        self._headers = {"User-Agent": "tenure", "Authorization": f"Bearer {token}"}
        self._pool = urllib3.PoolManager(num_pools=1, retries=False)

    def __repr__(self) -> str:
        return f"TokenFetcher({self._url!r})"

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _fetch(self, url: str) -> Iterator[bytes]:
        if not url.startswith(self._url):
            raise ValueError(f"{url} is not at {self._url}")
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        response = self._pool.request(
            "GET", url, headers=self._headers, timeout=timeout, redirect=False, preload_content=False
        )
        if response.status != HTTPStatus.OK:
            response.close()
            raise DownloadHTTPError(f"HTTP status {response.status}", response.status)
        return self._pieces(response)

    @staticmethod
    def _pieces(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        try:
            yield from response.stream(_PIECE_BYTES)
        except urllib3.exceptions.TimeoutError as error:
            raise SlowRetrievalError from error
        finally:
            response.release_conn()


def metadata_of_server(url: str, first_root: bytes, now: datetime, token: str | None) -> Verified:
    """What a client that embeds ``first_root`` makes of the metadata at the URL.

    Raises ``TokenRequired`` where it is shown to licence holders only and the token does not open it; otherwise as
    ``verified_server`` does.
    """
    fetcher = TokenFetcher(url, token) if token is not None else None
    try:
        return verified_server(url, first_root, now, fetcher)
    except PublishingError as error:
        if _status(error) != HTTPStatus.UNAUTHORIZED:
            raise
        raise TokenRequired(
            "The server shows its metadata to those who may read it only.",
            code="metadata_access",
            hint="set TENURE_TOKEN_FILE or TENURE_TOKEN to a token with the scope publish, trust or read",
        ) from error
    finally:
        if fetcher is not None:
            fetcher.close()


def _status(error: PublishingError) -> int | None:
    cause = error.__cause__
    return cause.status_code if isinstance(cause, DownloadHTTPError) else None
