"""Channels a licence may have, pins and turns, at check, list and download, which the feeds and the page use too."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from time import sleep

import pytest
from starlette.testclient import TestClient

from tenure_server.adapters.database import SqlDatabase, upgrade_schema
from tenure_server.app import create_app
from tenure_signing.entitlement import Pin, Turn
from tenure_signing.names import ChannelName
from tenure_signing.releases import Rollout
from tenure_signing.rollout import place_of
from tenure_signing.versions import Version
from tests.server.http.asking import answer, check, faults, problem
from tests.server.http.conftest import Shop, open_shop
from tests.server.world import CAD, WHO, license_header

BETA_FILE = "/downloads/cad/1.5b1/cad-1.5b1-linux-x86_64.zip"


def allow(shop: Shop, *channels: str) -> None:
    names = frozenset(ChannelName(name) for name in channels) if channels else None
    shop.world.installation.change_update_rules.allow_channels(shop.ada.licence.licence_id, names, who=WHO)
    reopen(shop)


def pin(shop: Shop, line: Pin | None) -> None:
    shop.world.installation.change_update_rules.pin(shop.ada.licence.licence_id, line, who=WHO)
    reopen(shop)


def reopen(shop: Shop) -> None:
    """Another process: nothing that was cached is left."""
    shop.world.installation = shop.world.reopened()
    object.__setattr__(shop, "client", TestClient(create_app(shop.world.installation), follow_redirects=False))


def versions(shop: Shop) -> list[str]:
    listed = answer(shop.client.get("/v1/releases", headers=license_header(shop.ada.key)))
    return [release["version"] for release in listed["releases"]]


def offered(shop: Shop, /, **query: str) -> str | None:
    offer = answer(check(shop.client, shop.ada.key, **query))["offer"]
    return offer["version"] if offer else None


def test_a_licence_may_have_every_channel_unless_it_is_limited(own_shop: Shop) -> None:
    assert offered(own_shop, channel="beta") == "1.5b1"
    assert "1.5b1" in versions(own_shop)
    assert own_shop.client.get(BETA_FILE, headers=license_header(own_shop.ada.key)).status_code == 302


def test_a_licence_limited_to_stable_meets_no_beta_at_any_door(own_shop: Shop) -> None:
    allow(own_shop, "stable")
    client, key = own_shop.client, license_header(own_shop.ada.key)
    found = answer(check(client, own_shop.ada.key, channel="beta"))
    assert found["offer"]["version"] == "1.2"
    assert found["newest"]["channel"] == "stable"
    assert "1.5b1" not in versions(own_shop)
    assert problem(client.get(BETA_FILE, headers=key), 403)["code"] == "channel_not_allowed"
    assert answer(client.get("/v1/releases", params={"channel": "beta"}, headers=key))["releases"] == []


def test_lifting_the_limit_gives_everything_back(own_shop: Shop) -> None:
    allow(own_shop, "stable")
    allow(own_shop)
    assert offered(own_shop, channel="beta") == "1.5b1"


def test_a_promoted_release_reaches_who_may_have_stable_only(own_shop: Shop) -> None:
    allow(own_shop, "stable")
    world = own_shop.world
    world.installation.promote(
        CAD,
        Version("1.5b1"),
        ChannelName("stable"),
        signers=[world.engineer],
        online=world.installation.keys.online_signers,
        who=WHO,
    )
    reopen(own_shop)
    assert offered(own_shop) == "1.5b1"
    assert own_shop.client.get(BETA_FILE, headers=license_header(own_shop.ada.key)).status_code == 302


def test_a_pinned_copy_is_told_so_and_hears_of_the_newest_all_the_same(own_shop: Shop) -> None:
    world = own_shop.world
    world.publish("1.1.9", date(2024, 12, 20))
    pin(own_shop, Pin(1, 1))
    found = answer(check(own_shop.client, own_shop.ada.key))
    assert (found["status"], found["offer"]["version"], found["pinned"]) == ("update_available", "1.1.9", "1.1")
    assert found["newest"]["version"] == "3.0"
    found = answer(check(own_shop.client, own_shop.ada.key, version="1.1.9"))
    assert (found["status"], found["offer"], found["pinned"]) == ("up_to_date", None, "1.1")
    pin(own_shop, None)
    found = answer(check(own_shop.client, own_shop.ada.key))
    assert (found["offer"]["version"], found["pinned"]) == ("1.2", None)


def test_a_pin_to_a_line_that_is_not_there_is_passed_over(own_shop: Shop) -> None:
    pin(own_shop, Pin(7))
    found = answer(check(own_shop.client, own_shop.ada.key))
    assert (found["offer"]["version"], found["pinned"]) == ("1.2", None)


@pytest.mark.parametrize(("turn", "is_reached"), [("early", True), ("late", False)])
def test_an_install_can_ask_to_go_first_or_last(own_shop: Shop, turn: str, is_reached: bool) -> None:
    world = own_shop.world
    world.roll_out("1.2", Rollout(5_000))
    reopen(own_shop)
    expected = "1.2" if is_reached else "1.1"
    assert {offered(own_shop, install_id=f"install-{n}", turn=turn) for n in range(20)} == {expected}


def test_a_licence_can_have_a_turn_for_all_its_installs(own_shop: Shop) -> None:
    world = own_shop.world
    world.roll_out("1.2", Rollout(5_000))
    world.installation.change_update_rules.take_turn(own_shop.ada.licence.licence_id, Turn.LATE, who=WHO)
    reopen(own_shop)
    release = world.installation.show_rollout(CAD, Version("1.2")).release
    install = next(f"install-{n}" for n in range(99) if place_of(f"install-{n}", release) < 5_000)
    assert offered(own_shop, install_id=install) == "1.1"
    assert offered(own_shop, install_id=install, turn="normal") == "1.2"


def test_a_turn_that_is_none_is_refused(own_shop: Shop) -> None:
    assert "early, normal, late" in faults(check(own_shop.client, own_shop.ada.key, turn="first"))["query.turn"]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_a_change_holds_on_a_real_database_in_the_same_process(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'tenure.db'}"
    if kind == "postgres":
        url = request.getfixturevalue("postgres_server").new_database()
    upgrade_schema(url)
    database = SqlDatabase(url)
    shop = open_shop(tmp_path, database)
    assert offered(shop, channel="beta") == "1.5b1"
    change, licence_id = shop.world.installation.change_update_rules, shop.ada.licence.licence_id
    change.allow_channels(licence_id, frozenset({ChannelName("stable")}), who=WHO)
    change.pin(licence_id, Pin(1, 1), who=WHO)
    sleep(1.1)  # what any process may go on with
    found = answer(check(shop.client, shop.ada.key, channel="beta"))
    assert (found["offer"]["version"], found["pinned"]) == ("1.1", "1.1")
    database.close()
