"""Rolling out, ramping, halting and resuming, as customers see it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from math import sqrt

import pytest

from tenure_server.domain.licences import Licence
from tenure_server.errors import Conflict, Forbidden, InvalidRequest, NotFound
from tenure_server.use_cases.publish import FileToPublish, PublishRequest
from tenure_signing.errors import NotEnoughSignatures
from tenure_signing.key_sources import new_key, tuf_signer
from tenure_signing.names import ChannelName, FileName, Platform, ProductName
from tenure_signing.releases import Ramp, Release, Rollout
from tenure_signing.rollout import place_of
from tenure_signing.update_choice import InstalledCopy, UpdateStatus
from tenure_signing.versions import Version
from tests.server.world import CAD, LINUX, TODAY, WHO, WINDOWS, World

NEW = Version("4.1")
DAY = timedelta(days=1)
INSTALLS = [f"install-{number:05}" for number in range(2_000)]


@pytest.fixture
def world(world: World) -> World:
    world.publish("4.0", date(2026, 1, 1))
    world.publish("4.1", TODAY)
    world.issue(date(2026, 6, 1))
    return world


def buyer(world: World) -> Licence:
    with world.database.reading() as records:
        return records.licences.search()[0]


def offered(world: World, install_id: str | None = None, *, by_hand: bool = False) -> str | None:
    installation = world.reopened()  # another process: it reads the database
    copy = InstalledCopy(Version("4.0"), LINUX, ChannelName("stable"), install_id, by_hand)
    answer = installation.check_for_update(buyer(world), CAD, copy)
    return str(answer.choice.offer.release.version) if answer.choice.offer is not None else None


def reached(world: World) -> set[str]:
    check = world.reopened().check_for_update
    licence = buyer(world)
    copies = {each: InstalledCopy(Version("4.0"), LINUX, ChannelName("stable"), each) for each in INSTALLS}
    return {each for each, copy in copies.items() if check(licence, CAD, copy).choice.offer is not None}


def history(world: World) -> list[str]:
    with world.database.reading() as records:
        return [event.action for event in records.audit.newest(subject="cad 4.1")]


@pytest.mark.parametrize("share", [100, 2_500, 5_100, 9_900])
def test_a_share_reaches_that_part_of_the_installs(world: World, share: int) -> None:
    """Within three standard deviations of the binomial distribution."""
    world.installation.change_rollout.set_share(CAD, NEW, share, who=WHO)
    part, total = share / 10_000, len(INSTALLS)
    assert abs(len(reached(world)) - total * part) <= 3 * sqrt(total * part * (1 - part))


def test_growing_the_share_only_adds_installs_and_asking_again_gives_the_same_answer(world: World) -> None:
    change = world.installation.change_rollout
    change.set_share(CAD, NEW, 1_000, who=WHO)
    few = reached(world)
    assert few == reached(world)
    change.set_share(CAD, NEW, 1_200, who=WHO)
    assert few < reached(world)


def test_another_release_reaches_other_installs_first(world: World) -> None:
    change = world.installation.change_rollout
    change.set_share(CAD, NEW, 1_000, who=WHO)
    first = reached(world)
    world.withdraw("4.1", "crashes")
    world.publish("4.2", TODAY)
    change.set_share(CAD, Version("4.2"), 1_000, who=WHO)
    second = reached(world)
    assert len(first & second) < len(first) / 3


def test_a_ramp_reaches_more_installs_from_day_to_day_while_nothing_runs(world: World) -> None:
    now = world.now()
    world.installation.change_rollout.ramp(CAD, NEW, Ramp(10_000, now, now + 10 * DAY), start_basis_points=0, who=WHO)
    counter = world.installation.catalogue.current().counter
    sizes = []
    for day in range(0, 12, 2):
        world.today = TODAY + day * DAY
        sizes.append(len(reached(world)))
    assert sizes[0] == 0
    assert sizes == sorted(sizes)
    assert sizes[-1] == len(INSTALLS)
    assert 300 < sizes[1] < 500
    with world.database.reading() as records:
        assert records.publication_counter() == counter


def test_a_ramp_begins_where_the_rollout_stands(world: World) -> None:
    change, now = world.installation.change_rollout, world.now()
    change.set_share(CAD, NEW, 2_000, who=WHO)
    change.ramp(CAD, NEW, Ramp(10_000, now, now + 8 * DAY), who=WHO)
    world.today = TODAY + 2 * DAY
    restarted = change.ramp(CAD, NEW, Ramp(5_000, world.now(), world.now() + DAY), who=WHO).after
    assert restarted.share_basis_points == 4_000


def test_a_ramp_that_leads_down_or_is_over_is_refused(world: World) -> None:
    change, now = world.installation.change_rollout, world.now()
    for ramp in (Ramp(5_000, now, now + DAY), Ramp(10_000, now - 2 * DAY, now)):
        with pytest.raises(InvalidRequest) as refused:
            change.ramp(CAD, NEW, ramp, who=WHO)
        assert refused.value.code == "invalid_ramp"


def test_a_check_by_hand_ignores_the_share(world: World) -> None:
    world.installation.change_rollout.set_share(CAD, NEW, 0, who=WHO)
    assert offered(world, "install-00001") is None
    assert offered(world, "install-00001", by_hand=True) == "4.1"


def test_a_halted_release_is_offered_to_no_one_and_downloaded_by_no_one(world: World) -> None:
    file_name = f"cad-4.1-{LINUX}.zip"
    download = world.installation.download
    licence = buyer(world)
    assert download(licence, CAD, NEW, file_name).url
    world.installation.change_rollout.halt(CAD, NEW, reason="loses files", who=WHO)
    assert offered(world, "install-00001", by_hand=True) is None
    with pytest.raises(Forbidden) as refused:
        world.reopened().download(licence, CAD, NEW, file_name)
    assert refused.value.code == "halted"


def test_another_process_obeys_a_halt_within_a_second(world: World) -> None:
    other = world.reopened()
    clock = [0.0]
    vars(other.catalogue)["_monotonic"] = lambda: clock[0]
    copy = InstalledCopy(Version("4.0"), LINUX, ChannelName("stable"))
    licence = buyer(world)
    assert other.check_for_update(licence, CAD, copy).choice.offer is not None
    world.installation.change_rollout.halt(CAD, NEW, reason="loses files", who=WHO)
    clock[0] += 0.99
    assert other.check_for_update(licence, CAD, copy).choice.status is UpdateStatus.UP_TO_DATE


def test_a_halt_needs_a_reason_and_stops_a_ramp_where_it_is(world: World) -> None:
    change, now = world.installation.change_rollout, world.now()
    change.ramp(CAD, NEW, Ramp(10_000, now, now + 10 * DAY), start_basis_points=0, who=WHO)
    world.today = TODAY + 4 * DAY
    with pytest.raises(InvalidRequest):
        change.halt(CAD, NEW, reason=" ", who=WHO)
    assert change.halt(CAD, NEW, reason="loses files", who=WHO).after == Rollout(4_000, is_halted=True)
    world.today = TODAY + 40 * DAY
    resumed = change.resume(CAD, NEW, signers=[world.engineer], who=WHO)
    assert resumed.after == Rollout(4_000)


def test_resuming_takes_the_key_that_publishing_takes(world: World) -> None:
    change = world.installation.change_rollout
    change.halt(CAD, NEW, reason="loses files", who=WHO)
    online = world.installation.keys.online_signers
    for thieves in ([], [tuf_signer(new_key())], [online.snapshot, online.timestamp], [world.targets]):
        with pytest.raises(NotEnoughSignatures):
            change.resume(CAD, NEW, signers=thieves, who="a thief")
    assert offered(world, by_hand=True) is None
    change.resume(CAD, NEW, signers=[world.engineer], who=WHO)
    assert offered(world) == "4.1"


def test_neither_a_share_nor_a_ramp_undoes_a_halt(world: World) -> None:
    change, now = world.installation.change_rollout, world.now()
    change.halt(CAD, NEW, reason="loses files", who=WHO)
    assert change.set_share(CAD, NEW, 10_000, who=WHO).after.is_halted
    with pytest.raises(Conflict) as refused:
        change.ramp(CAD, NEW, Ramp(10_000, now, now + DAY), start_basis_points=0, who=WHO)
    assert refused.value.code == "halted"
    publish(world, "4.1", platform=WINDOWS, share=10_000)
    assert offered(world, by_hand=True) is None


def test_a_withdrawn_release_is_rolled_out_no_more_but_can_be_halted(world: World) -> None:
    change, now = world.installation.change_rollout, world.now()
    world.withdraw("4.1", "crashes")
    attempts: list[Callable[[], object]] = [
        lambda: change.set_share(CAD, NEW, 10, who=WHO),
        lambda: change.ramp(CAD, NEW, Ramp(10_000, now, now + DAY), start_basis_points=0, who=WHO),
        lambda: change.resume(CAD, NEW, signers=[world.engineer], who=WHO),
    ]
    for attempt in attempts:
        with pytest.raises(Conflict) as refused:
            attempt()
        assert refused.value.code == "withdrawn"
    assert change.halt(CAD, NEW, reason="to be sure", who=WHO).is_new


def test_every_change_is_in_the_audit_trail_with_before_and_after(world: World) -> None:
    change, now = world.installation.change_rollout, world.now()
    change.set_share(CAD, NEW, 1_000, who=WHO)
    change.set_share(CAD, NEW, 1_000, who=WHO)  # changes nothing, says nothing
    change.ramp(CAD, NEW, Ramp(10_000, now, now + DAY), who=WHO)
    change.halt(CAD, NEW, reason="loses files", who="Bo")
    change.halt(CAD, NEW, reason="loses files", who="Cy")
    change.resume(CAD, NEW, signers=[world.engineer], who="Dee")
    assert history(world) == ["rollout.resume", "rollout.halt", "rollout.ramp", "rollout.share", "release.publish"]
    with world.database.reading() as records:
        resume, halt, *_ = records.audit.newest(subject="cad 4.1")
    assert (halt.who, halt.details["reason"]) == ("Bo", "loses files")
    assert halt.details["before"] == {
        "share_basis_points": 1_000,
        "halted": False,
        "ramp": {
            "to_basis_points": 10_000,
            "starts_at": "2026-11-23T12:00:00+00:00",
            "ends_at": "2026-11-24T12:00:00+00:00",
        },
    }
    assert halt.details["after"] == {"share_basis_points": 1_000, "halted": True, "ramp": None}
    assert list(resume.details["signatures"]) == [world.engineer.public_key.keyid]  # type: ignore[call-overload]
    assert "resume\ncad\n4.1\n" in str(resume.details["approval"])


def test_what_is_not_published_cannot_be_rolled_out(world: World) -> None:
    for product, version, code in ((CAD, "9.9", "unknown_release"), (ProductName("cod"), "4.1", "unknown_product")):
        with pytest.raises(NotFound) as refused:
            world.installation.change_rollout.halt(product, Version(version), reason="typo", who=WHO)
        assert refused.value.code == code


def publish(world: World, version: str, *, platform: Platform = LINUX, share: int | None = None) -> None:
    path = world.directory / f"cad-{version}-{platform}.bin"
    path.write_bytes(b"bytes of a build")
    request = PublishRequest(
        CAD,
        Version(version),
        (FileToPublish(path, FileName(path.name), platform),),
        share_basis_points=share,
    )
    world.installation.publish(
        request, signers=[world.engineer], online=world.installation.keys.online_signers, who=WHO
    )


def test_a_release_can_be_published_to_a_share_from_its_first_moment(world: World) -> None:
    publish(world, "4.2", share=1_000)
    place_in, place_out = (
        next(each for each in INSTALLS if (place_of(each, released(world, "4.2")) < 1_000) is wanted)
        for wanted in (True, False)
    )
    assert (offered(world, place_in), offered(world, place_out)) == ("4.2", "4.1")
    with world.database.reading() as records:
        assert records.audit.newest(subject="cad 4.2")[0].details["rollout_basis_points"] == 1_000


def test_publishing_again_leaves_the_share_where_it_has_come_to(world: World) -> None:
    publish(world, "4.2", share=1_000)
    world.installation.change_rollout.set_share(CAD, Version("4.2"), 5_000, who=WHO)
    publish(world, "4.2", share=1_000)
    publish(world, "4.2", platform=WINDOWS, share=1_000)
    assert world.installation.show_rollout(CAD, Version("4.2")).rollout == Rollout(5_000)


def test_no_release_is_published_to_an_impossible_share(world: World) -> None:
    with pytest.raises(InvalidRequest):
        publish(world, "4.2", share=10_001)


def released(world: World, version: str) -> Release:
    return world.installation.show_rollout(CAD, Version(version)).release
