"""``/v1/orders`` and ``/v1/licences``: what a shop or a CRM does with its token."""

from __future__ import annotations

from typing import Any

import pytest
from httpx2 import Response

from tenure_server.domain.api_tokens import Scope
from tests.server.http.asking import answer, faults, problem
from tests.server.http.conftest import Shop
from tests.server.http.test_customers import bearer, created


@pytest.fixture
def sales(own_shop: Shop) -> dict[str, str]:
    return bearer(own_shop, Scope.SALES)


def place(
    shop: Shop, headers: dict[str, str], key: str = "k1", body: dict[str, object] | None = None, **more: object
) -> Response:
    return shop.client.post("/v1/orders", json=(body or {}) | more, headers=headers | {"Idempotency-Key": key})


def new_licence(shop: Shop) -> dict[str, object]:
    return {
        "customer_id": shop.ada.licence.customer_id,
        "product": "cad",
        "edition": "pro",
        "base_price": {"minor_units": 100_000, "currency": "MYR"},
        "smp_years": 2,
    }


def pay(shop: Shop, headers: dict[str, str], number: str, minor_units: int, payment: str = "evt_1") -> Response:
    body = {"amount": {"minor_units": minor_units, "currency": "MYR"}, "payment": payment}
    return shop.client.post(f"/v1/orders/{number}/payment", json=body, headers=headers)


def test_a_shop_orders_pays_and_gets_key_and_certificate(own_shop: Shop, sales: dict[str, str]) -> None:
    response = place(own_shop, sales, body=new_licence(own_shop), reference="shop 17")
    order = created(response)
    assert response.headers["location"] == f"/v1/orders/{order['number']}"
    assert order["state"] == "ordered"
    assert order["total"] == {"minor_units": 120_000, "currency": "MYR"}
    assert order["lines"][1]["arithmetic"].startswith("20 % (10 % a year for 2 years) of the total purchase price")
    paid = answer(pay(own_shop, sales, order["number"], 120_000))
    assert (paid["is_new"], paid["order"]["state"]) == (True, "paid")
    assert (
        own_shop.client.get("/v1/licence", headers={"Authorization": f"License {paid['licence_key']}"}).json()[
            "support"
        ]["last_covered_day"]
        == "2028-11-22"
    )
    again = answer(pay(own_shop, sales, order["number"], 120_000))
    assert (again["is_new"], again["licence_key"]) == (False, None)
    found = answer(own_shop.client.get("/v1/licences", params={"search": "shop 17"}, headers=sales))
    assert [one["licence_id"] for one in found["licences"]] == [paid["order"]["licence_id"]]


def test_a_double_click_orders_once(own_shop: Shop, sales: dict[str, str]) -> None:
    first = created(place(own_shop, sales, body=new_licence(own_shop)))
    assert created(place(own_shop, sales, body=new_licence(own_shop))) == first
    changed = new_licence(own_shop) | {"smp_years": 1}
    assert problem(place(own_shop, sales, body=changed), 422)["code"] == "idempotency_key_reused"
    without = own_shop.client.post("/v1/orders", json=new_licence(own_shop), headers=sales)
    assert problem(without, 400)["code"] == "idempotency_key_missing"
    listed = answer(own_shop.client.get("/v1/orders", params={"state": "ordered"}, headers=sales))["orders"]
    assert listed == [first]


def test_the_wrong_amount_is_refused_and_so_is_another_payment(own_shop: Shop, sales: dict[str, str]) -> None:
    number = created(place(own_shop, sales, body=new_licence(own_shop)))["number"]
    assert problem(pay(own_shop, sales, number, 119_999), 409)["code"] == "wrong_amount"
    answer(pay(own_shop, sales, number, 120_000))
    assert problem(pay(own_shop, sales, number, 120_000, "evt_2"), 409)["code"] == "paid_twice"
    assert problem(pay(own_shop, sales, "O-1999-00001", 1), 404)["code"] == "unknown_order"


def test_support_is_ordered_cancelled_and_refunded(own_shop: Shop, sales: dict[str, str]) -> None:
    licence_id = own_shop.cyn.licence.licence_id
    url = f"/v1/licences/{licence_id}"
    before: dict[str, Any] = answer(own_shop.client.get(url, headers=sales))
    assert before["renewal"]["options"][0]["price"]["minor_units"] == 15_000
    order = created(place(own_shop, sales, licence_id=licence_id, smp_years=1))
    assert problem(place(own_shop, sales, "k2", licence_id=licence_id, smp_years=1), 409)["code"] == "order_waiting"
    cancelled = own_shop.client.post(f"/v1/orders/{order['number']}/cancel", json={"reason": "no"}, headers=sales)
    assert answer(cancelled)["state"] == "cancelled"
    second = created(place(own_shop, sales, "k3", licence_id=licence_id, smp_years=1))
    answer(pay(own_shop, sales, second["number"], 15_000))
    assert len(answer(own_shop.client.get(url, headers=sales))["licence"]["periods"]) == 1
    refunded = own_shop.client.post(f"/v1/orders/{second['number']}/refund", json={"reason": "no"}, headers=sales)
    assert answer(refunded)["refunded"] == {"minor_units": 15_000, "currency": "MYR"}
    assert answer(own_shop.client.get(url, headers=sales)) == before
    assert answer(own_shop.client.get(f"/v1/orders/{second['number']}", headers=sales)) == answer(refunded)


def test_reading_takes_no_sales_scope_and_selling_does(own_shop: Shop) -> None:
    reader = bearer(own_shop, Scope.SUPPORT)
    licence_id = own_shop.ada.licence.licence_id
    for path in ("/v1/orders", "/v1/licences", f"/v1/licences/{licence_id}"):
        assert own_shop.client.get(path, headers=reader).status_code == 200
    assert problem(place(own_shop, reader, body=new_licence(own_shop)), 403)["code"] == "token_scope"
    assert problem(pay(own_shop, reader, "O-1", 1), 403)["code"] == "token_scope"
    listed = own_shop.client.get("/v1/licences", headers=reader).text
    assert all(issued.key not in listed for issued in own_shop.licences.values())


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"licence_id": "x"}, 400, "invalid_sale"),
        ({"customer_id": "nobody"}, 404, "unknown_customer"),
        ({"product": "cod"}, 404, "unknown_product"),
        ({"edition": "max"}, 400, "unknown_edition"),
        ({"additional_users": 1}, 400, "invalid_price"),
        ({"base_price": None}, 400, "invalid_sale"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(
    own_shop: Shop, sales: dict[str, str], change: dict[str, object], status: int, code: str
) -> None:
    assert problem(place(own_shop, sales, body=(new_licence(own_shop) | change)), status)["code"] == code


@pytest.mark.parametrize(
    "price", [{"minor_units": -1, "currency": "MYR"}, {"minor_units": 1, "currency": "RM"}, {"minor_units": 1.5}]
)
def test_absurd_money_is_named(own_shop: Shop, sales: dict[str, str], price: dict[str, object]) -> None:
    response = place(own_shop, sales, body=(new_licence(own_shop) | {"base_price": price}))
    assert all(where.startswith("body.base_price") for where in faults(response))


def test_licences_are_paged_while_others_are_sold(own_shop: Shop, sales: dict[str, str]) -> None:
    expected = {issued.licence.licence_id for issued in own_shop.licences.values()}
    found: list[str] = []
    cursor = ""
    own_shop.world.today = own_shop.world.today.replace(day=24)
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = answer(own_shop.client.get("/v1/licences", params=query, headers=sales))
        found += [one["licence_id"] for one in page["licences"]]
        if not page["next_cursor"]:
            break
        cursor = page["next_cursor"]
        own_shop.world.today = own_shop.world.today.replace(day=25)
        own_shop.world.issue(own_shop.world.today)
    assert sorted(found) == sorted(expected)


def test_a_quote_is_made_printed_and_accepted(own_shop: Shop, sales: dict[str, str]) -> None:
    body = {"licence_id": own_shop.cyn.licence.licence_id, "smp_years": 1, "valid_days": 14}
    quote = created(own_shop.client.post("/v1/quotes", json=body, headers=sales))
    url = f"/v1/quotes/{quote['number']}"
    assert (quote["state"], quote["valid_until"]) == ("open", "2026-12-07")
    assert answer(own_shop.client.get(url, headers=sales)) == quote
    assert answer(own_shop.client.get("/v1/quotes", headers=sales))["quotes"] == [quote]
    page = own_shop.client.get(f"{url}/page", headers=sales)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script" not in page.headers["content-security-policy"]
    assert "MYR 150.00" in page.text
    pdf = own_shop.client.get(f"{url}/pdf", headers=sales)
    assert pdf.content.startswith(b"%PDF-")
    order = answer(own_shop.client.post(f"{url}/accept", json={"reference": "PO 9"}, headers=sales))
    assert answer(own_shop.client.post(f"{url}/accept", json={}, headers=sales)) == order
    assert (order["quote"], order["total"]) == (quote["number"], quote["total"])
    refused = own_shop.client.post(f"{url}/withdraw", json={"reason": "no"}, headers=sales)
    assert problem(refused, 409)["code"] == "quote_accepted"
    assert problem(own_shop.client.get("/v1/quotes/Q-1", headers=sales), 404)["code"] == "unknown_quote"


def test_a_shop_sees_what_an_upgrade_costs_orders_it_and_the_licence_covers_it(
    own_shop: Shop, sales: dict[str, str]
) -> None:
    licence_id = own_shop.ada.licence.licence_id
    address = f"/v1/licences/{licence_id}"
    offers = answer(own_shop.client.get(address, headers=sales))["upgrades"]
    offer = next(one for one in offers if one["version"] == "3.0")
    assert (offer["terms"], offer["order"]) == ("without SMP on its release day", None)
    body: dict[str, object] = {"licence_id": licence_id, "upgrade": "3.0"}
    order = created(place(own_shop, sales, body=body))
    assert (order["kind"], order["upgrade"], order["seats"]) == ("upgrade", "version 3.0", 1)
    assert order["total"] == offer["total"]
    waiting = answer(own_shop.client.get(address, headers=sales))["upgrades"]
    assert next(one for one in waiting if one["version"] == "3.0")["order"] == order["number"]
    answer(pay(own_shop, sales, order["number"], order["total"]["minor_units"]))
    shown = answer(own_shop.client.get(address, headers=sales))
    assert shown["licence"]["grants"] == ["version 3.0"]
    assert "3.0" not in [one["version"] for one in shown["upgrades"]]
    listed = answer(own_shop.client.get("/v1/releases", headers={"Authorization": f"License {own_shop.ada.key}"}))
    assert next(one for one in listed["releases"] if one["version"] == "3.0")["reason"] == "granted"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"upgrade": "3.0", "upgrade_line": "3.0"}, 400, "invalid_sale"),
        ({"upgrade": "3.0", "smp_years": 1}, 400, "invalid_sale"),
        ({"upgrade": "9.9"}, 404, "unknown_release"),
        ({"upgrade": "1.0"}, 409, "already_covered"),
        ({"upgrade": "not a version"}, 400, "invalid_request"),
        ({"upgrade_line": "3"}, 400, "invalid_request"),
    ],
)
def test_an_upgrade_that_makes_no_sense_is_refused(
    own_shop: Shop, sales: dict[str, str], body: dict[str, object], status: int, code: str
) -> None:
    licence = {"licence_id": own_shop.ada.licence.licence_id}
    assert problem(place(own_shop, sales, body=licence | body), status)["code"] == code
    assert problem(place(own_shop, sales, "k2", new_licence(own_shop) | {"upgrade": "3.0"}), 400)["code"] == (
        "invalid_sale"
    )


def test_a_repeated_cancellation_or_refund_with_the_same_key_is_the_same_answer(
    own_shop: Shop, sales: dict[str, str]
) -> None:
    for key, end in (("c1", "cancel"), ("r1", "refund")):
        number = created(place(own_shop, sales, f"new {key}", new_licence(own_shop)))["number"]
        if end == "refund":
            answer(pay(own_shop, sales, number, 120_000))
        headers, url = sales | {"Idempotency-Key": key}, f"/v1/orders/{number}/{end}"
        first = answer(own_shop.client.post(url, json={"reason": "sent back"}, headers=headers))
        assert answer(own_shop.client.post(url, json={"reason": "sent back"}, headers=headers)) == first
        other = own_shop.client.post(url, json={"reason": "another"}, headers=headers)
        assert problem(other, 422)["code"] == "idempotency_key_reused"


def test_one_key_ends_one_order_and_no_other(own_shop: Shop, sales: dict[str, str]) -> None:
    numbers = [created(place(own_shop, sales, key, new_licence(own_shop)))["number"] for key in ("n1", "n2")]
    headers = sales | {"Idempotency-Key": "c1"}
    said = [
        own_shop.client.post(f"/v1/orders/{number}/cancel", json={"reason": "no budget"}, headers=headers)
        for number in numbers
    ]
    assert answer(said[0])["state"] == "cancelled"
    assert problem(said[1], 422)["code"] == "idempotency_key_reused"
    assert answer(own_shop.client.get(f"/v1/orders/{numbers[1]}", headers=sales))["state"] == "ordered"


def test_an_order_can_charge_something_by_hand(own_shop: Shop, sales: dict[str, str]) -> None:
    line = {"text": "Training", "price": {"minor_units": 9_990, "currency": "MYR"}}
    order = created(place(own_shop, sales, body=new_licence(own_shop) | {"line_by_hand": line}))
    assert [one["thing"] for one in order["lines"]] == ["base", "by_hand", "smp"]
    assert (order["lines"][1]["text"], order["total"]["minor_units"]) == ("Training", 129_990)
    assert order["lines"][2]["amount"]["minor_units"] == 20_000
