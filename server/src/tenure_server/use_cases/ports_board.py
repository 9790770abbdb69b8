"""The board of drafts as people use it: the one of this installation, or another server's over HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tenure_server.domain.trust_drafts import DraftState
from tenure_signing.draft_files import Draft, Requirement
from tenure_signing.draft_signatures import RoleSignature


@dataclass(frozen=True, slots=True)
class BoardEntry:
    """A draft on the board, as people are told of it. ``requirements`` of a closed one are empty."""

    code: str
    purpose: str
    state: DraftState
    roles: tuple[str, ...]
    pushed_by: str
    pushed_at: datetime
    expires_at: datetime
    requirements: tuple[Requirement, ...] = ()
    closed_by: str | None = None
    closed_at: datetime | None = None
    reason: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether no signature is missing of an open draft."""
        return bool(self.requirements) and all(each.is_met for each in self.requirements)


@dataclass(frozen=True, slots=True)
class SubmittedOnBoard:
    """``is_new`` is False when the draft had been published before. ``taken_up``: online keys now in use."""

    is_new: bool
    roles: tuple[str, ...]
    taken_up: tuple[str, ...]


class Board(Protocol):
    """Raises what the server refuses with, and ``ServerUnavailable`` or ``DatabaseUnavailable``."""

    def entries(self) -> tuple[BoardEntry, ...]:
        """Open and closed drafts, newest first."""
        ...

    def fetch(self, code: str) -> Draft:
        """The draft with the signatures it has. Raises ``NotFound`` (``unknown_draft``)."""
        ...

    def push(self, draft: Draft) -> BoardEntry: ...

    def sign(self, code: str, signatures: Iterable[RoleSignature]) -> BoardEntry: ...

    def submit(self, code: str) -> SubmittedOnBoard: ...

    def cancel(self, code: str, reason: str) -> BoardEntry: ...

    def key_holders(self) -> Mapping[str, str]:
        """Whose key is whose, by key id."""
        ...
