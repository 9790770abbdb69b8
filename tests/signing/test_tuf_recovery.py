"""After an old backup: what mirrors and clients hold is taken up if it is genuine, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
from tuf.api.metadata import Snapshot, Timestamp

from tenure_signing.errors import NotEnoughSignatures, PublishingError
from tenure_signing.tuf_drafts import next_root, sign, with_licence_keys
from tenure_signing.tuf_preflight import preflight
from tenure_signing.tuf_recovery import (
    Seen,
    caught_up,
    counted_on,
    missing_trusted_targets,
    seen_in,
    seen_repository,
)
from tenure_signing.tuf_repository import Repository, load
from tenure_signing.tuf_roles import LICENCE_KEYS_PATH
from tests.signing.drafting import KEY_SET, a_vendor
from tests.signing.tuf_repository import CAD, NOW, VIEWER, Vendor, a_release, looked_up, new_signers

PATH = "cad/4.3.0/cad-4.3.0.tar.gz"


@pytest.fixture
def vendor() -> Vendor:
    return a_vendor()


def mirror(repository: Repository, *more: tuple[str, bytes]) -> Seen:
    """A bucket with everything published."""
    return seen_in((*repository.files().items(), *more))


def recovered(vendor: Vendor, backup: Repository, seen: Seen) -> Repository:
    return counted_on(caught_up(backup, seen), seen, vendor.snapshot, vendor.timestamp, NOW)


def rotated_root(vendor: Vendor) -> bytes:
    return sign("root", next_root(vendor.repository.roots[-1], vendor.root_keys(), NOW), *vendor.root[:2])


def test_everything_published_since_the_backup_is_back(vendor: Vendor, tmp_path: Path) -> None:
    backup = vendor.repository
    vendor.submit({"root": rotated_root(vendor)})
    vendor.add_product(VIEWER)
    vendor.publish(a_release("4.3.0"))
    client = tmp_path / "client"
    client.mkdir()
    assert looked_up(vendor.repository, PATH, client) is not None
    seen = mirror(vendor.repository)
    after = recovered(vendor, backup, seen)
    assert after.roots == vendor.repository.roots
    offline = {role for role in after.roles if role not in ("snapshot", "timestamp")}
    assert {role: after.roles[role] for role in offline} == {role: vendor.repository.roles[role] for role in offline}
    held = seen_repository(after, seen)
    assert held is not None
    preflight(backup, after, NOW)
    preflight(held, after, NOW)
    assert looked_up(after, PATH, client) is not None


def test_versions_are_above_what_was_seen_and_what_the_clock_allows(vendor: Vendor) -> None:
    after = recovered(vendor, vendor.repository, Seen())
    at_least = int(NOW.timestamp())
    assert load("snapshot", after.roles["snapshot"], Snapshot).signed.version == at_least + 1
    assert load("timestamp", after.roles["timestamp"], Timestamp).signed.version == at_least + 1
    again = recovered(vendor, vendor.repository, mirror(after))
    assert load("timestamp", again.roles["timestamp"], Timestamp).signed.version == at_least + 2
    assert seen_repository(after, Seen()) is None


def test_a_client_that_knew_neither_root_nor_product_cannot_add_them_unsigned(vendor: Vendor) -> None:
    backup, thief = vendor.repository, Vendor()
    forged = sign("root", next_root(backup.roots[-1], thief.root_keys(), NOW), *thief.root)
    with pytest.raises(NotEnoughSignatures):
        caught_up(backup, mirror(backup, ("2.root.json", forged)))
    vendor.publish(a_release("4.3.0"))
    role = sign(CAD, vendor.repository.roles[CAD].replace(b"4.3.0", b"6.6.6"), *new_signers(1))
    with pytest.raises(NotEnoughSignatures):
        caught_up(backup, mirror(backup, ("3.cad.json", role)))


def test_another_history_is_not_mixed_with_what_was_restored(vendor: Vendor) -> None:
    backup, stranger = vendor.repository, a_vendor()
    with pytest.raises(PublishingError, match="version 1 of root was seen with other bytes"):
        caught_up(backup, mirror(stranger.repository))
    with pytest.raises(PublishingError, match="targets was seen in its restored version, but with other bytes"):
        caught_up(backup, Seen(roles={"targets": stranger.repository.roles["targets"]}))


def test_what_is_known_to_be_missing_is_said(vendor: Vendor) -> None:
    backup = vendor.repository
    vendor.publish(a_release("4.3.0"))
    vendor.add_product(VIEWER)
    complete = dict(vendor.repository.files())
    without_viewer = seen_in((name, data) for name, data in complete.items() if "viewer" not in name)
    with pytest.raises(PublishingError, match="the product viewer was added since the backup"):
        caught_up(backup, without_viewer)
    without_cad = seen_in((name, data) for name, data in complete.items() if "cad" not in name)
    with pytest.raises(PublishingError, match="cad version 3 was published since the backup"):
        caught_up(backup, without_cad)


def test_the_licence_keys_come_with_the_targets_that_list_them(vendor: Vendor) -> None:
    key_set = KEY_SET.retiring(KEY_SET.keys[0].kid, NOW).to_json()
    targets = sign("targets", with_licence_keys(vendor.repository.roles["targets"], key_set, NOW), *vendor.targets[:2])
    vendor.submit({"targets": targets})
    known = {LICENCE_KEYS_PATH: KEY_SET.to_json()}
    with pytest.raises(PublishingError, match="changed since the backup, and the file was not seen"):
        missing_trusted_targets(vendor.repository, known, mirror(vendor.repository))
    seen = mirror(vendor.repository, ("licence-keys.json", key_set))
    assert missing_trusted_targets(vendor.repository, known, seen) == {LICENCE_KEYS_PATH: key_set}
    assert missing_trusted_targets(vendor.repository, {LICENCE_KEYS_PATH: key_set}, Seen()) == {}


def test_files_that_are_no_metadata_are_passed_over(vendor: Vendor) -> None:
    others = (("3.cad.json", b"{}"), ("notes.txt", b"x"), ("../1.root.json", b"y"), ("targets.json", b"\xff"))
    assert seen_in(others).roles == {}
    assert seen_in(others).roots == {}
    assert caught_up(vendor.repository, seen_in(others)) == vendor.repository


def test_the_wrong_online_keys_recover_nothing(vendor: Vendor) -> None:
    (stranger,) = new_signers(1)
    with pytest.raises(NotEnoughSignatures):
        counted_on(vendor.repository, Seen(), stranger, vendor.timestamp, NOW)
