"""The tables of selling."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field

from tenure_server.adapters.database.columns import DIGEST, WORD, Instant
from tenure_server.adapters.database.tables import Row, one_of
from tenure_server.domain.orders import OrderState, SaleKind
from tenure_server.domain.quotes import QuoteState
from tenure_server.domain.shop_payments import NoticeOutcome


class CustomerRow(Row, table=True):
    __tablename__ = "customer"
    __table_args__ = (
        UniqueConstraint("reference", name="customer_reference"),
        Index("customer_by_age", "created_at", "customer_id"),
        Index("customer_by_name", "name"),
        CheckConstraint("(merged_into IS NULL) = (merged_at IS NULL)", name="customer_merged"),
    )

    customer_id: str = Field(sa_type=Text, primary_key=True)
    name: str = Field(sa_type=Text)
    email: str | None = Field(default=None, sa_type=Text)
    reference: str | None = Field(default=None, sa_type=Text)
    language: str = Field(sa_type=Text)
    country: str | None = Field(default=None, sa_type=Text)
    time_zone: str | None = Field(default=None, sa_type=Text)
    vat_id: str | None = Field(default=None, sa_type=Text)
    notes: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=Instant)
    anonymised_at: datetime | None = Field(default=None, sa_type=Instant)
    merged_into: str | None = Field(default=None, sa_type=Text, foreign_key="customer.customer_id")
    merged_at: datetime | None = Field(default=None, sa_type=Instant)


class ContactRow(Row, table=True):
    """``place`` is where it stands in the customer's list."""

    __tablename__ = "customer_contact"

    contact_id: str = Field(sa_type=Text, primary_key=True)
    customer_id: str = Field(sa_type=Text, foreign_key="customer.customer_id", index=True)
    place: int
    name: str = Field(sa_type=Text)
    email: str | None = Field(default=None, sa_type=Text)
    phone: str | None = Field(default=None, sa_type=Text)
    role: str | None = Field(default=None, sa_type=Text)


class CustomerWordRow(Row, table=True):
    """What people find a customer by; ``domain/search_words.py``."""

    __tablename__ = "customer_word"

    word: str = Field(sa_type=WORD, primary_key=True)
    customer_id: str = Field(sa_type=Text, foreign_key="customer.customer_id", primary_key=True, index=True)


class LicenceWordRow(Row, table=True):
    __tablename__ = "licence_word"

    word: str = Field(sa_type=WORD, primary_key=True)
    licence_id: str = Field(sa_type=Text, foreign_key="licence.licence_id", primary_key=True, index=True)


class OnceKeyRow(Row, table=True):
    """``subject`` is empty only inside the transaction that claimed the key."""

    __tablename__ = "once_key"

    owner: str = Field(sa_type=Text, primary_key=True)
    key: str = Field(sa_type=Text, primary_key=True)
    request: str = Field(sa_type=DIGEST)
    subject: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=Instant)


class SalesOrderRow(Row, table=True):
    """``waiting_for`` is what is ordered and not paid yet, such as a licence's support: one order at most waits for
    it."""

    __tablename__ = "sales_order"
    __table_args__ = (
        one_of("kind", SaleKind, "sales_order_kind"),
        one_of("state", OrderState, "sales_order_state"),
        CheckConstraint("length(currency) = 3", name="sales_order_currency"),
        CheckConstraint("base_minor_units >= 0 AND users_minor_units >= 0", name="sales_order_amounts"),
        CheckConstraint("total_minor_units >= 0", name="sales_order_total"),
        CheckConstraint("refunded_minor_units BETWEEN 0 AND total_minor_units", name="sales_order_refund"),
        CheckConstraint("additional_users >= 0", name="sales_order_users"),
        CheckConstraint("(kind = 'upgrade') = (upgrade IS NOT NULL)", name="sales_order_upgrade"),
        CheckConstraint("(upgrade IS NULL) = (upgrade_seats IS NULL)", name="sales_order_upgrade_seats"),
        CheckConstraint("(starts_on IS NULL) = (smp_years IS NULL)", name="sales_order_period"),
        CheckConstraint("(starts_on IS NULL) = (ends_on IS NULL)", name="sales_order_days"),
        CheckConstraint("ends_on >= starts_on", name="sales_order_day_order"),
        CheckConstraint("(state IN ('paid', 'refunded')) = (paid_at IS NOT NULL)", name="sales_order_paid"),
        CheckConstraint("(state IN ('cancelled', 'refunded')) = (ended_at IS NOT NULL)", name="sales_order_ended"),
        CheckConstraint("(state = 'refunded') = (refunded_minor_units IS NOT NULL)", name="sales_order_refunded"),
        UniqueConstraint("waiting_for", name="sales_order_waiting"),
        Index("sales_order_by_age", "ordered_at", "number"),
        Index("sales_order_by_customer", "customer_id", "ordered_at", "number"),
        Index("sales_order_by_licence", "licence_id", "ordered_at", "number"),
        Index("sales_order_by_state", "state", "ordered_at", "number"),
    )

    number: str = Field(sa_type=Text, primary_key=True)
    customer_id: str = Field(sa_type=Text, foreign_key="customer.customer_id")
    kind: str = Field(sa_type=Text)
    product: str = Field(sa_type=Text, foreign_key="product.name")
    edition: str = Field(sa_type=Text)
    currency: str = Field(sa_type=Text)
    sold_licence_id: str | None = Field(default=None, sa_type=Text)  # whose support or users are sold
    base_minor_units: int | None = Field(default=None, sa_type=BigInteger)
    additional_users: int
    users_minor_units: int | None = Field(default=None, sa_type=BigInteger)
    smp_years: int | None = None
    purchased_on: date | None = None
    free_support_until: date | None = None  # inclusive
    upgrade: str | None = Field(default=None, sa_type=Text)  # a grant as text
    upgrade_seats: int | None = None
    by_hand_text: str | None = Field(default=None, sa_type=Text)
    by_hand_minor_units: int | None = Field(default=None, sa_type=BigInteger)
    lines: list[dict[str, Any]] = Field(sa_type=JSON)  # as they were told to the customer
    total_minor_units: int = Field(sa_type=BigInteger)
    starts_on: date | None = None
    ends_on: date | None = None  # inclusive
    state: str = Field(sa_type=Text)
    ordered_at: datetime = Field(sa_type=Instant)
    ordered_on: date
    pay_by: date
    licence_id: str | None = Field(default=None, sa_type=Text, foreign_key="licence.licence_id")
    reference: str | None = Field(default=None, sa_type=Text)
    quote: str | None = Field(default=None, sa_type=Text)
    paid_at: datetime | None = Field(default=None, sa_type=Instant)
    payment: str | None = Field(default=None, sa_type=Text)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_on: date | None = None
    end_reason: str | None = Field(default=None, sa_type=Text)
    refunded_minor_units: int | None = Field(default=None, sa_type=BigInteger)
    waiting_for: str | None = Field(default=None, sa_type=Text)


class ReleasePriceRow(Row, table=True):
    """What a release costs for each seat where it is sold singly. ``version`` is in canonical form."""

    __tablename__ = "release_price"
    __table_args__ = (
        CheckConstraint("length(currency) = 3", name="release_price_currency"),
        CheckConstraint("minor_units >= 0", name="release_price_amount"),
    )

    product: str = Field(sa_type=Text, foreign_key="product.name", primary_key=True)
    version: str = Field(sa_type=Text, primary_key=True)
    minor_units: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=Text)


class NumberSeriesRow(Row, table=True):
    __tablename__ = "number_series"

    series: str = Field(sa_type=Text, primary_key=True)
    last: int = Field(sa_type=BigInteger)


class QuoteRow(Row, table=True):
    """``sale`` and ``lines`` are what was offered, which never changes."""

    __tablename__ = "quote"
    __table_args__ = (
        one_of("state", (QuoteState.OPEN, QuoteState.ACCEPTED, QuoteState.WITHDRAWN), "quote_state"),
        CheckConstraint("(state = 'accepted') = (sales_order IS NOT NULL)", name="quote_order"),
        CheckConstraint("valid_until >= made_on", name="quote_days"),
        Index("quote_by_age", "made_at", "number"),
        Index("quote_by_customer", "customer_id", "made_at", "number"),
    )

    number: str = Field(sa_type=Text, primary_key=True)
    customer_id: str = Field(sa_type=Text, foreign_key="customer.customer_id")
    sale: dict[str, Any] = Field(sa_type=JSON)
    lines: list[dict[str, Any]] = Field(sa_type=JSON)
    terms: str = Field(sa_type=Text)
    made_at: datetime = Field(sa_type=Instant)
    made_on: date
    valid_until: date  # inclusive
    state: str = Field(sa_type=Text)
    sales_order: str | None = Field(default=None, sa_type=Text, foreign_key="sales_order.number")


class PaymentNoticeRow(Row, table=True):
    """``sales_order`` is whatever the shop said; there need be no such order."""

    __tablename__ = "payment_notice"
    __table_args__ = (
        one_of("outcome", NoticeOutcome, "payment_notice_outcome"),
        CheckConstraint("(outcome = 'refused') = (code IS NOT NULL)", name="payment_notice_code"),
        Index("payment_notice_by_age", "outcome", "at"),
    )

    shop: str = Field(sa_type=Text, primary_key=True)
    event_id: str = Field(sa_type=Text, primary_key=True)
    payment: str = Field(sa_type=Text)
    sales_order: str = Field(sa_type=Text)
    minor_units: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    outcome: str = Field(sa_type=Text)
    code: str | None = Field(default=None, sa_type=Text)
    at: datetime = Field(sa_type=Instant)
