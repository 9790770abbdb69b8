"""A shop says that an order was paid. Whether it was the shop is known by now."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from tenure_server.domain.shop_payments import NoticeOutcome, PaymentNotice, ReceivedNotice
from tenure_server.errors import Refusal
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.orders import ConfirmPayment
from tenure_server.use_cases.ports import Clock, Database

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReceivePayment:
    database: Database
    clock: Clock
    confirm: ConfirmPayment

    def __call__(self, notice: PaymentNotice) -> ReceivedNotice:
        """Paid and noted in one transaction; the same event again finds it so and changes nothing.

        What is refused (``ConfirmPayment`` says what for) is noted for the operator and refused again when it is
        repeated, unless the reason is gone by then.
        """
        who = f"{notice.shop} webhook"
        try:
            with self.database.writing() as records:
                known = records.payment_notices.get(notice.shop, notice.event_id)
                if known is not None and known.outcome is NoticeOutcome.PAID:
                    return known
                payment = f"{notice.shop} {notice.payment}"
                self.confirm.within(records, notice.order, who=who, amount=notice.amount, payment=payment)
                received = ReceivedNotice(notice, NoticeOutcome.PAID, None, self.clock())
                records.payment_notices.put(received)
                return received
        except Refusal as refusal:
            self._note(notice, refusal, who)
            raise

    def _note(self, notice: PaymentNotice, refusal: Refusal, who: str) -> None:
        now = self.clock()
        _log.warning("a payment of order %s was refused: %s", notice.order, refusal.code)
        with self.database.writing() as records:
            known = records.payment_notices.get(notice.shop, notice.event_id)
            if known is not None and known.code == refusal.code:
                return
            records.payment_notices.put(ReceivedNotice(notice, NoticeOutcome.REFUSED, refusal.code, now))
            audited(
                records, now, who, "payment.refused", notice.order,
                code=refusal.code, event=notice.event_id, payment=notice.payment,
                minor_units=notice.amount.minor_units, currency=notice.amount.currency,
            )  # fmt: skip
