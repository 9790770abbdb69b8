"""Release drafts and approvals. The rows stay inside this package."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, LargeBinary, Text
from sqlmodel import Field

from tenure_server.adapters.database.columns import DIGEST, Instant
from tenure_server.adapters.database.tables import Row, one_of
from tenure_server.domain.release_drafts import MAX_APPROVALS, DraftAction, DraftState


class ReleaseDraftRow(Row, table=True):
    """``role`` is empty once the draft is over: the signed file is kept elsewhere."""

    __tablename__ = "release_draft"
    __table_args__ = (
        one_of("action", DraftAction, "release_draft_action"),
        one_of("state", DraftState, "release_draft_state"),
        CheckConstraint("share_basis_points BETWEEN 0 AND 10000", name="release_draft_share"),
        Index("release_draft_by_state", "state", "publish_at"),
        Index("release_draft_by_age", "made_at", "draft_id"),
    )

    draft_id: str = Field(sa_type=Text, primary_key=True)
    action: str = Field(sa_type=Text)
    product: str = Field(sa_type=Text, foreign_key="product.name")
    version: str | None = Field(default=None, sa_type=Text)
    channel: str | None = Field(default=None, sa_type=Text)
    payload_sha256: str = Field(sa_type=DIGEST)
    made_at: datetime = Field(sa_type=Instant)
    makers: list[str] = Field(sa_type=JSON)
    role: bytes = Field(sa_type=LargeBinary)
    base_sha256: str | None = Field(default=None, sa_type=DIGEST)
    signatures: list[list[str]] = Field(sa_type=JSON)
    approvals: list[dict[str, Any]] = Field(sa_type=JSON)
    notes: str | None = Field(default=None, sa_type=Text)
    translations: list[list[str]] = Field(sa_type=JSON)
    share_basis_points: int | None = None
    lower_to: int | None = None
    publish_at: datetime | None = Field(default=None, sa_type=Instant)
    day_is_stated: bool
    state: str = Field(sa_type=Text)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    reason: str | None = Field(default=None, sa_type=Text)


class ApprovalRuleRow(Row, table=True):
    __tablename__ = "approval_rule"
    __table_args__ = (CheckConstraint(f"approvals BETWEEN 0 AND {MAX_APPROVALS}", name="approval_rule_number"),)

    product: str = Field(sa_type=Text, foreign_key="product.name", primary_key=True)
    approvals: int
