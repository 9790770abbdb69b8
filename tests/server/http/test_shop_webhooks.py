"""Payments told by shops: genuine, repeated, forged, old, and of the wrong amount."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from tenure_server.app import create_app
from tenure_server.domain.orders import OrderState
from tenure_server.domain.shop_payments import NoticeOutcome, signature
from tests.server.http.asking import answer, problem
from tests.server.http.conftest import Shop
from tests.server.use_cases.test_orders import NEW
from tests.server.world import WHO

SECRET = "a secret of the shop, 32 characters or more"
STRIPE_SECRET = "whsec_" + "a" * 32


@pytest.fixture
def client(own_shop: Shop) -> TestClient:
    installation = own_shop.world.reopened(shop_secret=SECRET, stripe_webhook_secret=STRIPE_SECRET)
    return TestClient(create_app(installation))


@pytest.fixture
def number(own_shop: Shop) -> str:
    customer = own_shop.ada.licence.customer_id
    return own_shop.world.installation.place_order(lambda _: (customer, NEW), who=WHO).number


def told(shop: Shop, client: TestClient, order: str, *, age: int = 0, secret: str = SECRET, **change: Any) -> Response:
    said = {
        "event_id": "e1",
        "payment": "p1",
        "order": order,
        "amount": {"minor_units": 100_000, "currency": "MYR"},
    } | change
    body = json.dumps(said).encode()
    seconds = int(shop.world.now().timestamp()) - age
    headers = {
        "Content-Type": "application/json",
        "Tenure-Signature": f"t={seconds},v1={signature(body, seconds, secret)}",
    }
    return client.post("/v1/shop/payments", content=body, headers=headers)


def state(shop: Shop, number: str) -> OrderState:
    with shop.world.database.reading() as records:
        order = records.orders.get(number)
    assert order is not None
    return order.state


def licences(shop: Shop) -> int:
    with shop.world.database.reading() as records:
        return len(records.licences.search(limit=1000))


def test_a_signed_payment_pays_the_order_once_however_often_it_comes(
    own_shop: Shop, client: TestClient, number: str
) -> None:
    before = licences(own_shop)
    for _ in range(3):
        assert answer(told(own_shop, client, number)) == {"state": "paid"}
    assert answer(told(own_shop, client, number, event_id="e2")) == {"state": "paid"}  # of the same payment
    assert licences(own_shop) == before + 1
    assert problem(told(own_shop, client, number, event_id="e3", payment="p2"), 409)["code"] == "paid_twice"


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ({"minor_units": 99_999, "currency": "MYR"}, "wrong_amount"),
        ({"minor_units": 100_000, "currency": "EUR"}, "wrong_currency"),
    ],
)
def test_the_wrong_amount_pays_nothing_and_is_noted_for_the_operator(
    own_shop: Shop, client: TestClient, number: str, amount: dict[str, object], code: str
) -> None:
    for _ in range(2):
        assert problem(told(own_shop, client, number, amount=amount), 409)["code"] == code
    assert state(own_shop, number) is OrderState.ORDERED
    with own_shop.world.database.reading() as records:
        (noted,) = records.payment_notices.newest(outcome=NoticeOutcome.REFUSED)
        actions = [event.action for event in records.audit.newest(subject=number)]
    assert (noted.code, noted.notice.order) == (code, number)
    assert actions == ["payment.refused", "order.create"]


def test_a_payment_of_no_order_is_noted_too(own_shop: Shop, client: TestClient) -> None:
    assert problem(told(own_shop, client, "O-1999-1"), 404)["code"] == "unknown_order"
    with own_shop.world.database.reading() as records:
        assert [one.code for one in records.payment_notices.newest()] == ["unknown_order"]


@pytest.mark.parametrize(
    "change", [{"secret": "another secret, as long as the right one"}, {"age": 301}, {"age": -301}]
)
def test_a_forged_or_replayed_message_is_refused_without_detail(
    own_shop: Shop, client: TestClient, number: str, change: dict[str, Any]
) -> None:
    refused = problem(told(own_shop, client, number, **change), 400)
    assert (refused["code"], refused["detail"]) == ("not_accepted", "This message is not accepted.")
    assert state(own_shop, number) is OrderState.ORDERED
    with own_shop.world.database.reading() as records:
        assert records.payment_notices.newest() == ()


@pytest.mark.parametrize("header", ["", "t=1,v1=", "v1=" + "0" * 64, "t=1,v1=" + "0" * 64 + ",v0=1", "t=²,v1=x"])
def test_no_header_of_another_form_is_accepted(own_shop: Shop, client: TestClient, header: str) -> None:
    response = client.post("/v1/shop/payments", content=b"{}", headers={b"Tenure-Signature": header.encode()})
    assert problem(response, 400)["code"] == "not_accepted"


def test_without_a_secret_there_is_no_such_address(own_shop: Shop, number: str) -> None:
    for path in ("/v1/shop/payments", "/v1/shop/stripe"):
        assert problem(own_shop.client.post(path, content=b"{}"), 404)["code"] == "not_found"
    assert problem(told(own_shop, own_shop.client, number), 404)["code"] == "not_found"


# --- Stripe


def stripe(client: TestClient, event: object, *, age: int = 0, secret: str = STRIPE_SECRET) -> Response:
    body = json.dumps(event)
    seconds = int(time.time()) - age
    made = hmac.new(secret.encode(), f"{seconds}.{body}".encode(), hashlib.sha256).hexdigest()
    return client.post("/v1/shop/stripe", content=body, headers={"Stripe-Signature": f"t={seconds},v1={made}"})


def session(number: str, **change: object) -> dict[str, Any]:
    said = {
        "object": "checkout.session",
        "id": "cs_1",
        "client_reference_id": number,
        "payment_status": "paid",
        "payment_intent": "pi_1",
        "amount_total": 100_000,
        "currency": "myr",
    }
    return {"id": "evt_1", "type": "checkout.session.completed", "data": {"object": said | change}}


def intent(number: str) -> dict[str, Any]:
    said = {
        "object": "payment_intent",
        "id": "pi_1",
        "metadata": {"tenure_order": number},
        "amount_received": 100_000,
        "currency": "myr",
    }
    return {"id": "evt_2", "type": "payment_intent.succeeded", "data": {"object": said}}


def test_stripes_session_and_intent_are_one_payment(own_shop: Shop, client: TestClient, number: str) -> None:
    before = licences(own_shop)
    for event in (session(number), intent(number), session(number)):
        assert answer(stripe(client, event)) == {"state": "paid"}
    assert licences(own_shop) == before + 1


def test_what_is_no_payment_of_ours_is_ignored(own_shop: Shop, client: TestClient, number: str) -> None:
    for event in (
        session(number, payment_status="unpaid"),
        session(number) | {"type": "customer.created"},
        session("", client_reference_id=None),
    ):
        assert answer(stripe(client, event)) == {"state": "ignored"}
    assert state(own_shop, number) is OrderState.ORDERED


@pytest.mark.parametrize("change", [{"secret": "whsec_" + "b" * 32}, {"age": 400}])
def test_what_stripe_did_not_sign_lately_is_refused(
    own_shop: Shop, client: TestClient, number: str, change: dict[str, Any]
) -> None:
    assert problem(stripe(client, session(number), **change), 400)["code"] == "not_accepted"
    assert state(own_shop, number) is OrderState.ORDERED


@pytest.mark.parametrize("event", [[], {}, {"type": "x"}, {"id": "e", "type": "payment_intent.succeeded", "data": 1}])
def test_an_event_that_makes_no_sense_is_refused(client: TestClient, event: object) -> None:
    assert problem(stripe(client, event), 400)["code"] == "invalid_event"


def test_absurd_amounts_are_refused(client: TestClient, number: str) -> None:
    for amount in (-1, 1.5, True, "100", 10**16):
        assert problem(stripe(client, session(number, amount_total=amount)), 400)["code"] == "invalid_event"
