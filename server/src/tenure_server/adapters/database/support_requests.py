"""Support requests."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, or_
from sqlmodel import Session, col, select

from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.sales_tables import CustomerWordRow, LicenceWordRow
from tenure_server.adapters.database.search import begins
from tenure_server.adapters.database.tables import InstallReportRow
from tenure_server.adapters.database.tables_support import SupportRequestRow, SupportRequestWordRow
from tenure_server.domain.install_reports import Outcome
from tenure_server.domain.search_words import wanted_words
from tenure_server.domain.support_requests import (
    IN_WORK,
    RANK_WHEN_OVER,
    Category,
    Priority,
    QueuePlace,
    RequestChannel,
    RequestContact,
    RequestFilter,
    RequestStatus,
    SupportRequest,
)
from tenure_server.domain.support_terms import SupportTerms, TermsBasis
from tenure_signing.names import ProductName


class SqlSupportRequests:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, request_id: str) -> SupportRequest | None:
        row = self._row(request_id, locked=False)
        return _request(row) if row is not None else None

    def by_number(self, number: str) -> SupportRequest | None:
        if not is_storable(number):
            return None
        row = self._session.exec(select(SupportRequestRow).where(col(SupportRequestRow.number) == number)).first()
        return _request(row) if row is not None else None

    def locked(self, request_id: str) -> SupportRequest | None:
        row = self._row(request_id, locked=True)
        return _request(row) if row is not None else None

    def queue(
        self, wanted: RequestFilter, *, limit: int = 100, after: QueuePlace | None = None
    ) -> tuple[SupportRequest, ...]:
        words = wanted_words(wanted.text)
        told = (wanted.text, wanted.assignee or "", wanted.product or "", wanted.customer_id, wanted.licence_id)
        if limit < 1 or (wanted.text and not words) or not all(is_storable(each or "") for each in told):
            return ()
        rank, at, request_id = (
            col(SupportRequestRow.queue_rank),
            col(SupportRequestRow.queue_at),
            col(SupportRequestRow.request_id),
        )
        statement = select(SupportRequestRow).order_by(rank, at, request_id).limit(limit)
        statement = statement.where(*_conditions(wanted), *map(_said, words))
        if after is not None:
            behind = or_(at > after.at, and_(at == after.at, request_id > after.id))
            statement = statement.where(or_(rank > after.rank, and_(rank == after.rank, behind)))
        return tuple(map(_request, self._session.exec(statement).all()))

    def of_customer(self, customer_id: str) -> tuple[SupportRequest, ...]:
        if not is_storable(customer_id):
            return ()
        newest = (col(SupportRequestRow.opened_at).desc(), col(SupportRequestRow.request_id).desc())
        statement = select(SupportRequestRow).where(col(SupportRequestRow.customer_id) == customer_id)
        return tuple(map(_request, self._session.exec(statement.order_by(*newest)).all()))

    def opened_between(self, first: datetime, end: datetime) -> tuple[SupportRequest, ...]:
        opened_at = col(SupportRequestRow.opened_at)
        statement = select(SupportRequestRow).where(opened_at >= first, opened_at < end)
        oldest = (opened_at, col(SupportRequestRow.request_id))
        return tuple(map(_request, self._session.exec(statement.order_by(*oldest)).all()))

    def opened_on_days(self, first: date, last: date, product: ProductName | None = None) -> tuple[SupportRequest, ...]:
        statement = select(SupportRequestRow).where(col(SupportRequestRow.opened_on).between(first, last))
        if product is not None:
            statement = statement.where(col(SupportRequestRow.product) == product)
        oldest = (col(SupportRequestRow.opened_at), col(SupportRequestRow.request_id))
        return tuple(map(_request, self._session.exec(statement.order_by(*oldest)).all()))

    def add(self, request: SupportRequest) -> None:
        self._session.add(SupportRequestRow(request_id=request.request_id, **_columns(request)))
        self._session.flush()
        self._add_words(request)

    def change(self, request: SupportRequest) -> None:
        row = self._row(request.request_id, locked=True)
        assert row is not None
        row.sqlmodel_update(_columns(request))
        self._session.flush()
        self._session.execute(
            delete(SupportRequestWordRow).where(col(SupportRequestWordRow.request_id) == request.request_id)
        )
        self._add_words(request)

    def last_seen_version(self, licence_id: str) -> str | None:
        if not is_storable(licence_id):
            return None
        statement = (
            select(InstallReportRow.version)
            .where(col(InstallReportRow.licence_id) == licence_id)
            .where(col(InstallReportRow.outcome) == Outcome.INSTALLED.value)
            .order_by(col(InstallReportRow.reported_at).desc(), col(InstallReportRow.version).desc())
            .limit(1)
        )
        return self._session.exec(statement).first()

    def _add_words(self, request: SupportRequest) -> None:
        words = sorted(request.search_words())
        self._session.add_all(SupportRequestWordRow(word=word, request_id=request.request_id) for word in words)
        self._session.flush()

    def _row(self, request_id: str, *, locked: bool) -> SupportRequestRow | None:
        if not is_storable(request_id):
            return None
        statement = select(SupportRequestRow).where(col(SupportRequestRow.request_id) == request_id)
        if locked:
            statement = statement.with_for_update()
        return self._session.exec(statement, execution_options={"populate_existing": True}).first()


def _conditions(wanted: RequestFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.statuses:
        conditions.append(col(SupportRequestRow.status).in_([status.value for status in wanted.statuses]))
        if set(wanted.statuses) <= set(IN_WORK):  # known by the index already
            conditions.append(col(SupportRequestRow.queue_rank) < RANK_WHEN_OVER)
    if wanted.assignee is not None:
        assignee = col(SupportRequestRow.assignee)
        conditions.append(assignee == wanted.assignee if wanted.assignee else assignee.is_(None))
    for column, value in (
        (col(SupportRequestRow.category), wanted.category),
        (col(SupportRequestRow.product), wanted.product),
        (col(SupportRequestRow.customer_id), wanted.customer_id),
        (col(SupportRequestRow.licence_id), wanted.licence_id),
    ):
        if value is not None:
            conditions.append(column == str(value))
    return conditions


def _said(word: str) -> ColumnElement[bool]:
    """Whether the word begins one of the request's, its customer's or its licence's."""
    own = select(SupportRequestWordRow.request_id).where(begins(col(SupportRequestWordRow.word), word))
    customers = select(CustomerWordRow.customer_id).where(begins(col(CustomerWordRow.word), word))
    licences = select(LicenceWordRow.licence_id).where(begins(col(LicenceWordRow.word), word))
    return or_(
        col(SupportRequestRow.request_id).in_(own),
        col(SupportRequestRow.customer_id).in_(customers),
        col(SupportRequestRow.licence_id).in_(licences),
    )


def _columns(request: SupportRequest) -> dict[str, Any]:
    """All but the id."""
    contact, terms, place = request.contact, request.terms, request.place
    return {
        "number": request.number,
        "customer_id": request.customer_id,
        "licence_id": request.licence_id,
        "product": request.product,
        "contact_name": contact.name,
        "contact_email": contact.email,
        "contact_phone": contact.phone,
        "channel": request.channel.value,
        "category": request.category.value,
        "priority": request.priority.value,
        "subject": request.subject,
        "status": request.status.value,
        "assignee": request.assignee,
        "installed_version": request.installed_version,
        "opened_at": request.opened_at,
        "opened_on": request.opened_on,
        "terms_basis": terms.basis.value,
        "plan_years": terms.plan_years,
        "terms_until": terms.until,
        "response_hours": terms.response_hours,
        "priority_hours": terms.priority_hours,
        "waiting_since": request.waiting_since,
        "due_at": request.due_at,
        "first_due_at": request.first_due_at,
        "answered_at": request.answered_at,
        "ended_at": request.ended_at,
        "changed_at": request.changed_at,
        "revision": request.revision,
        "queue_rank": place.rank,
        "queue_at": place.at,
    }


def _request(row: SupportRequestRow) -> SupportRequest:
    terms = SupportTerms(
        TermsBasis(row.terms_basis), row.plan_years, row.terms_until, row.response_hours, row.priority_hours
    )
    return SupportRequest(
        request_id=row.request_id,
        number=row.number,
        customer_id=row.customer_id,
        licence_id=row.licence_id,
        product=ProductName(row.product) if row.product is not None else None,
        contact=RequestContact(row.contact_name, row.contact_email, row.contact_phone),
        channel=RequestChannel(row.channel),
        category=Category(row.category),
        priority=Priority(row.priority),
        subject=row.subject,
        status=RequestStatus(row.status),
        assignee=row.assignee,
        installed_version=row.installed_version,
        opened_at=row.opened_at,
        opened_on=row.opened_on,
        terms=terms,
        waiting_since=row.waiting_since,
        due_at=row.due_at,
        first_due_at=row.first_due_at,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
        changed_at=row.changed_at,
        revision=row.revision,
    )
