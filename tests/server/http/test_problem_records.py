"""``/v1/problems``: who may, what is answered, what a repeat does, and what publishing refuses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tenure_server.domain.api_tokens import Scope
from tenure_server.use_cases.api_tokens import TokenWish
from tests.server.http.asking import answer, problem
from tests.server.http.conftest import Shop
from tests.server.http.test_customers import bearer
from tests.server.world import CAD, TODAY, WHO

URL = "/v1/problems"


def publisher(shop: Shop) -> dict[str, str]:
    world = shop.world
    wish = TokenWish("ci", frozenset({Scope.PUBLISH}), world.now() + timedelta(days=9), product=CAD)
    return {"Authorization": f"Bearer {world.installation.create_token(wish, who=WHO).secret}"}


@pytest.fixture
def headers(own_shop: Shop) -> dict[str, str]:
    return bearer(own_shop, Scope.SUPPORT)


def test_a_problem_is_reported_taken_on_and_listed(own_shop: Shop, headers: dict[str, str]) -> None:
    client = own_shop.client
    licence = own_shop.world.issue(TODAY, smp_years=1, customer="Anker Werft").licence
    call = {"title": "Walls vanish", "found_in": "4.1", "report": {"licence_id": licence.licence_id}}
    first = client.post(URL, json=call, headers=headers | {"Idempotency-Key": "one"})
    assert first.status_code == 201, first.text
    assert first.headers["location"] == f"{URL}/P-1"
    assert client.post(URL, json=call, headers=headers | {"Idempotency-Key": "one"}).json() == first.json()
    for body in (
        {"step": "reproduced", "material": True},
        {"step": "work_around_given", "work_around": "Save twice."},
        {"step": "fix_planned", "kind": "service_pack", "version": "4.2.1"},
    ):
        taken: dict[str, Any] = answer(client.post(f"{URL}/p-1/steps", json=body, headers=headers))
    assert (taken["status"], taken["plan"]) == ("fix_planned", {"kind": "service_pack", "version": "4.2.1"})
    client.post(URL, json={"title": "Another", "product": "cad"}, headers=headers)
    page = answer(client.get(URL, params={"limit": "1"}, headers=headers))
    after = answer(client.get(URL, params={"limit": "1", "cursor": page["next_cursor"]}, headers=headers))
    assert {one["number"] for one in (*page["problems"], *after["problems"])} == {"P-2", "P-1"}
    found = answer(client.get(URL, params={"search": "walls", "status": "fix_planned"}, headers=headers))
    assert [one["number"] for one in found["problems"]] == ["P-1"]
    shown = answer(client.get(f"{URL}/{first.json()['id']}", headers=headers))
    assert [one["licence_id"] for one in shown["reporters"]] == [licence.licence_id]


def test_what_is_not_of_right_is_refused_with_the_reason_and_taken_with_one(
    own_shop: Shop, headers: dict[str, str]
) -> None:
    licence = own_shop.world.issue(TODAY, smp_years=None).licence
    report = {"licence_id": licence.licence_id}
    refused = own_shop.client.post(URL, json={"title": "Walls vanish", "report": report}, headers=headers)
    assert problem(refused, 409)["code"] == "not_in_support"
    taken = own_shop.client.post(
        URL, json={"title": "Walls vanish", "report": report | {"exception": "hits all"}}, headers=headers
    )
    assert taken.status_code == 201


def test_a_step_says_what_goes_with_it(own_shop: Shop, headers: dict[str, str]) -> None:
    own_shop.client.post(URL, json={"title": "Walls vanish", "product": "cad"}, headers=headers)
    for body, code in (({"step": "reproduced"}, "step_unclear"), ({"step": "declined"}, "reason_missing")):
        refused = own_shop.client.post(f"{URL}/P-1/steps", json=body, headers=headers)
        assert problem(refused, 400)["code"] == code
    assert own_shop.client.post(f"{URL}/P-9/steps", json={"step": "reopened"}, headers=headers).status_code in (
        400,
        404,
    )


def test_problems_are_read_and_written_with_the_scope_support(own_shop: Shop) -> None:
    for scope in (Scope.READ, Scope.SALES):
        headers = bearer(own_shop, scope)
        assert own_shop.client.get(URL, headers=headers).status_code == 403
        assert own_shop.client.post(URL, json={"title": "x", "product": "cad"}, headers=headers).status_code == 403


def test_a_publisher_is_told_before_signing_that_a_problem_cannot_be_fixed(own_shop: Shop) -> None:
    body = {"product": "cad", "version": "9.9", "builds": [], "fixes": ["P-99"]}
    refused = own_shop.client.post("/v1/publishing/drafts", json=body, headers=publisher(own_shop))
    assert problem(refused, 409)["code"] == "unknown_problem"
    assert "no problem P-99 of cad" in problem(refused, 409)["detail"]
