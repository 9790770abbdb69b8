"""``GET /v1/events``: another program follows what happens, and misses nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tenure_server.domain.api_tokens import Scope
from tenure_server.use_cases.api_tokens import TokenWish
from tests.server.http.asking import answer, faults, problem
from tests.server.http.conftest import Shop
from tests.server.world import TODAY, WHO


def bearer(shop: Shop, scope: Scope = Scope.READ) -> dict[str, str]:
    wish = TokenWish("crm", frozenset({scope}), shop.world.now() + timedelta(days=9))
    return {"Authorization": f"Bearer {shop.world.installation.create_token(wish, who=WHO).secret}"}


def page(shop: Shop, token: dict[str, str], **query: object) -> dict[str, Any]:
    return answer(shop.client.get("/v1/events", params={name: str(it) for name, it in query.items()}, headers=token))


def test_a_program_reads_everything_page_by_page_and_then_only_what_is_new(own_shop: Shop) -> None:
    token = bearer(own_shop)
    seen: list[str] = []
    cursor, has_more = "0", True
    while has_more:
        found = page(own_shop, token, after=cursor, limit=7)
        seen += [event["id"] for event in found["events"]]
        cursor, has_more = found["next_cursor"], found["has_more"]
    assert len(seen) == len(set(seen)) == int(cursor)
    assert page(own_shop, token, after=cursor) == {"events": [], "next_cursor": cursor, "has_more": False}
    issued = own_shop.world.issue(TODAY, smp_years=None)
    (event,) = page(own_shop, token, after=cursor)["events"]
    assert event == {
        "cursor": str(int(cursor) + 1),
        "id": event["id"],
        "type": "licence.issued",
        "timestamp": "2026-11-23T12:00:00Z",
        "subject": issued.licence.licence_id,
        "product": "cad",
        "customer": None,
        "data": {"edition": "pro", "seats": 1, "purchased_on": "2026-11-23"},
    }


def test_the_cursor_passes_over_what_was_not_wanted(own_shop: Shop) -> None:
    token = bearer(own_shop)
    found = page(own_shop, token, type="licence.suspended,licence.revoked", limit=1000)
    assert [event["type"] for event in found["events"]] == ["licence.suspended", "licence.revoked"]
    assert found["next_cursor"] == page(own_shop, token, limit=1000)["next_cursor"]
    assert page(own_shop, token, type="rollout", after=0)["events"] == []


def test_one_subjects_events_can_be_asked_for(own_shop: Shop) -> None:
    found = page(own_shop, bearer(own_shop), subject="cad 1.3")
    assert [event["type"] for event in found["events"]] == ["release.published", "release.withdrawn"]


def test_only_a_token_that_may_read_opens_the_feed(own_shop: Shop) -> None:
    refused = own_shop.client.get("/v1/events", headers=bearer(own_shop, Scope.SUPPORT))
    assert problem(refused, 403)["code"] == "token_scope"
    assert problem(own_shop.client.get("/v1/events"), 401)["code"] == "token_missing"
    assert page(own_shop, bearer(own_shop, Scope.ADMIN))["events"]


def test_every_fault_of_a_request_is_named(own_shop: Shop) -> None:
    asked = {"after": "-1", "type": "licence.revokd", "limit": "1001"}
    found = faults(own_shop.client.get("/v1/events", params=asked, headers=bearer(own_shop)))
    assert found.keys() == {"query.after", "query.type", "query.limit"}
    assert found["query.type"] == "there are no events licence.revokd"
