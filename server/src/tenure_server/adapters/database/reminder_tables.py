"""The tables of reminders. As ``tables.py``: rows stay inside this package."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, Text
from sqlmodel import Field

from tenure_server.adapters.database.columns import Instant
from tenure_server.adapters.database.tables import Row


class ReminderRow(Row, table=True):
    """The primary key is why nobody gets a reminder twice."""

    __tablename__ = "reminder"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'sent', 'refused', 'dropped')", name="reminder_state"),
        CheckConstraint("(state = 'queued') = (ended_at IS NULL)", name="reminder_ended"),
        CheckConstraint("(claim IS NULL) = (claimed_until IS NULL)", name="reminder_claim"),
        Index("reminder_due", "state", "next_at"),
        Index("reminder_by_end", "ends_on"),
    )

    licence_id: str = Field(sa_type=Text, foreign_key="licence.licence_id", primary_key=True)
    ends_on: date = Field(primary_key=True)
    step: int = Field(primary_key=True)
    state: str = Field(sa_type=Text)
    queued_at: datetime = Field(sa_type=Instant)
    next_at: datetime = Field(sa_type=Instant)
    attempts: int
    claim: str | None = Field(default=None, sa_type=Text)
    claimed_until: datetime | None = Field(default=None, sa_type=Instant)
    problem: str | None = Field(default=None, sa_type=Text)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class ReminderOptOutRow(Row, table=True):
    """Licences whose customers want no reminders."""

    __tablename__ = "reminder_opt_out"

    licence_id: str = Field(sa_type=Text, foreign_key="licence.licence_id", primary_key=True)
    at: datetime = Field(sa_type=Instant)
