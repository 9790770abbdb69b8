"""The customer sees the machines of the licence, and takes the seat from one."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.domain.seats import ProductSeatRules, SeatLimit
from tenure_server.use_cases.issue_licence import IssuedLicence
from tenure_signing.entitlement import LicenceStatus
from tests.server.portal.counter import OWN_PAGE, Counter, open_counter, words
from tests.server.world import CAD, WHO

ONE, TWO = "1" * 64, "2" * 64


@pytest.fixture
def own_counter(tmp_path: Path) -> Counter:
    """In memory: what databases do with seats, their contract shows."""
    return open_counter(tmp_path, MemoryDatabase())


def activate(counter: Counter, machine: str = ONE, name: str | None = None) -> None:
    counter.world.installation.activate_seat(counter.ada.licence.licence_id, machine, name=name)


def held(counter: Counter, issued: IssuedLicence | None = None) -> int:
    licence_id = (issued or counter.ada).licence.licence_id
    return len(counter.world.installation.list_seats(licence_id).taken)


def test_a_product_that_does_not_count_machines_shows_none(own_counter: Counter) -> None:
    assert "Machines" not in words(own_counter.signed_in(own_counter.ada).get("/portal"))


def test_the_machines_are_shown_with_name_since_when_and_last_seen(own_counter: Counter) -> None:
    activate(own_counter, name="<b>Ada's laptop")
    own_counter.world.today += timedelta(days=7)
    activate(own_counter)
    response = own_counter.signed_in(own_counter.ada).get("/portal")
    said = words(response)
    assert "1 of 1 seat taken" in said
    assert "A new machine can have a seat when another one’s is released" in said
    assert "<b>Ada's laptop 111111111111 since 23 November 2026, last seen 30 November 2026" in said
    assert "free again" not in said
    assert "<b>" not in response.text


def test_where_seats_expire_the_page_says_when_and_where_the_vendor_warns_how_many_are_too_many(
    own_counter: Counter,
) -> None:
    own_counter.world.installation.set_seat_rules(CAD, ProductSeatRules(SeatLimit.WARN, 30), who=WHO)
    activate(own_counter)
    activate(own_counter, TWO)
    said = words(own_counter.signed_in(own_counter.ada).get("/portal"))
    assert "2 of 1 seat taken That is 1 machine more than the licence has seats for." in said
    assert "Machine without a name 222222222222" in said
    assert "free again after 23 December 2026 unless seen before" in said


def test_a_seat_is_released_after_a_page_that_asks(own_counter: Counter) -> None:
    activate(own_counter, name="Ada's laptop")
    client = own_counter.signed_in(own_counter.ada)
    asked = client.get(f"/portal/machines/{ONE}")
    assert "Release this seat? Machine Ada's laptop 111111111111" in words(asked)
    assert held(own_counter) == 1
    for outcome in ("released", "gone"):
        done = client.post(f"/portal/machines/{ONE}/release", headers=OWN_PAGE)
        assert (done.status_code, done.headers["location"]) == (303, f"/portal?seat={outcome}#machines")
    assert held(own_counter) == 0
    assert "The seat was released." in words(client.get("/portal?seat=released"))
    assert "0 of 1 seat taken 1 more machine can have one." in words(client.get("/portal?seat=gone"))
    with own_counter.world.database.reading() as records:
        (event,) = records.audit.newest(action="seat.released", limit=9)
    assert event.who == "customer"


def test_a_suspended_customer_can_release_too(own_counter: Counter) -> None:
    world = own_counter.world
    eve = world.issue(date(2026, 1, 1))
    world.installation.activate_seat(eve.licence.licence_id, ONE)
    world.change_status(eve.licence, LicenceStatus.SUSPENDED)
    client = own_counter.signed_in(eve)
    assert client.post(f"/portal/machines/{ONE}/release", headers=OWN_PAGE).status_code == 303
    assert held(own_counter, eve) == 0


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}, {}])
def test_another_sites_form_releases_nothing(own_counter: Counter, headers: dict[str, str]) -> None:
    activate(own_counter)
    client = own_counter.signed_in(own_counter.ada)
    refused = client.post(f"/portal/machines/{ONE}/release", headers=headers)
    assert refused.status_code == 403
    assert "The form was not sent from this page." in words(refused)
    assert held(own_counter) == 1


def test_nobody_releases_without_being_signed_in_or_anothers_seat(own_counter: Counter) -> None:
    activate(own_counter)
    stranger = own_counter.client()
    assert stranger.get(f"/portal/machines/{ONE}").status_code == 401
    assert stranger.post(f"/portal/machines/{ONE}/release", headers=OWN_PAGE).status_code == 401
    bo = own_counter.signed_in(own_counter.bo)
    assert bo.get(f"/portal/machines/{ONE}").status_code == 404
    assert (
        bo.post(f"/portal/machines/{ONE}/release", headers=OWN_PAGE).headers["location"].startswith("/portal?seat=gone")
    )
    assert held(own_counter) == 1


@pytest.mark.parametrize("machine", ["x", "A" * 64, "%C3%A9"])
def test_an_address_of_no_machine_leads_to_a_page_that_says_so(own_counter: Counter, machine: str) -> None:
    client = own_counter.signed_in(own_counter.ada)
    for response in (
        client.get(f"/portal/machines/{machine}"),
        client.post(f"/portal/machines/{machine}/release", headers=OWN_PAGE),
    ):
        assert response.status_code == 404
        assert "holds no seat of your licence" in words(response)


def test_the_address_of_the_form_leads_home_when_it_is_opened(own_counter: Counter) -> None:
    response = own_counter.signed_in(own_counter.ada).get(f"/portal/machines/{ONE}/release")
    assert (response.status_code, response.headers["location"]) == (303, "/portal")
