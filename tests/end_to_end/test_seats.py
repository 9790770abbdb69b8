"""Seats, with the real client and the real server between them: taken once, believed offline, released, expired."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tenure_client import Client, machine
from tenure_client.errors import (
    ActivationRefused,
    LicenceError,
    LicenceKeyInvalid,
    MetadataExpired,
    SeatsTaken,
    ServerUnreachable,
    TenureClientError,
)
from tenure_server.adapters.key_folder import LOOK_SECONDS
from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.app import create_app
from tenure_server.domain.seats import ProductSeatRules, SeatLimit
from tenure_server.use_cases.issue_licence import IssuedLicence
from tenure_signing.entitlement import LicenceStatus
from tests.end_to_end.shop import Shop, open_shop
from tests.server.world import CAD, WHO, World
from tests.services.web_server import running_web_server


@dataclass
class Office:
    """Two machines of a customer with one seat. ``works_on`` says which one runs the product."""

    monkeypatch: pytest.MonkeyPatch
    running: str = "laptop"

    def works_on(self, name: str) -> None:
        self.monkeypatch.setattr(machine, "system_machine_id", lambda: f"linux:{name}")


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Office:
    office = Office(monkeypatch)
    office.works_on("laptop")
    return office


def copy(shop: Shop, sold: dict[str, Any], **options: Any) -> Client:
    return shop.client(sold["key"], "1.0", **options)


def test_a_seat_through_its_life_on_a_running_server(tmp_path: Path, office: Office) -> None:
    """Taken once, refused at the limit, released by an operator, given up, and believed when the server is gone."""
    with open_shop(tmp_path) as shop:
        sold = shop.sell(date.today() - timedelta(days=1), "--smp-years", "1")
        laptop = copy(shop, sold)
        taken = laptop.activate(name="Ada's laptop")
        assert (taken.licence_id, taken.valid_until, taken.is_over_limit) == (sold["licence_id"], None, False)
        assert laptop.activate().activated_at == taken.activated_at

        office.works_on("lab")
        lab = copy(shop, sold)
        with pytest.raises(SeatsTaken, match=r"All seats of this licence are taken \(1\)") as refused:
            lab.activate()
        assert "release the seat of a machine that is not used any more" in str(refused.value.hint)
        assert lab.activation is None
        shop.operator.did("seats", "release", "ada tan", "Ada's laptop")
        assert lab.activate(name="lab 3").machine != taken.machine
        listed = shop.operator.did("seats", "list", sold["licence_id"], "--json").json
        assert [each["name"] for each in listed[0]["machines"]] == ["lab 3"]
        assert lab.deactivate() is True
        assert (lab.deactivate(), lab.activation) == (False, None)

        office.works_on("laptop")
        assert laptop.activation is not None, "it was not told yet: the statement has no end"
        again = laptop.activate()
        shop.operator.did("licence", "suspend", sold["licence_id"], "--reason", "invoice unpaid")
        with pytest.raises(LicenceError, match="This licence is suspended"):
            laptop.activate()
        shop.server.end()
        kept = laptop.activation
        assert kept is not None
        assert (kept.machine, kept.as_of) == (again.machine, again.as_of)
        with pytest.raises(ServerUnreachable):
            laptop.deactivate()
        assert laptop.activation is not None, "it could not be given back"
        office.works_on("lab")
        assert laptop.activation is None, "the state was copied to another machine"
        assert "seat.refused" in shop.operator.audit_trail(sold["licence_id"])


def test_after_new_keys_a_running_server_gives_statements_that_products_believe(tmp_path: Path, office: Office) -> None:
    with open_shop(tmp_path) as shop:
        sold = shop.sell(date.today() - timedelta(days=1), "--additional-users", "1", "--additional-users-price", "1")
        laptop = copy(shop, sold)
        laptop.activate()
        draft = tmp_path / "keys.json"
        keys = ("--licence-keys", "retire", "--only-licence-keys")
        shop.operator.did("trust", "draft", "online-keys", *keys, "--out", draft)
        targets = shop.operator.data_dir / "keys" / "offline" / "targets.pem"
        shop.operator.did("trust", "sign", draft, "--key", targets, "--yes")
        shop.operator.did("trust", "submit", draft)
        time.sleep(LOOK_SECONDS + 0.2)
        shop.settled_at = time.monotonic() + 1.0
        shop.settle()
        office.works_on("lab")
        assert copy(shop, sold).activate().licence_id == sold["licence_id"]
        office.works_on("laptop")
        assert laptop.activation is not None, "what a key signed before it was retired stays good"
        assert laptop.activate().licence_id == sold["licence_id"]


@dataclass
class Site:
    """A server whose clock a test moves, as the copies' clocks go with it unless they are told otherwise."""

    world: World
    url: str
    ada: IssuedLicence
    copies: list[Path] = field(default_factory=list)

    def client(self, state: Path | None = None, wrong_by: timedelta = timedelta(0)) -> Client:
        self.copies.append(self.world.directory / f"copy-{len(self.copies)}")
        return Client.open(
            root=self.world.root_json,
            server_url=self.url,
            product="cad",
            version="1.0",
            platform="linux-x86_64",
            licence_key=self.ada.key,
            state_directory=state or self.copies[-1],
            clock=lambda: self.world.now() + wrong_by,
        )

    def later(self, days: int) -> None:
        self.world.today += timedelta(days=days)
        self.world.installation.keep_metadata_fresh()


@pytest.fixture
def site(tmp_path: Path, office: Office) -> Iterator[Site]:
    world = World(tmp_path, MemoryDatabase())
    world.add_product()
    world.installation.set_seat_rules(CAD, ProductSeatRules(expiry_days=30), who=WHO)
    with running_web_server(create_app(world.installation)) as url:
        yield Site(world, url, world.issue(date(2026, 1, 1)))


def test_a_seat_without_contact_expires_for_the_product_and_for_the_server_alike(site: Site, office: Office) -> None:
    laptop = site.client()
    until = laptop.activate().valid_until
    assert until == site.world.now() + timedelta(days=30)
    site.later(30)
    assert laptop.activation is not None, "at its last instant"
    site.later(1)
    assert laptop.activation is None
    office.works_on("lab")
    site.client().activate()
    office.works_on("laptop")
    with pytest.raises(SeatsTaken):
        laptop.activate()


def test_checks_for_updates_keep_a_seat_and_notice_that_it_was_released(site: Site) -> None:
    laptop = site.client()
    first = laptop.activate()
    for _ in range(4):
        site.later(14)
        laptop.check()
    assert laptop.activation is not None
    assert laptop.activation.activated_at == first.activated_at
    site.world.installation.release_seat(site.ada.licence.licence_id, first.machine, who=WHO)
    site.later(14)
    laptop.check()
    assert laptop.activation is None
    assert site.world.installation.list_seats(site.ada.licence.licence_id).taken == (), "none was taken unasked"


def test_where_the_vendor_only_warns_the_product_is_told(site: Site, office: Office) -> None:
    site.world.installation.set_seat_rules(CAD, ProductSeatRules(SeatLimit.WARN), who=WHO)
    assert site.client().activate().is_over_limit is False
    office.works_on("lab")
    assert site.client().activate().is_over_limit is True


@pytest.mark.parametrize(
    ("wrong_by", "refusal"),
    [
        (timedelta(hours=30), ActivationRefused),
        (timedelta(days=400), MetadataExpired),
        (timedelta(days=-400), LicenceKeyInvalid),
    ],
)
def test_a_wrong_clock_gets_no_statement_and_is_told_of_the_clock(
    site: Site, wrong_by: timedelta, refusal: type[TenureClientError]
) -> None:
    client = site.client(wrong_by=wrong_by)
    with pytest.raises(refusal) as refused:
        client.activate()
    told = f"{refused.value}; {refused.value.hint}"
    assert "this computer's date and time" in told or "is this computer's clock right?" in told


def test_a_clock_that_was_set_back_later_ends_no_seat(site: Site) -> None:
    laptop = site.client()
    laptop.activate()
    assert site.client(site.copies[0], timedelta(minutes=-5)).activation is not None
    assert site.client(site.copies[0], timedelta(days=31)).activation is None
    assert laptop.activation is not None, "it was not thrown away"


def test_a_revoked_licence_loses_its_seats_at_the_next_contact(site: Site) -> None:
    laptop = site.client()
    laptop.activate()
    site.world.change_status(site.ada.licence, LicenceStatus.REVOKED)
    with pytest.raises(LicenceError, match="revoked"):
        laptop.activate()
