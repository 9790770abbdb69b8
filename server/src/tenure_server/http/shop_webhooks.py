"""``/v1/shop/…``: shops tell of payments, signed. docs/selling.md, Shops.

The signature is verified over the bytes as they came, before anything in them is looked at. What is not from the shop
is refused without saying why.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tenure_server.domain.money import parse_currency
from tenure_server.domain.orders import LARGEST_AMOUNT
from tenure_server.domain.shop_payments import PaymentNotice, is_signed
from tenure_server.errors import Conflict, DatabaseUnavailable, InvalidRequest, NotFound
from tenure_server.http.bodies import BodyModel, read_body
from tenure_server.http.customers import answered
from tenure_server.http.endpoint import Access, Operation
from tenure_server.http.orders import MoneyBody
from tenure_server.http.parameters import NoParameters
from tenure_server.http.reading import read
from tenure_server.http.wire import Answer
from tenure_server.use_cases.ports import Clock
from tenure_server.use_cases.receive_payment import ReceivePayment
from tenure_signing.releases import Money

SIGNATURE_HEADER = "Tenure-Signature"
STRIPE_HEADER = "Stripe-Signature"
SHOP, STRIPE = "shop", "stripe"

Id = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]
_STRIPE_TYPES = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "payment_intent.succeeded",
)


class ShopPaymentBody(BodyModel):
    event_id: Id = Field(description="the shop's name for this message: a repeat has the same")
    payment: Id = Field(description="the shop's name for the payment")
    order: Id = Field(description="the order's number")
    amount: MoneyBody


class StripeEvent(BodyModel):
    """Stripe describes its events; looked at are ``id``, ``type`` and the object of checkout sessions and payment
    intents."""


class NoticeAnswer(Answer):
    state: str = Field(description="`paid`, or `ignored` for what is no payment of an order")


_REFUSALS = (InvalidRequest, NotFound, Conflict, DatabaseUnavailable)
PAYMENT = Operation(
    summary="A shop tells of a payment, signed with the header Tenure-Signature; a repeat changes nothing",
    method="POST", body=ShopPaymentBody, answer=NoticeAnswer, access=Access.SIGNATURE, refusals=_REFUSALS,
)  # fmt: skip
STRIPE_EVENT = Operation(
    summary="Stripe tells of a payment, signed with the header Stripe-Signature; a repeat changes nothing",
    method="POST", body=StripeEvent, answer=NoticeAnswer, access=Access.SIGNATURE, refusals=_REFUSALS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShopWebhooks:
    """A secret that is None closes its address."""

    receive: ReceivePayment
    clock: Clock  # the real one: signatures are dated by it
    is_from_stripe: Callable[[bytes, str, str], bool]
    shop_secret: str | None = field(default=None, repr=False)
    stripe_secret: str | None = field(default=None, repr=False)

    async def payment(self, request: Request) -> Response:
        secret = _required(self.shop_secret)
        body = await request.body()
        if not is_signed(body, _header(request, SIGNATURE_HEADER), secret, self.clock()):
            raise _forged()
        read(request, NoParameters)
        said = await read_body(request, ShopPaymentBody)
        notice = PaymentNotice(SHOP, said.event_id, said.payment, said.order, said.amount.money())
        return await self._received(notice)

    async def stripe(self, request: Request) -> Response:
        secret = _required(self.stripe_secret)
        body = await request.body()
        header = _header(request, STRIPE_HEADER)
        if not await run_in_threadpool(self.is_from_stripe, body, header, secret):
            raise _forged()
        notice = stripe_notice(body)
        return answered(NoticeAnswer(state="ignored")) if notice is None else await self._received(notice)

    async def _received(self, notice: PaymentNotice) -> Response:
        received = await run_in_threadpool(self.receive, notice)
        return answered(NoticeAnswer(state=received.outcome.value))


def stripe_notice(body: bytes) -> PaymentNotice | None:
    """The payment that an event of Stripe's tells of; None where it tells of something else, or of no order of ours.

    The order's number is the session's ``client_reference_id`` or ``tenure_order`` in the metadata. Session and intent
    of one payment bear the intent's id, so that the second one of them is no second payment.
    """
    try:
        event = json.loads(body)
        said = event["data"]["object"]
        order = said.get("client_reference_id") or (said.get("metadata") or {}).get("tenure_order")
        if event["type"] not in _STRIPE_TYPES or not order:
            return None
        if said["object"] == "checkout.session":
            if said["payment_status"] != "paid":
                return None
            payment, minor_units = said.get("payment_intent") or said["id"], said["amount_total"]
        else:
            payment, minor_units = said["id"], said["amount_received"]
        texts = (event["id"], payment, order)
        amount = Money(_whole(minor_units), parse_currency(str(said["currency"]).upper()))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidRequest("This is no event of Stripe's that can be read.", code="invalid_event") from None
    if not all(isinstance(text, str) and text.isascii() and text.isprintable() and len(text) <= 200 for text in texts):
        raise InvalidRequest("This is no event of Stripe's that can be read.", code="invalid_event")
    return PaymentNotice(STRIPE, event["id"], payment, order, amount)


def _whole(number: Any) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= LARGEST_AMOUNT:
        raise ValueError("not an amount")
    return number


def _header(request: Request, name: str) -> str:
    found = request.headers.getlist(name)
    return found[0] if len(found) == 1 and len(found[0]) <= 2_000 else ""


def _required(secret: str | None) -> str:
    if secret is None:
        raise NotFound("There is nothing at this address.", code="not_found")
    return secret


def _forged() -> InvalidRequest:
    return InvalidRequest("This message is not accepted.", code="not_accepted")
