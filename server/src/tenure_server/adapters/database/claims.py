"""Rows of work that several processes share: each takes others, for a time, and whoever dies leaves its rows to the
rest. The row's ``claim`` says whose it is, ``claimed_until`` until when."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from sqlalchemy import or_
from sqlmodel import Session, col
from sqlmodel.sql.expression import SelectOfScalar

from tenure_server.adapters.database.mail_tables import OutgoingMailRow
from tenure_server.adapters.database.reminder_tables import ReminderRow

R = TypeVar("R", OutgoingMailRow, ReminderRow)


def claimed_rows(
    session: Session, statement: SelectOfScalar[R], table: type[R], now: datetime, *, claim: str, until: datetime
) -> tuple[R, ...]:
    """Of the rows that the statement selects, those that are due and nobody's at the moment, claimed."""
    claimed_until = col(table.claimed_until)
    statement = (
        statement.where(col(table.next_at) <= now)
        .where(or_(claimed_until.is_(None), claimed_until <= now))
        .with_for_update(skip_locked=True)
    )
    rows = session.exec(statement, execution_options={"populate_existing": True}).all()
    for row in rows:
        row.claim, row.claimed_until = claim, until
    session.flush()
    return tuple(rows)
