"""The threads of support requests."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, select

from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.failures import conflict_if_taken
from tenure_server.adapters.database.tables_support import SupportMessageRow
from tenure_server.domain.support_messages import MessageKind, SupportMessage


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
        "mailed_to": message.mailed_to,
    }


def _message(row: SupportMessageRow) -> SupportMessage:
    return SupportMessage(
        row.message_id,
        row.request_id,
        MessageKind(row.kind),
        row.body,
        row.at,
        row.who,
        row.mail_id,
        row.mailed_to,
    )
