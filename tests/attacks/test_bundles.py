"""A bundle on its way to a machine without a network is in anybody's hands."""

from __future__ import annotations

import json
import os
import stat
import struct
import zipfile
from datetime import date, timedelta
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata, Root, TargetFile, Targets

from tenure_client.errors import (
    BundleInvalid,
    CertificateRefused,
    DowngradeRefused,
    FileMismatch,
    LicenceKeyInvalid,
    MetadataExpired,
    NotCovered,
    TenureClientError,
    TrustError,
    UnknownRelease,
    UntrustedMetadata,
)
from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.errors import Conflict, Forbidden, ObjectMismatch
from tenure_server.use_cases.create_bundle import BundleOrder
from tenure_server.use_cases.download import store_key
from tenure_server.use_cases.mirror_content import read_published
from tenure_server.use_cases.publication import locked_repository, publish_roles
from tenure_signing.air_gap import AIR_GAP_ROOT, CERTIFICATE, bundle_metadata
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.errors import PublishingError
from tenure_signing.key_sources import new_key, tuf_signer
from tenure_signing.tuf_drafts import RoleKeys, RootKeys, next_root, sign
from tenure_signing.tuf_preflight import preflight
from tenure_signing.tuf_repository import Repository
from tenure_signing.tuf_roles import ROOT, TIMESTAMP
from tenure_signing.versions import Version
from tests.attacks.stick import Stick, accept_air_gap_root, copied, files_of, packed
from tests.server.world import CAD, CAM, LINUX, TODAY, WHO, World, body_of

BUILD = f"cad-1.1-{LINUX}.zip"


@pytest.fixture
def stick(tmp_path: Path) -> Stick:
    world = World(tmp_path / "vendor", MemoryDatabase())
    world.add_product()
    world.publish("1.0", date(2025, 1, 10))
    world.publish("1.1", TODAY - timedelta(days=10))
    accept_air_gap_root(world)
    licence = world.issue(date(2026, 2, 1))
    (tmp_path / "stick").mkdir()
    return Stick(world, tmp_path / "stick", licence)


def build_in(files: dict[str, bytes]) -> str:
    return next(name for name in files if name.endswith(BUILD))


# What is meant to work


def test_a_machine_without_a_network_updates_from_a_bundle(stick: Stick) -> None:
    bundle = stick.bundle()
    held = stick.client(licence_key=stick.licence.key).verify_bundle(bundle)
    assert [str(release.version) for release in held.releases] == ["1.1"]
    assert [release.reason for release in held.releases] == ["support_period"]
    assert held.licence_id == stick.licence.licence.licence_id
    assert held.expires_at - held.made_at == timedelta(days=180)
    file = stick.client().download_from_bundle(bundle, stick.out)
    assert (file.name, file.read_bytes()) == (BUILD, body_of(BUILD))
    assert [path.name for path in stick.out.iterdir()] == [BUILD]
    assert stick.client().download_from_bundle(bundle, stick.out) == file


def test_the_same_order_at_the_same_instant_gives_the_same_bytes(stick: Stick) -> None:
    assert stick.bundle("1.0", "1.1").read_bytes() == stick.bundle("1.1", "1.0").read_bytes()


def test_a_later_bundle_is_taken_after_an_earlier_one_and_not_the_other_way_round(stick: Stick) -> None:
    old = stick.bundle()
    stick.world.today += timedelta(days=1)
    stick.world.publish("1.2", stick.world.today)
    new = stick.bundle()
    stick.client().verify_bundle(old)
    stick.client().verify_bundle(new)
    assert "older than what" in str(stick.refuses(old))
    assert stick.client().download_from_bundle(new, stick.out).name.startswith("cad-1.2")


def test_bundles_go_on_after_the_vendor_renewed_root(stick: Stick) -> None:
    keys = stick.world.installation.keys.online_signers
    _publish_root(stick.world, RootKeys(*_people(stick.world), keys.snapshot.public_key, keys.timestamp.public_key))
    assert stick.client().verify_bundle(stick.bundle()).releases


def _people(world: World) -> tuple[RoleKeys, RoleKeys]:
    return RoleKeys((world.root.public_key,), 1), RoleKeys((world.targets.public_key,), 1)


def _publish_root(world: World, keys: RootKeys) -> None:
    with world.database.writing() as records:
        before = locked_repository(records)
        root = sign(ROOT, next_root(before.roots[-1], keys, world.now()), world.root)
        publish_roles(records, before, {ROOT: root}, world.installation.keys.online_signers, world.now())


# The file


def test_a_bundle_that_was_cut_anywhere_is_refused(stick: Stick) -> None:
    path = stick.bundle()
    data = path.read_bytes()
    for length in [0, 1, 21, 22, 100, len(data) // 2, len(data) - 1_000, len(data) - 22, len(data) - 1]:
        assert isinstance(stick.refuses(copied(path, data[:length])), TrustError)
    assert isinstance(stick.refuses(copied(path, data + b"x")), BundleInvalid)


def test_a_byte_changed_anywhere_is_refused_or_means_nothing(stick: Stick) -> None:
    """At 60 places, the same every time. What remains is a byte that ZIP readers pass over."""
    path = stick.bundle()
    data = path.read_bytes()
    refused = 0
    for place in range(0, len(data), len(data) // 60):
        changed = copied(path, data[:place] + bytes([data[place] ^ 0x41]) + data[place + 1 :])
        try:
            held = stick.client().verify_bundle(changed)
        except TrustError:
            refused += 1
        else:
            assert [str(release.version) for release in held.releases] == ["1.1"]
    assert refused > 40


@pytest.mark.parametrize("with_right_checksum", [True, False])
def test_another_build_of_the_same_length_is_refused(stick: Stick, with_right_checksum: bool) -> None:
    path = stick.bundle()
    files = files_of(path)
    name, genuine = build_in(files), body_of(BUILD)
    if with_right_checksum:
        bad = packed(path, files | {name: b"x" * len(genuine)})
    else:
        bad = copied(path, path.read_bytes().replace(genuine, b"x" * len(genuine)))
    assert isinstance(stick.refuses(bad), FileMismatch)


@pytest.mark.parametrize("change", [b"", b"more"])
def test_a_build_of_another_length_is_refused_before_it_is_read(stick: Stick, change: bytes) -> None:
    path = stick.bundle()
    files = files_of(path)
    name = build_in(files)
    bad = packed(path, files | {name: files[name] + change if change else files[name][:-1]})
    assert isinstance(stick.refuses(bad), FileMismatch)


@pytest.mark.parametrize(
    "name",
    [
        "../../evil",
        "/etc/cron.d/evil",
        "downloads/../../evil",
        "downloads/cad/1.1/../../evil.zip",
        "C:\\evil.exe",
        "downloads\\cad\\evil",
        "evil.txt",
        "downloads/cad/",
        "metadata/../roots/air-gap.json",
        "roots/02.root.json",
    ],
)
def test_a_file_that_belongs_in_no_bundle_is_refused(stick: Stick, name: str) -> None:
    path = stick.bundle()
    assert isinstance(stick.refuses(packed(path, files_of(path) | {name: b"evil"})), BundleInvalid)
    assert not list(stick.directory.parent.rglob("evil*"))


def test_a_build_that_nobody_signed_is_refused(stick: Stick) -> None:
    path = stick.bundle()
    files = files_of(path) | {f"downloads/cad/9.9/{'a' * 64}.evil.zip": b"evil"}
    assert "nobody signed" in str(stick.refuses(packed(path, files)))


def test_links_folders_devices_compression_and_passwords_are_refused(stick: Stick) -> None:
    path = stick.bundle()
    files = files_of(path)
    for kind in (stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR):

        def as_kind(entry: zipfile.ZipInfo, kind: int = kind) -> None:
            entry.external_attr = (kind | 0o777) << 16

        assert isinstance(stick.refuses(packed(path, files, as_kind)), BundleInvalid)

    def compressed(entry: zipfile.ZipInfo) -> None:
        entry.compress_type = zipfile.ZIP_DEFLATED

    assert "compressed" in str(stick.refuses(packed(path, files, compressed)))
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the first file is said to be encrypted
    assert isinstance(stick.refuses(copied(path, bytes(data))), BundleInvalid)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice_is_refused(stick: Stick) -> None:
    path = stick.bundle()
    twice = packed(path, files_of(path))
    with zipfile.ZipFile(twice, "a") as archive:
        archive.writestr(zipfile.ZipInfo(CERTIFICATE), b"another")
    assert "twice" in str(stick.refuses(twice))


def test_a_list_of_files_without_end_is_not_read(stick: Stick) -> None:
    path = stick.directory / "huge.tenure"
    size = 3 * 2**30
    with path.open("wb") as file:
        file.truncate(size)  # sparse
        file.seek(size)
        file.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 0xFFFFFFF0, 0, 0))
    assert isinstance(stick.refuses(path), BundleInvalid)
    with path.open("r+b") as file:
        file.seek(size)
        record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, size, 0)
        locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, size, 1)
        file.write(record + locator + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, *[0xFFFF] * 2, *[0xFFFFFFFF] * 2, 0))
    assert isinstance(stick.refuses(path), BundleInvalid)


def test_what_is_no_bundle_is_said_to_be_none(stick: Stick) -> None:
    for number, data in enumerate((b"", b"hello", os.urandom(5_000))):
        path = stick.directory / f"file-{number}"
        path.write_bytes(data)
        assert isinstance(stick.refuses(path), BundleInvalid)
    with pytest.raises(TenureClientError, match="cannot be read"):
        stick.client().verify_bundle(stick.directory / "missing")


# The metadata


def test_a_bundle_of_another_vendor_is_refused(stick: Stick, tmp_path: Path) -> None:
    other = World(tmp_path / "other", MemoryDatabase())
    other.add_product()
    other.publish("1.1", TODAY)
    accept_air_gap_root(other)
    theirs = Stick(other, tmp_path, other.issue(TODAY)).bundle()
    assert isinstance(stick.refuses(theirs), UntrustedMetadata)


def test_a_bundle_of_another_product_is_refused(stick: Stick) -> None:
    stick.world.add_product(CAM)
    stick.world.publish("1.1", TODAY, product=CAM)
    theirs = stick.bundle(licence=stick.world.issue(TODAY, product=CAM))
    assert isinstance(stick.refuses(theirs), TrustError)


@pytest.mark.parametrize(
    "left_out", ["roots/air-gap.json", "metadata/timestamp.json", "cad.json", "licence-keys.json", CERTIFICATE]
)
def test_a_bundle_with_something_left_out_is_refused(stick: Stick, left_out: str) -> None:
    path = stick.bundle()
    files = {name: data for name, data in files_of(path).items() if not name.endswith(left_out)}
    assert isinstance(stick.refuses(packed(path, files)), TrustError)


def test_pieces_of_two_bundles_do_not_make_one(stick: Stick) -> None:
    old = files_of(stick.bundle())
    stick.world.today += timedelta(days=1)
    stick.world.publish("1.2", stick.world.today)
    path = stick.bundle("1.1")
    new = files_of(path)
    timestamp = "metadata/timestamp.json"
    assert isinstance(stick.refuses(packed(path, new | {timestamp: old[timestamp]})), TrustError)
    role = next(name for name in new if name.endswith(".cad.json"))
    older = next(data for name, data in old.items() if name.endswith(".cad.json"))
    assert isinstance(stick.refuses(packed(path, new | {role: older})), TrustError)


def test_the_online_keys_sign_no_bundle(stick: Stick) -> None:
    """A thief of the server's online keys makes no bundle that lives for months, nor a two-day one."""
    path = stick.bundle()
    with stick.world.database.reading() as records:
        published = read_published(records).repository
    online = stick.world.installation.keys.online_signers
    air_gap = files_of(path)[AIR_GAP_ROOT]
    forged = bundle_metadata(published, CAD, air_gap, online.snapshot, online.timestamp, stick.world.now())
    assert isinstance(stick.refuses(packed(path, files_of(path) | forged)), UntrustedMetadata)
    genuine = {f"metadata/{name}": data for name, data in published.files().items() if "root" not in name}
    assert isinstance(stick.refuses(packed(path, files_of(path) | genuine)), UntrustedMetadata)


def test_stolen_bundle_keys_add_no_build(stick: Stick) -> None:
    path = stick.bundle()
    files = files_of(path)
    with stick.world.database.reading() as records:
        published = read_published(records).repository
    role: Metadata[Targets] = Metadata.from_bytes(published.roles[CAD])
    evil = TargetFile.from_data(f"cad/1.1/{BUILD}", b"evil", ["sha256"])
    evil.unrecognized_fields = role.signed.targets[evil.path].unrecognized_fields
    role.signed.targets[evil.path] = evil
    role.signed.version += 1
    stolen = stick.world.installation.air_gap_keys.made()
    role.sign(stolen.snapshot)
    planted = Repository(published.roots, {**published.roles, CAD: role.to_bytes()})
    forged = bundle_metadata(planted, CAD, files[AIR_GAP_ROOT], stolen.snapshot, stolen.timestamp, stick.world.now())
    assert isinstance(stick.refuses(packed(path, files | forged)), UntrustedMetadata)


def test_a_bundles_timestamp_is_nothing_to_an_online_client(stick: Stick) -> None:
    """Else whoever holds a bundle could hold up everybody's updates for months."""
    files = files_of(stick.bundle())
    with stick.world.database.reading() as records:
        published = read_published(records).repository
    with pytest.raises(PublishingError, match="timestamp"):
        preflight(
            published,
            Repository(published.roots, {**published.roles, TIMESTAMP: files["metadata/timestamp.json"]}),
            stick.world.now(),
        )
    with pytest.raises(PublishingError):
        preflight(published, Repository((*published.roots, files[AIR_GAP_ROOT]), published.roles), stick.world.now())


def test_an_air_gap_root_needs_the_root_keys(stick: Stick) -> None:
    path = stick.bundle()
    files = files_of(path)
    root: Metadata[Root] = Metadata.from_bytes(files[AIR_GAP_ROOT])
    root.signatures.clear()
    assert isinstance(stick.refuses(packed(path, files | {AIR_GAP_ROOT: root.to_bytes()})), UntrustedMetadata)
    root.sign(tuf_signer(new_key()))
    assert isinstance(stick.refuses(packed(path, files | {AIR_GAP_ROOT: root.to_bytes()})), UntrustedMetadata)
    published = files["roots/1.root.json"]
    assert isinstance(stick.refuses(packed(path, files | {AIR_GAP_ROOT: published})), UntrustedMetadata)


def test_after_the_root_keys_changed_the_old_air_gap_root_is_refused(stick: Stick) -> None:
    before = files_of(stick.bundle())
    successor = tuf_signer(new_key())
    online = stick.world.installation.keys.online_signers
    keys = RootKeys(
        RoleKeys((successor.public_key,), 1),
        RoleKeys((stick.world.targets.public_key,), 1),
        online.snapshot.public_key,
        online.timestamp.public_key,
    )
    with stick.world.database.writing() as records:
        published = locked_repository(records)
        draft = next_root(published.roots[-1], keys, stick.world.now())
        publish_roles(
            records, published, {ROOT: sign(ROOT, draft, stick.world.root, successor)}, online, stick.world.now()
        )
    order = BundleOrder(stick.licence.licence.licence_id, stick.world.root_json)
    with pytest.raises(PublishingError, match="out of date"):
        stick.world.installation.create_bundle.plan(order)
    stick.world.root = successor
    stick.world.today += timedelta(days=1)
    accept_air_gap_root(stick.world)
    path = stick.bundle()
    stick.client().verify_bundle(path)
    assert isinstance(stick.refuses(packed(path, before)), UntrustedMetadata)


def test_a_bundle_is_not_for_ever(stick: Stick) -> None:
    path = stick.bundle()
    stick.world.today += timedelta(days=179)
    assert stick.client().verify_bundle(path).releases
    stick.world.today += timedelta(days=2)
    refused = stick.refuses(path)
    assert isinstance(refused, MetadataExpired)
    assert "new bundle" in str(refused.hint)


def test_a_damaged_floor_is_no_crash(stick: Stick) -> None:
    path = stick.bundle()
    stick.client().verify_bundle(path)
    for text in ("", "[]", "null", '{"cad": "x"}', "{" * 1_000, "\udcff"):
        (stick.state / "bundles.json").write_text(text, errors="surrogateescape")
        assert stick.client().verify_bundle(path).releases
    assert json.loads((stick.state / "bundles.json").read_text())["air-gap"] > 0


# The licence


def test_a_bundle_for_another_licence_is_refused(stick: Stick) -> None:
    path = stick.bundle(licence=stick.world.issue(date(2026, 3, 1), customer="Somebody Else"))
    stick.client(licence_key=stick.licence.key).verify_bundle(stick.bundle())
    assert isinstance(stick.refuses(path), CertificateRefused)
    assert isinstance(stick.refuses(path, licence_key=stick.licence.key), CertificateRefused)


def test_a_forged_licence_key_is_refused(stick: Stick) -> None:
    key = stick.licence.key[:-6] + "AAAAAA"
    refused = stick.refuses(stick.bundle(), licence_key=key)
    assert isinstance(refused, LicenceKeyInvalid)
    assert key not in str(refused)


def test_what_the_certificate_does_not_cover_is_refused(stick: Stick) -> None:
    """Somebody puts the certificate of a licence without support into a bundle for one with it."""
    path = stick.bundle()
    poor = stick.world.issue(date(2025, 6, 1), smp_years=None)
    files = files_of(path) | {CERTIFICATE: files_of(stick.bundle("1.0", licence=poor))[CERTIFICATE]}
    refused = stick.refuses(packed(path, files))
    assert isinstance(refused, NotCovered)
    assert refused.reason == "never_supported"


def test_a_forged_certificate_is_refused(stick: Stick) -> None:
    path = stick.bundle()
    files = files_of(path)
    header, claims, signature = files[CERTIFICATE].decode().strip().split(".")
    for text in ("", "x", f"{header}.{claims}.{signature[::-1]}", "\xff", f"{header}.{claims}.{signature}" * 90):
        bad = packed(path, files | {CERTIFICATE: text.encode("latin-1")})
        assert isinstance(stick.refuses(bad), CertificateRefused | BundleInvalid)


def test_a_revoked_licence_gets_nothing_from_an_older_bundle(stick: Stick) -> None:
    """The newer certificate came with another bundle."""
    older = stick.bundle()
    stick.client(licence_key=stick.licence.key).verify_bundle(older)
    stick.world.today += timedelta(days=1)
    stick.world.change_status(stick.licence.licence, LicenceStatus.REVOKED)
    with stick.world.database.reading() as records:
        revoked = records.licences.get(stick.licence.licence.licence_id)
    assert revoked is not None
    (stick.state / "certificate").write_text(stick.world.installation.show_licence(revoked).certificate)
    refused = stick.refuses(older)
    assert isinstance(refused, NotCovered)
    assert refused.reason == "licence_revoked"


def test_no_downgrade_and_nothing_that_is_not_in_it(stick: Stick) -> None:
    path = stick.bundle("1.0", "1.1")
    stick.installed = "1.1"
    with pytest.raises(DowngradeRefused):
        stick.client().download_from_bundle(path, stick.out, "1.0")
    with pytest.raises(UnknownRelease, match=r"above 1\.1"):
        stick.client().download_from_bundle(path, stick.out)
    assert stick.client().download_from_bundle(path, stick.out, "1.0", allow_downgrade=True).exists()
    stick.installed = "1.0"
    with pytest.raises(UnknownRelease, match="does not hold"):
        stick.client().download_from_bundle(stick.bundle("1.0"), stick.out, "1.1")


# The vendor's side


def test_the_vendor_bundles_only_what_is_covered_and_whole(stick: Stick) -> None:
    poor = stick.world.issue(date(2025, 6, 1), smp_years=None)
    with pytest.raises(Forbidden) as refused:
        stick.bundle("1.1", licence=poor)
    assert refused.value.code == "never_supported"
    assert [str(r.version) for r in stick.client().verify_bundle(stick.bundle(licence=poor)).releases] == ["1.0"]
    release = stick.world.installation.catalogue.current().product(CAD).releases[1]
    stick.world.installation.store.delete(store_key(release.builds[0]))
    with pytest.raises(ObjectMismatch):
        stick.bundle("1.1")
    assert not [path for path in stick.directory.iterdir() if path.name.endswith(".part")]
    assert release.version == Version("1.1")


def test_without_an_air_gap_root_there_is_no_bundle(stick: Stick, tmp_path: Path) -> None:
    world = World(tmp_path / "new", MemoryDatabase())
    world.add_product()
    world.publish("1.0", TODAY)
    with pytest.raises(Conflict) as refused:
        Stick(world, tmp_path, world.issue(TODAY)).bundle()
    assert refused.value.code == "no_air_gap_root"


def test_the_audit_trail_tells_what_was_bundled_for_whom(stick: Stick) -> None:
    stick.bundle()
    with stick.world.database.reading() as records:
        events = records.audit.newest(action="bundle")
    assert [(event.who, event.action) for event in events] == [(WHO, "bundle.create"), (WHO, "bundle.root")]
    assert events[0].details["versions"] == ["1.1"]
    assert events[0].subject == stick.licence.licence.licence_id
