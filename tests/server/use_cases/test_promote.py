"""A release engineer promotes a release: customers of the stable channel get the same bytes, with the same day."""

from __future__ import annotations

from datetime import date

import pytest

from tenure_server.errors import Conflict, InvalidRequest, NotFound
from tenure_server.use_cases.promote import Promoted
from tenure_signing.errors import ImmutableRelease, PublishingError
from tenure_signing.key_sources import new_key, tuf_signer
from tenure_signing.names import ChannelName, ProductName
from tenure_signing.releases import Rollout
from tenure_signing.update_choice import InstalledCopy
from tenure_signing.versions import Version
from tests.server.world import CAD, LINUX, WHO, World

STABLE, BETA, ALPHA = ChannelName("stable"), ChannelName("beta"), ChannelName("alpha")
NEW = Version("4.1")


@pytest.fixture
def world(world: World) -> World:
    world.publish("4.0", date(2026, 1, 1))
    world.publish("4.1", date(2026, 10, 1), channel="beta", notes="Faster.")
    world.issue(date(2026, 6, 1))
    return world


def promote(world: World, to: ChannelName = STABLE, *, share: int | None = None, version: Version = NEW) -> Promoted:
    return world.installation.promote(
        CAD,
        version,
        to,
        share_basis_points=share,
        signers=[world.engineer],
        online=world.installation.keys.online_signers,
        who=WHO,
    )


def offered(world: World, channel: ChannelName = STABLE) -> str | None:
    with world.database.reading() as records:
        (licence,) = records.licences.search()
    copy = InstalledCopy(Version("4.0"), LINUX, channel)
    offer = world.reopened().check_for_update(licence, CAD, copy).choice.offer
    return str(offer.release.version) if offer is not None else None


def test_a_promoted_release_reaches_the_stable_channel_with_its_bytes_day_and_notes(world: World) -> None:
    before = world.installation.show_rollout(CAD, NEW).release
    stored = list(world.installation.store.keys())
    assert (offered(world), offered(world, BETA)) == (None, "4.1")
    promoted = promote(world)
    assert (offered(world), offered(world, BETA)) == ("4.1", "4.1")
    assert promoted.is_new
    assert promoted.release.released_on == before.released_on == date(2026, 10, 1)
    assert promoted.release.builds == before.builds
    assert promoted.release.notes_sha256 == before.notes_sha256
    assert list(world.installation.store.keys()) == stored


def test_promoting_again_changes_nothing(world: World) -> None:
    promote(world)
    counter = world.installation.catalogue.current().counter
    assert not promote(world).is_new
    with world.database.reading() as records:
        assert records.publication_counter() == counter


def test_a_release_can_be_promoted_to_a_share_of_installs(world: World) -> None:
    promote(world, share=0)
    assert offered(world) is None
    world.installation.change_rollout.set_share(CAD, NEW, 10_000, who=WHO)
    assert offered(world) == "4.1"


def test_promotion_keeps_the_rollout_unless_told_otherwise(world: World) -> None:
    world.installation.change_rollout.set_share(CAD, NEW, 2_500, who=WHO)
    promote(world)
    assert world.installation.show_rollout(CAD, NEW).rollout == Rollout(2_500)


def test_a_release_never_moves_to_a_less_stable_channel(world: World) -> None:
    with pytest.raises(Conflict) as refused:
        promote(world, ALPHA)
    assert refused.value.code == "less_stable_channel"
    promote(world)
    with pytest.raises(Conflict):
        promote(world, BETA)
    assert offered(world) == "4.1"


def test_neither_a_halted_nor_a_withdrawn_release_is_promoted(world: World) -> None:
    world.installation.change_rollout.halt(CAD, NEW, reason="loses files", who=WHO)
    with pytest.raises(Conflict) as refused:
        promote(world)
    assert refused.value.code == "halted"
    world.withdraw("4.1", "loses files")
    with pytest.raises(Conflict) as refused:
        promote(world)
    assert refused.value.code == "withdrawn"


def test_what_is_not_there_cannot_be_promoted(world: World) -> None:
    with pytest.raises(NotFound):
        promote(world, version=Version("9.9"))
    with pytest.raises(InvalidRequest) as refused:
        promote(world, ChannelName("nightly"))
    assert refused.value.code == "unknown_channel"
    with pytest.raises(NotFound):
        world.installation.promote(
            ProductName("cod"),
            NEW,
            STABLE,
            signers=[world.engineer],
            online=world.installation.keys.online_signers,
            who=WHO,
        )


def test_promoting_takes_the_key_that_publishing_takes(world: World) -> None:
    online = world.installation.keys.online_signers
    for thieves in ([], [tuf_signer(new_key())], [online.snapshot, online.timestamp]):
        with pytest.raises(PublishingError):
            world.installation.promote(CAD, NEW, STABLE, signers=thieves, online=online, who="a thief")
    assert offered(world) is None


def test_a_build_added_after_promotion_joins_the_promoted_release(world: World) -> None:
    promote(world)
    with pytest.raises(ImmutableRelease):
        world.publish(
            "4.1", date(2026, 10, 1), channel="beta", notes="Faster.", file_name="more.zip", platforms=(LINUX,)
        )
    release = world.publish(
        "4.1", date(2026, 10, 1), channel="stable", notes="Faster.", file_name="more.zip", platforms=(LINUX,)
    )
    assert release.promoted_from == (BETA,)


def test_promotion_is_in_the_audit_trail(world: World) -> None:
    promote(world, share=1_000)
    with world.database.reading() as records:
        (event, *_) = records.audit.newest(subject="cad 4.1")
    assert (event.action, event.who, event.at) == ("release.promote", WHO, world.now())
    assert event.details["before"] == {"channel": "beta", "share_basis_points": 10_000, "halted": False, "ramp": None}
    assert event.details["after"] == {"channel": "stable", "share_basis_points": 1_000, "halted": False, "ramp": None}
