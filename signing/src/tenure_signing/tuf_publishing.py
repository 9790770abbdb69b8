"""Taking signed roles into a repository, and signing snapshot and timestamp over them online.

What the server does at each publishing, whoever drafted the roles: check them as if they came from an enemy, then
``resigned``, then ``preflight``. Nothing here reads a key; the two online signers are the caller's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from securesystemslib.signer import Signer
from tuf.api.metadata import Key, Metadata, MetaFile, Role, Root, Snapshot, Targets, Timestamp

from tenure_signing.errors import InvalidName, NotEnoughSignatures, PublishingError
from tenure_signing.names import ProductName, parse_file_name, parse_product
from tenure_signing.release_record import releases_of
from tenure_signing.tuf_drafts import key_source_error, public_part, require_immutable, sign
from tenure_signing.tuf_repository import Repository, T, delegations_of, load, require_signed, signature_status
from tenure_signing.tuf_roles import (
    CLOCK_TOLERANCE,
    LICENCE_KEYS_PATH,
    ONLINE_ROLES,
    ROOT,
    SNAPSHOT,
    TARGETS,
    TIMESTAMP,
    TRUST_FOLDER,
    delegated_paths,
    expiry_of,
    needs_resigning,
    policy_of,
)


@dataclass(slots=True)
class Digests:
    """SHA-256 of role files, remembered with the bytes they are of: the signer signs anew over the same large roles
    again and again, and hashing them would be most of its work. Bytes are compared, never trusted to be the same.

    Holds the newest bytes of each role, at most ``MAX_BYTES`` in all. For one process; not for several threads at once.
    """

    MAX_BYTES: ClassVar[int] = 128_000_000

    _known: dict[str, tuple[bytes, str]] = field(default_factory=dict, repr=False)

    def sha256(self, role: str, data: bytes) -> str:
        known = self._known.get(role)
        if known is not None and known[0] == data:
            return known[1]
        digest = hashlib.sha256(data).hexdigest()
        if sum(len(kept) for kept, _ in self._known.values()) + len(data) > self.MAX_BYTES:
            self._known.clear()
        self._known[role] = (data, digest)
        return digest

    def is_same_file(self, role: str, listed: MetaFile, data: bytes) -> bool:
        """Whether the bytes are those that snapshot lists, by length and SHA-256."""
        return listed.length == len(data) and listed.hashes == {"sha256": self.sha256(role, data)}


def initial_repository(
    root: bytes, targets: bytes, snapshot_signer: Signer, timestamp_signer: Signer, now: datetime
) -> Repository:
    """The first repository, from root and targets that are signed, with snapshot and timestamp signed over them.

    Raises as ``with_roles`` and ``resigned`` do.
    """
    accepted = with_roles(Repository(()), {ROOT: root, TARGETS: targets}, now)
    return resigned(accepted, snapshot_signer, timestamp_signer, now)


def with_roles(repository: Repository, signed_roles: Mapping[str, bytes], now: datetime) -> Repository:
    """The repository with new versions of root, targets and products, to be published together by ``resigned``.

    Bytes that are there already change nothing, so that a publishing that was broken off can be done again.

    Raises ``NotEnoughSignatures`` below a threshold, of the given roles or of those that a new root or targets
    entrusts to other keys; ``ImmutableRelease`` if something published would change; ``InvalidReleaseRecord`` for a
    product's facts; ``PublishingError`` for any other role, a version that is not the next, an expiry that is past or
    too far off, a delegation or target of another shape than ours, an online key trusted with an offline role.
    """
    new = {role: data for role, data in signed_roles.items() if not _has(repository, role, data)}
    if made_online := [role for role in ONLINE_ROLES if role in new]:
        raise PublishingError(f"{made_online[0]} is signed by the server, not submitted")
    roots = repository.roots
    if ROOT in new:
        roots = (*roots, _accepted_root(repository, new.pop(ROOT), now))
    after = Repository(roots, {**repository.roles, **new})
    root = after.root()
    targets = after.targets()
    require_signed(TARGETS, after.bytes_of(TARGETS), root)
    _require_sound_delegations(targets, root)
    for role in new:
        if role != TARGETS and role not in delegations_of(targets):
            raise PublishingError(f"there is no product {role[:64]!r}")
        _require_next_version(role, repository, new[role], now)
    for role in delegations_of(targets):
        if role not in after.roles:
            raise PublishingError(f"the product {role} is delegated, but its role is missing")
        if role in new or TARGETS in new:
            require_signed(role, after.bytes_of(role), targets)
    for role in new:
        if role != TARGETS:
            _require_sound_product(ProductName(role), repository, after)
    return after


def resigned(
    repository: Repository,
    snapshot_signer: Signer,
    timestamp_signer: Signer,
    now: datetime,
    digests: Digests | None = None,
) -> Repository:
    """The repository with a new timestamp, and a new snapshot if a role changed or half the snapshot's life is spent.

    A role that changed since the last snapshot is verified here again; roles that did not change are not parsed, so
    the work does not grow with the number of releases. A role once in snapshot stays in it, even when its product's
    delegation is gone: clients refuse a snapshot that lost one. ``digests``: kept by who does this again and again.

    Raises ``NotEnoughSignatures`` if a role is not signed as its delegator asks, or a signer's key is not the one root
    names; ``PublishingError`` if a role was dropped or its version went back; ``KeySourceError`` if a key is away.
    """
    root = repository.root()
    before = _snapshot(repository)
    meta = _snapshot_meta(repository, root, before, digests if digests is not None else Digests())
    roles = dict(repository.roles)
    if before is None or meta != before.meta or _is_stale(SNAPSHOT, roles[SNAPSHOT], before, root, now):
        version = before.version + 1 if before is not None else 1
        snapshot = Snapshot(version, None, expiry_of(SNAPSHOT, now), meta)
        roles[SNAPSHOT] = _signed_online(SNAPSHOT, snapshot, snapshot_signer, root)
    snapshot_version = load(SNAPSHOT, roles[SNAPSHOT], Snapshot).signed.version
    old = load(TIMESTAMP, roles[TIMESTAMP], Timestamp).signed if TIMESTAMP in roles else None
    timestamp = Timestamp(
        old.version + 1 if old is not None else 1,
        None,
        expiry_of(TIMESTAMP, now),
        MetaFile.from_data(snapshot_version, roles[SNAPSHOT], ["sha256"]),
    )
    roles[TIMESTAMP] = _signed_online(TIMESTAMP, timestamp, timestamp_signer, root)
    return Repository(repository.roots, roles)


def role_expiries(repository: Repository) -> dict[str, tuple[int, datetime]]:
    """Version and expiry of every role, retired products included, by name; top-level roles first. A product whose
    metadata is damaged has none."""
    readable = filter(repository.is_readable, repository.products)
    signed = {role: repository.targets(role) for role in (TARGETS, *readable)}
    online = {
        SNAPSHOT: load(SNAPSHOT, repository.bytes_of(SNAPSHOT), Snapshot).signed,
        TIMESTAMP: load(TIMESTAMP, repository.bytes_of(TIMESTAMP), Timestamp).signed,
    }
    everything = {ROOT: repository.root(), TARGETS: signed.pop(TARGETS), **online, **signed}
    return {role: (metadata.version, metadata.expires) for role, metadata in everything.items()}


def roles_to_resign(repository: Repository, now: datetime) -> tuple[str, ...]:
    """The roles whose metadata should be signed anew by now, the online ones among them; a lapsed product included."""
    expiries = role_expiries(repository).items()
    return tuple(sorted(role for role, (_, expires) in expiries if needs_resigning(role, expires, now)))


def _has(repository: Repository, role: str, data: bytes) -> bool:
    """Whether these bytes are the role's current ones."""
    return data == (repository.roots[-1] if role == ROOT and repository.roots else repository.roles.get(role))


def _accepted_root(repository: Repository, data: bytes, now: datetime) -> bytes:
    metadata = load(ROOT, data, Root)
    root = metadata.signed
    if root.version != len(repository.roots) + 1:
        raise PublishingError(f"root is version {root.version}; the next one is {len(repository.roots) + 1}")
    _require_sane_expiry(ROOT, root.expires, now)
    if root.consistent_snapshot is not True:
        raise PublishingError("root does not ask for consistent snapshots")
    for name, role in root.roles.items():
        _require_usable_keys(name, role, root.keys)
    online = _public_keys(ONLINE_ROLES, root)
    if online & _public_keys((ROOT, TARGETS), root):
        raise PublishingError("root trusts an online key with root or targets")
    if repository.roots:
        require_signed(ROOT, data, repository.root())
    require_signed(ROOT, data, root)
    return data


def _require_next_version(role: str, repository: Repository, data: bytes, now: datetime) -> None:
    signed = load(role, data, Targets).signed
    current = repository.targets(role).version if role in repository.roles else 0
    if signed.version != current + 1:
        raise PublishingError(f"{role} is version {signed.version}; the next one is {current + 1}")
    _require_sane_expiry(role, signed.expires, now)


def _require_sane_expiry(role: str, expires: datetime, now: datetime) -> None:
    if expires <= now:
        raise PublishingError(f"{role} expired on {expires:%Y-%m-%d}")
    if expires > expiry_of(role, now) + CLOCK_TOLERANCE:
        raise PublishingError(f"{role} would live longer than {policy_of(role).lifetime.days} days")


def _require_usable_keys(name: str, role: Role, known: Mapping[str, Key]) -> None:
    if type(role.threshold) is not int or not 1 <= role.threshold <= len(role.keyids):
        raise PublishingError(f"{name} asks for {role.threshold} of {len(role.keyids)} keys")
    if missing := [keyid for keyid in role.keyids if keyid not in known]:
        raise PublishingError(f"{name} names the key {str(missing[0])[:12]}, which is not given")
    if len({public_part(known[keyid]) for keyid in role.keyids}) != len(role.keyids):
        raise PublishingError(f"{name} counts one key twice")


def _public_keys(roles: Iterable[str], root: Root) -> set[bytes]:
    return {public_part(root.keys[keyid]) for role in roles for keyid in root.roles[role].keyids}


def _require_sound_delegations(targets: Targets, root: Root) -> None:
    """One terminating role per product, for its own paths; targets lists nothing but the trust folder."""
    for path, target in targets.targets.items():
        folder, _, name = path.partition("/")
        try:
            parse_file_name(name)
        except InvalidName as error:
            raise PublishingError("targets lists a path that is not one of the trust folder") from error
        if folder != TRUST_FOLDER or list(target.hashes) != ["sha256"]:
            raise PublishingError(
                f"targets lists {folder}/{name}: it lists {TRUST_FOLDER}/*, each with a SHA-256 alone"
            )
    if LICENCE_KEYS_PATH not in targets.targets:
        raise PublishingError(f"targets does not list {LICENCE_KEYS_PATH}")
    if targets.delegations is not None and targets.delegations.succinct_roles is not None:
        raise PublishingError("targets delegates to hash bins")
    online = _public_keys(ONLINE_ROLES, root)
    for name, role in delegations_of(targets).items():
        try:
            product = parse_product(name)
        except InvalidName as error:
            raise PublishingError(f"targets delegates to a role that cannot be a product: {error}") from error
        if role.paths != delegated_paths(product) or role.terminating is not True:
            raise PublishingError(
                f"the delegation to {product} is not a terminating one for {delegated_paths(product)[0]}"
            )
        assert targets.delegations is not None
        _require_usable_keys(product, role, targets.delegations.keys)
        if online & {public_part(targets.delegations.keys[keyid]) for keyid in role.keyids}:
            raise PublishingError(f"targets trusts an online key with the product {product}")


def _require_sound_product(product: ProductName, before: Repository, after: Repository) -> None:
    """The role's releases are well stated, nothing published changed, and it delegates no further."""
    signed = after.targets(product)
    if signed.delegations is not None:
        raise PublishingError(f"the role of product {product} delegates further")
    if product in before.roles:
        require_immutable(product, before.targets(product), signed)
    else:
        releases_of(product, signed.targets)


def _snapshot(repository: Repository) -> Snapshot | None:
    return load(SNAPSHOT, repository.roles[SNAPSHOT], Snapshot).signed if SNAPSHOT in repository.roles else None


def _snapshot_meta(
    repository: Repository, root: Root, before: Snapshot | None, digests: Digests
) -> dict[str, MetaFile]:
    """What snapshot has to say: version, length and SHA-256 of targets and of each product."""
    known = before.meta if before is not None else {}
    targets = repository.targets()
    require_signed(TARGETS, repository.bytes_of(TARGETS), root)
    delegated = delegations_of(targets)
    if missing := set(delegated) - set(repository.roles):
        raise PublishingError(f"the product {min(missing)} is delegated, but its role is missing")
    meta: dict[str, MetaFile] = {}
    targets_changed = False
    for role in (TARGETS, *repository.products):
        data = repository.roles[role]
        listed = known.get(f"{role}.json")
        changed = listed is None or not digests.is_same_file(role, listed, data)
        if listed is not None and changed and role != TARGETS and not repository.is_readable(role):
            meta[f"{role}.json"] = listed  # damaged in storage: clients of this product notice, and no others
            continue
        targets_changed |= changed and role == TARGETS
        if role in delegated and (changed or targets_changed):
            require_signed(role, data, targets)
        elif changed and role != TARGETS:
            raise PublishingError(f"{role} changed, but no product of that name is delegated")
        meta[f"{role}.json"] = _meta_file(role, data, listed) if changed or listed is None else listed
    if dropped := set(known) - set(meta):
        raise PublishingError(f"{min(dropped)} was published: clients refuse a snapshot without it")
    return meta


def _meta_file(role: str, data: bytes, listed: MetaFile | None) -> MetaFile:
    version = load(role, data, Targets).signed.version
    if listed is not None and version <= listed.version:
        raise PublishingError(f"{role} version {listed.version} is published: version {version} does not follow it")
    return MetaFile.from_data(version, data, ["sha256"])


def _is_stale(role: str, data: bytes, signed: Snapshot, root: Root, now: datetime) -> bool:
    """Whether half the life is spent, or root has given the role to another key."""
    return needs_resigning(role, signed.expires, now) or not signature_status(role, data, root).verified


def _signed_online(role: str, signed: T, signer: Signer, root: Root) -> bytes:
    if signer.public_key.keyid not in root.roles[role].keyids:
        raise NotEnoughSignatures(f"the key {signer.public_key.keyid[:12]} is not the one root names for {role}")
    try:
        data = sign(role, Metadata(signed).to_bytes(), signer)
    except PublishingError as error:
        if cause := key_source_error(error):
            raise cause from None
        raise
    require_signed(role, data, root)
    return data
