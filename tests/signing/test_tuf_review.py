"""A review shows everything a draft changes, the attacks that hope not to be looked at included."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, Root, TargetFile, Targets

from tenure_signing.draft_files import Draft
from tenure_signing.errors import InvalidDraft
from tenure_signing.key_sets import KeySet, Purpose
from tenure_signing.key_sources import new_key
from tenure_signing.names import ChannelName
from tenure_signing.releases import Withdrawal
from tenure_signing.trust_changes import beginning, root_keys_of
from tenure_signing.tuf_differences import Change, ChangeKind
from tenure_signing.tuf_drafts import renewed, with_release
from tenure_signing.tuf_repository import delegations_of, load
from tenure_signing.tuf_review import Review, review
from tenure_signing.tuf_roles import LICENCE_KEYS_PATH
from tenure_signing.versions import Version
from tests.signing.drafting import KEY_SET, a_vendor, changes, with_role
from tests.signing.tuf_repository import CAD, NOW, VIEWER, Vendor, a_release, new_signers, role_keys

PATH = "cad/4.2.0/cad-4.2.0.tar.gz"


@pytest.fixture(scope="module")
def vendor() -> Vendor:
    return a_vendor()


def only(reviewed: Review, role: str) -> tuple[Change, ...]:
    """The changes of one role."""
    (found,) = (each for each in reviewed.roles if each.role == role)
    return found.changes


def kinds(reviewed: Review, role: str) -> list[ChangeKind]:
    return [change.kind for change in only(reviewed, role)]


def edited(draft: Draft, role: str, change: Callable[[Any], object]) -> Review:
    """The review of the draft after somebody edited one of its roles."""
    kind: Any = Root if role == "root" else Targets
    metadata: Metadata[Any] = load(role, draft.roles[role], kind)
    change(metadata.signed)
    return review(with_role(draft, role, metadata.to_bytes()))


def test_a_renewal_changes_nothing_but_version_and_expiry(vendor: Vendor) -> None:
    reviewed = review(changes(vendor).renewed(["root", "targets", CAD]))
    assert [each.changes for each in reviewed.roles] == [(), (), ()]
    assert [(each.version_before, each.version) for each in reviewed.roles] == [(1, 2), (3, 4), (2, 3)]
    assert reviewed.roles[2].unchanged == (PATH,)
    assert reviewed.warnings == ()
    assert not reviewed.is_complete


def test_the_first_draft_shows_whom_it_trusts_with_what(vendor: Vendor) -> None:
    reviewed = review(beginning(vendor.root_keys(), KEY_SET, NOW, purpose="begin"))
    added = [change.subject for change in only(reviewed, "root") if change.kind is ChangeKind.KEY_ADDED]
    assert sorted(added) == ["root"] * 3 + ["snapshot"] + ["targets"] * 3 + ["timestamp"]
    assert ChangeKind.OTHER not in kinds(reviewed, "root") + kinds(reviewed, "targets")
    assert kinds(reviewed, "targets").count(ChangeKind.LICENCE_KEY_ADDED) == 2
    assert [each.version_before for each in reviewed.roles] == [None, None]


def test_other_keys_and_thresholds_are_shown(vendor: Vendor) -> None:
    newcomers = new_signers(2)
    old = root_keys_of(vendor.repository.root())
    draft = changes(vendor).root(replace(old, root=role_keys((vendor.root[0], *newcomers), 1)))
    found = only(review(draft), "root")
    assert [(change.kind, change.subject) for change in found] == [
        (ChangeKind.KEY_ADDED, "root"),
        (ChangeKind.KEY_ADDED, "root"),
        (ChangeKind.KEY_REMOVED, "root"),
        (ChangeKind.KEY_REMOVED, "root"),
        (ChangeKind.THRESHOLD, "root"),
    ]
    assert (found[-1].before, found[-1].after) == ("2 of 3", "1 of 3")
    assert review(draft).warnings == ("one key alone can sign root: whoever steals it can do so too",)


def test_a_new_product_and_a_retired_one_are_shown(vendor: Vendor) -> None:
    keys = role_keys(new_signers(2), 2)
    added = review(changes(vendor).product_added(VIEWER, keys, {"name": "viewer"}))
    assert kinds(added, "targets") == [ChangeKind.PRODUCT_ADDED, *[ChangeKind.KEY_ADDED] * 2, ChangeKind.THRESHOLD]
    assert kinds(added, VIEWER) == []
    assert added.product_settings == {"name": "viewer"}
    retired = review(changes(vendor).product_retired(CAD))
    assert kinds(retired, "targets") == [ChangeKind.PRODUCT_RETIRED]


def test_a_release_is_shown_with_every_fact_that_is_signed(vendor: Vendor) -> None:
    draft = changes(vendor).renewed([CAD])
    release = a_release("4.3.0", open_release=True, upgrade_from="4.0")
    role = with_release(vendor.repository.roles[CAD], release, NOW)
    (change,) = only(review(with_role(draft, CAD, role)), CAD)
    build = release.builds[0]
    assert (change.kind, change.subject) == (ChangeKind.BUILD_ADDED, build.path)
    assert change.after == {
        "length": build.length,
        "sha256": build.sha256,
        "schema": 1,
        "product": "cad",
        "version": "4.3.0",
        "kind": "minor",
        "editions": ["pro"],
        "released_on": "2026-11-23",
        "channel": "stable",
        "os": "linux",
        "arch": "x86_64",
        "upgrade_from": "4.0",
        "open_release": True,
    }


def test_a_withdrawal_is_shown_with_its_reason(vendor: Vendor) -> None:
    draft = changes(vendor).withdrawn(CAD, {Version("4.2.0"): Withdrawal("it loses drawings")})
    (change,) = only(review(draft), CAD)
    assert (change.kind, change.after) == (ChangeKind.WITHDRAWN, {"withdrawn": {"reason": "it loses drawings"}})


def test_a_promotion_is_shown_as_one_and_not_warned_of(vendor: Vendor) -> None:
    vendor = a_vendor()
    vendor.publish(replace(a_release("4.3.0"), channel=ChannelName("beta")))
    reviewed = review(changes(vendor).promoted(CAD, Version("4.3.0"), ChannelName("stable")))
    (change,) = only(reviewed, CAD)
    assert change.kind is ChangeKind.PROMOTED
    assert change.subject == "cad/4.3.0/cad-4.3.0.tar.gz"
    assert change.before == {"channel": "beta"}
    assert change.after == {"channel": "stable", "promoted_from": ["beta"]}
    assert reviewed.warnings == ()
    with pytest.raises(InvalidDraft, match="on the channel beta already"):
        changes(vendor).promoted(CAD, Version("4.3.0"), ChannelName("beta"))


def test_what_only_looks_like_a_promotion_is_warned_of(vendor: Vendor) -> None:
    vendor = a_vendor()
    vendor.publish(replace(a_release("4.3.0"), channel=ChannelName("beta")))
    draft = changes(vendor).promoted(CAD, Version("4.3.0"), ChannelName("stable"))
    path = "cad/4.3.0/cad-4.3.0.tar.gz"

    def demote(targets: Any) -> None:
        targets.targets[path].custom["tenure"] |= {"channel": "alpha"}

    def and_more(targets: Any) -> None:
        targets.targets[path].custom["tenure"] |= {"released_on": "2020-01-01"}

    def forget(targets: Any) -> None:
        targets.targets[path].custom["tenure"] |= {"promoted_from": ["alpha"]}

    reviewed = edited(draft, CAD, demote)
    assert [change.kind for change in only(reviewed, CAD)] == [ChangeKind.PROMOTED]
    assert "promoted to a less stable channel; the server refuses that" in reviewed.warnings[0]
    for change in (and_more, forget):
        reviewed = edited(draft, CAD, change)
        assert kinds(reviewed, CAD) == [ChangeKind.BUILD_CHANGED]
        assert "changes what is published; the server refuses that" in reviewed.warnings[0]


def test_other_licence_keys_are_shown_one_by_one(vendor: Vendor) -> None:
    old, other = KEY_SET.keys
    added = new_key().verification_key(Purpose.LICENCE_KEY)
    draft = changes(vendor).licence_keys(KEY_SET.retiring(old.kid, NOW).removing(other.kid).adding(added))
    assert [(change.kind, change.subject) for change in only(review(draft), "targets")][1:] == [
        (ChangeKind.LICENCE_KEY_RETIRED, old.kid),
        (ChangeKind.LICENCE_KEY_ADDED, added.kid),
        (ChangeKind.LICENCE_KEY_REMOVED, other.kid),
    ]
    widened = KeySet((replace(old, purposes=frozenset(Purpose)), other))
    assert kinds(review(changes(vendor).licence_keys(widened)), "targets") == [ChangeKind.FILE, ChangeKind.OTHER]


def test_what_only_a_later_program_understands_in_the_licence_keys_is_shown_as_it_stands(vendor: Vendor) -> None:
    document = json.loads(KEY_SET.to_json())
    document["keys"].append({"kty": "AKP", "alg": "ML-DSA-44", "kid": "x", "pub": "AA"})
    data = json.dumps(document).encode()
    draft = changes(vendor).licence_keys(KeySet(KEY_SET.keys[::-1]))
    targets = load("targets", draft.roles["targets"], Targets)
    targets.signed.targets[LICENCE_KEYS_PATH] = TargetFile.from_data(LICENCE_KEYS_PATH, data, ["sha256"])
    files = {LICENCE_KEYS_PATH: data}
    sly = replace(draft, roles={"targets": targets.to_bytes()}, trusted_targets=files)
    change = only(review(sly), "targets")[-1]
    assert change.kind is ChangeKind.OTHER
    assert "ML-DSA-44" in change.after


# Attacks


def removed(targets: Targets) -> None:
    del targets.targets[PATH]


def moved(targets: Targets) -> None:
    targets.targets["cad/4.2.0/other.tar.gz"] = targets.targets.pop(PATH)


def dated_back(targets: Targets) -> None:
    targets.targets[PATH].custom["tenure"]["released_on"] = "2020-01-01"


def with_other_bytes(targets: Targets) -> None:
    targets.targets[PATH].hashes["sha256"] = "0" * 64


def with_a_foreign_namespace(targets: Targets) -> None:
    targets.targets[PATH].custom["other"] = {"x": 1}


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (removed, ChangeKind.BUILD_REMOVED),
        (moved, ChangeKind.BUILD_MOVED),
        (dated_back, ChangeKind.BUILD_CHANGED),
        (with_other_bytes, ChangeKind.BUILD_CHANGED),
        (with_a_foreign_namespace, ChangeKind.BUILD_CHANGED),
    ],
)
def test_a_change_of_what_is_published_is_shown_and_warned_of(
    vendor: Vendor, change: Callable[[Targets], None], kind: ChangeKind
) -> None:
    reviewed = edited(changes(vendor).renewed([CAD]), CAD, change)
    assert kinds(reviewed, CAD) == [kind]
    assert "cad changes what is published; the server refuses that" in reviewed.warnings


def with_another_key_under_the_same_id(root: Root) -> None:
    keyid = root.roles["root"].keyids[0]
    thief = CryptoSigner.generate_ed25519().public_key
    root.keys[keyid] = SSlibKey(keyid, thief.keytype, thief.scheme, thief.keyval)


def with_a_spare_key(root: Root) -> None:
    key = CryptoSigner.generate_ed25519().public_key
    root.keys[key.keyid] = key


def without_consistent_snapshots(root: Root) -> None:
    root.consistent_snapshot = False


def with_an_unknown_field(signed: Root | Targets) -> None:
    signed.unrecognized_fields["x-note"] = {}


def with_an_unknown_field_in_a_role(root: Root) -> None:
    root.roles["root"].unrecognized_fields["x-note"] = "a/b"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (with_another_key_under_the_same_id, "/keys/"),
        (with_a_spare_key, "/keys/"),
        (without_consistent_snapshots, "/consistent_snapshot"),
        (with_an_unknown_field, "/x-note"),
        (with_an_unknown_field_in_a_role, "/roles/root/x-note"),
    ],
)
def test_whatever_else_changes_in_root_is_shown(vendor: Vendor, change: Callable[[Root], None], place: str) -> None:
    for draft in (changes(vendor).renewed(["root"]), beginning(vendor.root_keys(), KEY_SET, NOW, purpose="begin")):
        reviewed = edited(draft, "root", change)
        found = [each for each in only(reviewed, "root") if each.kind is ChangeKind.OTHER]
        assert found
        assert all(each.subject.startswith(place) for each in found)
        assert any("has no sentence of its own" in warning for warning in reviewed.warnings)


def role_of_cad(targets: Targets) -> DelegatedRole:
    return delegations_of(targets)[CAD]


def with_wider_paths(targets: Targets) -> None:
    role_of_cad(targets).paths = ["cad/*/*", "viewer/*/*"]


def not_terminating(targets: Targets) -> None:
    role_of_cad(targets).terminating = False


def with_a_spare_product_key(targets: Targets) -> None:
    assert targets.delegations is not None
    key = CryptoSigner.generate_ed25519().public_key
    targets.delegations.keys[key.keyid] = key


def with_a_file_of_its_own(targets: Targets) -> None:
    targets.targets["cad/9.9/x.zip"] = TargetFile.from_data("cad/9.9/x.zip", b"trojan", ["sha256"])


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (with_wider_paths, ChangeKind.OTHER),
        (not_terminating, ChangeKind.OTHER),
        (with_a_spare_product_key, ChangeKind.OTHER),
        (with_an_unknown_field, ChangeKind.OTHER),
        (with_a_file_of_its_own, ChangeKind.FILE),
    ],
)
def test_whatever_else_changes_in_targets_is_shown(
    vendor: Vendor, change: Callable[[Targets], None], kind: ChangeKind
) -> None:
    reviewed = edited(changes(vendor).renewed(["targets"]), "targets", change)
    assert set(kinds(reviewed, "targets")) == {kind}


def with_a_delegation(targets: Targets) -> None:
    targets.delegations = Delegations({}, {})


@pytest.mark.parametrize("change", [with_a_delegation, with_an_unknown_field])
def test_whatever_else_changes_in_a_product_is_shown(vendor: Vendor, change: Callable[[Targets], None]) -> None:
    new = changes(vendor).product_added(VIEWER, role_keys(new_signers(2), 2), {"name": "viewer"})
    for draft, role in ((changes(vendor).renewed([CAD]), CAD), (new, VIEWER)):
        assert set(kinds(edited(draft, role, change), role)) == {ChangeKind.OTHER}


def test_a_shorter_or_longer_life_is_shown(vendor: Vendor) -> None:
    def longer(targets: Targets) -> None:
        targets.expires += timedelta(days=3650)

    (role,) = edited(changes(vendor).renewed([CAD]), CAD, longer).roles
    assert role.expires_before is not None
    assert (role.expires - role.expires_before).days >= 3650


def test_product_keys_that_change_without_the_role_are_warned_of(vendor: Vendor) -> None:
    draft = changes(vendor).product_keys(CAD, role_keys(new_signers(2), 2))
    assert set(draft.roles) == {"targets", CAD}
    alone = replace(draft, roles={"targets": draft.roles["targets"]})
    assert "its role is not signed anew with them" in review(alone).warnings[0]


def test_targets_keys_that_change_without_targets_are_warned_of(vendor: Vendor) -> None:
    old = root_keys_of(vendor.repository.root())
    draft = changes(vendor).root(replace(old, targets=role_keys(new_signers(2), 2)))
    assert set(draft.roles) == {"root", "targets"}
    alone = replace(draft, roles={"root": draft.roles["root"]})
    assert "it is not signed anew with them" in review(alone).warnings[0]


def test_targets_whose_signatures_still_suffice_are_left_as_they_are(vendor: Vendor) -> None:
    old = root_keys_of(vendor.repository.root())
    draft = changes(vendor).root(replace(old, targets=role_keys((*vendor.targets, *new_signers(1)), 2)))
    assert set(draft.roles) == {"root"}


def test_renewed_is_the_same_as_before_in_all_but_its_life(vendor: Vendor) -> None:
    draft = changes(vendor).renewed([CAD])
    assert (
        load(CAD, draft.roles[CAD], Targets).signed
        == load(CAD, renewed(CAD, vendor.repository.roles[CAD], NOW), Targets).signed
    )
