"""``/v1/licences/<id>/seats`` and ``/v1/products/<product>/seats``: operators' programs."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tenure_server.domain.api_tokens import Scope
from tests.server.http.asking import answer, faults, problem
from tests.server.http.office import Office

ONE, TWO = "1" * 64, "2" * 64
RULES = "/v1/products/cad/seats"


@pytest.fixture
def licence_id(office: Office) -> str:
    """One seat, taken by the machine ``ONE``."""
    found = office.world.issue(date(2026, 1, 1)).licence.licence_id
    office.world.installation.activate_seat(found, ONE, name="lab 3")
    return found


def test_a_program_lists_and_releases_seats_in_its_own_name(office: Office, licence_id: str) -> None:
    path = f"/v1/licences/{licence_id}/seats"
    listed = answer(office.client.get(path, headers=office.bearer(Scope.READ)))
    assert (listed["licence_id"], listed["seats"], listed["taken"]) == (licence_id, 1, 1)
    assert listed["activations"][0]["name"] == "lab 3"
    token = office.bearer(Scope.SUPPORT)
    assert answer(office.client.delete(path, params={"machine": ONE}, headers=token)) == {"released": True}
    assert answer(office.client.delete(path, params={"machine": ONE}, headers=token)) == {"released": False}
    with office.world.database.reading() as records:
        (event,) = records.audit.newest(action="seat.released", limit=9)
    assert event.who.startswith("token crm")


def test_reading_scopes_do_not_release_and_others_do_not_read(office: Office, licence_id: str) -> None:
    path = f"/v1/licences/{licence_id}/seats"
    refused = problem(office.client.delete(path, params={"machine": ONE}, headers=office.bearer(Scope.READ)), 403)
    assert refused["code"] == "token_scope"
    assert "not for support or sales" in refused["detail"]
    assert problem(office.client.get(path, headers=office.bearer(Scope.TRUST)), 403)["code"] == "token_scope"
    assert problem(office.client.get(path), 401)


def test_what_cannot_be_is_refused(office: Office, licence_id: str) -> None:
    token = office.bearer(Scope.ADMIN)
    assert problem(office.client.get("/v1/licences/nobody/seats", headers=token), 404)["code"] == "unknown_licence"
    path = f"/v1/licences/{licence_id}/seats"
    assert "query.machine" in faults(office.client.delete(path, params={"machine": "x"}, headers=token))
    assert problem(office.client.get("/v1/products/cam/seats", headers=token), 404)["code"] == "unknown_product"
    assert (
        problem(office.client.put("/v1/products/cam/seats", json={}, headers=token), 404)["code"] == "unknown_product"
    )
    assert "body.expiry_days" in faults(office.client.put(RULES, json={"expiry_days": -1}, headers=token))
    assert "body.limit" in faults(office.client.put(RULES, json={"limit": "maybe"}, headers=token))


def test_rules_of_a_product_hold_from_the_next_question_on(office: Office, licence_id: str) -> None:
    token, installation = office.bearer(Scope.ADMIN), office.world.installation
    assert answer(office.client.get(RULES, headers=office.bearer(Scope.READ))) == {
        "product": "cad",
        "own": {"limit": None, "expiry_days": None},
        "limit": "refuse",
        "expiry_days": None,
    }
    for _ in range(2):
        said = answer(office.client.put(RULES, json={"limit": "warn", "expiry_days": 30}, headers=token))
        assert said["own"] == {"limit": "warn", "expiry_days": 30}
    taken = installation.activate_seat(licence_id, TWO)
    assert taken.seats.is_over_limit
    assert taken.seat.valid_until(taken.seats.rules) == office.world.now() + timedelta(days=30)
    assert answer(office.client.put(RULES, json={}, headers=token))["own"] == {"limit": None, "expiry_days": None}
    with office.world.database.reading() as records:
        audit = records.audit.newest(action="product.seat_rules", limit=9)
    assert [event.details["after"] for event in audit] == [
        {"limit": None, "expiry_days": None},
        {"limit": "warn", "expiry_days": 30},
    ]
    assert problem(office.client.put(RULES, json={}, headers=office.bearer(Scope.SALES)), 403)["code"] == "token_scope"
