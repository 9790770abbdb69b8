"""One product's metadata is damaged in the database: everything else goes on."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from starlette.testclient import TestClient

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.app import create_app
from tenure_server.errors import ProductUnavailable
from tenure_server.use_cases.system_status import system_status
from tests.server.world import CAD, CAM, World, license_header


@pytest.fixture
def damaged(world: World) -> World:
    """The products cad and cam, of which cam can no longer be read."""
    world.add_product(CAM)
    world.publish("1.0", date(2026, 1, 1))
    world.publish("1.0", date(2026, 1, 1), product=CAM)
    damage(world)
    return world


def damage(world: World, data: bytes = b"{ no metadata") -> None:
    assert isinstance(world.database, MemoryDatabase)
    files = world.database._tables.files
    newest = max((name for name in files if name.endswith(".cam.json")), key=lambda name: int(name.split(".")[0]))
    files[newest] = data
    world.database._tables.counter[0] += 1


def test_the_damaged_product_is_refused_clearly_and_the_others_are_served(damaged: World) -> None:
    keys = {product: damaged.issue(date(2026, 1, 1), product=product).key for product in (CAD, CAM)}
    query = "version=0.9&os=linux&arch=x86_64"
    with TestClient(create_app(damaged.installation)) as client:
        for attempt in range(2):  # the general and the fast way
            good = client.get(f"/v1/update-check?product=cad&{query}", headers=license_header(keys[CAD]))
            assert good.json()["offer"]["version"] == "1.0", attempt
            bad = client.get(f"/v1/update-check?product=cam&{query}", headers=license_header(keys[CAM]))
            assert (bad.status_code, bad.json()["code"]) == (503, "product_unavailable")
            assert "metadata" not in bad.text
        ready = client.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["problems"] == [
            {"where": "product.cam", "problem": "what is published of it cannot be read"}
        ]


def test_status_tells_which_product_is_damaged(damaged: World) -> None:
    installation = damaged.installation
    found = system_status(damaged.database, installation.store, damaged.now(), drafts=installation.list_release_drafts)
    assert list(found.damaged_products) == ["cam"]
    assert not found.is_well
    with pytest.raises(ProductUnavailable):
        damaged.reopened().catalogue.current().product(CAM)


def test_the_other_products_are_published_and_signed_anew_as_ever(damaged: World) -> None:
    damaged.publish("2.0", date(2026, 2, 1))
    damaged.today += timedelta(days=2)
    assert damaged.installation.keep_metadata_fresh()
    found = damaged.reopened().catalogue.current()
    assert [str(release.version) for release in found.product(CAD).releases] == ["1.0", "2.0"]
    assert list(found.damaged) == ["cam"]


def test_facts_that_are_no_release_damage_one_product_only(world: World) -> None:
    world.add_product(CAM)
    world.publish("1.0", date(2026, 1, 1), product=CAM)
    with world.database.reading() as records:
        role = records.signed_files.current()["cam"]
    damage(world, role.replace(b'"2026-01-01"', b'"someday"'))
    assert list(world.reopened().catalogue.current().damaged) == ["cam"]
