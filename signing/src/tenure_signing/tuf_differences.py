"""Every difference between the metadata that a draft follows and its own.

Complete by construction: what has a sentence of its own is taken out of the metadata before and after, and whatever
then still differs is reported as it stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tuf.api.metadata import Key, Role, Root, TargetFile, Targets

from tenure_signing.draft_files import Draft
from tenure_signing.errors import InvalidPublicKey
from tenure_signing.key_sets import KeySet, VerificationKey
from tenure_signing.names import ProductName
from tenure_signing.public_keys import standard_key
from tenure_signing.release_record import NAMESPACE
from tenure_signing.tuf_repository import delegations_of, load_any
from tenure_signing.tuf_roles import CONSISTENT_SNAPSHOT, LICENCE_KEYS_PATH, ROOT, TARGETS, delegated_paths

Place = tuple[str, ...]


class ChangeKind(StrEnum):
    """What kind of change; the value is stable and meant for programs."""

    KEY_ADDED = "key_added"
    KEY_REMOVED = "key_removed"
    THRESHOLD = "threshold"
    PRODUCT_ADDED = "product_added"
    PRODUCT_RETIRED = "product_retired"
    BUILD_ADDED = "build_added"
    BUILD_REMOVED = "build_removed"
    BUILD_MOVED = "build_moved"
    BUILD_CHANGED = "build_changed"
    WITHDRAWN = "release_withdrawn"
    PROMOTED = "release_promoted"
    LICENCE_KEY_ADDED = "licence_key_added"
    LICENCE_KEY_RETIRED = "licence_key_retired"
    LICENCE_KEY_REMOVED = "licence_key_removed"
    FILE = "trusted_file_changed"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``role`` is the role whose metadata says so; ``subject`` what changed: a role, key id or path.

    ``before`` and ``after`` are JSON values, None where there was or will be nothing.
    """

    kind: ChangeKind
    role: str
    subject: str
    before: Any = None
    after: Any = None


def before_and_after(draft: Draft, role: str) -> tuple[Root | Targets | None, Root | Targets]:
    """The role's metadata that the draft follows, None if there is none, and the draft's own."""
    has_before = bool(draft.base.roots) if role == ROOT else role in draft.base.roles
    before = load_any(role, draft.base.bytes_of(role)).signed if has_before else None
    return before, load_any(role, draft.roles[role]).signed


def changes_of(draft: Draft, role: str) -> tuple[Change, ...]:
    """Everything that the draft changes in the role, but version and expiry.

    Raises ``PublishingError`` and ``InvalidKeySet`` for what cannot be read.
    """
    before, after = before_and_after(draft, role)
    changes: list[Change] = []
    if isinstance(after, Root):
        changes += _root_changes(before if isinstance(before, Root) else None, after)
    else:
        known = before if isinstance(before, Targets) else None
        changes += _delegation_changes(known, after) if role == TARGETS else _build_changes(role, known, after)
        changes += _trusted_file_changes(draft) if role == TARGETS else ()
    return (*changes, *_leftovers(role, before, after))


# Keys and thresholds


def _root_changes(before: Root | None, after: Root) -> Iterable[Change]:
    old: Mapping[str, Role] = before.roles if before is not None else {}
    for name, role in after.roles.items():
        yield from _role_key_changes(ROOT, name, old.get(name), role)


def _delegation_changes(before: Targets | None, after: Targets) -> Iterable[Change]:
    old = delegations_of(before) if before is not None else {}
    new = delegations_of(after)
    for name, role in new.items():
        if name not in old:
            yield Change(ChangeKind.PRODUCT_ADDED, TARGETS, name, None, {"paths": role.paths})
        yield from _role_key_changes(TARGETS, name, old.get(name), role)
    for name in old:
        if name not in new:
            yield Change(ChangeKind.PRODUCT_RETIRED, TARGETS, name)


def _role_key_changes(role: str, subject: str, before: Role | None, after: Role) -> Iterable[Change]:
    old = before.keyids if before is not None else []
    for keyid in after.keyids:
        if keyid not in old:
            yield Change(ChangeKind.KEY_ADDED, role, subject, None, keyid)
    for keyid in old:
        if keyid not in after.keyids:
            yield Change(ChangeKind.KEY_REMOVED, role, subject, keyid)
    was = f"{before.threshold} of {len(before.keyids)}" if before is not None else None
    becomes = f"{after.threshold} of {len(after.keyids)}"
    if was != becomes:
        yield Change(ChangeKind.THRESHOLD, role, subject, was, becomes)


# Releases


def _build_changes(product: str, before: Targets | None, after: Targets) -> Iterable[Change]:
    old: Mapping[str, TargetFile] = before.targets if before is not None else {}
    gone = {path: target for path, target in old.items() if path not in after.targets}
    for path, target in after.targets.items():
        was = old.get(path)
        if was is None:
            origin = next((p for p, t in gone.items() if t.hashes == target.hashes and t.length == target.length), None)
            if origin is None:
                yield Change(ChangeKind.BUILD_ADDED, product, path, None, _facts(target))
            else:
                was_there = {"path": origin, **_facts(gone.pop(origin))}
                yield Change(ChangeKind.BUILD_MOVED, product, path, was_there, _facts(target))
        elif was != target:
            yield _changed_build(product, path, was, target)
    for path, target in gone.items():
        yield Change(ChangeKind.BUILD_REMOVED, product, path, _facts(target))


def _changed_build(product: str, path: str, before: TargetFile, after: TargetFile) -> Change:
    old, new = _facts(before), _facts(after)
    differing = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    kind = ChangeKind.BUILD_CHANGED
    if differing == {"withdrawn"} and "withdrawn" in new:
        kind = ChangeKind.WITHDRAWN
    elif differing == {"channel", "promoted_from"} and _channels(new)[: len(_channels(old))] == _channels(old):
        kind = ChangeKind.PROMOTED
    was = {name: old[name] for name in sorted(differing) if name in old}
    return Change(kind, product, path, was or None, {name: new[name] for name in sorted(differing) if name in new})


def _channels(facts: Mapping[str, Any]) -> list[Any]:
    """The channels that the release was on, the present one last."""
    before = facts.get("promoted_from", [])
    return [*(before if isinstance(before, list) else [before]), facts.get("channel")]


def _facts(target: TargetFile) -> dict[str, Any]:
    """Everything that is signed about a file; the facts of its release without their wrapping."""
    facts: dict[str, Any] = dict(target.to_dict())
    custom = facts.pop("custom", None)
    hashes = facts.pop("hashes", None)
    facts["sha256"] = hashes["sha256"] if isinstance(hashes, dict) and set(hashes) == {"sha256"} else hashes
    if isinstance(custom, dict) and set(custom) == {NAMESPACE} and isinstance(custom[NAMESPACE], dict):
        return {**facts, **{name: value for name, value in custom[NAMESPACE].items() if name not in facts}}
    return facts if custom is None else {**facts, "custom": custom}


# The trust folder


def _trusted_file_changes(draft: Draft) -> Iterable[Change]:
    old = draft.base.targets().targets if TARGETS in draft.base.roles else {}
    new = draft.after.targets().targets
    for path in sorted({*old, *new}):
        before, after = old.get(path), new.get(path)
        if before == after:
            continue
        was = before.to_dict() if before is not None else None
        yield Change(ChangeKind.FILE, TARGETS, path, was, after.to_dict() if after is not None else None)
        if path == LICENCE_KEYS_PATH and path in draft.trusted_targets:
            yield from _licence_key_changes(draft.base_trusted_targets.get(path), draft.trusted_targets[path])


def _licence_key_changes(before: bytes | None, after: bytes) -> Iterable[Change]:
    old = {key.kid: key for key in KeySet.from_json(before).keys} if before is not None else {}
    new = {key.kid: key for key in KeySet.from_json(after).keys}
    for kid, key in new.items():
        was = old.get(kid)
        if was is None:
            yield Change(ChangeKind.LICENCE_KEY_ADDED, TARGETS, kid, None, _key_facts(key))
        elif was != key:
            is_retired = was.retired_at is None and key.purposes == was.purposes
            kind = ChangeKind.LICENCE_KEY_RETIRED if is_retired else ChangeKind.OTHER
            yield Change(kind, TARGETS, kid, _key_facts(was), _key_facts(key))
    for kid, key in old.items():
        if kid not in new:
            yield Change(ChangeKind.LICENCE_KEY_REMOVED, TARGETS, kid, _key_facts(key))
    if KeySet.from_json(after).to_json() != after:  # it may hold what only a later program understands
        was_text = before.decode(errors="replace") if before is not None else None
        yield Change(ChangeKind.OTHER, TARGETS, LICENCE_KEYS_PATH, was_text, after.decode(errors="replace"))


def _key_facts(key: VerificationKey) -> dict[str, Any]:
    facts: dict[str, Any] = {"purposes": sorted(key.purposes)}
    if key.retired_at is not None:
        facts["retired_at"] = key.retired_at.isoformat()
    return facts


# Everything else


def _leftovers(role: str, before: Root | Targets | None, after: Root | Targets) -> Iterable[Change]:
    """What differs beyond everything reported above. For a new role, what differs from the shape ours have."""
    old = _flat(_rest(role, before) if before is not None else _usual_rest(after))
    new = _flat(_rest(role, after))
    for place in sorted({*old, *new}):
        if old.get(place) != new.get(place) or (place in old) != (place in new):
            yield Change(ChangeKind.OTHER, role, _pointer(place), old.get(place), new.get(place))


def _rest(role: str, signed: Root | Targets) -> dict[str, Any]:
    """The metadata without what has sentences of its own: version, expiry, key ids, thresholds, listed files."""
    rest: dict[str, Any] = json.loads(json.dumps(signed.to_dict()))
    for name in ("version", "expires", "targets"):
        rest.pop(name, None)
    if isinstance(signed, Root):
        _reduce_keys(rest, signed.keys, signed.roles.values())
        stripped = {name: _without(each, "keyids", "threshold") for name, each in rest.pop("roles").items()}
        if unusual := {name: each for name, each in stripped.items() if each}:
            rest["roles"] = unusual
    elif role == TARGETS and signed.delegations is not None:
        delegations = rest["delegations"]
        _reduce_keys(delegations, signed.delegations.keys, delegations_of(signed).values())
        listed = {each["name"]: _without(each, "keyids", "threshold") for each in delegations.pop("roles", [])}
        if unusual := {name: each for name, each in listed.items() if each != _usual_delegation(name)}:
            delegations["roles"] = unusual
        if not delegations:
            del rest["delegations"]
    return rest


def _reduce_keys(holder: dict[str, Any], keys: Mapping[str, Key], roles: Iterable[Role]) -> None:
    """Leave only keys about which their id does not say all: spare ones, and those under an id that is not theirs."""
    used = {keyid for role in roles for keyid in role.keyids}
    odd = {keyid: holder["keys"][keyid] for keyid, key in keys.items() if keyid not in used or not _is_standard(key)}
    del holder["keys"]
    if odd:
        holder["keys"] = odd


def _is_standard(key: Key) -> bool:
    """Whether the key is exactly what its key id stands for."""
    try:
        return standard_key(key) == key
    except InvalidPublicKey:
        return False


def _usual_delegation(name: str) -> dict[str, Any]:
    return {"name": name, "terminating": True, "paths": delegated_paths(ProductName(name))}


def _usual_rest(signed: Root | Targets) -> dict[str, Any]:
    usual: dict[str, Any] = {"_type": signed.type, "spec_version": signed.spec_version}
    if not isinstance(signed, Root):
        return usual
    return usual | {"consistent_snapshot": CONSISTENT_SNAPSHOT}


def _without(mapping: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name not in names}


def _flat(value: Any, place: Place = ()) -> dict[Place, Any]:
    """Every leaf by its place."""
    if not isinstance(value, dict) or not value:
        return {place: value}
    leaves: dict[Place, Any] = {}
    for name, inner in value.items():
        leaves |= _flat(inner, (*place, name))
    return leaves


def _pointer(place: Place) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in place)
