"""Mail that is to go out."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from tenure_server.adapters.database.claims import claimed_rows
from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.failures import conflict_if_taken
from tenure_server.adapters.database.mail_tables import OutgoingMailRow
from tenure_server.domain.outgoing_mail import MailState, OutgoingMail, WordedMail
from tenure_server.errors import Conflict


class SqlOutgoingMails:
    def __init__(self, session: Session) -> None:
        self._session = session

    def queue(self, mail: OutgoingMail) -> bool:
        try:
            with conflict_if_taken(self._session, "There is such a mail already.", "mail_exists"):
                self._session.add(OutgoingMailRow(**_values(mail)))
        except Conflict:
            return False
        return True

    def get(self, key: str) -> OutgoingMail | None:
        row = self._session.get(OutgoingMailRow, key) if is_storable(key) else None
        return None if row is None else _mail(row)

    def of_subject(self, subject_id: str) -> tuple[OutgoingMail, ...]:
        if not is_storable(subject_id):
            return ()
        statement = (
            select(OutgoingMailRow)
            .where(col(OutgoingMailRow.subject_id) == subject_id)
            .order_by(col(OutgoingMailRow.queued_at), col(OutgoingMailRow.key))
        )
        return tuple(_mail(row) for row in self._session.exec(statement).all())

    def is_any_due(self, now: datetime) -> bool:
        statement = (
            select(OutgoingMailRow.key)
            .where(col(OutgoingMailRow.state) == MailState.QUEUED)
            .where(col(OutgoingMailRow.next_at) <= now)
            .limit(1)
        )
        return self._session.exec(statement).first() is not None

    def claim(self, now: datetime, *, claim: str, until: datetime, limit: int) -> tuple[OutgoingMail, ...]:
        statement = (
            select(OutgoingMailRow)
            .where(col(OutgoingMailRow.state) == MailState.QUEUED)
            .order_by(col(OutgoingMailRow.next_at), col(OutgoingMailRow.key))
            .limit(limit)
        )
        rows = claimed_rows(self._session, statement, OutgoingMailRow, now, claim=claim, until=until)
        return tuple(_mail(row) for row in rows)

    def finish(self, mail: OutgoingMail, claim: str) -> bool:
        changed = self._session.execute(
            update(OutgoingMailRow)
            .where(col(OutgoingMailRow.key) == mail.key)
            .where(col(OutgoingMailRow.claim) == claim)
            .values(**_values(mail))
        )
        return bool(changed.rowcount)  # type: ignore[attr-defined]

    def drop(self, subject_id: str, now: datetime) -> int:
        dropped = [mail for mail in self.of_subject(subject_id) if mail.state is MailState.QUEUED]
        for mail in dropped:
            self._session.execute(
                update(OutgoingMailRow)
                .where(col(OutgoingMailRow.key) == mail.key)
                .where(col(OutgoingMailRow.state) == MailState.QUEUED)
                .values(**_values(mail.dropped(now)))
            )
        return len(dropped)

    def count(self, state: MailState) -> int:
        return self._session.exec(
            select(func.count()).select_from(OutgoingMailRow).where(col(OutgoingMailRow.state) == state)
        ).one()


def _values(mail: OutgoingMail) -> dict[str, Any]:
    return {
        "key": mail.key,
        "subject_id": mail.subject_id,
        "worded": {} if mail.worded is None else asdict(mail.worded),
        "state": mail.state,
        "queued_at": mail.queued_at,
        "next_at": mail.next_at,
        "attempts": mail.attempts,
        "claim": mail.claim,
        "claimed_until": mail.claimed_until,
        "problem": mail.problem,
        "ended_at": mail.ended_at,
    }


def _mail(row: OutgoingMailRow) -> OutgoingMail:
    return OutgoingMail(
        key=row.key,
        subject_id=row.subject_id,
        worded=_worded(row.worded) if row.worded else None,
        state=MailState(row.state),
        queued_at=row.queued_at,
        next_at=row.next_at,
        attempts=row.attempts,
        claim=row.claim,
        claimed_until=row.claimed_until,
        problem=row.problem,
        ended_at=row.ended_at,
    )


def _worded(kept: dict[str, Any]) -> WordedMail:
    return WordedMail(**{**kept, "headers": tuple((name, value) for name, value in kept["headers"])})
