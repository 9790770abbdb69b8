"""The tables of the outbox. As ``tables.py``: rows stay inside this package."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, Text, UniqueConstraint
from sqlmodel import Field

from tenure_server.adapters.database.columns import NUMBER, Instant
from tenure_server.adapters.database.tables import Row


class EventRow(Row, table=True):
    """Numbered by whoever holds the lock of the audit trail's head: see ``outbox.py``."""

    __tablename__ = "event"
    __table_args__ = (
        UniqueConstraint("event_id", name="event_id"),
        Index("event_by_subject", "subject", "number"),
    )

    number: int | None = Field(default=None, sa_type=NUMBER, primary_key=True)  # 1, 2, 3 …, without a gap
    event_id: str = Field(sa_type=Text)
    type: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=Instant)
    subject: str = Field(sa_type=Text)
    product: str | None = Field(default=None, sa_type=Text)
    customer: str | None = Field(default=None, sa_type=Text)
    data: dict[str, Any] = Field(sa_type=JSON)
