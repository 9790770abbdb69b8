"""Lets python-tuf fetch through our transport, and its errors come back as ours."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import IO

from tuf.api.exceptions import DownloadError, DownloadHTTPError, ExpiredMetadataError, RepositoryError
from tuf.ngclient import FetcherInterface

from tenure_client.errors import (
    InvalidServerAnswer,
    LicenceRejected,
    MetadataExpired,
    ServerError,
    StateError,
    TenureClientError,
    UntrustedMetadata,
)
from tenure_client.state import MAX_KEPT_BYTES, State
from tenure_client.transport import Response, Transport


class _Failure(DownloadError):
    """Carries our error through python-tuf, which only lets its own kind through."""

    def __init__(self, error: TenureClientError) -> None:
        super().__init__(str(error))
        self.error = error


class _HTTPFailure(DownloadHTTPError, _Failure):
    """The same with the status, which python-tuf asks for: 404 for the next root means that there is none."""

    def __init__(self, error: TenureClientError, status: int) -> None:
        DownloadHTTPError.__init__(self, str(error), status)
        self.error = error


class MetadataFetcher(FetcherInterface):
    """Fetches metadata. Metadata is public by default: the key is sent only once the server asks for it with 401.

    python-tuf bounds the length of everything it reads through ``_fetch``.
    """

    def __init__(self, transport: Transport, licence_key: str | None, state: State | None = None) -> None:
        """``state``: where the kept timestamp is, so that it is asked for only if it changed."""
        self._transport = transport
        self._licence_key = licence_key
        self._state = state
        self._is_asked_for_key = False
        self._body: Generator[bytes, None, None] | None = None

    @contextmanager
    def download_file(self, url: str, max_length: int) -> Iterator[IO[bytes]]:
        """As python-tuf does it. The connection is closed at once when it stops reading in the middle of a body."""
        try:
            with super().download_file(url, max_length) as file:
                yield file
        finally:
            if self._body is not None:
                self._body.close()

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = url.removeprefix(self._transport.server_url)
        if not self._is_asked_for_key:
            try:
                return self._opened(path, None)
            except _HTTPFailure as failure:
                if not isinstance(failure.error, LicenceRejected) or self._licence_key is None:
                    raise
                self._is_asked_for_key = True
        return self._opened(path, self._licence_key)

    def _opened(self, path: str, licence_key: str | None) -> Iterator[bytes]:
        """The body, after its status is known to be good; the generator is run up to there."""
        chunks = self._body = self._chunks(path, licence_key)
        next(chunks)
        return chunks

    def _chunks(self, path: str, licence_key: str | None) -> Generator[bytes, None, None]:
        state = self._state if path.endswith("/timestamp.json") else None
        url = f"{self._transport.server_url}{path}"
        tag = state.timestamp_tag(url) if state is not None else None
        headers = {"If-None-Match": tag} if tag is not None else {}
        try:
            with self._transport.get(path, headers=headers, licence_key=licence_key) as response:
                if response.status == 304 and state is not None and tag is not None:
                    yield b""
                    yield state.timestamp() or b""  # as it was when the tag was looked up: the directory is locked
                    return
                try:
                    response.require_success()
                except TenureClientError as error:
                    raise _HTTPFailure(error, response.status) from error
                yield b""
                if state is None:
                    yield from response.chunks
                else:
                    yield from _remembered(response, state, url)
        except ServerError as error:
            raise _Failure(error) from error


def _remembered(response: Response, state: State, url: str) -> Iterator[bytes]:
    """The body, whose entity tag is kept with it. Whether it may be believed is for python-tuf to say."""
    body = bytearray()
    for chunk in response.chunks:
        if len(body) <= MAX_KEPT_BYTES:
            body += chunk
        yield chunk
    if tag := response.headers.get("etag"):
        state.keep_timestamp_tag(url, tag, bytes(body))


@contextmanager
def tuf_errors_as_ours(what: str, *, missing: type[TenureClientError] = InvalidServerAnswer) -> Iterator[None]:
    """Raises ``UntrustedMetadata``, ``MetadataExpired``, ``StateError``, or the error of the transport; ``missing`` for
    what could not be fetched otherwise."""
    try:
        yield
    except _Failure as failure:
        raise failure.error from failure
    except ExpiredMetadataError as error:
        raise MetadataExpired(f"{what} has expired: {error}") from error
    except (RepositoryError, ValueError) as error:
        raise UntrustedMetadata(f"{what} cannot be trusted: {error}") from error
    except DownloadError as error:
        raise missing(f"{what} could not be fetched: {error}") from error
    except OSError as error:
        raise StateError(f"{what} cannot be kept: {error.strerror or type(error).__name__}") from error
