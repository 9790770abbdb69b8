"""The table of seats. As ``tables.py``: rows stay inside this package."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Text
from sqlmodel import Field

from tenure_server.adapters.database.columns import DIGEST, Instant
from tenure_server.adapters.database.tables import Row, one_of
from tenure_server.domain.seats import MOST_EXPIRY_DAYS, SeatLimit


class SeatRow(Row, table=True):
    __tablename__ = "seat"

    licence_id: str = Field(sa_type=Text, foreign_key="licence.licence_id", primary_key=True)
    machine: str = Field(sa_type=DIGEST, primary_key=True)
    name: str | None = Field(default=None, sa_type=Text)
    activated_at: datetime = Field(sa_type=Instant)
    seen_at: datetime = Field(sa_type=Instant)


class ProductSeatRuleRow(Row, table=True):
    """``seat_limit`` and ``expiry_days`` are null where the settings of the installation hold; 0 days: never."""

    __tablename__ = "product_seat_rule"
    __table_args__ = (
        one_of("seat_limit", SeatLimit, "product_seat_rule_limit"),
        CheckConstraint(f"expiry_days BETWEEN 0 AND {MOST_EXPIRY_DAYS}", name="product_seat_rule_expiry"),
    )

    product: str = Field(sa_type=Text, foreign_key="product.name", primary_key=True)
    seat_limit: str | None = Field(default=None, sa_type=Text)
    expiry_days: int | None = None
