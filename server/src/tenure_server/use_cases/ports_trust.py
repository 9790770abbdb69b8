"""What ceremonies ask of the database: the board of drafts, and whose keys are whose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tenure_server.domain.trust_drafts import DraftState


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """``document`` is the draft's file, and None once the draft is closed. ``state`` is never ``stale``."""

    code: str
    purpose: str
    roles: tuple[str, ...]
    pushed_by: str
    pushed_at: datetime
    expires_at: datetime
    document: bytes | None
    state: DraftState = DraftState.OPEN
    closed_by: str | None = None
    closed_at: datetime | None = None
    reason: str | None = None


class TrustDrafts(Protocol):
    """Drafts by code; they are never removed, only closed, so that no code is used twice."""

    def get(self, code: str, *, for_change: bool = False) -> StoredDraft | None:
        """``for_change``: nobody else can change it until the transaction ends."""
        ...

    def open(self) -> tuple[StoredDraft, ...]:
        """Those that are not closed, newest first."""
        ...

    def newest(self, limit: int) -> tuple[StoredDraft, ...]:
        """Open and closed ones, newest first; documents of open ones only."""
        ...

    def add(self, draft: StoredDraft) -> None:
        """Raises ``Conflict`` (code ``draft_exists``) if there is one of this code."""
        ...

    def set_document(self, code: str, document: bytes) -> None:
        """Of an open draft. Raises ``NotFound`` (``unknown_draft``)."""
        ...

    def close(self, code: str, state: DraftState, *, at: datetime, by: str, reason: str | None = None) -> None:
        """The document is forgotten. Raises ``NotFound`` (``unknown_draft``) if no draft of this code is open."""
        ...


class KeyHolders(Protocol):
    """Whose key is whose, by key id: for people, and never signed."""

    def all(self) -> Mapping[str, str]: ...

    def set(self, keyid: str, name: str) -> None:
        """Name the holder of the key, or name it anew."""
        ...
