"""The tables between the server and the signer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, LargeBinary, Text
from sqlmodel import Field

from tenure_server.adapters.database.columns import DIGEST, NUMBER, Instant
from tenure_server.adapters.database.tables import Row, one_of
from tenure_server.domain.signer_life import SignerMode
from tenure_server.use_cases.ports_signer import RequestKind, RequestState


class PublicationRequestRow(Row, table=True):
    """``digest`` is the SHA-256 of kind, person and body. A decided request has an answer, and its body is gone."""

    __tablename__ = "publication_request"
    __table_args__ = (
        one_of("kind", RequestKind, "publication_request_kind"),
        one_of("state", RequestState, "publication_request_state"),
        CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", name="publication_request_decision"),
        Index("publication_request_by_state", "state", "number"),
    )

    number: int | None = Field(default=None, sa_type=NUMBER, primary_key=True)
    kind: str = Field(sa_type=Text)
    digest: str = Field(sa_type=DIGEST)
    body: bytes = Field(sa_type=LargeBinary)
    who: str = Field(sa_type=Text)
    asked_at: datetime = Field(sa_type=Instant)
    state: str = Field(sa_type=Text)
    answer: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    decided_at: datetime | None = Field(default=None, sa_type=Instant)


class SignerLifeRow(Row, table=True):
    __tablename__ = "signer_life"
    __table_args__ = (one_of("mode", SignerMode, "signer_life_mode"),)

    signer_id: str = Field(sa_type=Text, primary_key=True)
    mode: str = Field(sa_type=Text)
    started_at: datetime = Field(sa_type=Instant)
    seen_at: datetime = Field(sa_type=Instant)
    problem: str | None = Field(default=None, sa_type=Text)


class ExpiryNoticeRow(Row, table=True):
    """``sent_at`` is None while somebody is sending it."""

    __tablename__ = "expiry_notice"

    role: str = Field(sa_type=Text, primary_key=True)
    expires: datetime = Field(sa_type=Instant, primary_key=True)
    stage: str = Field(sa_type=Text, primary_key=True)
    recipient: str = Field(sa_type=Text, primary_key=True)
    claimed_at: datetime = Field(sa_type=Instant)
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
