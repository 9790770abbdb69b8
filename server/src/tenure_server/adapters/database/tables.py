"""The tables. Rows stay inside this package: the repositories map them to domain objects, field by field."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, LargeBinary, MetaData, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from tenure_server.adapters.database.columns import DIGEST, NUMBER, Instant
from tenure_server.domain.install_reports import Outcome
from tenure_server.domain.licences import LineKind, PeriodSource
from tenure_server.domain.products import LapsePolicy
from tenure_signing.entitlement import LicenceStatus, ServicePacks


class Row(SQLModel):
    """Base of the tables, with metadata of its own. SQLModel tables do not validate themselves."""

    metadata: ClassVar[MetaData] = MetaData()


def one_of(column: str, values: Iterable[StrEnum], name: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name)


class ProductRow(Row, table=True):
    __tablename__ = "product"
    __table_args__ = (
        one_of("lapse_policy", LapsePolicy, "product_lapse_policy"),
        one_of("service_packs", ServicePacks, "product_service_packs"),
    )

    name: str = Field(sa_type=Text, primary_key=True)
    title: str = Field(sa_type=Text)
    editions: list[str] = Field(sa_type=JSON)
    channels: list[str] = Field(sa_type=JSON)  # most stable first
    service_packs: str = Field(sa_type=Text)
    lapse_policy: str = Field(sa_type=Text)
    notes_language: str = Field(default="en", sa_type=Text, sa_column_kwargs={"server_default": "en"})


class LicenceRow(Row, table=True):
    __tablename__ = "licence"
    __table_args__ = (
        one_of("status", LicenceStatus, "licence_status"),
        CheckConstraint("length(currency) = 3", name="licence_currency"),
        UniqueConstraint("feed_token_digest", name="licence_feed_token"),
        Index("licence_by_age", "created_at", "licence_id"),
        Index("licence_by_customer", "customer_id", "created_at", "licence_id"),
    )

    licence_id: str = Field(sa_type=Text, primary_key=True)
    product: str = Field(sa_type=Text, foreign_key="product.name")
    edition: str = Field(sa_type=Text)
    customer_id: str = Field(sa_type=Text, foreign_key="customer.customer_id")
    purchased_on: date
    currency: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    status_reason: str | None = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=Instant)
    feed_token_digest: str = Field(sa_type=DIGEST)
    update_channels: list[str] | None = Field(default=None, sa_type=JSON(none_as_null=True))  # None: all; sorted
    update_pin: str | None = Field(default=None, sa_type=Text)  # a line, ``x`` or ``x.y``
    update_turn: str | None = Field(default=None, sa_type=Text)  # None: normal


class LicenceKeyRow(Row, table=True):
    __tablename__ = "licence_key"
    __table_args__ = (CheckConstraint("seats > 0", name="licence_key_seats"),)

    digest: str = Field(sa_type=DIGEST, primary_key=True)
    licence_id: str = Field(sa_type=Text, foreign_key="licence.licence_id", index=True)
    key_id: str = Field(sa_type=Text)
    issued_at: datetime = Field(sa_type=Instant)
    hint: str = Field(sa_type=Text)
    seats: int


class OrderLineRow(Row, table=True):
    __tablename__ = "order_line"
    __table_args__ = (
        one_of("kind", LineKind, "order_line_kind"),
        CheckConstraint("length(currency) = 3", name="order_line_currency"),
        CheckConstraint("minor_units >= 0", name="order_line_amount"),
        CheckConstraint("seats > 0", name="order_line_seats"),
    )

    number: int | None = Field(default=None, sa_type=NUMBER, primary_key=True)
    licence_id: str = Field(sa_type=Text, foreign_key="licence.licence_id", index=True)
    kind: str = Field(sa_type=Text)
    seats: int
    minor_units: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    bought_on: date
    sales_order: str | None = Field(default=None, sa_type=Text)  # the number of the order it came by


class SupportPeriodRow(Row, table=True):
    __tablename__ = "support_period"
    __table_args__ = (
        one_of("source", PeriodSource, "support_period_source"),
        CheckConstraint("(minor_units IS NULL) = (currency IS NULL)", name="support_period_price"),
        CheckConstraint("ends_on >= starts_on", name="support_period_order"),
        CheckConstraint("minor_units >= 0", name="support_period_amount"),
        UniqueConstraint("licence_id", "starts_on", name="support_period_start"),
    )

    number: int | None = Field(default=None, sa_type=NUMBER, primary_key=True)
    licence_id: str = Field(sa_type=Text, foreign_key="licence.licence_id")
    starts_on: date
    ends_on: date  # inclusive
    source: str = Field(sa_type=Text)
    minor_units: int | None = Field(default=None, sa_type=BigInteger)
    currency: str | None = Field(default=None, sa_type=Text)
    added_at: datetime = Field(sa_type=Instant)
    sales_order: str | None = Field(default=None, sa_type=Text)


class GrantRow(Row, table=True):
    """A version as it was written, or a line as ``x.y``."""

    __tablename__ = "licence_grant"
    __table_args__ = (CheckConstraint("(version IS NULL) <> (line IS NULL)", name="licence_grant_one_of"),)

    number: int | None = Field(default=None, sa_type=NUMBER, primary_key=True)
    licence_id: str = Field(sa_type=Text, foreign_key="licence.licence_id", index=True)
    version: str | None = Field(default=None, sa_type=Text)
    line: str | None = Field(default=None, sa_type=Text)
    sales_order: str | None = Field(default=None, sa_type=Text)  # the number of the order that brought it


class SignedFileRow(Row, table=True):
    """TUF metadata by file name. ``version`` is 0 for ``timestamp.json``, the only file that is ever replaced."""

    __tablename__ = "signed_file"
    __table_args__ = (UniqueConstraint("role", "version", name="signed_file_version"),)

    name: str = Field(sa_type=Text, primary_key=True)
    role: str = Field(sa_type=Text)
    version: int = Field(sa_type=BigInteger)
    data: bytes = Field(sa_type=LargeBinary)
    sha256: str = Field(sa_type=DIGEST)
    created_at: datetime = Field(sa_type=Instant)


class PublishedRoleRow(Row, table=True):
    """Which file is the newest of a role."""

    __tablename__ = "published_role"

    role: str = Field(sa_type=Text, primary_key=True)
    name: str = Field(sa_type=Text, foreign_key="signed_file.name")


class TrustedTargetRow(Row, table=True):
    __tablename__ = "trusted_target"

    path: str = Field(sa_type=Text, primary_key=True)
    data: bytes = Field(sa_type=LargeBinary)


class PublicationRow(Row, table=True):
    """One row, made by the first migration: the counter, whose lock is the right to publish."""

    __tablename__ = "publication"
    __table_args__ = (CheckConstraint("only_row = 1", name="publication_one_row"),)

    only_row: int = Field(primary_key=True)
    counter: int = Field(sa_type=BigInteger)


class RolloutRow(Row, table=True):
    """``version`` is in canonical form, in which equal versions are equal texts; so in the release notes."""

    __tablename__ = "rollout"
    __table_args__ = (
        CheckConstraint("share_basis_points BETWEEN 0 AND 10000", name="rollout_share"),
        CheckConstraint("ramp_to_basis_points BETWEEN share_basis_points AND 10000", name="rollout_ramp_share"),
        CheckConstraint("ramp_ends_at > ramp_starts_at", name="rollout_ramp_order"),
        CheckConstraint(
            "(ramp_to_basis_points IS NULL) = (ramp_starts_at IS NULL)"
            " AND (ramp_to_basis_points IS NULL) = (ramp_ends_at IS NULL)",
            name="rollout_ramp_whole",
        ),
    )

    product: str = Field(sa_type=Text, foreign_key="product.name", primary_key=True)
    version: str = Field(sa_type=Text, primary_key=True)
    share_basis_points: int  # where the ramp starts, if there is one
    is_halted: bool
    ramp_to_basis_points: int | None = None
    ramp_starts_at: datetime | None = Field(default=None, sa_type=Instant)
    ramp_ends_at: datetime | None = Field(default=None, sa_type=Instant)


class InstallReportRow(Row, table=True):
    """The last that an install reported of a release. ``install`` is a digest, no id."""

    __tablename__ = "install_report"
    __table_args__ = (
        one_of("outcome", Outcome, "install_report_outcome"),
        Index("install_report_by_licence", "product", "version", "licence_id"),
        Index("install_report_of_licence", "licence_id", "reported_at"),
    )

    product: str = Field(sa_type=Text, foreign_key="product.name", primary_key=True)
    version: str = Field(sa_type=Text, primary_key=True)
    install: str = Field(sa_type=DIGEST, primary_key=True)
    licence_id: str = Field(sa_type=Text)
    from_version: str | None = Field(default=None, sa_type=Text)
    outcome: str = Field(sa_type=Text)
    detail_code: str | None = Field(default=None, sa_type=Text)
    reported_at: datetime = Field(sa_type=Instant)


class InstallCountRow(Row, table=True):
    """How many reports of an outcome came on a day."""

    __tablename__ = "install_count"
    __table_args__ = (one_of("outcome", Outcome, "install_count_outcome"),)

    product: str = Field(sa_type=Text, foreign_key="product.name", primary_key=True)
    version: str = Field(sa_type=Text, primary_key=True)
    day: date = Field(primary_key=True)
    outcome: str = Field(sa_type=Text, primary_key=True)
    reports: int = Field(sa_type=BigInteger)


class FailureLimitRow(Row, table=True):
    """``version`` is empty for the product's own limit."""

    __tablename__ = "failure_limit"

    product: str = Field(sa_type=Text, foreign_key="product.name", primary_key=True)
    version: str = Field(sa_type=Text, primary_key=True)
    max_failure_basis_points: int
    min_installs: int


class ReleaseNotesRow(Row, table=True):
    __tablename__ = "release_notes"

    product: str = Field(sa_type=Text, foreign_key="product.name", primary_key=True)
    version: str = Field(sa_type=Text, primary_key=True)
    markdown: str = Field(sa_type=Text)


class AuditEventRow(Row, table=True):
    """Triggers, made by the migration, refuse to change or remove a row. ``digest``: see ``domain/audit_chain.py``."""

    __tablename__ = "audit_event"
    __table_args__ = (Index("audit_event_by_subject", "subject", "number"),)

    number: int | None = Field(default=None, sa_type=NUMBER, primary_key=True)  # 1, 2, 3 …, without a gap
    at: datetime = Field(sa_type=Instant)
    who: str = Field(sa_type=Text)
    action: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    details: dict[str, Any] = Field(sa_type=JSON)
    digest: str = Field(sa_type=DIGEST)


class AuditHeadRow(Row, table=True):
    """One row, made by the migration: where the trail ends. Its lock is the right to append."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("only_row = 1", name="audit_head_one_row"),)

    only_row: int = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger)
    digest: str = Field(sa_type=DIGEST)


class BuildUploadRow(Row, table=True):
    """``verified_at``: the server read the object back, and it was right; ``upload_id`` is then of no more use."""

    __tablename__ = "build_upload"
    __table_args__ = (
        CheckConstraint("(upload_id IS NULL) = (verified_at IS NOT NULL)", name="build_upload_state"),
        CheckConstraint("length > 0 AND part_bytes > 0", name="build_upload_lengths"),
    )

    store_key: str = Field(sa_type=Text, primary_key=True)
    upload_id: str | None = Field(default=None, sa_type=Text)
    length: int = Field(sa_type=BigInteger)
    part_bytes: int = Field(sa_type=BigInteger)
    begun_at: datetime = Field(sa_type=Instant)
    verified_at: datetime | None = Field(default=None, sa_type=Instant)


class ApiTokenRow(Row, table=True):
    __tablename__ = "api_token"
    __table_args__ = (UniqueConstraint("digest", name="api_token_digest"),)

    token_id: str = Field(sa_type=Text, primary_key=True)
    name: str = Field(sa_type=Text)
    scopes: list[str] = Field(sa_type=JSON)
    product: str | None = Field(default=None, sa_type=Text, foreign_key="product.name")
    channel: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    digest: str = Field(sa_type=DIGEST)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)
    last_used_at: datetime | None = Field(default=None, sa_type=Instant)
    person: str | None = Field(default=None, sa_type=Text)
