"""Drafts of ceremonies, and whose keys are whose."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, col, select

from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.failures import conflict_if_taken
from tenure_server.adapters.database.trust_tables import KeyHolderRow, TrustDraftRow
from tenure_server.domain.trust_drafts import DraftState
from tenure_server.errors import NotFound
from tenure_server.use_cases.ports_trust import StoredDraft

_NEWEST_FIRST = (col(TrustDraftRow.pushed_at).desc(), col(TrustDraftRow.code).desc())


class SqlTrustDrafts:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, code: str, *, for_change: bool = False) -> StoredDraft | None:
        row = self._row(code, for_change)
        return _draft(row) if row is not None else None

    def open(self) -> tuple[StoredDraft, ...]:
        statement = select(TrustDraftRow).where(col(TrustDraftRow.state) == DraftState.OPEN.value)
        return tuple(_draft(row) for row in self._session.exec(statement.order_by(*_NEWEST_FIRST)).all())

    def newest(self, limit: int) -> tuple[StoredDraft, ...]:
        statement = select(TrustDraftRow).order_by(*_NEWEST_FIRST).limit(max(limit, 0))
        return tuple(_draft(row) for row in self._session.exec(statement).all())

    def add(self, draft: StoredDraft) -> None:
        row = TrustDraftRow(
            code=draft.code,
            purpose=draft.purpose,
            roles=list(draft.roles),
            pushed_by=draft.pushed_by,
            pushed_at=draft.pushed_at,
            expires_at=draft.expires_at,
            document=draft.document,
            state=draft.state.value,
            closed_by=draft.closed_by,
            closed_at=draft.closed_at,
            reason=draft.reason,
        )
        with conflict_if_taken(self._session, "There is such a draft already.", "draft_exists"):
            self._session.add(row)

    def set_document(self, code: str, document: bytes) -> None:
        self._open_row(code).document = document
        self._session.flush()

    def close(self, code: str, state: DraftState, *, at: datetime, by: str, reason: str | None = None) -> None:
        row = self._open_row(code)
        row.document, row.state, row.closed_at, row.closed_by, row.reason = None, state.value, at, by, reason
        self._session.flush()

    def _open_row(self, code: str) -> TrustDraftRow:
        row = self._row(code, for_change=True)
        if row is None or row.state != DraftState.OPEN:
            raise NotFound("There is no such draft.", code="unknown_draft")
        return row

    def _row(self, code: str, for_change: bool) -> TrustDraftRow | None:
        if not is_storable(code):
            return None
        return self._session.get(TrustDraftRow, code, populate_existing=for_change, with_for_update=for_change or None)


class SqlKeyHolders:
    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self) -> Mapping[str, str]:
        rows = self._session.exec(select(KeyHolderRow).order_by(col(KeyHolderRow.keyid))).all()
        return {row.keyid: row.name for row in rows}

    def set(self, keyid: str, name: str) -> None:
        self._session.merge(KeyHolderRow(keyid=keyid, name=name))
        self._session.flush()


def _draft(row: TrustDraftRow) -> StoredDraft:
    return StoredDraft(
        code=row.code,
        purpose=row.purpose,
        roles=tuple(row.roles),
        pushed_by=row.pushed_by,
        pushed_at=row.pushed_at,
        expires_at=row.expires_at,
        document=row.document,
        state=DraftState(row.state),
        closed_by=row.closed_by,
        closed_at=row.closed_at,
        reason=row.reason,
    )
