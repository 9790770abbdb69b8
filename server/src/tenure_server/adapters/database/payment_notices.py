"""What shops said of payments."""

from __future__ import annotations

from sqlmodel import Session, col, select

from tenure_server.adapters.database.sales_tables import PaymentNoticeRow
from tenure_server.domain.shop_payments import NoticeOutcome, PaymentNotice, ReceivedNotice
from tenure_signing.releases import Money


class SqlPaymentNotices:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, shop: str, event_id: str) -> ReceivedNotice | None:
        row = self._session.get(PaymentNoticeRow, (shop, event_id), populate_existing=True)
        return _received(row) if row is not None else None

    def put(self, received: ReceivedNotice) -> None:
        notice = received.notice
        self._session.merge(
            PaymentNoticeRow(
                shop=notice.shop,
                event_id=notice.event_id,
                payment=notice.payment,
                sales_order=notice.order,
                minor_units=notice.amount.minor_units,
                currency=notice.amount.currency,
                outcome=received.outcome.value,
                code=received.code,
                at=received.at,
            )
        )
        self._session.flush()

    def newest(self, *, outcome: NoticeOutcome | None = None, limit: int = 100) -> tuple[ReceivedNotice, ...]:
        if limit < 1:
            return ()
        statement = select(PaymentNoticeRow).order_by(col(PaymentNoticeRow.at).desc()).limit(limit)
        if outcome is not None:
            statement = statement.where(col(PaymentNoticeRow.outcome) == outcome.value)
        return tuple(_received(row) for row in self._session.exec(statement).all())


def _received(row: PaymentNoticeRow) -> ReceivedNotice:
    amount = Money(row.minor_units, row.currency)
    notice = PaymentNotice(row.shop, row.event_id, row.payment, row.sales_order, amount)
    return ReceivedNotice(notice, NoticeOutcome(row.outcome), row.code, row.at)
