"""The tables of problem records."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, Integer, Text, UniqueConstraint
from sqlmodel import Field

from tenure_server.adapters.database.columns import WORD, Instant
from tenure_server.adapters.database.tables import Row, one_of
from tenure_server.domain.problems import FixKind, NoticeState, ProblemStatus


class ProblemRow(Row, table=True):
    """``status`` follows from the other columns, and is kept for lists."""

    __tablename__ = "problem"
    __table_args__ = (
        one_of("status", ProblemStatus, "problem_status"),
        one_of("plan_kind", FixKind, "problem_plan_kind"),
        CheckConstraint("number > 0", name="problem_number_positive"),
        CheckConstraint("plan_version IS NULL OR plan_kind IS NOT NULL", name="problem_plan"),
        CheckConstraint("(status = 'released') = (fixed_in IS NOT NULL)", name="problem_fix"),
        CheckConstraint("(fixed_in IS NULL) = (fixed_on IS NULL)", name="problem_fix_day"),
        CheckConstraint("(status = 'duplicate') = (duplicate_of IS NOT NULL)", name="problem_duplicate"),
        CheckConstraint(
            "(status IN ('not_reproducible', 'declined', 'duplicate')) = (end_reason IS NOT NULL)", name="problem_end"
        ),
        UniqueConstraint("number", name="problem_number"),
        Index("problem_by_age", "reported_at", "problem_id"),
        Index("problem_by_product", "product", "reported_at", "problem_id"),
    )

    problem_id: str = Field(sa_type=Text, primary_key=True)
    number: int = Field(sa_type=Integer)
    product: str = Field(sa_type=Text, foreign_key="product.name")
    title: str = Field(sa_type=Text)
    description: str = Field(sa_type=Text)
    found_in: str | None = Field(default=None, sa_type=Text)
    status: str = Field(sa_type=Text)
    material: bool | None = None
    work_around: str | None = Field(default=None, sa_type=Text)
    plan_kind: str | None = Field(default=None, sa_type=Text)
    plan_version: str | None = Field(default=None, sa_type=Text)
    fixed_in: str | None = Field(default=None, sa_type=Text)
    fixed_on: date | None = None
    end_reason: str | None = Field(default=None, sa_type=Text)
    duplicate_of: int | None = Field(default=None, sa_type=Integer)
    reported_at: datetime = Field(sa_type=Instant)
    changed_at: datetime = Field(sa_type=Instant)


class ProblemWordRow(Row, table=True):
    """What people find a problem by; ``domain/search_words.py``."""

    __tablename__ = "problem_word"

    word: str = Field(sa_type=WORD, primary_key=True)
    problem_id: str = Field(sa_type=Text, foreign_key="problem.problem_id", primary_key=True, index=True)


class ProblemReporterRow(Row, table=True):
    __tablename__ = "problem_reporter"
    __table_args__ = (
        Index("problem_reporter_by_problem", "problem_id", "added_at", "reporter_id"),
        Index("problem_reporter_by_request", "request_id"),
        Index("problem_reporter_by_customer", "customer_id"),
    )

    reporter_id: str = Field(sa_type=WORD, primary_key=True)
    problem_id: str = Field(sa_type=Text, foreign_key="problem.problem_id")
    customer_id: str | None = Field(default=None, sa_type=Text, foreign_key="customer.customer_id")
    licence_id: str | None = Field(default=None, sa_type=Text, foreign_key="licence.licence_id")
    request_id: str | None = Field(default=None, sa_type=Text)
    contact_id: str | None = Field(default=None, sa_type=Text)
    reported_on: date
    added_at: datetime = Field(sa_type=Instant)
    exception: str | None = Field(default=None, sa_type=Text)


class ProblemNoticeRow(Row, table=True):
    """That a reporter is to be told of a release: the key sees to it that it is done once."""

    __tablename__ = "problem_notice"
    __table_args__ = (
        one_of("state", NoticeState, "problem_notice_state"),
        CheckConstraint("(state = 'waiting') = (ended_at IS NULL)", name="problem_notice_ended"),
        CheckConstraint("(state = 'dropped') = (drop_reason IS NOT NULL)", name="problem_notice_dropped"),
        Index("problem_notice_due", "state", "due_on", "reporter_id", "version"),
        Index("problem_notice_by_problem", "problem_id", "made_at", "reporter_id"),
    )

    reporter_id: str = Field(sa_type=WORD, foreign_key="problem_reporter.reporter_id", primary_key=True)
    version: str = Field(sa_type=WORD, primary_key=True)
    problem_id: str = Field(sa_type=Text, foreign_key="problem.problem_id")
    due_on: date
    state: str = Field(sa_type=Text)
    made_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    drop_reason: str | None = Field(default=None, sa_type=Text)
