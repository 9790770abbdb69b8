"""Release drafts, and how many approvals each product asks for."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, or_, select

from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.products import require_product
from tenure_server.adapters.database.release_draft_tables import ApprovalRuleRow, ReleaseDraftRow
from tenure_server.domain.release_drafts import Approval, DraftAction, DraftState, ReleaseDraft
from tenure_signing.languages import Language
from tenure_signing.names import ProductName
from tenure_signing.versions import parse_version

_NOT_OVER = tuple(state.value for state in DraftState if not state.is_over)


class SqlReleaseDrafts:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, draft_id: str) -> ReleaseDraft | None:
        if not is_storable(draft_id):
            return None
        row = self._session.get(ReleaseDraftRow, draft_id, populate_existing=True)
        return _draft(row) if row is not None else None

    def put(self, draft: ReleaseDraft) -> None:
        self._session.merge(_row(draft))
        self._session.flush()

    def open(self, product: ProductName | None = None) -> tuple[ReleaseDraft, ...]:
        oldest_first = (col(ReleaseDraftRow.made_at), col(ReleaseDraftRow.draft_id))
        query = select(ReleaseDraftRow).where(col(ReleaseDraftRow.state).in_(_NOT_OVER)).order_by(*oldest_first)
        if product is not None:
            query = query.where(col(ReleaseDraftRow.product) == product)
        return tuple(map(_draft, self._session.exec(query).all()))

    def newest(self, product: ProductName | None = None, *, limit: int = 100) -> tuple[ReleaseDraft, ...]:
        newest_first = (col(ReleaseDraftRow.made_at).desc(), col(ReleaseDraftRow.draft_id).desc())
        query = select(ReleaseDraftRow).order_by(*newest_first).limit(max(limit, 0))
        if product is not None:
            query = query.where(col(ReleaseDraftRow.product) == product)
        return tuple(map(_draft, self._session.exec(query).all()))

    def has_ready(self, now: datetime) -> bool:
        query = (
            select(ReleaseDraftRow.draft_id)
            .where(col(ReleaseDraftRow.state) == DraftState.READY.value)
            .where(or_(col(ReleaseDraftRow.publish_at).is_(None), col(ReleaseDraftRow.publish_at) <= now))
            .limit(1)
        )
        return self._session.exec(query).first() is not None


class SqlApprovalRules:
    def __init__(self, session: Session) -> None:
        self._session = session

    def of(self, product: ProductName) -> int:
        row = self._session.get(ApprovalRuleRow, product, populate_existing=True)
        return row.approvals if row is not None else 0

    def set(self, product: ProductName, approvals: int) -> None:
        require_product(self._session, product)
        self._session.merge(ApprovalRuleRow(product=product, approvals=approvals))
        self._session.flush()


def _row(draft: ReleaseDraft) -> ReleaseDraftRow:
    return ReleaseDraftRow(
        draft_id=draft.draft_id,
        action=draft.action.value,
        product=draft.product,
        version=str(draft.version) if draft.version is not None else None,
        channel=draft.channel,
        payload_sha256=draft.payload_sha256,
        made_at=draft.made_at,
        makers=list(draft.makers),
        role=draft.role,
        base_sha256=draft.base_sha256,
        signatures=[list(pair) for pair in draft.signatures],
        approvals=[{"person": each.person, "at": each.at.isoformat()} for each in draft.approvals],
        notes=draft.notes,
        translations=[list(pair) for pair in draft.translations],
        share_basis_points=draft.share_basis_points,
        lower_to=draft.lower_to,
        publish_at=draft.publish_at,
        day_is_stated=draft.day_is_stated,
        state=draft.state.value,
        ended_at=draft.ended_at,
        reason=draft.reason,
    )


def _draft(row: ReleaseDraftRow) -> ReleaseDraft:
    return ReleaseDraft(
        draft_id=row.draft_id,
        action=DraftAction(row.action),
        product=ProductName(row.product),
        version=parse_version(row.version) if row.version is not None else None,
        channel=row.channel,
        payload_sha256=row.payload_sha256,
        made_at=row.made_at,
        makers=tuple(row.makers),
        role=row.role,
        base_sha256=row.base_sha256,
        signatures=tuple((keyid, signature) for keyid, signature in row.signatures),
        approvals=tuple(Approval(each["person"], datetime.fromisoformat(each["at"])) for each in row.approvals),
        notes=row.notes,
        translations=tuple((Language(name), text) for name, text in row.translations),
        share_basis_points=row.share_basis_points,
        lower_to=row.lower_to,
        publish_at=row.publish_at,
        day_is_stated=row.day_is_stated,
        state=DraftState(row.state),
        ended_at=row.ended_at,
        reason=row.reason,
    )
