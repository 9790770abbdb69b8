"""The tables of webhooks. As ``tables.py``: rows stay inside this package."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field

from tenure_server.adapters.database.columns import NUMBER, Instant
from tenure_server.adapters.database.tables import Row


class WebhookEndpointRow(Row, table=True):
    """Its secrets are sealed: see ``adapters/sealing.py``."""

    __tablename__ = "webhook_endpoint"
    __table_args__ = (
        CheckConstraint("(sealed_previous IS NULL) = (previous_until IS NULL)", name="webhook_endpoint_previous"),
        CheckConstraint("(disabled_at IS NULL) = (disabled_reason IS NULL)", name="webhook_endpoint_disabled"),
    )

    endpoint_id: str = Field(sa_type=Text, primary_key=True)
    url: str = Field(sa_type=Text)
    wanted: list[str] = Field(sa_type=JSON)
    description: str = Field(sa_type=Text)
    allows_private: bool
    created_at: datetime = Field(sa_type=Instant)
    cursor: int = Field(sa_type=BigInteger)
    sealed_secret: str = Field(sa_type=Text)
    sealed_previous: str | None = Field(default=None, sa_type=Text)
    previous_until: datetime | None = Field(default=None, sa_type=Instant)
    failing_since: datetime | None = Field(default=None, sa_type=Instant)
    disabled_at: datetime | None = Field(default=None, sa_type=Instant)
    disabled_reason: str | None = Field(default=None, sa_type=Text)


class WebhookDeliveryRow(Row, table=True):
    __tablename__ = "webhook_delivery"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="webhook_delivery_state"),
        CheckConstraint("(state = 'pending') = (ended_at IS NULL)", name="webhook_delivery_ended"),
        CheckConstraint("(claim IS NULL) = (claimed_until IS NULL)", name="webhook_delivery_claim"),
        UniqueConstraint("endpoint_id", "event_number", name="webhook_delivery_event"),
        Index("webhook_delivery_due", "state", "next_at"),
    )

    delivery_id: str = Field(sa_type=Text, primary_key=True)
    endpoint_id: str = Field(sa_type=Text, foreign_key="webhook_endpoint.endpoint_id")
    event_number: int = Field(sa_type=BigInteger)
    event_id: str = Field(sa_type=Text)
    event_type: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    first_at: datetime = Field(sa_type=Instant)
    next_at: datetime = Field(sa_type=Instant)
    attempts: int
    claim: str | None = Field(default=None, sa_type=Text)
    claimed_until: datetime | None = Field(default=None, sa_type=Instant)
    status: int | None = None
    problem: str | None = Field(default=None, sa_type=Text)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class WebhookAttemptRow(Row, table=True):
    __tablename__ = "webhook_attempt"

    number: int | None = Field(default=None, sa_type=NUMBER, primary_key=True)
    delivery_id: str = Field(sa_type=Text, foreign_key="webhook_delivery.delivery_id", index=True)
    at: datetime = Field(sa_type=Instant)
    status: int | None = None
    problem: str | None = Field(default=None, sa_type=Text)
    milliseconds: int
