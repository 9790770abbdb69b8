"""Release engineers publish and withdraw builds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tenure_server.errors import InvalidRequest, NotFound, ObjectMismatch
from tenure_server.use_cases.download import store_key
from tenure_server.use_cases.ports import Progress, StoredObject
from tenure_server.use_cases.publish import FileToPublish, Published, PublishRequest
from tenure_signing.errors import ImmutableRelease, PublishingError
from tenure_signing.names import ChannelName, EditionName, FileName, ProductName
from tenure_signing.versions import Kind, Version
from tests.server.world import CAD, LINUX, PRO, TODAY, WHO, WINDOWS, World


def publish(world: World, request: PublishRequest) -> Published:
    return world.installation.publish(
        request, signers=[world.engineer], online=world.installation.keys.online_signers, who=WHO
    )


def file(world: World, name: str, body: bytes = b"bytes of a build") -> FileToPublish:
    path = world.directory / name
    path.write_bytes(body)
    return FileToPublish(path, FileName(name), LINUX)


def request(world: World, version: str = "1.0", **facts: object) -> PublishRequest:
    files = (file(world, f"cad-{version}.zip"),)
    return PublishRequest(product=CAD, version=Version(version), files=files, **facts)  # type: ignore[arg-type]


def test_what_is_not_said_has_a_sensible_default(world: World) -> None:
    release = publish(world, request(world, "2.1")).release
    assert release.released_on == TODAY
    assert release.kind is Kind.MINOR
    assert release.channel == "stable"
    assert release.editions == {"pro", "lite"}
    assert release.upgrade_from is None


def test_a_published_build_lies_in_the_store_under_its_hash(world: World) -> None:
    build = publish(world, request(world)).release.builds[0]
    stored = b"".join(world.installation.store.read(store_key(build)))
    assert hashlib.sha256(stored).hexdigest() == build.sha256
    assert len(stored) == build.length


def test_publishing_the_same_again_changes_nothing(world: World) -> None:
    publish(world, request(world))
    before = world.installation.catalogue.current()
    assert not publish(world, request(world)).is_new
    with world.database.reading() as records:
        assert records.publication_counter() == before.counter


def test_a_build_for_another_platform_can_follow_and_keeps_the_release_day(world: World) -> None:
    publish(world, request(world, "1.0", notes="First."))
    world.today = date(2026, 12, 24)
    path = world.directory / "cad-1.0.msi"
    path.write_bytes(b"for Windows")
    later = PublishRequest(CAD, Version("1.0"), (FileToPublish(path, FileName("cad-1.0.msi"), WINDOWS),))
    release = publish(world, later).release
    assert release.released_on == TODAY
    assert {build.platform for build in release.builds} == {LINUX, WINDOWS}


@pytest.mark.parametrize(
    "change",
    [
        {"released_on": date(2026, 1, 1)},
        {"kind": Kind.SERVICE_PACK},
        {"editions": frozenset({PRO})},
        {"channel": ChannelName("beta")},
        {"notes": "Other notes."},
        {"open_release": True},
        {"upgrade_from": Version("0.9")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_no_fact_of_a_published_release_ever_changes(world: World, change: dict[str, object]) -> None:
    publish(world, request(world, "1.0", notes="First."))
    with pytest.raises(ImmutableRelease):
        publish(world, request(world, "1.0", **change))


def test_other_bytes_under_a_published_name_are_refused_and_the_first_stay(world: World) -> None:
    first = publish(world, request(world)).release.builds[0]
    changed = PublishRequest(CAD, Version("1.0"), (file(world, "cad-1.0.zip", b"other bytes"),))
    with pytest.raises(ImmutableRelease):
        publish(world, changed)
    assert b"".join(world.installation.store.read(store_key(first))) == b"bytes of a build"


def test_a_withdrawn_number_is_burnt(world: World) -> None:
    publish(world, request(world))
    world.withdraw("1.0", "crashes on start")
    with pytest.raises(ImmutableRelease, match="withdrawn"):
        publish(world, request(world))
    with pytest.raises(ImmutableRelease):
        publish(world, PublishRequest(CAD, Version("1.0.0"), (file(world, "new.zip"),)))


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"editions": frozenset({EditionName("max")})}, "unknown_edition"),
        ({"editions": frozenset()}, "unknown_edition"),
        ({"channel": ChannelName("nightly")}, "unknown_channel"),
        ({"upgrade_from": Version("1.0")}, "invalid_upgrade_from"),
        ({"notes": "x" * 70_000}, "notes_too_long"),
    ],
)
def test_facts_that_make_no_sense_are_refused(world: World, facts: dict[str, object], code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        publish(world, request(world, "1.0", **facts))
    assert refused.value.code == code


def test_files_that_cannot_be_published_are_refused(world: World) -> None:
    missing = FileToPublish(world.directory / "missing.zip", FileName("missing.zip"), LINUX)
    same = file(world, "same.zip")
    for files, code in (
        ((), "no_files"),
        ((missing,), "unreadable_file"),
        ((file(world, "empty.zip", b""),), "empty_file"),
        ((same, same), "same_file_name"),
    ):
        with pytest.raises(InvalidRequest) as refused:
            publish(world, PublishRequest(CAD, Version("1.0"), files))
        assert refused.value.code == code


def test_an_unknown_product_is_refused(world: World) -> None:
    with pytest.raises(NotFound, match="no such product"):
        publish(world, PublishRequest(ProductName("cod"), Version("1.0"), (file(world, "cod.zip"),)))


def test_a_stolen_online_key_cannot_publish(world: World) -> None:
    online = world.installation.keys.online_signers
    with pytest.raises(PublishingError):
        world.installation.publish(request(world), signers=[online.snapshot], online=online, who=WHO)
    assert world.installation.catalogue.current().product(CAD).releases == ()


class StoreThat:
    """The world's store with something done to it before or after a put."""

    def __init__(self, world: World, *, tampers: bool = False, dies: bool = False, received: str | None = None) -> None:
        self._store = world.installation.store
        self._tampers, self._dies, self._received = tampers, dies, received
        self.reads = 0

    def put_file(self, key: str, source: Path, *, progress: Progress | None = None) -> StoredObject:
        if self._dies:
            raise ProcessKilled
        if self._tampers:
            source.write_bytes(b"bytes of a bUild")
        return replace(self._store.put_file(key, source, progress=progress), received_sha256=self._received)

    def stat(self, key: str) -> StoredObject | None:
        return self._store.stat(key)

    def read(self, key: str) -> Iterator[bytes]:
        self.reads += 1
        return self._store.read(key)

    def delete(self, key: str) -> None:
        self._store.delete(key)


class ProcessKilled(BaseException):
    """The end of the process, as far as this code is concerned."""


def test_a_file_that_changes_while_it_is_published_is_noticed(world: World) -> None:
    vars(world.installation)["store"] = StoreThat(world, tampers=True)
    with pytest.raises(ObjectMismatch, match="not what was read"):
        publish(world, request(world))
    assert world.installation.catalogue.current().product(CAD).releases == ()


@pytest.mark.parametrize("proof", ["right", "wrong", "none"])
def test_a_build_is_read_back_unless_the_store_proves_what_it_received(world: World, proof: str) -> None:
    build = request(world)
    digest = hashlib.sha256(build.files[0].source.read_bytes()).hexdigest()
    received = {"right": digest, "wrong": "0" * 64, "none": None}[proof]
    store = vars(world.installation)["store"] = StoreThat(world, received=received)
    assert publish(world, build).is_new
    assert store.reads == (0 if proof == "right" else 1)


def test_a_publisher_killed_before_the_upload_can_do_it_again(world: World) -> None:
    vars(world.installation)["store"] = StoreThat(world, dies=True)
    with pytest.raises(ProcessKilled):
        publish(world, request(world))
    world.installation = world.reopened()
    assert world.installation.catalogue.current().product(CAD).releases == ()
    assert publish(world, request(world)).is_new


def test_a_publisher_killed_after_the_upload_can_do_it_again_and_does_not_upload_twice(world: World) -> None:
    def killed(*_: object, **__: object) -> None:
        raise ProcessKilled

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tenure_server.use_cases.publish.publish_roles", killed)
        with pytest.raises(ProcessKilled):
            publish(world, request(world))
    assert world.installation.catalogue.current().product(CAD).releases == ()
    world.installation = world.reopened()
    vars(world.installation)["store"] = StoreThat(world, dies=True)  # nothing is put again
    assert publish(world, request(world)).is_new


def test_every_publication_is_audited_with_who_and_what(world: World) -> None:
    publish(world, request(world))
    with world.database.reading() as records:
        event = records.audit.newest(subject="cad 1.0")[0]
    assert (event.who, event.action) == (WHO, "release.publish")
    assert list(event.details["builds"]) == ["cad-1.0.zip"]  # type: ignore[call-overload]


def test_a_withdrawal_needs_a_reason_and_a_replacement_that_can_be_had(world: World) -> None:
    publish(world, request(world))
    with pytest.raises(InvalidRequest, match="reason"):
        world.withdraw("1.0", "  ")
    with pytest.raises(PublishingError):
        world.withdraw("1.0", "crashes", replacement="9.9")
    with pytest.raises(PublishingError, match="never published"):
        world.withdraw("1.1", "crashes")
    with pytest.raises(NotFound):
        world.withdraw("1.0", "crashes", product=ProductName("cod"))


def test_a_release_dated_ahead_is_signed_now_and_seen_on_its_day(world: World) -> None:
    publish(world, request(world, "3.0", released_on=date(2027, 1, 15)))
    published = world.installation.catalogue.current().product(CAD)
    assert published.on(date(2027, 1, 14)).releases == ()
    assert len(published.on(date(2027, 1, 15)).releases) == 1


def test_a_notes_file_of_a_release_is_bound_by_its_hash(world: World) -> None:
    release = publish(world, request(world, "1.0", notes="# First\n\n— with ümlauts")).release
    with world.database.reading() as records:
        notes = records.notes.get(CAD, Version("1.0"))
    assert notes is not None
    assert hashlib.sha256(notes.encode()).hexdigest() == release.notes_sha256
