"""``GET /v1/events``: another program follows what happens, and misses nothing."""

from __future__ import annotations

from typing import Any

from tenure_server.domain.api_tokens import Scope
from tenure_signing.entitlement import LicenceStatus
from tests.server.http.asking import answer, faults, problem
from tests.server.http.office import Office
from tests.server.world import TODAY


def page(office: Office, token: dict[str, str], **query: object) -> dict[str, Any]:
    return answer(office.client.get("/v1/events", params={name: str(it) for name, it in query.items()}, headers=token))


def test_a_program_reads_everything_page_by_page_and_then_only_what_is_new(office: Office) -> None:
    token = office.bearer()
    for _ in range(8):
        office.world.issue(TODAY)
    seen: list[str] = []
    cursor, has_more = "0", True
    while has_more:
        found = page(office, token, after=cursor, limit=7)
        seen += [event["id"] for event in found["events"]]
        cursor, has_more = found["next_cursor"], found["has_more"]
    assert len(seen) == len(set(seen)) == int(cursor)
    assert page(office, token, after=cursor) == {"events": [], "next_cursor": cursor, "has_more": False}
    issued = office.world.issue(TODAY, smp_years=None)
    (event,) = page(office, token, after=cursor, type="licence")["events"]
    assert int(event["cursor"]) > int(cursor)
    assert event == {
        **event,
        "id": event["id"],
        "type": "licence.issued",
        "timestamp": "2026-11-23T12:00:00Z",
        "subject": issued.licence.licence_id,
        "product": "cad",
        "customer": issued.licence.customer_id,
        "data": {"edition": "pro", "seats": 1, "purchased_on": "2026-11-23"},
    }


def test_the_cursor_passes_over_what_was_not_wanted(office: Office) -> None:
    token = office.bearer()
    licence = office.world.issue(TODAY).licence
    office.world.change_status(licence, LicenceStatus.SUSPENDED)
    office.world.change_status(licence, LicenceStatus.REVOKED)
    office.world.issue(TODAY)
    found = page(office, token, type="licence.suspended,licence.revoked", limit=1000)
    assert [event["type"] for event in found["events"]] == ["licence.suspended", "licence.revoked"]
    assert found["next_cursor"] == page(office, token, limit=1000)["next_cursor"]
    assert page(office, token, type="rollout", after=0)["events"] == []


def test_one_subjects_events_can_be_asked_for(office: Office) -> None:
    office.world.publish("1.2", TODAY)
    office.world.publish("1.3", TODAY)
    office.world.withdraw("1.3", "it loses drawings")
    found = page(office, office.bearer(), subject="cad 1.3")
    assert [event["type"] for event in found["events"]] == ["release.published", "release.withdrawn"]


def test_only_a_token_that_may_read_opens_the_feed(office: Office) -> None:
    office.world.issue(TODAY)
    refused = office.client.get("/v1/events", headers=office.bearer(Scope.SUPPORT))
    assert problem(refused, 403)["code"] == "token_scope"
    assert problem(office.client.get("/v1/events"), 401)["code"] == "token_missing"
    assert page(office, office.bearer(Scope.ADMIN))["events"]


def test_every_fault_of_a_request_is_named(office: Office) -> None:
    asked = {"after": "-1", "type": "licence.revokd", "limit": "1001"}
    found = faults(office.client.get("/v1/events", params=asked, headers=office.bearer()))
    assert found.keys() == {"query.after", "query.type", "query.limit"}
    assert found["query.type"] == "there are no events licence.revokd"
