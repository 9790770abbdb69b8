"""The audit trail: appended to, never changed, each event chained to the one before it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.tables import AuditEventRow, AuditHeadRow
from tenure_server.domain.audit_chain import AuditEvent, AuditHead, AuditRecord, next_record


class SqlAuditTrail:
    """Events are written at the end of the transaction, whose last lock is therefore that of the trail's head: two
    transactions never wait for each other crosswise."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._pending: list[AuditEvent] = []

    def append(self, event: AuditEvent) -> None:
        self._pending.append(event)

    def write(self) -> None:
        """Write what was appended, after whatever other transactions wrote."""
        if not self._pending:
            return
        row = self.lock()
        head = AuditHead(row.number, row.digest)
        for event in self._pending:
            record = next_record(head, event)
            head = AuditHead(record.number, record.digest)
            self._session.add(
                AuditEventRow(
                    number=record.number,
                    at=event.at,
                    who=event.who,
                    action=event.action,
                    subject=event.subject,
                    details=dict(event.details),
                    digest=record.digest,
                )
            )
        row.number, row.digest = head.number, head.digest
        self._session.flush()
        self._pending.clear()

    def lock(self) -> AuditHeadRow:
        """Wait for, then hold until the end of the transaction, the right to append; where the trail ends."""
        locked = select(AuditHeadRow).where(col(AuditHeadRow.only_row) == 1).with_for_update()
        return self._session.exec(locked, execution_options={"populate_existing": True}).one()

    def newest(
        self,
        *,
        subject: str | None = None,
        who: str | None = None,
        action: str | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> tuple[AuditEvent, ...]:
        if limit < 1 or not all(is_storable(text or "") for text in (subject, who, action)):
            return ()
        self.write()
        statement = select(AuditEventRow).order_by(col(AuditEventRow.number).desc()).limit(limit)
        if subject is not None:
            statement = statement.where(col(AuditEventRow.subject) == subject)
        if who is not None:
            statement = statement.where(col(AuditEventRow.who) == who)
        if action is not None:
            begins = func.substr(col(AuditEventRow.action), 1, len(action) + 1)
            statement = statement.where(begins.in_([action, f"{action}."]))
        if since is not None:
            statement = statement.where(col(AuditEventRow.at) >= since)
        return tuple(_event(row) for row in self._session.exec(statement).all())

    def following(self, number: int, *, limit: int) -> tuple[AuditRecord, ...]:
        if limit < 1:
            return ()
        self.write()
        statement = (
            select(AuditEventRow)
            .where(col(AuditEventRow.number) > number)
            .order_by(col(AuditEventRow.number))
            .limit(limit)
        )
        rows = self._session.exec(statement).all()
        return tuple(AuditRecord(row.number or 0, _event(row), row.digest) for row in rows)

    def head(self) -> AuditHead:
        self.write()
        row = self._session.exec(select(AuditHeadRow).where(col(AuditHeadRow.only_row) == 1)).one()
        return AuditHead(row.number, row.digest)


def _event(row: AuditEventRow) -> AuditEvent:
    return AuditEvent(row.at, row.who, row.action, row.subject, row.details)
