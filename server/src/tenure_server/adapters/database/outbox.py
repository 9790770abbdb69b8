"""The outbox: events appended in the transaction of the change they tell of."""

from __future__ import annotations

from sqlalchemy import func
from sqlmodel import Session, col, select

from tenure_server.adapters.database.audit import SqlAuditTrail
from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.event_tables import EventRow
from tenure_server.domain.events import Event, EventType, NumberedEvent
from tenure_signing.names import ProductName


class SqlOutbox:
    """Numbers are given at the end of the transaction, under the lock that the audit trail's head is: a sequence's
    numbers would become visible out of order, and a reader would pass over the late ones for ever. One lock for both,
    so that no two transactions wait for each other crosswise."""

    def __init__(self, session: Session, audit: SqlAuditTrail) -> None:
        self._session = session
        self._audit = audit
        self._pending: list[Event] = []

    def append(self, event: Event) -> None:
        self._pending.append(event)

    def write(self) -> None:
        """Write what was appended, after whatever other transactions wrote."""
        if not self._pending:
            return
        self._audit.write()
        self._audit.lock()
        for number, event in enumerate(self._pending, self._newest() + 1):
            self._session.add(
                EventRow(
                    number=number,
                    event_id=event.event_id,
                    type=event.type,
                    at=event.at,
                    subject=event.subject,
                    product=event.product,
                    customer=event.customer,
                    data=dict(event.data),
                )
            )
        self._session.flush()
        self._pending.clear()

    def following(
        self, number: int, *, types: frozenset[EventType] | None = None, subject: str | None = None, limit: int
    ) -> tuple[NumberedEvent, ...]:
        if limit < 1 or not is_storable(subject or ""):
            return ()
        self.write()
        statement = select(EventRow).where(col(EventRow.number) > number).order_by(col(EventRow.number)).limit(limit)
        if types is not None:
            statement = statement.where(col(EventRow.type).in_(sorted(types)))
        if subject is not None:
            statement = statement.where(col(EventRow.subject) == subject)
        return tuple(_numbered(row) for row in self._session.exec(statement).all())

    def get(self, event_id: str) -> NumberedEvent | None:
        if not is_storable(event_id):
            return None
        self.write()
        row = self._session.exec(select(EventRow).where(col(EventRow.event_id) == event_id)).one_or_none()
        return _numbered(row) if row is not None else None

    def newest_number(self) -> int:
        self.write()
        return self._newest()

    def _newest(self) -> int:
        return self._session.exec(select(func.max(EventRow.number))).one() or 0


def _numbered(row: EventRow) -> NumberedEvent:
    event = Event(
        event_id=row.event_id,
        type=EventType(row.type),
        at=row.at,
        subject=row.subject,
        data=row.data,
        product=ProductName(row.product) if row.product is not None else None,
        customer=row.customer,
    )
    return NumberedEvent(row.number or 0, event)
