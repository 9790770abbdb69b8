"""A draft on a stick: carried, judged, signed in parallel, and not to be tampered with unseen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tuf.api.metadata import Root, TargetFile, Targets

from tenure_signing.draft_files import (
    MAX_DRAFT_BYTES,
    Draft,
    from_json,
    merged,
    read_draft,
    require_sound_base,
    signed_by,
    to_json,
    write_draft,
)
from tenure_signing.errors import InvalidDraft, PublishingError
from tenure_signing.trust_changes import root_keys_of
from tenure_signing.tuf_drafts import renewed, sign
from tenure_signing.tuf_publishing import with_roles
from tenure_signing.tuf_repository import Repository, load
from tests.signing.drafting import a_vendor, changes, signed, with_role
from tests.signing.tuf_repository import CAD, NOW, Vendor, a_release, new_signers, role_keys


@pytest.fixture(scope="module")
def vendor() -> Vendor:
    return a_vendor()


@pytest.fixture(scope="module")
def draft(vendor: Vendor) -> Draft:
    return changes(vendor).renewed(["root", "targets", CAD])


def test_a_draft_comes_back_from_its_file_byte_for_byte(draft: Draft, tmp_path: Path) -> None:
    write_draft(tmp_path / "a.json", draft, may_replace=False)
    assert read_draft(tmp_path / "a.json") == draft
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_draft_file_is_not_overwritten_unless_that_is_meant(draft: Draft, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_draft(path, draft, may_replace=False)
    with pytest.raises(InvalidDraft, match="exists already"):
        write_draft(path, draft, may_replace=False)
    write_draft(path, replace(draft, names={}), may_replace=True)
    assert read_draft(path).names == {}


def test_a_signed_draft_is_what_the_server_takes(vendor: Vendor, draft: Draft) -> None:
    engineers = vendor.engineers[CAD]
    complete = signed(draft, *vendor.root[:2], *vendor.targets[1:], *engineers[:2])
    assert complete.is_complete
    after = with_roles(vendor.repository, complete.roles, NOW)
    assert (after.root().version, after.targets().version, after.targets(CAD).version) == (2, 4, 3)


def test_signatures_are_counted_for_each_delegator(vendor: Vendor) -> None:
    (newcomer,) = new_signers(1)
    old = root_keys_of(vendor.repository.root())
    keys = replace(old, root=role_keys((newcomer, *vendor.root[:2]), 2))
    draft = signed(changes(vendor).root(keys), newcomer, vendor.root[2])
    by_old, by_new = draft.requirements()
    assert (by_old.asked_by, len(by_old.signed), by_old.is_met) == ("root version 1", 1, False)
    assert (by_new.asked_by, len(by_new.signed), by_new.is_met) == ("root version 2", 1, False)
    assert not draft.is_complete
    assert signed(draft, vendor.root[0]).is_complete


def test_a_key_nobody_asked_for_signs_nothing(draft: Draft) -> None:
    (stranger,) = new_signers(1)
    with pytest.raises(InvalidDraft, match="asks for no signature of the key"):
        signed_by(draft, stranger)


def test_signing_twice_is_said(vendor: Vendor, draft: Draft) -> None:
    once, roles = signed_by(draft, vendor.root[0])
    assert roles == ("root",)
    with pytest.raises(InvalidDraft, match=r"has the signature of the key .* already"):
        signed_by(once, vendor.root[0])


def test_copies_signed_in_parallel_are_merged(vendor: Vendor, draft: Draft) -> None:
    copies = [signed(draft, signer) for signer in (*vendor.root[:2], *vendor.targets[:2], *vendor.engineers[CAD][:2])]
    assert not any(copy.is_complete for copy in copies)
    assert merged(copies[0], copies[1:]).is_complete
    assert merged(copies[0], [copies[0]]) == copies[0]


def test_the_code_is_the_same_for_copies_and_another_for_anything_else(vendor: Vendor, draft: Draft) -> None:
    later = renewed("targets", vendor.repository.roles["targets"], NOW.replace(hour=20))
    others = [
        replace(draft, purpose="something harmless"),
        replace(draft, made_at=NOW.replace(hour=20)),
        replace(draft, product_settings={"name": "cam"}),
        with_role(draft, "targets", later),
        changes(vendor).renewed(["root", "targets"]),
    ]
    assert signed(draft, vendor.root[0]).code == draft.code
    assert replace(draft, names={}).code == draft.code
    assert len({each.code for each in (draft, *others)}) == 1 + len(others)
    for other in others:
        with pytest.raises(InvalidDraft, match="different drafts"):
            merged(draft, [other])


# What a hacked server could put on the stick


def test_what_the_draft_follows_is_traced_back_to_the_embedded_root(vendor: Vendor, draft: Draft) -> None:
    require_sound_base(draft, vendor.repository.roots[0])
    with pytest.raises(InvalidDraft, match="another root than yours"):
        require_sound_base(draft, Vendor().repository.roots[0])


def test_a_release_smuggled_into_what_the_draft_follows_is_noticed(vendor: Vendor, draft: Draft) -> None:
    role = load(CAD, vendor.repository.roles[CAD], Targets)
    role.signed.targets["cad/9.9/trojan.zip"] = TargetFile.from_data("cad/9.9/trojan.zip", b"trojan", ["sha256"])
    base = Repository(draft.base.roots, {**draft.base.roles, CAD: role.to_bytes()})
    smuggled = replace(draft, base=base, roles={CAD: renewed(CAD, role.to_bytes(), NOW)})
    with pytest.raises(InvalidDraft, match="the cad that the draft follows is not signed as targets asks"):
        require_sound_base(smuggled, vendor.repository.roots[0])


def test_a_root_that_the_old_root_did_not_sign_is_noticed(vendor: Vendor) -> None:
    thief = Vendor()
    forged = sign("root", changes(vendor).renewed(["root"]).roles["root"], *thief.root)
    base = Repository((*vendor.repository.roots, forged), vendor.repository.roles)
    draft = replace(changes(vendor).renewed(["targets"]), base=base)
    with pytest.raises(InvalidDraft, match="the root that the draft follows is not signed as root asks"):
        require_sound_base(draft, vendor.repository.roots[0])


def test_targets_that_root_s_people_did_not_sign_are_noticed(vendor: Vendor, draft: Draft) -> None:
    unsigned = load("targets", vendor.repository.roles["targets"], Targets)
    unsigned.signatures.clear()
    base = Repository(draft.base.roots, {**draft.base.roles, "targets": unsigned.to_bytes()})
    with pytest.raises(InvalidDraft, match="the targets that the draft follows is not signed"):
        require_sound_base(replace(draft, base=base), vendor.repository.roots[0])


def test_a_root_out_of_its_place_is_noticed(vendor: Vendor) -> None:
    root = vendor.repository.roots[0]
    draft = changes(vendor).renewed(["targets"])
    doubled = replace(draft, base=Repository((root, root), draft.base.roles))
    with pytest.raises(InvalidDraft, match="version 1 of root as number 2"):
        require_sound_base(doubled, root)


def test_a_product_that_is_none_is_noticed(vendor: Vendor, draft: Draft) -> None:
    base = Repository(draft.base.roots, {**draft.base.roles, "cam": vendor.repository.roles[CAD]})
    with pytest.raises(InvalidDraft, match="follows cam, which is no product"):
        require_sound_base(replace(draft, base=base), vendor.repository.roots[0])


# Files that are no drafts


def edited(change: Callable[[dict[str, Any]], object]) -> Callable[[Draft], bytes]:
    def data_of(draft: Draft) -> bytes:
        document = json.loads(to_json(draft))
        change(document)
        return json.dumps(document).encode()

    return data_of


@pytest.mark.parametrize(
    ("data_of", "complaint"),
    [
        (lambda draft: b"", "one strict JSON object"),
        (lambda draft: b"[]", "one strict JSON object"),
        (lambda draft: b'{"format":' * 10_000, "one strict JSON object"),
        (lambda draft: to_json(draft)[:-5], "one strict JSON object"),
        (lambda draft: b" " * (MAX_DRAFT_BYTES + 1), "at most"),
        (edited(lambda d: d.update(format="zip")), "no tenure-draft"),
        (edited(lambda d: d.update(schema=2)), "no tenure-draft of schema 1"),
        (edited(lambda d: d.update(purpose=None)), "purpose of a draft is a text"),
        (edited(lambda d: d.update(purpose="x" * 501)), "at most 500 characters"),
        (edited(lambda d: d.update(made_at="yesterday")), "made_at of a draft is an instant"),
        (edited(lambda d: d.update(roles={})), "changes no role"),
        (edited(lambda d: d.update(roles=[])), "roles of a draft is an object"),
        (edited(lambda d: d["roles"].update(targets=7)), "holds texts"),
        (edited(lambda d: d["roles"].update(targets="{}")), "the metadata of targets is no TUF metadata"),
        (edited(lambda d: d["roles"].update(targets=d["roles"]["root"])), "the metadata of targets is of type root"),
        (edited(lambda d: d["roles"].update(targets=d["base"]["roles"]["targets"])), "does not follow version"),
        (edited(lambda d: d["roles"].update(root=d["base"]["roots"][0])), "does not follow version 1"),
        (edited(lambda d: d["base"].update(roots=[])), "the first draft of all is that of root and targets"),
        (edited(lambda d: d["base"].update(roots=7)), "a list of texts"),
        (edited(lambda d: d["base"]["roles"].pop("targets")), "does not follow version 0|does not hold the targets"),
        (edited(lambda d: d["roles"].update(snapshot="{}")), "snapshot is signed by the server"),
        (
            edited(lambda d: d["trusted_targets"].update({"_trust/licence-keys.json": "{}"})),
            "is not the file that targets lists",
        ),
        (
            edited(lambda d: d["base"]["trusted_targets"].update({"_trust/other.json": "{}"})),
            "is not the file that targets lists",
        ),
        (edited(lambda d: d.update(names=["Ada"])), "names of a draft is an object"),
        (edited(lambda d: d.update(product_settings=["cad"])), "product_settings of a draft is an object"),
    ],
)
def test_a_file_that_is_no_draft_or_contradicts_itself_is_refused(
    draft: Draft, data_of: Callable[[Draft], bytes], complaint: str
) -> None:
    with pytest.raises(PublishingError, match=complaint):
        from_json(data_of(draft))


def test_a_draft_of_the_largest_role_is_read_at_once(vendor: Vendor) -> None:
    big = a_vendor()
    for number in range(3):
        files = {f"file-{number}-{part}.bin": b"x%d" % part for part in range(500)}
        big.publish(a_release(f"5.{number}", files=files))
    draft = changes(big).renewed([CAD])
    assert from_json(to_json(draft)) == draft


def test_root_keys_are_read_back_from_root(vendor: Vendor) -> None:
    assert root_keys_of(vendor.repository.root()) == vendor.root_keys()
    assert isinstance(vendor.repository.root(), Root)
