"""The table of seats. As ``tables.py``: rows stay inside this package."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlmodel import Field

from tenure_server.adapters.database.columns import DIGEST, Instant
from tenure_server.adapters.database.tables import Row


class SeatRow(Row, table=True):
    __tablename__ = "seat"

    licence_id: str = Field(sa_type=Text, foreign_key="licence.licence_id", primary_key=True)
    machine: str = Field(sa_type=DIGEST, primary_key=True)
    name: str | None = Field(default=None, sa_type=Text)
    activated_at: datetime = Field(sa_type=Instant)
    seen_at: datetime = Field(sa_type=Instant)
