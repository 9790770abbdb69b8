"""Drafting, signing and accepting TUF roles, read back by a real client."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Snapshot,
    Targets,
    Timestamp,
)

from tenure_signing.errors import (
    ImmutableRelease,
    InvalidName,
    InvalidReleaseRecord,
    NotEnoughSignatures,
    PublishingError,
)
from tenure_signing.names import Platform, ProductName
from tenure_signing.release_record import releases_of
from tenure_signing.releases import Release, Withdrawal
from tenure_signing.tuf_drafts import (
    RoleKeys,
    RootKeys,
    first_product_role,
    first_root,
    first_targets,
    next_root,
    renewed,
    sign,
    with_licence_keys,
    with_product,
    with_product_keys,
    with_release,
    with_signatures_of,
)
from tenure_signing.tuf_publishing import initial_repository, resigned, roles_to_resign, with_roles
from tenure_signing.tuf_repository import Repository, load, signature_status, staged
from tenure_signing.tuf_roles import LICENCE_KEYS_PATH, needs_resigning, policy_of
from tenure_signing.versions import Version
from tests.signing.tuf_repository import (
    A_DAY,
    CAD,
    LICENCE_KEYS,
    NOW,
    VIEWER,
    Vendor,
    a_client,
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
    return vendor


def state(tmp_path: Path, name: str = "client") -> Path:
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    return folder


def edited(data: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The metadata with its signed part changed by hand, unsigned."""
    metadata = json.loads(data)
    change(metadata["signed"])
    metadata["signatures"] = []
    return json.dumps(metadata).encode()


# The first repository


def test_a_fresh_client_accepts_the_first_repository_and_finds_the_licence_keys(tmp_path: Path) -> None:
    vendor = Vendor()
    target = looked_up(vendor.repository, LICENCE_KEYS_PATH, state(tmp_path))
    assert target is not None
    target.verify_length_and_hashes(LICENCE_KEYS)


def test_the_first_files_are_written_with_timestamp_last() -> None:
    files = staged(None, Vendor().repository)
    assert list(files) == ["1.targets.json", "1.snapshot.json", "1.root.json", "timestamp.json"]
    assert all(b'": ' not in data and b"\n" not in data for data in files.values())


def test_a_small_vendor_may_use_one_key_for_root_and_targets(tmp_path: Path) -> None:
    one, snapshot, timestamp = new_signers(3)
    keys = role_keys((one,), 1)
    root = sign("root", first_root(RootKeys(keys, keys, snapshot.public_key, timestamp.public_key), NOW), one)
    targets = sign("targets", first_targets(LICENCE_KEYS, NOW), one)
    repository = initial_repository(root, targets, snapshot, timestamp, NOW)
    assert looked_up(repository, LICENCE_KEYS_PATH, state(tmp_path)) is not None


def test_a_root_with_too_few_signatures_is_refused() -> None:
    vendor = Vendor()
    root = sign("root", first_root(vendor.root_keys(), NOW), vendor.root[0])
    with pytest.raises(NotEnoughSignatures, match="root is signed by 1 of the 2 keys it needs"):
        initial_repository(root, vendor.repository.roles["targets"], vendor.snapshot, vendor.timestamp, NOW)


def test_an_online_key_may_not_sign_root_or_targets() -> None:
    vendor = Vendor()
    online = vendor.snapshot.public_key
    with pytest.raises(PublishingError, match="may not sign root or targets"):
        RootKeys(RoleKeys((online,), 1), role_keys(vendor.targets, 2), online, vendor.timestamp.public_key)


@pytest.mark.parametrize("generate", [CryptoSigner.generate_ed25519, CryptoSigner.generate_ecdsa])
@pytest.mark.parametrize("respell", [str, str.upper, lambda text: text.replace("\n", "\r\n") + "\n"])
def test_one_key_under_two_ids_does_not_count_as_two_people(
    generate: Callable[[], CryptoSigner], respell: Callable[[str], str]
) -> None:
    key = generate().public_key
    twin = SSlibKey("0" * 64, key.keytype, key.scheme, {"public": respell(key.keyval["public"])})
    with pytest.raises(PublishingError, match=r"a key is given twice|has no public part that can be read"):
        RoleKeys((key, twin), 2)


@pytest.mark.parametrize("threshold", [0, 4, -1, True, 1.0])
def test_a_threshold_that_cannot_be_met_is_refused(threshold: int) -> None:
    with pytest.raises(PublishingError, match="of 3 keys cannot sign"):
        RoleKeys(tuple(signer.public_key for signer in new_signers(3)), threshold)


# Products and releases


def test_a_client_finds_a_published_build_with_its_signed_facts(vendor: Vendor, tmp_path: Path) -> None:
    release = a_release()
    vendor.publish(release)
    target = looked_up(vendor.repository, PATH, state(tmp_path))
    assert target is not None
    assert releases_of(CAD, {PATH: target}) == (release,)


def test_publishing_writes_only_what_changed_with_timestamp_last(vendor: Vendor) -> None:
    before = vendor.repository
    vendor.publish(a_release())
    assert list(staged(before, vendor.repository)) == ["2.cad.json", "3.snapshot.json", "timestamp.json"]


def test_a_client_that_was_there_before_sees_the_next_release(vendor: Vendor, tmp_path: Path) -> None:
    vendor.publish(a_release("4.2.0"))
    assert looked_up(vendor.repository, PATH, state(tmp_path)) is None
    vendor.publish(a_release("4.2.1"))
    assert looked_up(vendor.repository, PATH, state(tmp_path)) is not None


def test_a_second_product_leaves_the_first_byte_for_byte_as_it_was(vendor: Vendor, tmp_path: Path) -> None:
    vendor.publish(a_release())
    first = vendor.repository.roles[CAD]
    vendor.add_product(VIEWER)
    vendor.publish(a_release("1.0", product=VIEWER))
    assert vendor.repository.roles[CAD] == first
    assert looked_up(vendor.repository, PATH, state(tmp_path)) is not None
    assert looked_up(vendor.repository, "viewer/1.0/viewer-1.0.tar.gz", state(tmp_path)) is not None


def test_a_product_is_added_once(vendor: Vendor) -> None:
    with pytest.raises(PublishingError, match="the product cad is already there"):
        with_product(vendor.repository.roles["targets"], CAD, role_keys(new_signers(1), 1), NOW)


def test_a_product_cannot_take_the_name_of_a_role(vendor: Vendor) -> None:
    with pytest.raises(InvalidName, match="name of a TUF role"):
        with_product(vendor.repository.roles["targets"], ProductName("snapshot"), role_keys(new_signers(1), 1), NOW)


def test_a_delegation_without_its_role_is_refused(vendor: Vendor) -> None:
    draft = with_product(vendor.repository.roles["targets"], VIEWER, role_keys(new_signers(1), 1), NOW)
    with pytest.raises(PublishingError, match="viewer is delegated, but its role is missing"):
        vendor.submit({"targets": sign("targets", draft, *vendor.targets[:2])})


def test_new_licence_keys_reach_the_client(vendor: Vendor, tmp_path: Path) -> None:
    draft = with_licence_keys(vendor.repository.roles["targets"], b"new keys", NOW)
    vendor.submit({"targets": sign("targets", draft, *vendor.targets[1:])})
    target = looked_up(vendor.repository, LICENCE_KEYS_PATH, state(tmp_path))
    assert target is not None
    target.verify_length_and_hashes(b"new keys")


def test_a_role_that_is_renewed_keeps_what_it_lists_and_lives_longer(vendor: Vendor) -> None:
    vendor.publish(a_release())
    before = vendor.releases()
    vendor.now += 120 * A_DAY
    vendor.submit({CAD: sign(CAD, renewed(CAD, vendor.repository.roles[CAD], vendor.now), *vendor.engineers[CAD])})
    assert vendor.releases() == before
    assert vendor.repository.targets(CAD).expires == vendor.now + 180 * A_DAY


def test_the_same_submission_twice_changes_nothing(vendor: Vendor) -> None:
    role = sign(CAD, with_release(vendor.repository.roles[CAD], a_release(), NOW), *vendor.engineers[CAD])
    vendor.submit({CAD: role})
    assert with_roles(vendor.repository, {CAD: role}, NOW) == vendor.repository


def test_publishing_the_same_release_again_drafts_nothing(vendor: Vendor) -> None:
    vendor.publish(a_release())
    role = vendor.repository.roles[CAD]
    assert with_release(role, a_release(), NOW) is role


# What never changes


def test_a_release_gains_builds_for_further_platforms(vendor: Vendor) -> None:
    vendor.publish(a_release())
    vendor.publish(a_release(files={"cad-4.2.1.zip": b"w"}, platform=Platform("windows", "x86_64")))
    (release,) = vendor.releases()
    assert [build.file_name for build in release.builds] == ["cad-4.2.1.tar.gz", "cad-4.2.1.zip"]


@pytest.mark.parametrize(
    ("again", "complaint"),
    [
        (a_release(files={"cad-4.2.1.tar.gz": b"other bytes"}), "its length, hash and facts never change"),
        (a_release(platform=Platform("linux", "aarch64")), "its length, hash and facts never change"),
        (a_release(released_on=date(2026, 11, 22)), "published with another released_on"),
        (a_release(files={"b.zip": b"b"}, released_on=date(2026, 11, 24)), "published with another released_on"),
        (a_release(files={"b.zip": b"b"}, editions=("standard",)), "published with another editions"),
        (a_release(files={"b.zip": b"b"}, open_release=True), "published with another open_release"),
        (a_release("4.2.1.0"), "4.2.1.0 is the release number of cad 4.2.1"),
    ],
)
def test_what_is_published_is_not_drafted_otherwise(vendor: Vendor, again: Release, complaint: str) -> None:
    vendor.publish(a_release())
    with pytest.raises(ImmutableRelease, match=complaint):
        with_release(vendor.repository.roles[CAD], again, NOW)


def change_hash(signed: dict[str, Any]) -> None:
    signed["targets"][PATH]["hashes"]["sha256"] = "0" * 64


def change_length(signed: dict[str, Any]) -> None:
    signed["targets"][PATH]["length"] += 1


def change_day(signed: dict[str, Any]) -> None:
    signed["targets"][PATH]["custom"]["tenure"]["released_on"] = "2020-01-01"


def add_other_namespace(signed: dict[str, Any]) -> None:
    signed["targets"][PATH]["custom"]["acme"] = {}


def remove(signed: dict[str, Any]) -> None:
    del signed["targets"][PATH]


@pytest.mark.parametrize("change", [change_hash, change_length, change_day, add_other_namespace, remove])
def test_a_signed_role_that_changes_what_is_published_is_not_accepted(
    vendor: Vendor, change: Callable[[dict[str, Any]], None]
) -> None:
    vendor.publish(a_release())
    forged = edited(renewed(CAD, vendor.repository.roles[CAD], NOW), change)
    with pytest.raises(ImmutableRelease, match=r"cad/4\.2\.1"):
        with_roles(vendor.repository, {CAD: sign(CAD, forged, *vendor.engineers[CAD])}, NOW)


def test_a_withdrawn_release_stays_listed_with_its_reason_and_replacement(vendor: Vendor, tmp_path: Path) -> None:
    vendor.publish(a_release("4.2.1"))
    vendor.publish(a_release("4.2.2"))
    vendor.withdraw(CAD, "4.2.1", Withdrawal("Loses drawings", Version("4.2.2")))
    assert vendor.releases()[0].withdrawal == Withdrawal("Loses drawings", Version("4.2.2"))
    target = looked_up(vendor.repository, PATH, state(tmp_path))
    assert target is not None
    assert target.custom["tenure"]["withdrawn"] == {"reason": "Loses drawings", "replacement": "4.2.2"}


def test_a_withdrawal_can_name_its_replacement_later(vendor: Vendor) -> None:
    vendor.publish(a_release("4.2.1"))
    vendor.withdraw(CAD, "4.2.1", Withdrawal("Loses drawings"))
    vendor.publish(a_release("4.2.2"))
    vendor.withdraw(CAD, "4.2.1", Withdrawal("Loses drawings", Version("4.2.2")))
    assert vendor.releases()[0].withdrawal == Withdrawal("Loses drawings", Version("4.2.2"))


@pytest.mark.parametrize(
    ("version", "replacement", "complaint"),
    [
        ("9.9", None, "cad 9.9 was never published"),
        ("4.2.1", Version("9.9"), "the replacement cad 9.9 is not published"),
        ("4.2.1", Version("4.1"), "the replacement cad 4.1 is not published, or withdrawn"),
    ],
)
def test_a_withdrawal_names_releases_that_are_there(
    vendor: Vendor, version: str, replacement: Version | None, complaint: str
) -> None:
    vendor.publish(a_release("4.2.1"))
    vendor.publish(a_release("4.1"))
    vendor.withdraw(CAD, "4.1", Withdrawal("bad"))
    with pytest.raises(PublishingError, match=complaint):
        vendor.withdraw(CAD, version, Withdrawal("bad", replacement))


def test_a_withdrawal_without_a_readable_reason_is_refused(vendor: Vendor) -> None:
    vendor.publish(a_release())
    with pytest.raises(InvalidReleaseRecord, match="reason"):
        vendor.withdraw(CAD, "4.2.1", Withdrawal("\n"))


@pytest.mark.parametrize("again", [a_release(), a_release(files={"b.zip": b"b"}), a_release("4.2.1.0")])
def test_the_number_of_a_withdrawn_release_is_burnt(vendor: Vendor, again: Release) -> None:
    vendor.publish(a_release())
    vendor.withdraw(CAD, "4.2.1", Withdrawal("bad"))
    with pytest.raises(ImmutableRelease):
        with_release(vendor.repository.roles[CAD], again, NOW)


def test_a_signed_role_cannot_lift_a_withdrawal(vendor: Vendor) -> None:
    vendor.publish(a_release())
    vendor.withdraw(CAD, "4.2.1", Withdrawal("bad"))

    def lift(signed: dict[str, Any]) -> None:
        del signed["targets"][PATH]["custom"]["tenure"]["withdrawn"]

    forged = sign(CAD, edited(renewed(CAD, vendor.repository.roles[CAD], NOW), lift), *vendor.engineers[CAD])
    with pytest.raises(ImmutableRelease, match="withdrawn, and stays so"):
        with_roles(vendor.repository, {CAD: forged}, NOW)


def test_a_signed_role_cannot_add_builds_to_a_withdrawn_release(vendor: Vendor) -> None:
    vendor.publish(a_release())
    vendor.withdraw(CAD, "4.2.1", Withdrawal("bad"))

    def add(signed: dict[str, Any]) -> None:
        signed["targets"]["cad/4.2.1/b.zip"] = signed["targets"][PATH]

    forged = sign(CAD, edited(renewed(CAD, vendor.repository.roles[CAD], NOW), add), *vendor.engineers[CAD])
    with pytest.raises(ImmutableRelease, match="it gets no further files"):
        with_roles(vendor.repository, {CAD: forged}, NOW)


@pytest.mark.parametrize(
    ("release", "complaint"),
    [
        (replace(a_release(), builds=()), "has no build"),
        (replace(a_release(), withdrawal=Withdrawal("bad")), "withdrawn before it was ever published"),
        (replace(a_release(), builds=a_release().builds * 2), "two files under one path"),
    ],
)
def test_a_release_that_makes_no_sense_is_not_drafted(vendor: Vendor, release: Release, complaint: str) -> None:
    with pytest.raises(PublishingError, match=complaint):
        with_release(vendor.repository.roles[CAD], release, NOW)


# Signatures


def test_two_of_three_engineers_sign_in_parallel_and_their_signatures_are_joined(tmp_path: Path) -> None:
    vendor = Vendor()
    vendor.add_product(CAD, keys=3, threshold=2)
    draft = with_release(vendor.repository.roles[CAD], a_release(), NOW)
    one, _, three = (sign(CAD, draft, engineer) for engineer in vendor.engineers[CAD])
    with pytest.raises(NotEnoughSignatures, match="cad is signed by 1 of the 2 keys"):
        vendor.submit({CAD: one})
    assert signature_status(CAD, one, vendor.repository.targets()).missing == 1
    vendor.submit({CAD: with_signatures_of(CAD, draft, [one, three])})
    assert looked_up(vendor.repository, PATH, state(tmp_path)) is not None


def test_signing_keeps_the_signatures_that_are_there(vendor: Vendor) -> None:
    draft = first_targets(LICENCE_KEYS, NOW)
    signed = draft
    for signer in vendor.targets:
        signed = sign("targets", signed, signer)
    assert len(load("targets", signed, Targets).signatures) == 3
    assert sign("targets", draft, *vendor.targets[::2]) != signed


def test_the_same_key_twice_is_one_signature() -> None:
    vendor = Vendor()
    vendor.add_product(CAD, keys=2, threshold=2)
    draft = with_release(vendor.repository.roles[CAD], a_release(), NOW)
    engineer = vendor.engineers[CAD][0]
    with pytest.raises(NotEnoughSignatures, match="cad is signed by 1 of the 2 keys"):
        vendor.submit({CAD: sign(CAD, draft, engineer, engineer)})


def test_copies_of_different_drafts_are_not_joined(vendor: Vendor) -> None:
    role = vendor.repository.roles[CAD]
    other = with_release(role, a_release("5.0"), NOW)
    with pytest.raises(PublishingError, match="the copies of cad differ in more than their signatures"):
        with_signatures_of(CAD, with_release(role, a_release(), NOW), [sign(CAD, other, *vendor.engineers[CAD])])


def test_a_stranger_cannot_sign_for_a_product(vendor: Vendor) -> None:
    draft = with_release(vendor.repository.roles[CAD], a_release(), NOW)
    with pytest.raises(NotEnoughSignatures, match="cad is signed by 0 of the 1 keys"):
        vendor.submit({CAD: sign(CAD, draft, *new_signers(2))})


def test_the_engineer_of_one_product_cannot_sign_for_another(vendor: Vendor) -> None:
    vendor.add_product(VIEWER)
    draft = with_release(vendor.repository.roles[CAD], a_release(), NOW)
    with pytest.raises(NotEnoughSignatures):
        vendor.submit({CAD: sign(CAD, draft, *vendor.engineers[VIEWER])})


def test_a_changed_byte_voids_the_signatures(vendor: Vendor) -> None:
    signed = sign(CAD, with_release(vendor.repository.roles[CAD], a_release(), NOW), *vendor.engineers[CAD])
    with pytest.raises(NotEnoughSignatures):
        vendor.submit({CAD: signed.replace(b"2026-11-23", b"2020-11-23")})


def test_a_signer_that_fails_is_named_without_its_words(vendor: Vendor) -> None:
    class BrokenToken(CryptoSigner):
        def sign(self, payload: bytes) -> Any:
            raise RuntimeError("PIN 1234 is wrong")

    token = BrokenToken(CryptoSigner.generate_ed25519()._private_key)
    with pytest.raises(PublishingError, match="could not sign cad") as failure:
        sign(CAD, vendor.repository.roles[CAD], token)
    assert "1234" not in str(failure.value)


# Key rotation


def test_new_product_keys_with_the_role_signed_anew_are_accepted(vendor: Vendor, tmp_path: Path) -> None:
    vendor.publish(a_release())
    client = state(tmp_path)
    assert looked_up(vendor.repository, PATH, client) is not None
    new = new_signers(2)
    targets = with_product_keys(vendor.repository.roles["targets"], CAD, role_keys(new, 2), NOW)
    role = sign(CAD, renewed(CAD, vendor.repository.roles[CAD], NOW), *new)
    vendor.submit({"targets": sign("targets", targets, *vendor.targets[:2]), CAD: role})
    assert looked_up(vendor.repository, PATH, client) is not None
    assert len(vendor.repository.targets().delegations.keys) == 2  # type: ignore[union-attr]


def test_new_product_keys_are_refused_while_the_role_bears_the_old_signatures(vendor: Vendor) -> None:
    targets = with_product_keys(vendor.repository.roles["targets"], CAD, role_keys(new_signers(1), 1), NOW)
    with pytest.raises(NotEnoughSignatures, match="cad is signed by 0 of the 1 keys"):
        vendor.submit({"targets": sign("targets", targets, *vendor.targets[:2])})


def test_keys_of_an_unknown_product_cannot_be_changed(vendor: Vendor) -> None:
    with pytest.raises(PublishingError, match="there is no product viewer"):
        with_product_keys(vendor.repository.roles["targets"], VIEWER, role_keys(new_signers(1), 1), NOW)


def test_a_lost_root_key_and_both_online_keys_are_replaced_for_old_and_new_clients(
    vendor: Vendor, tmp_path: Path
) -> None:
    vendor.publish(a_release())
    client = state(tmp_path)
    assert looked_up(vendor.repository, PATH, client) is not None
    lost, *kept = vendor.root
    vendor.root = (*kept, *new_signers(1))
    vendor.snapshot, vendor.timestamp = new_signers(2)
    root = next_root(vendor.repository.roots[-1], vendor.root_keys(), NOW)
    with pytest.raises(NotEnoughSignatures, match="root is signed by 1 of the 2 keys"):
        vendor.submit({"root": sign("root", root, lost, vendor.root[0])})
    before = vendor.repository
    vendor.submit({"root": sign("root", root, *vendor.root)})
    assert list(staged(before, vendor.repository)) == ["4.snapshot.json", "2.root.json", "timestamp.json"]
    assert looked_up(vendor.repository, PATH, client) is not None
    assert looked_up(vendor.repository, PATH, state(tmp_path, "new")) is not None


def test_a_root_that_gives_targets_other_keys_needs_targets_signed_anew(vendor: Vendor) -> None:
    vendor.targets = new_signers(3)
    root = sign("root", next_root(vendor.repository.roots[-1], vendor.root_keys(), NOW), *vendor.root[:2])
    with pytest.raises(NotEnoughSignatures, match="targets is signed by 0 of the 2 keys"):
        vendor.submit({"root": root})
    targets = sign("targets", renewed("targets", vendor.repository.roles["targets"], NOW), *vendor.targets[:2])
    vendor.submit({"root": root, "targets": targets})
    assert len(vendor.repository.roots) == 2


# Submissions that are refused


def sub(vendor: Vendor, role: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Submit the role's next version, changed by hand and signed by those who may."""
    draft = edited(renewed(role, vendor.repository.roles[role], NOW), change)
    signers = vendor.targets[:2] if role == "targets" else vendor.engineers[ProductName(role)]
    vendor.submit({role: sign(role, draft, *signers)})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda s: s.update(version=1, expires="2027-01-01T00:00:00Z"), "cad is version 1; the next one is 2"),
        (lambda s: s.update(version=7), "cad is version 7; the next one is 2"),
        (lambda s: s.update(version=True), "the version of cad is no whole number"),
        (lambda s: s.update(expires="2026-11-23T08:00:00Z"), "cad expired on 2026-11-23"),
        (lambda s: s.update(expires="2036-11-23T08:00:00Z"), "cad would live longer than 180 days"),
        (lambda s: s.update(delegations={"keys": {}, "roles": []}), "the role of product cad delegates further"),
    ],
)
def test_a_product_role_of_another_shape_is_refused(
    vendor: Vendor, change: Callable[[dict[str, Any]], None], complaint: str
) -> None:
    with pytest.raises(PublishingError, match=complaint):
        sub(vendor, CAD, change)


def test_a_foreign_path_in_a_product_role_is_refused(vendor: Vendor) -> None:
    vendor.publish(a_release())

    def list_foreign(signed: dict[str, Any]) -> None:
        signed["targets"]["viewer/9.9.9/b.bin"] = signed["targets"][PATH]

    with pytest.raises(InvalidReleaseRecord, match="is not a path of product cad"):
        sub(vendor, CAD, list_foreign)


def _delegation(signed: dict[str, Any]) -> dict[str, Any]:
    delegation: dict[str, Any] = signed["delegations"]["roles"][0]
    return delegation


def _second_name_for_one_key(signed: dict[str, Any]) -> None:
    keys = signed["delegations"]["keys"]
    keys["0" * 64] = next(iter(keys.values()))
    _delegation(signed).update(keyids=[*keys], threshold=2)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda s: _delegation(s).update(paths=["*/*/*"]), "is not a terminating one for cad"),
        (lambda s: _delegation(s).update(paths=["cad/*"]), "is not a terminating one for cad"),
        (lambda s: _delegation(s).update(terminating=False), "is not a terminating one for cad"),
        (lambda s: _delegation(s).update(threshold=2), "cad asks for 2 of 1 keys"),
        (lambda s: _delegation(s).update(keyids=["ab"]), "cad names the key ab, which is not given"),
        (lambda s: _delegation(s).update(name="Root!"), "cannot be a product"),
        (_second_name_for_one_key, "cad counts one key twice"),
        (lambda s: s["targets"].clear(), "targets does not list _trust/licence-keys.json"),
        (
            lambda s: s["targets"].update({"cad/4.2.1/x": s["targets"][LICENCE_KEYS_PATH]}),
            "not one of the trust folder",
        ),
        (lambda s: s["targets"].update({"cad/x": s["targets"][LICENCE_KEYS_PATH]}), "targets lists cad/x"),
        (lambda s: s["targets"][LICENCE_KEYS_PATH]["hashes"].update(md5="0"), "with a SHA-256 alone"),
        (
            lambda s: s.update(
                delegations={
                    "keys": {},
                    "succinct_roles": {"keyids": [], "threshold": 1, "bit_length": 4, "name_prefix": "bin"},
                }
            ),
            "delegates to hash bins",
        ),
    ],
)
def test_targets_of_another_shape_are_refused(
    vendor: Vendor, change: Callable[[dict[str, Any]], None], complaint: str
) -> None:
    with pytest.raises(PublishingError, match=complaint):
        sub(vendor, "targets", change)


def test_an_online_key_cannot_be_trusted_with_a_product(vendor: Vendor) -> None:
    targets = with_product(vendor.repository.roles["targets"], VIEWER, role_keys((vendor.snapshot,), 1), NOW)
    role = sign(VIEWER, first_product_role(VIEWER, NOW), vendor.snapshot)
    with pytest.raises(PublishingError, match="trusts an online key with the product viewer"):
        vendor.submit({"targets": sign("targets", targets, *vendor.targets[:2]), VIEWER: role})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda s: s.update(version=5), "root is version 5; the next one is 2"),
        (lambda s: s.update(consistent_snapshot=False), "does not ask for consistent snapshots"),
        (lambda s: s.update(expires="2026-11-22T08:00:00Z"), "root expired on 2026-11-22"),
        (lambda s: s["roles"]["root"].update(threshold=0), "no TUF metadata"),
        (lambda s: s["roles"]["targets"].update(threshold=9), "targets asks for 9 of 3 keys"),
        (lambda s: s["roles"].update(targets=s["roles"]["snapshot"]), "trusts an online key with root or targets"),
    ],
)
def test_a_root_of_another_shape_is_refused(
    vendor: Vendor, change: Callable[[dict[str, Any]], None], complaint: str
) -> None:
    draft = edited(next_root(vendor.repository.roots[-1], vendor.root_keys(), NOW), change)
    with pytest.raises(PublishingError, match=complaint):
        vendor.submit({"root": draft})


def test_nobody_submits_the_online_roles(vendor: Vendor) -> None:
    timestamp = Metadata(Timestamp(9, None, NOW + A_DAY))
    timestamp.sign(vendor.timestamp)
    with pytest.raises(PublishingError, match="timestamp is signed by the server, not submitted"):
        vendor.submit({"timestamp": timestamp.to_bytes()})


def test_a_role_nobody_delegated_is_refused(vendor: Vendor) -> None:
    role = sign(VIEWER, first_product_role(VIEWER, NOW), *vendor.engineers[CAD])
    with pytest.raises(PublishingError, match="there is no product 'viewer'"):
        vendor.submit({VIEWER: role})


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "no TUF metadata"),
        (b"{}", "no TUF metadata"),
        (b"[" * 100_000, "no TUF metadata"),
        (b'{"signed":{"_type":"targets"},"signatures":[]}', "no TUF metadata"),
        (b" " * 5_000_001, "larger than 5000000 bytes"),
    ],
)
def test_bytes_that_are_no_metadata_are_refused(vendor: Vendor, data: bytes, complaint: str) -> None:
    with pytest.raises(PublishingError, match=complaint):
        vendor.submit({CAD: data})


def test_metadata_of_another_role_is_refused(vendor: Vendor) -> None:
    with pytest.raises(PublishingError, match="the metadata of cad is of type snapshot"):
        vendor.submit({CAD: vendor.repository.roles["snapshot"]})


def test_a_float_is_neither_drafted_nor_signed_nor_accepted(vendor: Vendor) -> None:
    vendor.publish(a_release())

    def add_float(signed: dict[str, Any]) -> None:
        signed["targets"][PATH]["custom"]["acme"] = 1.5

    role = edited(vendor.repository.roles[CAD], add_float)
    for refused in (
        lambda: renewed(CAD, role, NOW),
        lambda: sign(CAD, role, *vendor.engineers[CAD]),
        lambda: vendor.submit({CAD: edited(role, lambda s: s.update(version=3))}),
    ):
        with pytest.raises(PublishingError, match="a float"):
            refused()


def test_a_role_larger_than_clients_read_is_not_drafted(vendor: Vendor) -> None:
    with pytest.raises(PublishingError, match="would be larger than 5000000 bytes"):
        with_release(
            vendor.repository.roles[CAD], a_release(files={f"{number:0150}.bin": b"" for number in range(12_000)}), NOW
        )


# Snapshot and timestamp


def test_the_online_keys_alone_cannot_add_a_target(vendor: Vendor, tmp_path: Path) -> None:
    forged = sign(CAD, with_release(vendor.repository.roles[CAD], a_release(), NOW), vendor.snapshot, vendor.timestamp)
    with pytest.raises(NotEnoughSignatures):
        vendor.resign(Repository(vendor.repository.roots, {**vendor.repository.roles, CAD: forged}))
    stolen = _signed_by_a_thief(vendor, {**vendor.repository.roles, CAD: forged})
    with pytest.raises(RepositoryError, match="cad was signed by 0/1 keys"):
        looked_up(stolen, PATH, state(tmp_path))


def _signed_by_a_thief(vendor: Vendor, roles: dict[str, bytes]) -> Repository:
    """Snapshot and timestamp over any roles, as someone makes them who has both online keys and no scruples."""
    old = load("snapshot", vendor.repository.roles["snapshot"], Snapshot).signed
    listed = {role: data for role, data in roles.items() if role not in ("snapshot", "timestamp")}
    meta = {
        f"{role}.json": MetaFile.from_data(load(role, data, Targets).signed.version, data, ["sha256"])
        for role, data in listed.items()
    }
    snapshot = Metadata(Snapshot(old.version + 1, None, NOW + A_DAY, meta))
    snapshot.sign(vendor.snapshot)
    data = snapshot.to_bytes()
    stamp = load("timestamp", vendor.repository.roles["timestamp"], Timestamp).signed
    timestamp = Metadata(
        Timestamp(stamp.version + 1, None, NOW + A_DAY, MetaFile.from_data(old.version + 1, data, ["sha256"]))
    )
    timestamp.sign(vendor.timestamp)
    return Repository(vendor.repository.roots, {**listed, "snapshot": data, "timestamp": timestamp.to_bytes()})


def test_snapshot_and_timestamp_state_length_and_sha256_of_every_role(vendor: Vendor) -> None:
    snapshot = load("snapshot", vendor.repository.roles["snapshot"], Snapshot).signed
    assert set(snapshot.meta) == {"targets.json", "cad.json"}
    timestamp = load("timestamp", vendor.repository.roles["timestamp"], Timestamp).signed
    for listed in (*snapshot.meta.values(), timestamp.snapshot_meta):
        assert listed.length
        assert list(listed.hashes or {}) == ["sha256"]


def test_the_timestamp_alone_is_signed_anew_while_the_snapshot_is_young(vendor: Vendor, tmp_path: Path) -> None:
    before = vendor.repository
    vendor.now += A_DAY
    vendor.take(vendor.resign(before))
    assert list(staged(before, vendor.repository)) == ["timestamp.json"]
    assert looked_up(vendor.repository, LICENCE_KEYS_PATH, state(tmp_path), now=NOW + 2 * A_DAY) is not None


def test_the_snapshot_is_signed_anew_when_half_its_life_is_spent(vendor: Vendor) -> None:
    before = vendor.repository
    vendor.now += timedelta(days=3, hours=12)
    vendor.take(vendor.resign(before))
    assert list(staged(before, vendor.repository)) == ["3.snapshot.json", "timestamp.json"]


def test_a_vendor_whose_server_slept_for_a_month_is_trusted_again(vendor: Vendor, tmp_path: Path) -> None:
    vendor.publish(a_release())
    client = state(tmp_path)
    assert looked_up(vendor.repository, PATH, client) is not None
    vendor.now += 30 * A_DAY
    with pytest.raises(RepositoryError, match=r"timestamp\.json is expired"):
        looked_up(vendor.repository, PATH, client, now=vendor.now)
    vendor.take(vendor.resign(vendor.repository))
    assert looked_up(vendor.repository, PATH, client, now=vendor.now) is not None


def test_a_product_whose_role_lapsed_does_not_hold_up_the_others(vendor: Vendor, tmp_path: Path) -> None:
    vendor.add_product(VIEWER)
    vendor.now += 179 * A_DAY
    vendor.submit({CAD: sign(CAD, renewed(CAD, vendor.repository.roles[CAD], vendor.now), *vendor.engineers[CAD])})
    vendor.now += 2 * A_DAY
    after = vendor.resign(vendor.repository)
    assert a_client(after, state(tmp_path), now=vendor.now).get_targetinfo("cad/1/x") is None
    with pytest.raises(RepositoryError, match="New viewer is expired"):
        looked_up(after, "viewer/1/x", state(tmp_path), now=vendor.now)


def test_snapshot_and_timestamp_need_the_keys_root_names(vendor: Vendor) -> None:
    (stranger,) = new_signers(1)
    with pytest.raises(NotEnoughSignatures, match="is not the one root names for timestamp"):
        resigned(vendor.repository, vendor.snapshot, stranger, NOW)
    with pytest.raises(NotEnoughSignatures, match="is not the one root names for snapshot"):
        resigned(vendor.repository, stranger, vendor.timestamp, NOW + 5 * A_DAY)


def test_a_role_once_published_cannot_be_dropped(vendor: Vendor) -> None:
    vendor.add_product(VIEWER)
    roles = {role: data for role, data in vendor.repository.roles.items() if role != VIEWER}
    with pytest.raises(PublishingError, match="viewer is delegated, but its role is missing"):
        vendor.resign(Repository(vendor.repository.roots, roles))
    retired = sign("targets", edited(renewed("targets", roles["targets"], NOW), _retire_viewer), *vendor.targets[:2])
    with pytest.raises(PublishingError, match=r"viewer\.json was published: clients refuse a snapshot without it"):
        vendor.resign(Repository(vendor.repository.roots, {**roles, "targets": retired}))


def _retire_viewer(signed: dict[str, Any]) -> None:
    signed["delegations"]["roles"] = [role for role in signed["delegations"]["roles"] if role["name"] != "viewer"]


def test_a_retired_product_loses_its_delegation_but_stays_in_the_snapshot(vendor: Vendor, tmp_path: Path) -> None:
    vendor.add_product(VIEWER)
    vendor.publish(a_release("1.0", product=VIEWER))
    client = state(tmp_path)
    path = "viewer/1.0/viewer-1.0.tar.gz"
    assert looked_up(vendor.repository, path, client) is not None
    sub(vendor, "targets", _retire_viewer)
    assert looked_up(vendor.repository, path, client) is None
    assert "viewer.json" in load("snapshot", vendor.repository.roles["snapshot"], Snapshot).signed.meta
    vendor.publish(a_release())
    vendor.take(vendor.resign(vendor.repository))


def test_a_version_that_went_back_is_not_signed_over(vendor: Vendor) -> None:
    old = vendor.repository.roles[CAD]
    vendor.publish(a_release())
    with pytest.raises(PublishingError, match="cad version 2 is published: version 1 does not follow it"):
        vendor.resign(Repository(vendor.repository.roots, {**vendor.repository.roles, CAD: old}))


def test_a_published_file_never_gets_other_bytes(vendor: Vendor) -> None:
    again = sign("targets", vendor.repository.roles["targets"], vendor.targets[2])
    after = Repository(vendor.repository.roots, {**vendor.repository.roles, "targets": again})
    with pytest.raises(PublishingError, match=r"2\.targets\.json is published with other bytes"):
        staged(vendor.repository, after)


def test_a_thousand_targets_cost_the_online_keys_nothing_and_clients_read_them(vendor: Vendor, tmp_path: Path) -> None:
    files = {f"cad-4.2.1-{number}.bin": str(number).encode() for number in range(1000)}
    vendor.publish(a_release(files=files))
    before = vendor.repository
    vendor.now += 4 * A_DAY
    vendor.take(vendor.resign(before))
    assert list(staged(before, vendor.repository)) == ["4.snapshot.json", "timestamp.json"]
    client = a_client(vendor.repository, state(tmp_path), now=vendor.now)
    assert all(client.get_targetinfo(f"cad/4.2.1/{name}") is not None for name in files)
    assert len(vendor.releases()[0].builds) == 1000


def test_the_roles_to_sign_anew_are_told_in_time(vendor: Vendor) -> None:
    assert roles_to_resign(vendor.repository, NOW) == ()
    assert roles_to_resign(vendor.repository, NOW + A_DAY) == ("timestamp",)
    assert roles_to_resign(vendor.repository, NOW + 4 * A_DAY) == ("snapshot", "timestamp")
    assert roles_to_resign(vendor.repository, NOW + 120 * A_DAY) == ("cad", "snapshot", "timestamp")
    assert "root" in roles_to_resign(vendor.repository, NOW + 270 * A_DAY)
    assert not needs_resigning("root", NOW + policy_of("root").lifetime, NOW + 269 * A_DAY)


def test_an_instant_without_time_zone_is_refused(vendor: Vendor) -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        renewed(CAD, vendor.repository.roles[CAD], NOW.replace(tzinfo=None))


def test_a_repository_cannot_be_changed_in_place(vendor: Vendor) -> None:
    with pytest.raises(TypeError):
        vendor.repository.roles[CAD] = b""  # type: ignore[index]


def test_what_is_missing_from_a_repository_is_named() -> None:
    with pytest.raises(PublishingError, match="the repository has no root"):
        Repository(()).root()
    with pytest.raises(PublishingError, match="no metadata for targets"):
        Repository(()).targets()
