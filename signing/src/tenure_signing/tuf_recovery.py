"""After an old backup was restored: taking up what was published since, and counting on above it.

Clients refuse versions lower than they have seen (TUF 5.4.3, 5.5.5, 5.6.3). What was published since the backup is
still with any mirror and any client; its offline signatures say whether it is genuine. Snapshot and timestamp are made
anew, with versions above anything that can have been published.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from securesystemslib.signer import Signer
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, Timestamp

from tenure_signing.errors import NotEnoughSignatures, PublishingError
from tenure_signing.tuf_drafts import sign
from tenure_signing.tuf_repository import Repository, T, delegations_of, load, load_any, require_signed
from tenure_signing.tuf_roles import ONLINE_ROLES, ROOT, SNAPSHOT, TARGETS, TIMESTAMP, expiry_of

MAX_SEEN_VERSION = 10**12
"""More than one publication a second since 1970: somebody with stolen keys counted it up, and new online keys are the
way to recover, which let versions begin anew."""

_METADATA_FILE = re.compile(r"(?:[1-9][0-9]{0,14}\.)?(?P<role>[a-z0-9-]{1,64})\.json", re.ASCII)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a mirror or client holds: roots by version, the newest of every other role, and any other files by SHA-256.

    Nothing of it is believed yet.
    """

    roots: Mapping[int, bytes] = field(default_factory=dict)
    roles: Mapping[str, bytes] = field(default_factory=dict)
    others: Mapping[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("roots", "roles", "others"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))


def seen_in(files: Iterable[tuple[str, bytes]]) -> Seen:
    """What there is in files, each a name and its bytes; what is no metadata of ours is kept by its hash only."""
    roots: dict[int, bytes] = {}
    roles: dict[str, bytes] = {}
    versions: dict[str, int] = {}
    others: dict[str, bytes] = {}
    for name, data in files:
        others[hashlib.sha256(data).hexdigest()] = data
        match = _METADATA_FILE.fullmatch(name)
        if match is None:
            continue
        try:
            version = int(load_any(match["role"], data).signed.version)
        except PublishingError:
            continue
        if match["role"] == ROOT:
            roots[version] = data
        elif version > versions.get(match["role"], 0):
            roles[match["role"]], versions[match["role"]] = data, version
    return Seen(roots, roles, others)


def caught_up(repository: Repository, seen: Seen) -> Repository:
    """The repository with every newer root, targets and product that was seen, each signed as its delegator asks.

    Snapshot and timestamp stay as they are: ``counted_on`` makes them anew.

    Raises ``PublishingError`` if what was seen contradicts what was restored, is not properly signed, or is known to
    have existed but is nowhere to be had.
    """
    roots = list(repository.roots)
    for version, data in enumerate(roots, start=1):
        if seen.roots.get(version, data) != data:
            raise PublishingError(f"version {version} of root was seen with other bytes than were restored")
    while len(roots) + 1 in seen.roots:
        data = seen.roots[len(roots) + 1]
        require_signed(ROOT, data, load(ROOT, roots[-1], Root).signed)
        require_signed(ROOT, data, load(ROOT, data, Root).signed)
        roots.append(data)
    root = load(ROOT, roots[-1], Root).signed
    roles = dict(repository.roles)
    roles[TARGETS] = _newer(TARGETS, repository, seen)
    require_signed(TARGETS, roles[TARGETS], root)
    after = Repository(tuple(roots), roles)
    delegated = delegations_of(after.targets())
    for role in sorted({*repository.products, *(each for each in seen.roles if each not in (TARGETS, *ONLINE_ROLES))}):
        roles[role] = _newer(role, repository, seen)
        if role in delegated:
            require_signed(role, roles[role], after.targets())
    if missing := set(delegated) - set(roles):
        raise PublishingError(f"the product {min(missing)} was added since the backup, and its role was not seen")
    after = Repository(tuple(roots), roles)
    _require_nothing_missing(after, seen)
    return after


def missing_trusted_targets(repository: Repository, known: Mapping[str, bytes], seen: Seen) -> dict[str, bytes]:
    """The files of the trust folder that targets lists and ``known`` lacks, from what was seen.

    Raises ``PublishingError`` for one that was not seen.
    """
    found: dict[str, bytes] = {}
    for path, target in repository.targets().targets.items():
        digest = target.hashes.get("sha256", "")
        if path in known and hashlib.sha256(known[path]).hexdigest() == digest:
            continue
        if digest not in seen.others:
            raise PublishingError(f"{path} changed since the backup, and the file was not seen")
        found[path] = seen.others[digest]
    return found


def counted_on(
    repository: Repository, seen: Seen, snapshot_signer: Signer, timestamp_signer: Signer, now: datetime
) -> Repository:
    """The repository with snapshot and timestamp above anything restored, seen, or publishable by now once a second.

    Raises ``PublishingError`` for a version so high that only new online keys help, and for what was seen but is not
    signed by the present online keys; ``NotEnoughSignatures`` for the wrong signers.
    """
    root = repository.root()
    seen_snapshot, seen_timestamp = _seen_versions(seen, root)
    roles = dict(repository.roles)
    listed = (TARGETS, *repository.products)
    meta = {f"{role}.json": MetaFile.from_data(_version(role, roles[role]), roles[role], ["sha256"]) for role in listed}
    at_least = int(now.timestamp())
    version = max(_version_in(SNAPSHOT, roles), seen_snapshot, at_least) + 1
    roles[SNAPSHOT] = _signed(SNAPSHOT, Snapshot(version, None, expiry_of(SNAPSHOT, now), meta), snapshot_signer, root)
    timestamp = Timestamp(
        max(_version_in(TIMESTAMP, roles), seen_timestamp, at_least) + 1,
        None,
        expiry_of(TIMESTAMP, now),
        MetaFile.from_data(version, roles[SNAPSHOT], ["sha256"]),
    )
    roles[TIMESTAMP] = _signed(TIMESTAMP, timestamp, timestamp_signer, root)
    return Repository(repository.roots, roles)


def seen_repository(after: Repository, seen: Seen) -> Repository | None:
    """What a client held that is now to go on, or None if not enough of it was seen to tell."""
    if not set(ONLINE_ROLES) | {TARGETS} <= set(seen.roles):
        return None
    roles = {role: data for role, data in seen.roles.items() if role in after.roles}
    return Repository(after.roots[: max(seen.roots, default=1)], roles)


def _newer(role: str, repository: Repository, seen: Seen) -> bytes:
    """Restored or seen, whichever has the higher version."""
    restored, other = repository.roles.get(role), seen.roles.get(role)
    if restored is None or other is None:
        found = restored if other is None else other
        assert found is not None
        return found
    difference = _version(role, other) - _version(role, restored)
    if difference == 0 and other != restored:
        raise PublishingError(f"{role} was seen in its restored version, but with other bytes")
    return other if difference > 0 else restored


def _require_nothing_missing(after: Repository, seen: Seen) -> None:
    """Everything that a snapshot that was seen lists is there in that version or a higher one."""
    if SNAPSHOT not in seen.roles:
        return
    for name, meta in load(SNAPSHOT, seen.roles[SNAPSHOT], Snapshot).signed.meta.items():
        role = name.removesuffix(".json")
        if role not in after.roles or _version(role, after.roles[role]) < meta.version:
            raise PublishingError(
                f"{role} version {meta.version} was published since the backup, and it was not seen; "
                "a mirror has it, and the metadata folder of a client that updated since"
            )


def _seen_versions(seen: Seen, root: Root) -> tuple[int, int]:
    """The highest versions of snapshot and timestamp that were seen; 0 for neither."""
    for role in ONLINE_ROLES:
        if role in seen.roles:
            try:
                require_signed(role, seen.roles[role], root)
            except NotEnoughSignatures as error:
                raise PublishingError(f"the {role} that was seen is not signed by the key that root names") from error
    snapshot, timestamp = _version_in(SNAPSHOT, seen.roles), _version_in(TIMESTAMP, seen.roles)
    if TIMESTAMP in seen.roles:
        stated = load(TIMESTAMP, seen.roles[TIMESTAMP], Timestamp).signed.snapshot_meta.version
        snapshot = max(snapshot, stated)
    if max(snapshot, timestamp) > MAX_SEEN_VERSION:
        raise PublishingError("somebody counted snapshot or timestamp up out of reach: give them new online keys")
    return snapshot, timestamp


def _version(role: str, data: bytes) -> int:
    version: int = load_any(role, data).signed.version
    return version


def _version_in(role: str, roles: Mapping[str, bytes]) -> int:
    return _version(role, roles[role]) if role in roles else 0


def _signed(role: str, signed: T, signer: Signer, root: Root) -> bytes:
    metadata: Metadata[Any] = Metadata(signed)
    data = sign(role, metadata.to_bytes(), signer)
    require_signed(role, data, root)
    return data
