"""What a shop says of a payment, and how it proves that it was the shop that said so."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tenure_signing.releases import Money

REPLAY_WINDOW_SECONDS = 300
"""How old a signature may be, and how far ahead the shop's clock; as Stripe's."""

_HEADER = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, slots=True)
class PaymentNotice:
    """``event_id`` is the shop's name for what it says; ``payment`` for the payment, of which it may say several
    things."""

    shop: str  # "shop" or "stripe"
    event_id: str
    payment: str
    order: str
    amount: Money


class NoticeOutcome(StrEnum):
    PAID = "paid"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ReceivedNotice:
    """``code`` says why it was refused."""

    notice: PaymentNotice
    outcome: NoticeOutcome
    code: str | None
    at: datetime


def is_signed(body: bytes, header: str, secret: str, now: datetime) -> bool:
    """Whether the header ``t=<seconds since 1970>,v1=<hexadecimal>`` is the HMAC-SHA256 of ``<t>.<body>`` under the
    secret, made within the replay window. Compared in constant time."""
    parts = _HEADER.fullmatch(header)
    if parts is None or not secret:
        return False
    expected = signature(body, int(parts[1]), secret)
    is_right = hmac.compare_digest(expected, parts[2])
    return is_right and abs(now.timestamp() - int(parts[1])) <= REPLAY_WINDOW_SECONDS


def signature(body: bytes, seconds: int, secret: str) -> str:
    """What a shop puts after ``v1=``."""
    return hmac.new(secret.encode(), str(seconds).encode() + b"." + body, hashlib.sha256).hexdigest()
