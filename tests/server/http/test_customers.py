"""``/v1/customers``: who may, what is answered, and what a repeat does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from httpx2 import Response

from tenure_server.domain.api_tokens import Scope
from tenure_server.use_cases.api_tokens import TokenWish
from tests.server.http.asking import answer, faults, problem
from tests.server.http.conftest import Shop
from tests.server.world import WHO


def bearer(shop: Shop, *scopes: Scope) -> dict[str, str]:
    world = shop.world
    wish = TokenWish("crm", frozenset(scopes), world.now() + timedelta(days=9))
    return {"Authorization": f"Bearer {world.installation.create_token(wish, who=WHO).secret}"}


@pytest.fixture
def sales(own_shop: Shop) -> dict[str, str]:
    return bearer(own_shop, Scope.SALES)


def add(shop: Shop, headers: dict[str, str], **body: object) -> Response:
    return shop.client.post("/v1/customers", json={"name": "Bo Lim"} | body, headers=headers)


def created(response: Response) -> dict[str, Any]:
    assert response.status_code == 201, response.text
    found: dict[str, Any] = response.json()
    return found


def test_a_customer_is_added_shown_changed_and_deleted(own_shop: Shop, sales: dict[str, str]) -> None:
    response = add(own_shop, sales, country="MY", contacts=[{"name": "Cyn", "role": "purchasing"}])
    customer = created(response)
    url = response.headers["location"]
    assert url == f"/v1/customers/{customer['customer_id']}"
    assert answer(own_shop.client.get(url, headers=sales)) == customer
    changed = answer(own_shop.client.patch(url, json={"email": "bo@lim.example"}, headers=sales))
    assert changed == customer | {"email": "bo@lim.example"}
    assert answer(own_shop.client.patch(url, json={"contacts": []}, headers=sales))["contacts"] == []
    assert own_shop.client.delete(url, headers=sales).status_code == 204
    assert problem(own_shop.client.get(url, headers=sales), 404)["code"] == "unknown_customer"


def test_customers_are_read_with_three_scopes_and_changed_with_one(own_shop: Shop) -> None:
    for scope in (Scope.READ, Scope.SUPPORT, Scope.SALES, Scope.ADMIN):
        assert own_shop.client.get("/v1/customers", headers=bearer(own_shop, scope)).status_code == 200
    for scope in (Scope.READ, Scope.SUPPORT):
        assert problem(add(own_shop, bearer(own_shop, scope)), 403)["code"] == "token_scope"
    assert problem(own_shop.client.get("/v1/customers"), 401)["code"] == "token_missing"


def test_a_repeat_with_the_same_key_adds_no_second_customer(own_shop: Shop, sales: dict[str, str]) -> None:
    headers = sales | {"Idempotency-Key": "5f0e"}
    first = created(add(own_shop, headers))
    assert created(add(own_shop, headers)) == first
    assert problem(add(own_shop, headers, name="Else"), 422)["code"] == "idempotency_key_reused"
    other = bearer(own_shop, Scope.SALES) | {"Idempotency-Key": "5f0e"}
    assert created(add(own_shop, other))["customer_id"] != first["customer_id"]
    assert problem(add(own_shop, sales | {"Idempotency-Key": ""}), 400)["code"] == "invalid_idempotency_key"


def test_pages_follow_each_other_by_cursor(own_shop: Shop, sales: dict[str, str]) -> None:
    for number in range(5):
        created(add(own_shop, sales, name=f"Paged {number}"))
    own_shop.world.today += timedelta(days=1)
    found, cursor = [], None
    while True:
        query = {"search": "paged", "limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = answer(own_shop.client.get("/v1/customers", params=query, headers=sales))
        found += [one["name"] for one in page["customers"]]
        created(add(own_shop, sales, name="Paged meanwhile"))
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(found) == [f"Paged {number}" for number in range(5)]


@pytest.mark.parametrize("cursor", ["x", "", "W10", "WyIyMDI2LTAxLTAxIiwgImMiXQ", "e30", "a" * 301, "WzEsMl0"])
def test_a_made_up_cursor_is_refused(own_shop: Shop, sales: dict[str, str], cursor: str) -> None:
    response = own_shop.client.get("/v1/customers", params={"cursor": cursor}, headers=sales)
    assert set(faults(response)) == {"query.cursor"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"email": "nowhere"}, "invalid_email"),
        ({"country": "XX"}, "invalid_country"),
        ({"language": "klingon"}, "invalid_language"),
        ({"time_zone": "Mars/Base"}, "invalid_time_zone"),
        ({"name": " "}, "invalid_customer"),
        ({"reference": "a\nb"}, "invalid_reference"),
        ({"contacts": [{"name": "A", "email": "x"}]}, "invalid_email"),
    ],
)
def test_what_makes_no_sense_is_refused(
    own_shop: Shop, sales: dict[str, str], change: dict[str, object], code: str
) -> None:
    assert problem(add(own_shop, sales, **change), 400)["code"] == code


def test_a_customer_with_licences_is_anonymised_not_deleted(own_shop: Shop, sales: dict[str, str]) -> None:
    customer_id = own_shop.ada.licence.customer_id
    url = f"/v1/customers/{customer_id}"
    refused = problem(own_shop.client.delete(url, headers=sales), 409)
    assert refused["code"] == "customer_has_licences"
    anonymous = answer(own_shop.client.post(f"{url}/anonymise", json={"reason": "asked to"}, headers=sales))
    assert anonymous["name"] == f"Anonymised customer {customer_id}"
    assert (
        problem(own_shop.client.patch(url, json={"name": "Ada"}, headers=sales), 409)["code"] == "customer_anonymised"
    )
    with own_shop.world.database.reading() as records:
        trail = repr(records.audit.newest(subject=customer_id))
    assert "Ada" not in trail
    assert "asked to" in trail


def test_two_records_are_merged_and_a_licence_moves_over_the_api(own_shop: Shop, sales: dict[str, str]) -> None:
    ada = own_shop.ada.licence
    other = created(add(own_shop, sales, email="bo@lim.example"))["customer_id"]
    body = {"customer_id": other, "reason": "typed twice"}
    url = f"/v1/customers/{ada.customer_id}/merge"
    headers = sales | {"Idempotency-Key": "m1"}
    whole = answer(own_shop.client.post(url, json=body, headers=headers))
    assert answer(own_shop.client.post(url, json=body, headers=headers)) == whole
    assert answer(own_shop.client.get(f"/v1/customers/{other}", headers=sales))["merged_into"] == ada.customer_id
    moving = f"/v1/licences/{ada.licence_id}/move"
    to = created(add(own_shop, sales, name="Cyn"))["customer_id"]
    move = {"customer_id": to, "reason": "sold the firm"}
    assert answer(own_shop.client.post(moving, json=move, headers=sales))["customer_id"] == to
    onto_merged = own_shop.client.post(moving, json=move | {"customer_id": other}, headers=sales)
    assert problem(onto_merged, 409)["code"] == "customer_merged"
    for scope in (Scope.READ, Scope.SUPPORT):
        denied = own_shop.client.post(url, json=body, headers=bearer(own_shop, scope))
        assert problem(denied, 403)["code"] == "token_scope"


def test_a_replayed_change_does_not_undo_a_later_one(own_shop: Shop, sales: dict[str, str]) -> None:
    url = f"/v1/customers/{created(add(own_shop, sales))['customer_id']}"
    first = sales | {"Idempotency-Key": "p1"}
    answer(own_shop.client.patch(url, json={"country": "MY"}, headers=first))
    answer(own_shop.client.patch(url, json={"country": "DE"}, headers=sales | {"Idempotency-Key": "p2"}))
    assert answer(own_shop.client.patch(url, json={"country": "MY"}, headers=first))["country"] == "DE"
    other = own_shop.client.patch(url, json={"country": "FR"}, headers=first)
    assert problem(other, 422)["code"] == "idempotency_key_reused"


def test_deleting_and_anonymising_again_with_the_same_key_is_answered_as_before(
    own_shop: Shop, sales: dict[str, str]
) -> None:
    headers = sales | {"Idempotency-Key": "d1"}
    url = f"/v1/customers/{created(add(own_shop, sales))['customer_id']}"
    assert own_shop.client.delete(url, headers=headers).status_code == 204
    assert own_shop.client.delete(url, headers=headers).status_code == 204
    assert problem(own_shop.client.delete(url, headers=sales), 404)["code"] == "unknown_customer"
    other = f"/v1/customers/{created(add(own_shop, sales))['customer_id']}/anonymise"
    key = sales | {"Idempotency-Key": "a"}
    first = answer(own_shop.client.post(other, json={"reason": "asked"}, headers=key))
    assert answer(own_shop.client.post(other, json={"reason": "asked"}, headers=key)) == first
