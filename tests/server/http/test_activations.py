"""``/v1/activations``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from tenure_server.app import create_app
from tenure_server.domain.events import EventType
from tenure_signing.activation import verify_activation
from tests.server.http.asking import answer, faults, problem
from tests.server.http.conftest import Shop
from tests.server.world import license_header

PATH = "/v1/activations"
ONE, TWO = "1" * 64, "2" * 64


def activate(shop: Shop, machine: object = ONE, client: TestClient | None = None, **more: object) -> Response:
    asker = client or shop.client
    return asker.post(PATH, json={"machine": machine} | more, headers=license_header(shop.ada.key))


def release(shop: Shop, machine: str = ONE) -> Response:
    return shop.client.delete(PATH, params={"machine": machine}, headers=license_header(shop.ada.key))


def machines(shop: Shop) -> dict[str, Any]:
    return answer(shop.client.get(PATH, headers=license_header(shop.ada.key)))


def told(shop: Shop) -> list[str]:
    """What other programs and the audit trail were told of seats: always the same."""
    with shop.world.database.reading() as records:
        types = frozenset(each for each in EventType if each.thing == "seat")
        events = [one.event.type.value for one in records.outbox.following(0, types=types, limit=99)]
        audit = [one.action for one in records.audit.newest(action="seat", limit=99)]
    assert audit == events[::-1]
    return events


def test_a_machine_gets_a_seat_and_a_statement_that_it_can_verify(own_shop: Shop) -> None:
    found = answer(activate(own_shop, name="Ada's laptop"))
    assert (found["seats"], found["taken"], found["over_limit"]) == (1, 1, False)
    keys = own_shop.world.installation.keys.licence_key_set()
    activation = verify_activation(found["statement"], keys, own_shop.world.now())
    activation.must_match(own_shop.ada.licence.licence_id, own_shop.ada.licence.product, ONE)
    assert activation.valid_until is None
    listed = machines(own_shop)
    assert listed["activations"] == [found["activation"]]
    assert listed["activations"][0]["name"] == "Ada's laptop"
    assert (listed["seats"], listed["taken"], listed["limit"]) == (1, 1, "refuse")
    assert told(own_shop) == ["seat.activated"]


def test_the_same_machine_may_ask_any_number_of_times_and_is_one(own_shop: Shop) -> None:
    first = answer(activate(own_shop))
    own_shop.world.today += timedelta(days=9)
    again = answer(activate(own_shop))
    assert again["activation"]["activated_at"] == first["activation"]["activated_at"]
    assert again["activation"]["seen_at"] > first["activation"]["seen_at"]
    assert machines(own_shop)["taken"] == 1
    assert told(own_shop) == ["seat.activated"]


def test_one_machine_too_many_is_refused_and_gets_the_seat_that_another_gives_back(own_shop: Shop) -> None:
    activate(own_shop)
    for _ in range(3):
        refused = problem(activate(own_shop, TWO), 409)
        assert refused["code"] == "seats_taken"
        assert "release the seat" in refused["hint"]
    assert answer(release(own_shop)) == {"released": True}
    assert answer(release(own_shop)) == {"released": False}
    assert answer(activate(own_shop, TWO))["taken"] == 1
    assert told(own_shop) == ["seat.activated", "seat.refused", "seat.released", "seat.activated"]


def test_a_vendor_may_only_warn(own_shop: Shop) -> None:
    client = TestClient(create_app(own_shop.world.reopened(seat_limit="warn")))
    answer(activate(own_shop, client=client))
    found = answer(activate(own_shop, TWO, client))
    assert (found["seats"], found["taken"], found["over_limit"]) == (1, 2, True)


def test_a_machine_without_contact_loses_its_seat_where_the_vendor_set_that(own_shop: Shop) -> None:
    client = TestClient(create_app(own_shop.world.reopened(seat_expiry_days=30)))
    first = answer(activate(own_shop, client=client))
    assert datetime.fromisoformat(first["activation"]["valid_until"]) == own_shop.world.now() + timedelta(days=30)
    own_shop.world.today += timedelta(days=30)
    assert problem(activate(own_shop, TWO, client), 409)["code"] == "seats_taken"
    own_shop.world.today += timedelta(days=1)
    key = license_header(own_shop.ada.key)
    assert answer(client.get(PATH, headers=key))["taken"] == 0
    assert answer(activate(own_shop, TWO, client))["taken"] == 1
    assert problem(activate(own_shop, ONE, client, only_if_held=True), 404)["code"] == "not_activated"
    assert told(own_shop) == ["seat.activated", "seat.refused", "seat.released", "seat.activated"]


def test_a_machine_whose_seat_was_released_is_not_given_it_back_unasked(own_shop: Shop) -> None:
    answer(activate(own_shop))
    answer(activate(own_shop, only_if_held=True))
    release(own_shop)
    assert problem(activate(own_shop, only_if_held=True), 404)["code"] == "not_activated"
    assert machines(own_shop)["taken"] == 0


@pytest.mark.parametrize(("who", "code"), [("eve", "licence_suspended"), ("fay", "licence_revoked")])
def test_a_suspended_or_revoked_licence_activates_nothing(own_shop: Shop, who: str, code: str) -> None:
    key = license_header(own_shop.licences[who].key)
    assert problem(own_shop.client.post(PATH, json={"machine": ONE}, headers=key), 403)["code"] == code
    assert answer(own_shop.client.delete(PATH, params={"machine": ONE}, headers=key)) == {"released": False}


def test_a_licence_key_opens_its_own_licence_only(own_shop: Shop) -> None:
    activate(own_shop)
    other = license_header(own_shop.bo.key)
    assert answer(own_shop.client.get(PATH, headers=other))["activations"] == []
    assert answer(own_shop.client.delete(PATH, params={"machine": ONE}, headers=other)) == {"released": False}
    assert machines(own_shop)["taken"] == 1
    for asked in (
        own_shop.client.get(PATH),
        own_shop.client.post(PATH, json={"machine": ONE}),
        own_shop.client.delete(PATH, params={"machine": ONE}),
    ):
        assert problem(asked, 401)["code"] == "licence_key_missing"


@pytest.mark.parametrize("machine", ["", "1" * 63, "1" * 65, "A" * 64, "g" * 64, None, 7])
def test_every_fault_of_a_machine_is_told(own_shop: Shop, machine: object) -> None:
    assert "body.machine" in faults(activate(own_shop, machine))
    if isinstance(machine, str):
        assert "query.machine" in faults(release(own_shop, machine))


@pytest.mark.parametrize("name", ["", " lab", "a\nb", "\x1b[31m", "x" * 81, 7])
def test_a_name_that_nobody_can_read_is_refused(own_shop: Shop, name: object) -> None:
    assert "body.name" in faults(activate(own_shop, name=name))
