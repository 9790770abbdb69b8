"""The tables of support requests. As ``tables.py``: rows stay inside this package."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field

from tenure_server.adapters.database.columns import NUMBER, WORD, Instant
from tenure_server.adapters.database.tables import Row, one_of
from tenure_server.domain.support_messages import MessageKind
from tenure_server.domain.support_requests import Category, Priority, RequestChannel, RequestStatus
from tenure_server.domain.support_terms import TermsBasis


class SupportRequestRow(Row, table=True):
    """``queue_rank`` and ``queue_at`` are the request's place in the queue, written with every change."""

    __tablename__ = "support_request"
    __table_args__ = (
        one_of("channel", RequestChannel, "support_request_channel"),
        one_of("category", Category, "support_request_category"),
        one_of("priority", Priority, "support_request_priority"),
        one_of("status", RequestStatus, "support_request_status"),
        one_of("terms_basis", TermsBasis, "support_request_terms"),
        CheckConstraint("plan_years BETWEEN 1 AND 2", name="support_request_plan"),
        CheckConstraint("response_hours > 0 AND priority_hours > 0", name="support_request_hours"),
        CheckConstraint("(status IN ('resolved', 'closed')) = (ended_at IS NOT NULL)", name="support_request_ended"),
        UniqueConstraint("number", name="support_request_number"),
        Index("support_request_queue", "queue_rank", "queue_at", "request_id"),
        Index("support_request_by_customer", "customer_id", "opened_at"),
        Index("support_request_by_licence", "licence_id"),
        Index("support_request_by_age", "opened_at", "request_id"),
        Index("support_request_by_day", "opened_on"),
    )

    request_id: str = Field(sa_type=Text, primary_key=True)
    number: str = Field(sa_type=Text)
    customer_id: str = Field(sa_type=Text, foreign_key="customer.customer_id")
    licence_id: str | None = Field(default=None, sa_type=Text, foreign_key="licence.licence_id")
    product: str | None = Field(default=None, sa_type=Text, foreign_key="product.name")
    contact_name: str = Field(sa_type=Text)
    contact_email: str | None = Field(default=None, sa_type=Text)
    contact_phone: str | None = Field(default=None, sa_type=Text)
    channel: str = Field(sa_type=Text)
    category: str = Field(sa_type=Text)
    priority: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    assignee: str | None = Field(default=None, sa_type=Text)
    installed_version: str | None = Field(default=None, sa_type=Text)
    opened_at: datetime = Field(sa_type=Instant)
    opened_on: date
    terms_basis: str = Field(sa_type=Text)
    plan_years: int | None = None
    terms_until: date | None = None  # inclusive
    response_hours: int | None = None
    priority_hours: int | None = None
    waiting_since: datetime | None = Field(default=None, sa_type=Instant)
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    first_due_at: datetime | None = Field(default=None, sa_type=Instant)
    answered_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    changed_at: datetime | None = Field(default=None, sa_type=Instant)
    revision: int
    queue_rank: int
    queue_at: datetime = Field(sa_type=Instant)


class SupportRequestWordRow(Row, table=True):
    """What callers say of a request; ``domain/search_words.py``."""

    __tablename__ = "support_request_word"

    word: str = Field(sa_type=WORD, primary_key=True)
    request_id: str = Field(sa_type=Text, foreign_key="support_request.request_id", primary_key=True, index=True)


class SupportMessageRow(Row, table=True):
    """``mail_id`` is a Message-ID."""

    __tablename__ = "support_message"
    __table_args__ = (
        one_of("kind", MessageKind, "support_message_kind"),
        CheckConstraint("mailed_to IS NULL OR kind = 'reply'", name="support_message_mailed"),
        UniqueConstraint("message_id", name="support_message_id"),
        UniqueConstraint("mail_id", name="support_message_mail_id"),
        Index("support_message_of_request", "request_id", "at", "place"),
    )

    place: int | None = Field(default=None, sa_type=NUMBER, primary_key=True)
    message_id: str = Field(sa_type=Text)
    request_id: str = Field(sa_type=Text, foreign_key="support_request.request_id")
    kind: str = Field(sa_type=Text)
    body: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=Instant)
    who: str = Field(sa_type=Text)
    mail_id: str | None = Field(default=None, sa_type=Text)
    mailed_to: str | None = Field(default=None, sa_type=Text)
