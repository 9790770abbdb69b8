"""A mirror in a directory and in a real S3 server: safe at every step, verified, no more public than was said."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import Signer

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.adapters.mirror_targets import DirectoryMirror, mirror_target
from tenure_server.adapters.s3_store import S3Settings
from tenure_server.domain.mirrors import STATE_KEY
from tenure_server.errors import Conflict, ObjectMismatch, SettingsError
from tenure_server.use_cases.download import store_key
from tenure_server.use_cases.mirror import Mirrored, MirrorOrder, reader_of
from tenure_server.use_cases.ports import Progress, StoredObject
from tenure_server.use_cases.ports_mirror import MirrorTarget
from tenure_server.use_cases.publication import locked_repository, publish_roles
from tenure_server.use_cases.signers import OnlineSigners
from tenure_signing.errors import PublishingError
from tenure_signing.key_sources import new_key, tuf_signer
from tenure_signing.releases import Rollout
from tenure_signing.tuf_drafts import RoleKeys, RootKeys, next_root, sign
from tenure_signing.tuf_repository import Repository
from tenure_signing.tuf_roles import ROOT
from tenure_signing.tuf_verified import Verified, verified_files
from tests.server.world import CAD, TODAY, WHO, World, body_of
from tests.services.swift import S3Server


class PowerCut(Exception):
    """The process ends here."""


@dataclass
class Watched:
    """A target that notes what is changed, and where the power may fail: before or after change number ``cut_at``."""

    target: MirrorTarget
    cut_at: float = float("inf")
    changes: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    damaged: str | None = None

    @property
    def name(self) -> str:
        return self.target.name

    def put(self, key: str, source: Path, *, cache_control: str, progress: Progress | None = None) -> None:
        with self._change(f"put {key}"):
            self.target.put(key, source, cache_control=cache_control, progress=progress)

    def delete(self, key: str) -> None:
        with self._change(f"delete {key}"):
            self.target.delete(key)

    def objects(self) -> Iterator[StoredObject]:
        return self.target.objects()

    def read(self, key: str) -> Iterator[bytes]:
        self.reads.append(key)
        return iter([b"damaged"]) if key == self.damaged else self.target.read(key)

    def is_readable_by_strangers(self, key: str) -> bool:
        return self.target.is_readable_by_strangers(key)

    def _change(self, what: str) -> _Change:
        return _Change(self, what)


@dataclass
class _Change:
    watched: Watched
    what: str

    def __enter__(self) -> None:
        if len(self.watched.changes) + 0.5 >= self.watched.cut_at:
            raise PowerCut
        self.watched.changes.append(self.what)

    def __exit__(self, *_: object) -> None:
        if len(self.watched.changes) >= self.watched.cut_at:
            raise PowerCut


def order(world: World, *, builds: bool = True, public: bool = True, read_back: bool = False) -> MirrorOrder:
    return MirrorOrder(world.root_json, builds, public, read_back)


def run(world: World, target: MirrorTarget, **options: bool) -> Mirrored:
    return world.installation.mirror(target, order(world, **options), who=WHO)


def newcomer(world: World, target: MirrorTarget) -> Verified:
    """What a client finds that starts from the first root."""
    return verified_files(reader_of(target), world.root_json, world.now())


def published(world: World) -> Repository:
    with world.database.writing() as records:
        return locked_repository(records)


def keys_in(target: MirrorTarget) -> set[str]:
    return {found.key for found in target.objects()}


@pytest.fixture
def directory(tmp_path: Path) -> DirectoryMirror:
    return DirectoryMirror(tmp_path / "mirror", is_public=True)


@pytest.fixture(params=["directory", pytest.param("s3", marks=pytest.mark.swift)])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> MirrorTarget:
    if request.param == "directory":
        return mirror_target(str(tmp_path / "mirror"), S3Settings(""), is_public=True)
    server: S3Server = request.getfixturevalue("s3_server")
    settings = S3Settings(
        "not-this-one",
        "nor-this",
        endpoint_url=server.endpoint_url,
        region=server.region,
        access_key_id=server.access_key,
        secret_access_key=server.secret_key,
    )
    return mirror_target(f"s3://{server.new_bucket()}/a/mirror/", settings, is_public=True)


@pytest.fixture
def shop(world: World) -> World:
    world.publish("1.0", TODAY - timedelta(days=30))
    world.publish("1.1", TODAY)
    return world


def test_a_mirror_holds_what_is_published_and_a_second_run_sends_nothing(shop: World, target: MirrorTarget) -> None:
    first = run(shop, target)
    assert newcomer(shop, target).repository == published(shop)
    assert len([file for file in first.sent if file.source]) == 4
    for file in first.sent:
        if file.source:
            assert b"".join(target.read(file.key)) == body_of(file.key.rpartition("/")[2].partition(".")[2])
    again = Watched(target)
    assert run(shop, again).sent == ()
    assert again.changes == []
    assert not [key for key in again.reads if key.startswith("downloads/cad")]


def test_only_what_changed_is_sent(shop: World, target: MirrorTarget) -> None:
    run(shop, target)
    shop.publish("1.2", TODAY)
    sent = [file.key for file in run(shop, target).sent]
    assert [key.rpartition("/")[0] for key in sent] == ["downloads/cad/1.2"] * 2 + ["metadata"] * 3
    assert sent[-3].endswith(".cad.json")
    assert sent[-2].endswith(".snapshot.json")
    assert sent[-1] == "metadata/timestamp.json"
    assert newcomer(shop, target).repository == published(shop)


def test_a_dry_run_says_all_and_changes_nothing(shop: World, target: MirrorTarget, tmp_path: Path) -> None:
    watched = Watched(target)
    planned = shop.installation.mirror.plan(watched, order(shop))
    assert watched.changes == []
    assert keys_in(target) == set()
    assert not (tmp_path / "mirror").exists()
    assert run(shop, target).sent == planned.sent


def test_killed_at_every_step_the_mirror_is_good_and_the_same_command_completes_it(shop: World, tmp_path: Path) -> None:
    """A release, a withdrawal and a new root together. ``known`` is what an old client holds."""
    start = DirectoryMirror(tmp_path / "0", is_public=True)
    run(shop, start)
    known = published(shop)
    (tmp_path / "0").rename(tmp_path / "before")
    shop.publish("1.2", TODAY)
    shop.withdraw("1.0", "It lost work.")
    _renew_root(shop)
    now = published(shop)
    total = len(_changes(shop, tmp_path, "counting"))
    assert total > 8
    for half_steps in range(1, 2 * total):
        mirror = _copied(tmp_path, f"at-{half_steps}")
        watched = Watched(mirror, cut_at=half_steps / 2)
        with pytest.raises(PowerCut):
            run(shop, watched)
        found = newcomer(shop, mirror).repository
        assert found.roles in (known.roles, now.roles)
        for product, role in _builds(shop, found).items():
            assert role <= keys_in(mirror) or found.roles == known.roles, product
        run(shop, mirror)
        assert newcomer(shop, mirror).repository == now
        assert not [key for key in keys_in(mirror) if "/cad/1.0/" in key]


def _renew_root(world: World, online: OnlineSigners | None = None) -> None:
    signers = online or world.installation.keys.online_signers
    keys = RootKeys(
        RoleKeys((world.root.public_key,), 1),
        RoleKeys((world.targets.public_key,), 1),
        signers.snapshot.public_key,
        signers.timestamp.public_key,
    )
    with world.database.writing() as records:
        before = locked_repository(records)
        root = sign(ROOT, next_root(before.roots[-1], keys, world.now()), world.root)
        publish_roles(records, before, {ROOT: root}, signers, world.now())


def _copied(tmp_path: Path, name: str) -> DirectoryMirror:
    shutil.copytree(tmp_path / "before", tmp_path / name)
    return DirectoryMirror(tmp_path / name, is_public=True)


def _changes(world: World, tmp_path: Path, name: str) -> list[str]:
    watched = Watched(_copied(tmp_path, name))
    run(world, watched)
    return watched.changes


def _builds(world: World, repository: Repository) -> dict[str, set[str]]:
    """What the roles list and nobody has withdrawn, by version."""
    found: dict[str, set[str]] = {}
    for path, listed in repository.targets("cad").targets.items():
        if "withdrawn" not in listed.unrecognized_fields["custom"]["tenure"]:
            folder, _, name = path.rpartition("/")
            found.setdefault(folder, set()).add(f"downloads/{folder}/{listed.hashes['sha256']}.{name}")
    return found


def test_between_new_online_keys_and_their_timestamp_clients_keep_what_they_have(shop: World, tmp_path: Path) -> None:
    """Root and timestamp cannot change at once. Killed exactly there, a newcomer is refused, and the same command
    mends it; at every other step the mirror is good."""
    run(shop, DirectoryMirror(tmp_path / "before", is_public=True))
    _renew_root(shop, OnlineSigners(snapshot=_key(), timestamp=_key()))
    changes = _changes(shop, tmp_path, "counting")
    bad = []
    for number in range(1, len(changes)):
        mirror = _copied(tmp_path, f"at-{number}")
        with pytest.raises(PowerCut):
            run(shop, Watched(mirror, cut_at=number))
        try:
            newcomer(shop, mirror)
        except PublishingError:
            bad.append(changes[number - 1])
        run(shop, mirror)
        assert newcomer(shop, mirror).repository == published(shop)
    assert bad == ["put metadata/2.root.json"]


def _key() -> Signer:
    return tuf_signer(new_key())


def test_withdrawn_halted_and_future_builds_are_nobodys(shop: World, directory: DirectoryMirror) -> None:
    shop.publish("2.0", TODAY + timedelta(days=3))
    run(shop, directory)
    assert not [key for key in keys_in(directory) if "/2.0/" in key]
    shop.roll_out("1.1", Rollout(is_halted=True))
    shop.withdraw("1.0", "It lost work.")
    removed = run(shop, directory).removed
    assert len(removed) == 4
    assert not [key for key in keys_in(directory) if key.startswith("downloads/cad")]
    shop.roll_out("1.1", Rollout())
    run(shop, directory)
    assert len([key for key in keys_in(directory) if "/1.1/" in key]) == 2
    shop.today = TODAY + timedelta(days=3)
    shop.installation.keep_metadata_fresh()
    run(shop, directory)
    assert len([key for key in keys_in(directory) if "/2.0/" in key]) == 2


def test_old_metadata_goes_after_a_day(shop: World, directory: DirectoryMirror) -> None:
    run(shop, directory)
    shop.publish("1.2", TODAY)
    run(shop, directory)
    assert {"metadata/3.cad.json", "metadata/4.cad.json"} <= keys_in(directory)
    shop.today = TODAY + timedelta(days=1)
    shop.installation.keep_metadata_fresh()
    assert "metadata/3.cad.json" in run(shop, directory).removed
    assert newcomer(shop, directory).repository == published(shop)


def test_metadata_alone_brings_no_build(shop: World, target: MirrorTarget) -> None:
    run(shop, target, builds=False)
    assert not [key for key in keys_in(target) if key.startswith("downloads/cad")]
    assert newcomer(shop, target).trusted_targets


def test_a_private_mirror_that_strangers_can_read_gets_nothing(shop: World, directory: DirectoryMirror) -> None:
    with pytest.raises(Conflict) as refused:
        run(shop, directory, public=False)
    assert refused.value.code == "mirror_is_readable"
    assert keys_in(directory) == {STATE_KEY}


def test_a_private_mirror_is_for_its_owner_only(shop: World, tmp_path: Path) -> None:
    run(shop, DirectoryMirror(tmp_path / "mirror", is_public=False), public=False)
    for path in (tmp_path / "mirror").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    with pytest.raises(Conflict) as refused:
        run(shop, DirectoryMirror(tmp_path / "mirror", is_public=True))
    assert refused.value.code == "mirror_audience"


def test_a_public_mirror_can_be_read_by_a_web_server(shop: World, directory: DirectoryMirror, tmp_path: Path) -> None:
    run(shop, directory)
    for path in (tmp_path / "mirror").rglob("*"):
        if ".incoming" not in path.name:
            assert path.stat().st_mode & 0o044 == 0o044, path


@pytest.mark.swift
def test_a_closed_bucket_is_private(shop: World, s3_server: S3Server) -> None:
    settings = S3Settings(
        "",
        endpoint_url=s3_server.endpoint_url,
        access_key_id=s3_server.access_key,
        secret_access_key=s3_server.secret_key,
    )
    closed = mirror_target(f"s3://{s3_server.new_bucket()}", settings, is_public=False)
    assert run(shop, closed, public=False).sent


def test_a_damaged_build_in_the_store_is_never_sent(shop: World, directory: DirectoryMirror) -> None:
    release = shop.installation.catalogue.current().product(CAD).releases[0]
    shop.installation.store.delete(store_key(release.builds[0]))
    with pytest.raises(ObjectMismatch, match="missing"):
        run(shop, directory)
    assert "metadata/timestamp.json" not in keys_in(directory)


def test_what_arrives_damaged_stops_the_run_before_the_timestamp(shop: World, directory: DirectoryMirror) -> None:
    key = next(file.key for file in shop.installation.mirror.plan(directory, order(shop)).sent if file.source)
    with pytest.raises(ObjectMismatch, match="give back"):
        run(shop, Watched(directory, damaged=key))
    assert "metadata/timestamp.json" not in keys_in(directory)
    run(shop, directory)
    assert newcomer(shop, directory).repository == published(shop)


def test_what_was_tampered_with_in_the_mirror_is_mended(
    shop: World, directory: DirectoryMirror, tmp_path: Path
) -> None:
    """Metadata is noticed by the client that reads the mirror; a build of the same length with ``--verify``."""
    run(shop, directory)
    build = next(path for path in (tmp_path / "mirror" / "downloads" / "cad").rglob("*.zip"))
    genuine = build.read_bytes()
    build.write_bytes(b"x" * len(genuine))
    timestamp = tmp_path / "mirror" / "metadata" / "timestamp.json"
    timestamp.write_bytes(b"{" * timestamp.stat().st_size)
    mended = run(shop, directory, read_back=True)
    assert mended.problem_before is not None
    assert len(mended.sent) == 2
    assert build.read_bytes() == genuine
    assert newcomer(shop, directory).repository == published(shop)


def test_a_mirror_that_is_ahead_of_a_restored_server_is_left_alone(shop: World, directory: DirectoryMirror) -> None:
    database = shop.database
    assert isinstance(database, MemoryDatabase)
    backup = database._tables.copy()
    shop.publish("1.2", TODAY)
    run(shop, directory)
    before = {key: b"".join(directory.read(key)) for key in keys_in(directory)}
    database._tables = backup
    with pytest.raises(Conflict) as refused:
        run(shop, directory)
    assert refused.value.code == "mirror_is_newer"
    assert {key: b"".join(directory.read(key)) for key in keys_in(directory)} == before


def test_an_expired_source_is_not_copied(shop: World, directory: DirectoryMirror) -> None:
    shop.today = TODAY + timedelta(days=4)
    with pytest.raises(PublishingError, match="expired"):
        run(shop, directory)
    assert keys_in(directory) == set()


@pytest.mark.parametrize("url", ["https://example.com/mirror", "s3://", "s3://bucket/a b", "ftp://x"])
def test_a_target_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(SettingsError):
        mirror_target(url, S3Settings(""), is_public=True)


def test_the_audit_trail_tells_who_made_what_public(shop: World, directory: DirectoryMirror) -> None:
    run(shop, directory)
    run(shop, directory)
    with shop.database.reading() as records:
        events = records.audit.newest(action="mirror")
    assert [(event.who, event.action, event.details["public"], event.details["builds"]) for event in events] == [
        (WHO, "mirror.update", True, True)
    ]
