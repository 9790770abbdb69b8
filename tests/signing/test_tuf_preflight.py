"""The preflight catches what a real client would refuse, even where every other check was passed by."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from securesystemslib.signer import Signer
from tuf.api.metadata import DelegatedRole, Metadata, MetaFile, Snapshot, TargetFile, Targets, Timestamp

from tenure_signing.errors import PreflightFailed
from tenure_signing.tuf_drafts import next_root, renewed, sign, with_product_keys, with_release
from tenure_signing.tuf_preflight import preflight
from tenure_signing.tuf_publishing import resigned
from tenure_signing.tuf_repository import Repository, load
from tests.signing.tuf_repository import (
    A_DAY,
    CAD,
    NOW,
    VIEWER,
    Vendor,
    a_release,
    looked_up,
    new_signers,
    role_keys,
)

PATH = "cad/4.2.1/cad-4.2.1.tar.gz"


@pytest.fixture
def vendor() -> Vendor:
    vendor = Vendor()
    vendor.add_product()
    vendor.publish(a_release("4.2.0"))
    return vendor


def published_unchecked(
    vendor: Vendor,
    roles: Mapping[str, bytes],
    *,
    without: Iterable[str] = (),
    roots: tuple[bytes, ...] | None = None,
    snapshot_version: int | None = None,
    timestamp_version: int | None = None,
) -> Repository:
    """What a server without any check of its own would publish: correctly signed online, whatever the roles are."""
    old = vendor.repository.roles
    snapshot_before = load("snapshot", old["snapshot"], Snapshot).signed
    timestamp_before = load("timestamp", old["timestamp"], Timestamp).signed
    listed = {role: data for role, data in {**old, **roles}.items() if role not in ("snapshot", "timestamp", *without)}
    meta = {
        f"{role}.json": MetaFile.from_data(load(role, data, Targets).signed.version, data, ["sha256"])
        for role, data in listed.items()
    }
    version = snapshot_version or snapshot_before.version + 1
    snapshot = _signed(Metadata(Snapshot(version, None, NOW + A_DAY, meta)), vendor.snapshot)
    stamp = Timestamp(
        timestamp_version or timestamp_before.version + 1,
        None,
        NOW + A_DAY,
        MetaFile.from_data(version, snapshot, ["sha256"]),
    )
    timestamp = _signed(Metadata(stamp), vendor.timestamp)
    return Repository(roots or vendor.repository.roots, {**listed, "snapshot": snapshot, "timestamp": timestamp})


def _signed(metadata: Metadata[Snapshot] | Metadata[Timestamp], signer: Signer) -> bytes:
    metadata.sign(signer)
    return metadata.to_bytes()


def next_release(vendor: Vendor) -> bytes:
    return sign(CAD, with_release(vendor.repository.roles[CAD], a_release(), NOW), *vendor.engineers[CAD])


def test_what_is_in_order_passes_for_a_new_and_for_an_old_client(vendor: Vendor) -> None:
    preflight(vendor.repository, published_unchecked(vendor, {CAD: next_release(vendor)}), NOW)
    preflight(None, vendor.repository, NOW)
    preflight(vendor.repository, vendor.repository, NOW)


def test_no_temporary_file_is_left_behind(vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    preflight(vendor.repository, vendor.repository, NOW)
    with pytest.raises(PreflightFailed):
        preflight(vendor.repository, vendor.repository, NOW + 90 * A_DAY)
    assert list(tmp_path.iterdir()) == []


def test_a_foreign_path_is_invisible_to_clients_and_stopped(vendor: Vendor, tmp_path: Path) -> None:
    vendor.add_product(VIEWER)
    foreign = "viewer/9.9.9/b.bin"
    role = load(CAD, renewed(CAD, vendor.repository.roles[CAD], NOW), Targets)
    role.signed.targets[foreign] = TargetFile.from_data(foreign, b"trojan", ["sha256"])
    after = published_unchecked(vendor, {CAD: sign(CAD, role.to_bytes(), *vendor.engineers[CAD])})
    assert looked_up(after, foreign, tmp_path) is None
    with pytest.raises(PreflightFailed, match=r"a fresh client does not find viewer/9\.9\.9/b\.bin as it is listed"):
        preflight(vendor.repository, after, NOW)


def test_a_path_of_the_wrong_depth_is_stopped(vendor: Vendor) -> None:
    path = "cad/4.2.1/linux/cad.tar.gz"
    role = load(CAD, renewed(CAD, vendor.repository.roles[CAD], NOW), Targets)
    role.signed.targets[path] = TargetFile.from_data(path, b"x", ["sha256"])
    after = published_unchecked(vendor, {CAD: sign(CAD, role.to_bytes(), *vendor.engineers[CAD])})
    with pytest.raises(PreflightFailed, match="does not find cad/4"):
        preflight(vendor.repository, after, NOW)


def test_a_target_that_another_role_overrides_is_stopped(vendor: Vendor) -> None:
    targets = load("targets", renewed("targets", vendor.repository.roles["targets"], NOW), Targets)
    targets.signed.targets[PATH] = TargetFile.from_data(PATH, b"something else", ["sha256"])
    after = published_unchecked(
        vendor, {CAD: next_release(vendor), "targets": sign("targets", targets.to_bytes(), *vendor.targets[:2])}
    )
    with pytest.raises(PreflightFailed, match="does not find cad/4"):
        preflight(vendor.repository, after, NOW)


def test_a_forgotten_signature_after_a_change_of_keys_is_stopped(vendor: Vendor) -> None:
    targets = with_product_keys(vendor.repository.roles["targets"], CAD, role_keys(new_signers(1), 1), NOW)
    after = published_unchecked(vendor, {"targets": sign("targets", targets, *vendor.targets[:2])})
    with pytest.raises(PreflightFailed, match="reading the role of product cad: cad was signed by 0/1 keys"):
        preflight(vendor.repository, after, NOW)


def test_targets_with_too_few_signatures_are_stopped(vendor: Vendor) -> None:
    targets = sign("targets", renewed("targets", vendor.repository.roles["targets"], NOW), vendor.targets[0])
    with pytest.raises(PreflightFailed, match="refreshing: targets was signed by 1/2 keys"):
        preflight(vendor.repository, published_unchecked(vendor, {"targets": targets}), NOW)


def test_a_dropped_role_is_stopped_for_the_sake_of_old_clients(vendor: Vendor) -> None:
    vendor.add_product(VIEWER)
    targets = load("targets", renewed("targets", vendor.repository.roles["targets"], NOW), Targets)
    assert targets.signed.delegations is not None
    assert targets.signed.delegations.roles is not None
    del targets.signed.delegations.roles[VIEWER]
    signed = sign("targets", targets.to_bytes(), *vendor.targets[:2])
    after = published_unchecked(vendor, {"targets": signed}, without=[VIEWER])
    with pytest.raises(PreflightFailed, match="published before fails at refreshing: New snapshot is missing info for"):
        preflight(vendor.repository, after, NOW)


def test_a_delegated_role_without_a_file_is_stopped(vendor: Vendor) -> None:
    after = published_unchecked(vendor, {}, without=[CAD])
    with pytest.raises(PreflightFailed, match="Role cad was delegated but is not part of snapshot"):
        preflight(None, after, NOW)


@pytest.mark.parametrize(
    ("snapshot_version", "timestamp_version", "complaint"),
    [
        (None, 1, "New timestamp version 1 must be >= 3"),
        (1, None, "New snapshot version must be >= 3"),
    ],
)
def test_a_version_that_goes_back_is_stopped_for_the_sake_of_old_clients(
    vendor: Vendor, snapshot_version: int | None, timestamp_version: int | None, complaint: str
) -> None:
    after = published_unchecked(
        vendor,
        {CAD: next_release(vendor)},
        snapshot_version=snapshot_version,
        timestamp_version=timestamp_version,
    )
    with pytest.raises(PreflightFailed, match=f"published before fails at refreshing: {complaint}"):
        preflight(vendor.repository, after, NOW)


def test_an_older_product_role_is_stopped_for_the_sake_of_old_clients(vendor: Vendor) -> None:
    older = vendor.repository.roles[CAD]
    vendor.publish(a_release())
    after = published_unchecked(vendor, {CAD: older})
    with pytest.raises(PreflightFailed, match=r"published before fails at refreshing: Expected cad\.json version"):
        preflight(vendor.repository, after, NOW)


def test_a_timestamp_that_was_not_counted_up_is_stopped(vendor: Vendor) -> None:
    current = load("timestamp", vendor.repository.roles["timestamp"], Timestamp).signed.version
    after = published_unchecked(vendor, {CAD: next_release(vendor)}, timestamp_version=current)
    with pytest.raises(PreflightFailed, match="a client that has what was published before"):
        preflight(vendor.repository, after, NOW)


@pytest.mark.parametrize(
    ("days", "complaint"),
    [
        (3, r"refreshing: timestamp\.json is expired"),
        (400, "refreshing: New root is expired|refreshing: root.json is expired|refreshing: .*expired"),
    ],
)
def test_what_is_expired_is_stopped(vendor: Vendor, days: int, complaint: str) -> None:
    with pytest.raises(PreflightFailed, match=complaint):
        preflight(None, vendor.repository, NOW + days * A_DAY)


def test_an_expired_product_role_is_stopped(vendor: Vendor) -> None:
    before, now = vendor.repository, NOW + 181 * A_DAY
    after = resigned(published_unchecked(vendor, {CAD: next_release(vendor)}), vendor.snapshot, vendor.timestamp, now)
    with pytest.raises(PreflightFailed, match="reading the role of product cad: New cad is expired"):
        preflight(before, after, now)


def test_a_product_that_lapsed_before_holds_up_nothing_but_itself(vendor: Vendor) -> None:
    vendor.now += 181 * A_DAY
    vendor.take(vendor.resign(vendor.repository))
    vendor.submit({CAD: sign(CAD, renewed(CAD, vendor.repository.roles[CAD], vendor.now), *vendor.engineers[CAD])})


def test_bytes_other_than_the_snapshot_states_are_stopped(vendor: Vendor) -> None:
    after = published_unchecked(vendor, {CAD: next_release(vendor)})
    signed_again = sign(CAD, after.roles[CAD], *new_signers(1))
    swapped = Repository(after.roots, {**after.roles, CAD: signed_again})
    with pytest.raises(PreflightFailed, match="reading the role of product cad"):
        preflight(vendor.repository, swapped, NOW)


def test_bytes_that_are_no_metadata_are_stopped(vendor: Vendor) -> None:
    after = Repository(vendor.repository.roots, {**vendor.repository.roles, CAD: b"{}"})
    with pytest.raises(PreflightFailed, match="the staged metadata cannot be read: the metadata of cad"):
        preflight(vendor.repository, after, NOW)


def test_another_first_root_is_stopped(vendor: Vendor) -> None:
    with pytest.raises(PreflightFailed, match="versions of root are not the same any more"):
        preflight(vendor.repository, Vendor().repository, NOW)


def test_a_root_that_the_old_root_did_not_sign_is_stopped(vendor: Vendor) -> None:
    stranger = Vendor()
    root = sign("root", next_root(vendor.repository.roots[0], stranger.root_keys(), NOW), *stranger.root)
    after = Repository((*vendor.repository.roots, root), vendor.repository.roles)
    with pytest.raises(PreflightFailed, match="a fresh client fails at refreshing: root was signed by 0/2 keys"):
        preflight(vendor.repository, after, NOW)


def test_a_wide_delegation_to_another_product_is_not_a_way_around(vendor: Vendor) -> None:
    """Two roles for one path: clients ask the first, so the second's entry is not found as it is listed."""
    vendor.add_product(VIEWER)
    targets = load("targets", renewed("targets", vendor.repository.roles["targets"], NOW), Targets)
    assert targets.signed.delegations is not None
    assert targets.signed.delegations.roles is not None
    old = targets.signed.delegations.roles[VIEWER]
    targets.signed.delegations.roles[VIEWER] = DelegatedRole(VIEWER, old.keyids, 1, True, ["*/*/*"])
    role = load(VIEWER, renewed(VIEWER, vendor.repository.roles[VIEWER], NOW), Targets)
    role.signed.targets[PATH] = TargetFile.from_data(PATH, b"trojan", ["sha256"])
    after = published_unchecked(
        vendor,
        {
            "targets": sign("targets", targets.to_bytes(), *vendor.targets[:2]),
            VIEWER: sign(VIEWER, role.to_bytes(), *vendor.engineers[VIEWER]),
        },
    )
    with pytest.raises(PreflightFailed, match="does not find cad/4"):
        preflight(vendor.repository, after, NOW)
