"""Reminders, and who wants none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, update
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from tenure_server.adapters.database.claims import claimed_rows
from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.failures import conflict_if_taken
from tenure_server.adapters.database.reminder_tables import ReminderOptOutRow, ReminderRow
from tenure_server.adapters.database.sales_tables import CustomerRow
from tenure_server.adapters.database.tables import LicenceRow, SupportPeriodRow
from tenure_server.domain.reminders import Reminder, ReminderState
from tenure_server.errors import Conflict
from tenure_signing.entitlement import LicenceStatus


class SqlReminders:
    def __init__(self, session: Session) -> None:
        self._session = session

    def ends_between(self, first: date, last: date) -> Mapping[str, date]:
        ends_on = func.max(col(SupportPeriodRow.ends_on))
        statement = (
            sql_select(col(SupportPeriodRow.licence_id), ends_on)
            .join(LicenceRow, col(LicenceRow.licence_id) == col(SupportPeriodRow.licence_id))
            .join(CustomerRow, col(CustomerRow.customer_id) == col(LicenceRow.customer_id))
            .where(col(LicenceRow.status) == LicenceStatus.ACTIVE)
            .where(col(CustomerRow.email).is_not(None))
            .group_by(col(SupportPeriodRow.licence_id))
            .having(ends_on.between(first, last))
        )
        return {row[0]: row[1] for row in self._session.execute(statement).all()}

    def known_between(self, first: date, last: date) -> Mapping[tuple[str, date], frozenset[int]]:
        columns = (col(ReminderRow.licence_id), col(ReminderRow.ends_on), col(ReminderRow.step))
        statement = sql_select(*columns).where(col(ReminderRow.ends_on).between(first, last))
        known: dict[tuple[str, date], set[int]] = defaultdict(set)
        for licence_id, ends_on, step in self._session.execute(statement).all():
            known[licence_id, ends_on].add(step)
        return {name: frozenset(steps) for name, steps in known.items()}

    def of_licence(self, licence_id: str) -> tuple[Reminder, ...]:
        if not is_storable(licence_id):
            return ()
        statement = (
            select(ReminderRow)
            .where(col(ReminderRow.licence_id) == licence_id)
            .order_by(col(ReminderRow.ends_on), col(ReminderRow.step).desc())
        )
        return tuple(_reminder(row) for row in self._session.exec(statement).all())

    def queue(self, reminder: Reminder) -> bool:
        try:
            with conflict_if_taken(self._session, "There is such a reminder already.", "reminder_exists"):
                self._session.add(ReminderRow(**_values(reminder)))
        except Conflict:
            return False
        return True

    def queued(self, *, limit: int) -> tuple[Reminder, ...]:
        statement = (
            select(ReminderRow)
            .where(col(ReminderRow.state) == ReminderState.QUEUED)
            .order_by(col(ReminderRow.next_at), col(ReminderRow.licence_id))
            .limit(max(limit, 0))
        )
        return tuple(_reminder(row) for row in self._session.exec(statement).all())

    def claim(self, now: datetime, *, claim: str, until: datetime, limit: int) -> tuple[Reminder, ...]:
        statement = (
            select(ReminderRow)
            .where(col(ReminderRow.state) == ReminderState.QUEUED)
            .order_by(col(ReminderRow.next_at), col(ReminderRow.licence_id))
            .limit(limit)
        )
        rows = claimed_rows(self._session, statement, ReminderRow, now, claim=claim, until=until)
        return tuple(_reminder(row) for row in rows)

    def finish(self, reminder: Reminder, claim: str) -> bool:
        changed = self._session.execute(
            update(ReminderRow)
            .where(col(ReminderRow.licence_id) == reminder.licence_id)
            .where(col(ReminderRow.ends_on) == reminder.ends_on)
            .where(col(ReminderRow.step) == reminder.step)
            .where(col(ReminderRow.claim) == claim)
            .values(**_values(reminder))
        )
        return bool(changed.rowcount)  # type: ignore[attr-defined]

    def count(self, state: ReminderState) -> int:
        return self._session.exec(
            select(func.count()).select_from(ReminderRow).where(col(ReminderRow.state) == state)
        ).one()

    def opted_out(self, licence_id: str) -> bool:
        return is_storable(licence_id) and self._session.get(ReminderOptOutRow, licence_id) is not None

    def opt_out(self, licence_id: str, at: datetime) -> bool:
        try:
            with conflict_if_taken(self._session, "It is known already.", "opted_out"):
                self._session.add(ReminderOptOutRow(licence_id=licence_id, at=at))
        except Conflict:
            return False
        return True

    def opt_in(self, licence_id: str) -> bool:
        row = self._session.get(ReminderOptOutRow, licence_id)
        if row is None:
            return False
        self._session.delete(row)
        self._session.flush()
        return True


def _values(reminder: Reminder) -> dict[str, Any]:
    return {
        "licence_id": reminder.licence_id,
        "ends_on": reminder.ends_on,
        "step": reminder.step,
        "state": reminder.state,
        "queued_at": reminder.queued_at,
        "next_at": reminder.next_at,
        "attempts": reminder.attempts,
        "claim": reminder.claim,
        "claimed_until": reminder.claimed_until,
        "problem": reminder.problem,
        "ended_at": reminder.ended_at,
    }


def _reminder(row: ReminderRow) -> Reminder:
    return Reminder(
        licence_id=row.licence_id,
        ends_on=row.ends_on,
        step=row.step,
        state=ReminderState(row.state),
        queued_at=row.queued_at,
        next_at=row.next_at,
        attempts=row.attempts,
        claim=row.claim,
        claimed_until=row.claimed_until,
        problem=row.problem,
        ended_at=row.ended_at,
    )
