"""The records of ceremonies in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from tenure_server.domain.trust_drafts import DraftState
from tenure_server.errors import Conflict, NotFound
from tenure_server.use_cases.ports_trust import StoredDraft


@dataclass
class MemoryTrustDrafts:
    drafts: dict[str, StoredDraft]

    def get(self, code: str, *, for_change: bool = False) -> StoredDraft | None:
        del for_change  # there is one writer at a time anyway
        return self.drafts.get(code)

    def open(self) -> tuple[StoredDraft, ...]:
        return tuple(draft for draft in self.newest(len(self.drafts)) if draft.state is DraftState.OPEN)

    def newest(self, limit: int) -> tuple[StoredDraft, ...]:
        ordered = sorted(self.drafts.values(), key=lambda one: (one.pushed_at, one.code), reverse=True)
        return tuple(ordered[: max(limit, 0)])

    def add(self, draft: StoredDraft) -> None:
        if draft.code in self.drafts:
            raise Conflict("There is such a draft already.", code="draft_exists")
        self.drafts[draft.code] = draft

    def set_document(self, code: str, document: bytes) -> None:
        self.drafts[code] = replace(self._open(code), document=document)

    def close(self, code: str, state: DraftState, *, at: datetime, by: str, reason: str | None = None) -> None:
        self.drafts[code] = replace(
            self._open(code), document=None, state=state, closed_at=at, closed_by=by, reason=reason
        )

    def _open(self, code: str) -> StoredDraft:
        draft = self.drafts.get(code)
        if draft is None or draft.state is not DraftState.OPEN:
            raise NotFound("There is no such draft.", code="unknown_draft")
        return draft


@dataclass
class MemoryKeyHolders:
    names: dict[str, str]

    def all(self) -> Mapping[str, str]:
        return dict(sorted(self.names.items()))

    def set(self, keyid: str, name: str) -> None:
        self.names[keyid] = name
