"""The tables of ceremonies: drafts that wait for signatures, and whose keys are whose."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, Index, LargeBinary, Text
from sqlmodel import Field

from tenure_server.adapters.database.columns import Instant
from tenure_server.adapters.database.tables import Row
from tenure_server.domain.trust_drafts import STORED_STATES

_STATES = ", ".join(f"'{state}'" for state in STORED_STATES)


class TrustDraftRow(Row, table=True):
    """``document`` is there exactly while the draft is open."""

    __tablename__ = "trust_draft"
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES})", name="trust_draft_state"),
        CheckConstraint("(document IS NOT NULL) = (state = 'open')", name="trust_draft_document"),
        Index("trust_draft_by_age", "pushed_at", "code"),
    )

    code: str = Field(sa_type=Text, primary_key=True)
    purpose: str = Field(sa_type=Text)
    roles: list[str] = Field(sa_type=JSON)
    pushed_by: str = Field(sa_type=Text)
    pushed_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    document: bytes | None = Field(default=None, sa_type=LargeBinary)
    state: str = Field(sa_type=Text)
    closed_by: str | None = Field(default=None, sa_type=Text)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    reason: str | None = Field(default=None, sa_type=Text)


class KeyHolderRow(Row, table=True):
    __tablename__ = "key_holder"

    keyid: str = Field(sa_type=Text, primary_key=True)
    name: str = Field(sa_type=Text)
