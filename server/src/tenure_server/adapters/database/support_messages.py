"""The threads of support requests, and the replies among them that wait to be mailed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import or_, update
from sqlmodel import Session, col, select

from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.failures import conflict_if_taken
from tenure_server.adapters.database.tables_support import SupportMessageRow
from tenure_server.domain.support_messages import MailState, MessageKind, OutgoingMail, SupportMessage

_NEXT_FIRST = (col(SupportMessageRow.next_at), col(SupportMessageRow.place))


class SqlSupportMessages:
    def __init__(self, session: Session) -> None:
        self._session = session

    def of_request(self, request_id: str) -> tuple[SupportMessage, ...]:
        if not is_storable(request_id):
            return ()
        statement = (
            select(SupportMessageRow)
            .where(col(SupportMessageRow.request_id) == request_id)
            .order_by(col(SupportMessageRow.at), col(SupportMessageRow.place))
            .execution_options(populate_existing=True)
        )
        return tuple(map(_message, self._session.exec(statement).all()))

    def get(self, message_id: str) -> SupportMessage | None:
        row = self._row(message_id)
        return _message(row) if row is not None else None

    def by_mail_id(self, mail_id: str) -> SupportMessage | None:
        if not is_storable(mail_id):
            return None
        row = self._session.exec(select(SupportMessageRow).where(col(SupportMessageRow.mail_id) == mail_id)).first()
        return _message(row) if row is not None else None

    def add(self, message: SupportMessage) -> None:
        with conflict_if_taken(self._session, "This mail is in a thread already.", "mail_known"):
            self._session.add(
                SupportMessageRow(
                    message_id=message.message_id,
                    request_id=message.request_id,
                    kind=message.kind.value,
                    at=message.at,
                    **_changing(message),
                )
            )

    def change(self, message: SupportMessage) -> None:
        row = self._row(message.message_id)
        assert row is not None
        row.sqlmodel_update(_changing(message))
        self._session.flush()

    def claim_unsent(self, now: datetime, *, claim: str, until: datetime, limit: int) -> tuple[SupportMessage, ...]:
        claimed_until = col(SupportMessageRow.claimed_until)
        statement = (
            select(SupportMessageRow)
            .where(col(SupportMessageRow.mail_state) == MailState.QUEUED.value)
            .where(col(SupportMessageRow.next_at) <= now)
            .where(or_(claimed_until.is_(None), claimed_until <= now))
            .order_by(*_NEXT_FIRST)
            .limit(max(limit, 0))
            .with_for_update(skip_locked=True)
        )
        rows = self._session.exec(statement, execution_options={"populate_existing": True}).all()
        for row in rows:
            row.claim, row.claimed_until = claim, until
        self._session.flush()
        return tuple(map(_message, rows))

    def finish(self, message: SupportMessage, claim: str) -> bool:
        changed = self._session.execute(
            update(SupportMessageRow)
            .where(col(SupportMessageRow.message_id) == message.message_id)
            .where(col(SupportMessageRow.claim) == claim)
            .values(mail_id=message.mail_id, **_mail_columns(message.mail))
            .execution_options(synchronize_session=False)
        )
        return bool(changed.rowcount)  # type: ignore[attr-defined]

    def unsent(self, *, limit: int) -> tuple[SupportMessage, ...]:
        queued = col(SupportMessageRow.mail_state) == MailState.QUEUED.value
        statement = select(SupportMessageRow).where(queued).order_by(*_NEXT_FIRST).limit(max(limit, 0))
        return tuple(map(_message, self._session.exec(statement).all()))

    def _row(self, message_id: str) -> SupportMessageRow | None:
        if not is_storable(message_id):
            return None
        statement = select(SupportMessageRow).where(col(SupportMessageRow.message_id) == message_id)
        return self._session.exec(statement, execution_options={"populate_existing": True}).first()


def _changing(message: SupportMessage) -> dict[str, Any]:
    return {
        "body": message.body,
        "who": message.who,
        "mail_id": message.mail_id,
        **_mail_columns(message.mail),
    }


def _mail_columns(mail: OutgoingMail | None) -> dict[str, Any]:
    return {
        "mail_to": mail.to if mail is not None else None,
        "mail_state": mail.state.value if mail is not None else None,
        "next_at": mail.next_at if mail is not None else None,
        "attempts": mail.attempts if mail is not None else 0,
        "claim": mail.claim if mail is not None else None,
        "claimed_until": mail.claimed_until if mail is not None else None,
        "problem": mail.problem if mail is not None else None,
        "sent_at": mail.sent_at if mail is not None else None,
    }


def _message(row: SupportMessageRow) -> SupportMessage:
    mail = None
    if row.mail_state is not None:
        assert row.mail_to is not None
        assert row.next_at is not None
        mail = OutgoingMail(
            to=row.mail_to,
            state=MailState(row.mail_state),
            next_at=row.next_at,
            attempts=row.attempts,
            claim=row.claim,
            claimed_until=row.claimed_until,
            problem=row.problem,
            sent_at=row.sent_at,
        )
    return SupportMessage(
        row.message_id, row.request_id, MessageKind(row.kind), row.body, row.at, row.who, row.mail_id, mail
    )
