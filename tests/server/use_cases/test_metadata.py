"""The first root, products, and the embedded signer."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.domain.products import Product
from tenure_server.errors import Conflict, InvalidRequest
from tenure_server.use_cases.system_status import system_status
from tenure_signing.key_sources import new_key, tuf_signer
from tests.server.world import CAD, PRO, TODAY, WHO, World


def test_init_done_again_gives_the_same_root(world: World) -> None:
    again = world.installation.initialise(
        root=world.root,
        targets=world.targets,
        online=world.installation.keys.online_signers,
        licence_keys=world.installation.keys.licence_key_set(),
        who=WHO,
    )
    assert again == world.root_json


def test_a_database_with_another_root_is_left_alone(world: World) -> None:
    with pytest.raises(Conflict) as refused:
        world.installation.initialise(
            root=tuf_signer(new_key()),
            targets=world.targets,
            online=world.installation.keys.online_signers,
            licence_keys=world.installation.keys.licence_key_set(),
            who=WHO,
        )
    assert refused.value.code == "initialised_already"


def test_a_product_is_added_once(world: World) -> None:
    with pytest.raises(Conflict) as refused:
        world.add_product()
    assert refused.value.code == "product_exists"


@pytest.mark.parametrize("editions", [(), (PRO, PRO)])
def test_a_product_has_editions_none_twice(world: World, editions: tuple[object, ...]) -> None:
    with pytest.raises(InvalidRequest):
        world.installation.add_product(
            Product(CAD, "CAD", editions),  # type: ignore[arg-type]
            targets=[world.targets],
            product_signers=[world.engineer],
            online=world.installation.keys.online_signers,
            who=WHO,
        )


def test_snapshot_and_timestamp_are_signed_anew_when_half_their_life_is_spent(world: World) -> None:
    keep_fresh = world.installation.keep_metadata_fresh
    assert not keep_fresh()
    with world.database.reading() as records:
        before = records.signed_files.file("timestamp.json")
    world.today = TODAY + timedelta(days=1)
    assert keep_fresh()
    assert not keep_fresh()
    with world.database.reading() as records:
        assert records.signed_files.file("timestamp.json") != before


def test_a_server_that_slept_for_a_month_signs_anew(world: World) -> None:
    world.today = TODAY + timedelta(days=30)
    assert not system_status(world.database, world.installation.store, world.now()).is_well
    assert world.installation.keep_metadata_fresh()
    assert system_status(world.database, world.installation.store, world.now()).is_well


def test_the_status_counts_and_names_what_is_due(world: World) -> None:
    world.publish("1.0", date(2026, 1, 1))
    found = system_status(world.database, world.installation.store, world.now())
    assert (found.products, found.releases, found.is_well) == (1, 1, True)
    assert [role.name for role in found.roles][:4] == ["root", "targets", "snapshot", "timestamp"]
    world.today = TODAY + timedelta(days=150)
    found = system_status(world.database, world.installation.store, world.now())
    assert {role.name for role in found.roles if role.is_due} == {"cad", "snapshot", "timestamp"}


def test_before_init_the_status_says_that_there_is_no_metadata(world: World) -> None:
    found = system_status(MemoryDatabase(), world.installation.store, world.now())
    assert not found.is_well
    assert found.roles == ()


def test_another_process_sees_a_publication_at_once_or_within_half_a_second(world: World) -> None:
    other = world.reopened()
    assert other.catalogue.current().product(CAD).releases == ()
    world.publish("1.0", date(2026, 1, 1))
    now = [1e9]
    from tenure_server.use_cases.catalogue import CatalogueSource

    source = CatalogueSource(world.database, monotonic=lambda: now[0])
    first = source.current()
    world.publish("1.1", date(2026, 2, 1))
    assert source.current() is first
    now[0] += 0.6
    assert len(source.current().product(CAD).releases) == 2
