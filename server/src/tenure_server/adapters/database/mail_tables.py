"""The table of mail that is to go out. As ``tables.py``: rows stay inside this package."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, Text
from sqlmodel import Field

from tenure_server.adapters.database.columns import Instant
from tenure_server.adapters.database.tables import Row


class OutgoingMailRow(Row, table=True):
    """The primary key is why no mail is queued twice. ``worded`` is emptied when the mail has ended."""

    __tablename__ = "outgoing_mail"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'sent', 'refused', 'dropped')", name="outgoing_mail_state"),
        CheckConstraint("(state = 'queued') = (ended_at IS NULL)", name="outgoing_mail_ended"),
        CheckConstraint("(claim IS NULL) = (claimed_until IS NULL)", name="outgoing_mail_claim"),
        Index("outgoing_mail_due", "state", "next_at"),
        Index("outgoing_mail_by_subject", "subject_id"),
    )

    key: str = Field(sa_type=Text, primary_key=True)
    subject_id: str = Field(sa_type=Text)
    worded: dict[str, Any] = Field(sa_type=JSON)
    state: str = Field(sa_type=Text)
    queued_at: datetime = Field(sa_type=Instant)
    next_at: datetime = Field(sa_type=Instant)
    attempts: int
    claim: str | None = Field(default=None, sa_type=Text)
    claimed_until: datetime | None = Field(default=None, sa_type=Instant)
    problem: str | None = Field(default=None, sa_type=Text)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
