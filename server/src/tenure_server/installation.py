"""One installation put together: settings in, database, store, keys and use cases out.

With ``app.py`` (HTTP) and ``cli`` the only place that knows the adapters.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tenure_server.adapters.metadata_reader import metadata_of_server as metadata_of_server
from tenure_server.adapters.publishing_server import HttpPublishingServer
from tenure_server.adapters.release_drafts_server import HttpReleaseDraftsServer
from tenure_server.adapters.server_connection import ServerConnection
from tenure_server.adapters.trust_server import HttpDraftBoard
from tenure_server.parts.resources import utc_now as utc_now
from tenure_server.parts.supporting import SupportingParts
from tenure_server.use_cases.ports import Clock
from tenure_server.use_cases.ports_board import Board
from tenure_server.use_cases.publish_remotely import PublishRemotely
from tenure_server.use_cases.release_drafts_remotely import PublishByDraft, ReleaseDraftsRemotely
from tenure_signing.tuf_repository import Repository


@contextmanager
def remote_drafts(url: str, token: str, first_root: bytes, clock: Clock) -> Iterator[PublishByDraft]:
    """Publishing and release drafts on the server at the URL, trusting what that root leads to and nothing else.

    No installation is needed on this machine. Raises ``InvalidRequest`` for a URL that cannot be used.
    """
    server, connection = HttpPublishingServer(url, token), ServerConnection(url, token)

    def metadata() -> Repository:
        return metadata_of_server(url, first_root, clock(), token).repository

    try:
        drafts = ReleaseDraftsRemotely(HttpReleaseDraftsServer(connection), metadata, clock)
        yield PublishByDraft(PublishRemotely(server, metadata, clock), drafts)
    finally:
        server.close()
        connection.close()


@contextmanager
def remote_board(url: str, token: str) -> Iterator[Board]:
    """The board of drafts of the server at the URL. Raises ``InvalidRequest`` for a URL that cannot be used."""
    board = HttpDraftBoard(url, token)
    try:
        yield board
    finally:
        board.close()


@dataclass(frozen=True)
class Installation(SupportingParts):
    """All parts of one installation. What is a part of what: ``tenure_server.parts``."""
