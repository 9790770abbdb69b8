"""The audit trail: appended to, never changed."""

from __future__ import annotations

from sqlmodel import Session, col, select

from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.tables import AuditEventRow
from tenure_server.use_cases.ports import AuditEvent


class SqlAuditTrail:
    def __init__(self, session: Session) -> None:
        self._session = session

    def append(self, event: AuditEvent) -> None:
        self._session.add(
            AuditEventRow(
                at=event.at, who=event.who, action=event.action, subject=event.subject, details=dict(event.details)
            )
        )
        self._session.flush()

    def newest(self, *, subject: str | None = None, limit: int = 100) -> tuple[AuditEvent, ...]:
        if limit < 1 or not is_storable(subject or ""):
            return ()
        statement = select(AuditEventRow).order_by(col(AuditEventRow.number).desc()).limit(limit)
        if subject is not None:
            statement = statement.where(col(AuditEventRow.subject) == subject)
        rows = self._session.exec(statement).all()
        return tuple(AuditEvent(row.at, row.who, row.action, row.subject, row.details) for row in rows)
