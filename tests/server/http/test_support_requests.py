"""``/v1/support-requests``: who may, what is answered, and what a repeat does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from httpx2 import Response

from tenure_server.domain.api_tokens import Scope
from tests.server.http.asking import answer, faults, problem
from tests.server.http.conftest import Shop
from tests.server.http.test_customers import bearer
from tests.server.world import TODAY

URL = "/v1/support-requests"


@dataclass(frozen=True)
class HelpDesk:
    shop: Shop
    headers: dict[str, str]
    licence_id: str
    customer_id: str

    def open(self, *, key: str | None = None, **body: Any) -> Response:
        call = {
            "category": "bug_report",
            "subject": "Walls vanish",
            "body": "Since 5.0.",
            "licence_id": self.licence_id,
        }
        headers = self.headers | ({"Idempotency-Key": key} if key is not None else {})
        return self.shop.client.post(URL, json=call | body, headers=headers)

    def opened(self, **body: Any) -> dict[str, Any]:
        response = self.open(**body)
        assert response.status_code == 201, response.text
        found: dict[str, Any] = response.json()
        assert response.headers["location"] == f"{URL}/{found['request_id']}"
        return found

    def get(self, path: str = "", **query: str) -> dict[str, Any]:
        return answer(self.shop.client.get(URL + path, params=query, headers=self.headers))

    def post(self, path: str, body: dict[str, object] | None = None, **headers: str) -> Response:
        return self.shop.client.post(f"{URL}/{path}", json=body, headers=self.headers | headers)

    def numbers(self, **query: str) -> list[str]:
        return [one["request"]["number"] for one in self.get(**query)["requests"]]


@pytest.fixture
def desk(own_shop: Shop) -> HelpDesk:
    licence = own_shop.world.issue(TODAY, smp_years=2, customer="Anker Werft").licence
    return HelpDesk(own_shop, bearer(own_shop, Scope.SUPPORT), licence.licence_id, licence.customer_id)


def test_a_request_is_opened_answered_noted_heard_closed_and_reopened(desk: HelpDesk) -> None:
    opened = desk.opened(contact={"name": "Ada", "email": "ada@anker.example"}, priority="urgent")
    assert (opened["number"], opened["status"], opened["is_priority_incident"]) == ("R-1001", "new", True)
    assert opened["terms"] == {
        "basis": "support_period", "plan_years": 2, "until": "2028-11-22", "response_hours": 8, "priority_hours": 4,
    }  # fmt: skip
    assert opened["due_at"] == "2026-11-23T16:00:00Z"
    replied = desk.post("R-1001/replies", {"body": "Send the drawing.", "revision": 1})
    assert replied.status_code == 201
    assert replied.json()["request"]["status"] == "waiting_for_customer"
    assert desk.post("R-1001/notes", {"body": "known"}).status_code == 201
    heard = desk.post(f"{opened['request_id']}/customer-messages", {"body": "Here.", "name": "Ben"})
    assert heard.json()["request"]["status"] == "open"
    shown = desk.get("/R-1001")
    assert [(one["kind"], one["body"], one["mail"]) for one in shown["thread"]] == [
        ("customer", "Since 5.0.", None), ("reply", "Send the drawing.", "queued"), ("note", "known", None),
        ("customer", "Here.", None),
    ]  # fmt: skip
    assert (shown["line"]["customer"], shown["line"]["licence"]["smp"]) == ("Anker Werft", "in_smp")
    assert answer(desk.post("R-1001/close", {}))["status"] == "closed"
    assert problem(desk.post("R-1001/replies", {"body": "Hi"}), 409)["code"] == "request_closed"
    assert answer(desk.post("R-1001/reopen"))["status"] == "open"


def test_requests_are_read_with_three_scopes_and_written_with_support(desk: HelpDesk) -> None:
    desk.opened()
    client = desk.shop.client
    for scope in (Scope.READ, Scope.SUPPORT, Scope.SALES, Scope.ADMIN):
        headers = bearer(desk.shop, scope)
        for path in (URL, f"{URL}/R-1001", "/v1/support-callers?search=anker"):
            assert client.get(path, headers=headers).status_code == 200
    for scope in (Scope.READ, Scope.SALES):
        headers = bearer(desk.shop, scope)
        for path in ("", "/R-1001/replies", "/R-1001/notes", "/R-1001/customer-messages", "/R-1001/close"):
            assert problem(client.post(URL + path, json={}, headers=headers), 403)["code"] == "token_scope"
        assert problem(client.patch(f"{URL}/R-1001", json={}, headers=headers), 403)["code"] == "token_scope"
    assert problem(client.get(URL), 401)["code"] == "token_missing"
    assert problem(client.post(URL, json={}), 401)["code"] == "token_missing"


def test_a_repeat_with_the_same_key_opens_and_answers_once(desk: HelpDesk) -> None:
    first = desk.open(key="a").json()
    assert desk.open(key="a").json() == first
    assert problem(desk.open(key="a", subject="Else"), 422)["code"] == "idempotency_key_reused"
    key = {"Idempotency-Key": "b"}
    contact = {"contact": {"name": "Ada", "email": "ada@anker.example"}}
    desk.shop.client.patch(f"{URL}/R-1001", json=contact, headers=desk.headers)
    for path in ("replies", "notes", "customer-messages"):
        written = [desk.post(f"R-1001/{path}", {"body": "Once"}, **key).json()["message_id"] for _ in range(2)]
        assert written[0] == written[1]
        key = {"Idempotency-Key": f"after {path}"}
    assert len(desk.get("/R-1001")["thread"]) == 4


def test_a_request_is_changed_unless_it_was_changed_meanwhile(desk: HelpDesk) -> None:
    desk.opened()
    url, client = f"{URL}/R-1001", desk.shop.client
    changed = answer(
        client.patch(url, json={"priority": "high", "assignee": "mei", "revision": 1}, headers=desk.headers)
    )
    assert (changed["priority"], changed["assignee"], changed["revision"]) == ("high", "mei", 2)
    late = client.patch(url, json={"assignee": "", "revision": 1}, headers=desk.headers)
    assert problem(late, 409)["code"] == "request_changed_meanwhile"
    nobody = answer(client.patch(url, json={"assignee": ""}, headers=desk.headers))
    assert nobody["assignee"] is None
    consulting = answer(client.patch(url, json={"category": "consulting"}, headers=desk.headers))
    assert (consulting["status"], consulting["due_at"]) == ("referred_to_sales", None)


def test_the_queue_is_filtered_and_read_page_by_page(desk: HelpDesk) -> None:
    for number, priority in enumerate(("low", "urgent", "normal")):
        desk.opened(
            priority=priority, subject=("alpha", "beta", "gamma")[number], assignee="mei" if number == 1 else None
        )
    desk.post("R-1003/close", {})
    assert desk.numbers() == ["R-1002", "R-1001"]
    assert desk.numbers(status="all") == ["R-1002", "R-1001", "R-1003"]
    assert desk.numbers(status="closed,resolved") == desk.numbers(status="all", search="gamma") == ["R-1003"]
    assert desk.numbers(assignee="mei") == ["R-1002"]
    assert desk.numbers(assignee="") == desk.numbers(search="1001") == ["R-1001"]
    assert desk.numbers(category="consulting") == desk.numbers(product="cam") == []
    assert desk.numbers(customer_id=desk.customer_id, licence_id=desk.licence_id, product="cad") == ["R-1002", "R-1001"]
    page = desk.get(limit="1", status="all")
    assert desk.numbers(status="all", cursor=page["next_cursor"]) == ["R-1001", "R-1003"]


def test_a_caller_is_shown_with_smp_plan_versions_and_open_requests(desk: HelpDesk) -> None:
    desk.opened()
    response = desk.shop.client.get("/v1/support-callers", params={"search": "anker"}, headers=desk.headers)
    (caller,) = answer(response)["callers"]
    assert (caller["customer"], caller["licence"]["plan_years"]) == ("Anker Werft", 2)
    assert [one["number"] for one in caller["requests"]] == ["R-1001"]


def test_every_fault_of_a_request_is_told_at_once_without_repeating_it(desk: HelpDesk) -> None:
    refused = desk.open(category="nonsense", body="", priority=7, secret="tenure_x")
    assert sorted(faults(refused)) == ["body", "body.category", "body.priority"]
    assert "nonsense" not in refused.text
    assert "tenure_x" not in refused.text
    for query, where in (
        ({"status": "done"}, "query.status"),
        ({"category": "x"}, "query.category"),
        ({"cursor": "x"}, "query.cursor"),
        ({"product": "No!"}, "query.product"),
    ):
        assert list(faults(desk.shop.client.get(URL, params=query, headers=desk.headers))) == [where]
    assert problem(desk.open(body=" \n"), 400)["code"] == "message_missing"
    assert problem(desk.open(body="x" * 100_001), 400)["code"] == "invalid_request"
    assert problem(desk.open(body="ü" * 90_000, licence_id="nobody"), 404)["code"] == "unknown_licence"
    assert problem(desk.open(licence_id=None), 400)["code"] == "customer_missing"
    assert problem(desk.post("R-9/close", {}), 404)["code"] == "unknown_request"
    desk.opened()
    assert problem(desk.post("R-1001/replies", {"body": "Hi"}), 400)["code"] == "no_address"
