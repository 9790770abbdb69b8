"""Drafts of the roles that people sign offline: root, targets and the products.

Each function takes the role's current bytes and returns the next version, unsigned; ``now`` sets its expiry. The caller
has verified the current bytes with a TUF client: a draft copies everything it does not change. ``sign`` and
``with_signatures_of`` add signatures. Nothing here reads a key.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from securesystemslib.signer import Signer
from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import DelegatedRole, Delegations, Key, Metadata, Role, Root, TargetFile, Targets

from tenure_signing.errors import ImmutableRelease, KeySourceError, PublishingError
from tenure_signing.names import ChannelName, ProductName, parse_product
from tenure_signing.release_record import (
    NAMESPACE,
    differing_facts,
    releases_of,
    side_file_target_of,
    target_of,
    withdrawal_record,
)
from tenure_signing.releases import DEFAULT_CHANNELS, Release, Withdrawal
from tenure_signing.tuf_repository import T, delegations_of, load, load_any, signed_payload
from tenure_signing.tuf_roles import (
    CONSISTENT_SNAPSHOT,
    LICENCE_KEYS_PATH,
    ONLINE_THRESHOLD,
    ROOT,
    SNAPSHOT,
    TARGETS,
    TIMESTAMP,
    delegated_paths,
    expiry_of,
    policy_of,
)
from tenure_signing.versions import Version


@dataclass(frozen=True, slots=True)
class RoleKeys:
    """The public keys that may sign a role, and how many of them must.

    Raises ``PublishingError`` for a threshold that cannot be met, or a key given twice: under two key ids it would
    count as two people.
    """

    keys: tuple[Key, ...]
    threshold: int

    def __post_init__(self) -> None:
        if type(self.threshold) is not int or not 1 <= self.threshold <= len(self.keys):
            raise PublishingError(f"{self.threshold} of {len(self.keys)} keys cannot sign a role")
        if len({public_part(key) for key in self.keys}) != len(self.keys) or len(set(self.keyids)) != len(self.keys):
            raise PublishingError("a key is given twice for the same role")

    @property
    def keyids(self) -> list[str]:
        return [key.keyid for key in self.keys]


@dataclass(frozen=True, slots=True)
class RootKeys:
    """Whom root trusts with what. Raises ``PublishingError`` if an online key could sign root or targets."""

    root: RoleKeys
    targets: RoleKeys
    snapshot: Key
    timestamp: Key

    def __post_init__(self) -> None:
        offline = {public_part(key) for key in (*self.root.keys, *self.targets.keys)}
        if offline & {public_part(self.snapshot), public_part(self.timestamp)}:
            raise PublishingError("the online keys of snapshot and timestamp may not sign root or targets")


def public_part(key: Key) -> bytes:
    """What makes a key the same key, whatever key id and spelling it bears.

    Raises ``PublishingError`` for a key that states no public part or one that cannot be read.
    """
    text = key.keyval.get("public")
    try:
        if key.keytype == "ed25519":
            return bytes.fromhex(str(text))
        return load_pem_public_key(str(text).encode()).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PublishingError(f"the key {key.keyid[:12]} has no public part that can be read") from error


# Root and targets


def first_root(keys: RootKeys, now: datetime) -> bytes:
    """Version 1 of root, unsigned: what products embed once it is signed by the threshold of the root keys."""
    return _root(1, keys, now)


def next_root(root: bytes, keys: RootKeys, now: datetime) -> bytes:
    """Root with these keys. To be signed by the threshold of the old root keys and by that of the new ones."""
    return _root(load(ROOT, root, Root).signed.version + 1, keys, now)


def first_targets(licence_keys: bytes, now: datetime) -> bytes:
    """Version 1 of targets: no product, and the licence key set as ``_trust/licence-keys.json``."""
    listed = TargetFile.from_data(LICENCE_KEYS_PATH, licence_keys, ["sha256"])
    return _draft(TARGETS, Targets(1, None, expiry_of(TARGETS, now), {LICENCE_KEYS_PATH: listed}, Delegations({}, {})))


def with_licence_keys(targets: bytes, licence_keys: bytes, now: datetime) -> bytes:
    """Targets with this licence key set; the caller stores the bytes under the target's path."""
    signed = _next(TARGETS, targets, now)
    signed.targets[LICENCE_KEYS_PATH] = TargetFile.from_data(LICENCE_KEYS_PATH, licence_keys, ["sha256"])
    return _draft(TARGETS, signed)


def with_product(targets: bytes, product: ProductName, keys: RoleKeys, now: datetime) -> bytes:
    """Targets that trusts these keys with the product's paths and no other; ``first_product_role`` goes with it.

    Raises ``PublishingError`` if the product is there already.
    """
    parse_product(product)
    signed = _next(TARGETS, targets, now)
    if product in delegations_of(signed):
        raise PublishingError(f"the product {product} is already there")
    return _draft(TARGETS, _delegating(signed, product, keys))


def with_product_keys(targets: bytes, product: ProductName, keys: RoleKeys, now: datetime) -> bytes:
    """Targets that trusts these keys with the product instead. The product's role is to be signed anew with them.

    Raises ``PublishingError`` if there is no such product.
    """
    signed = _next(TARGETS, targets, now)
    if product not in delegations_of(signed):
        raise PublishingError(f"there is no product {product}")
    return _draft(TARGETS, _delegating(signed, product, keys))


# Products


def first_product_role(product: ProductName, now: datetime) -> bytes:
    """Version 1 of a product's role: no release."""
    return _draft(product, Targets(1, None, expiry_of(product, now), {}))


def with_release(role: bytes, release: Release, now: datetime) -> bytes:
    """The product's role with the release's builds and side files added to those it has.

    Returns ``role`` itself if every file is there. Raises ``ImmutableRelease`` if the version is published with other
    facts, another spelling or other bytes under one of the paths, or withdrawn; ``PublishingError`` for a release
    without builds or one that is withdrawn to begin with; ``InvalidReleaseRecord`` for facts that fit no record.
    """
    product = release.product
    if not release.builds:
        raise PublishingError(f"{product} {release.version} has no build")
    if release.withdrawal is not None:
        raise PublishingError(f"{product} {release.version} is withdrawn before it was ever published")
    signed = load(product, role, Targets).signed
    _require_same_release(signed, release)
    added = {build.path: target_of(release, build) for build in release.builds}
    added |= {file.path: side_file_target_of(release, file) for file in release.side_files}
    if len(added) != len(release.files):
        raise PublishingError(f"{product} {release.version} has two files under one path")
    if all(signed.targets.get(path) == target for path, target in added.items()):
        return role
    after = _next(product, role, now)
    after.targets |= added
    require_immutable(product, signed, after)
    return _draft(product, after)


def with_withdrawal(
    role: bytes, product: ProductName, version: Version, withdrawal: Withdrawal, now: datetime
) -> bytes:
    """The product's role with the release marked withdrawn, or with another reason or replacement.

    Raises ``PublishingError`` if the version was never published or the replacement is not there to be had.
    """
    signed = _next(product, role, now)
    releases = {release.version: release for release in releases_of(product, signed.targets)}
    release = releases.get(version)
    if release is None:
        raise PublishingError(f"{product} {version} was never published")
    if withdrawal.replacement is not None:
        replacement = releases.get(withdrawal.replacement)
        if replacement is None or replacement.withdrawal is not None:
            raise PublishingError(f"the replacement {product} {withdrawal.replacement} is not published, or withdrawn")
        withdrawal = replace(withdrawal, replacement=replacement.version)
    for build in release.builds:
        signed.targets[build.path].custom[NAMESPACE]["withdrawn"] = withdrawal_record(withdrawal)
    releases_of(product, signed.targets)
    return _draft(product, signed)


def with_promotion(role: bytes, product: ProductName, version: Version, channel: ChannelName, now: datetime) -> bytes:
    """The product's role with the release moved to a more stable channel: the same bytes, day and facts.

    Returns ``role`` itself if the release is on that channel. Raises ``PublishingError`` if the version was never
    published or is withdrawn, ``ImmutableRelease`` for a channel that it was on before or, among the channels that
    every product has by default, one that is less stable. The order of a vendor's own channels is for the caller.
    """
    signed = _next(product, role, now)
    release = next((r for r in releases_of(product, signed.targets) if r.version == version), None)
    if release is None:
        raise PublishingError(f"{product} {version} was never published")
    if release.withdrawal is not None:
        raise PublishingError(f"{product} {release.version} was withdrawn")
    if release.channel == channel:
        return role
    promoted = replace(release, channel=channel, promoted_from=(*release.promoted_from, release.channel))
    signed.targets |= {build.path: target_of(promoted, build) for build in release.builds}
    require_immutable(product, load(product, role, Targets).signed, signed)
    return _draft(product, signed)


def renewed(role: str, data: bytes, now: datetime) -> bytes:
    """The next version of targets or of a product, changed only in its expiry."""
    return _draft(role, _next(role, data, now))


def require_immutable(product: ProductName, before: Targets, after: Targets) -> None:
    """Raise ``ImmutableRelease`` if anything published under ``before`` changed, except that it was withdrawn, or
    promoted to a more stable channel.

    Also raises ``InvalidReleaseRecord`` if the targets after the change do not state releases.
    """
    published = {release.version: release for release in releases_of(product, before.targets)}
    withdrawn = {version for version, release in published.items() if release.withdrawal is not None}
    releases = releases_of(product, after.targets)
    for path, target in before.targets.items():
        kept = after.targets.get(path)
        if kept is None:
            raise ImmutableRelease(f"{path} is published and cannot be removed, only withdrawn")
        if _lasting(kept) != _lasting(target):
            raise ImmutableRelease(f"{path} is published: its length, hash and facts never change")
    for release in releases:
        if release.version in published:
            _require_promoted(published[release.version], release)
        if release.version not in withdrawn:
            continue
        if release.withdrawal is None:
            raise ImmutableRelease(f"{product} {release.version} is withdrawn, and stays so")
        if any(file.path not in before.targets for file in release.files):
            raise ImmutableRelease(f"{product} {release.version} is withdrawn: it gets no further files")


# Signatures


def sign(role: str, data: bytes, *signers: Signer) -> bytes:
    """The bytes with one more signature for each signer, those it has kept.

    Raises ``PublishingError`` if a signer fails, without its words: they may come from a token or a key service.
    """
    metadata = load_any(role, data)
    signed_payload(role, metadata)
    for signer in signers:
        try:
            metadata.sign(signer, append=True)
        except UnsignedMetadataError as error:
            raise PublishingError(
                f"the signer with key {signer.public_key.keyid[:12]} could not sign {role}"
            ) from error
    return metadata.to_bytes()


def key_source_error(error: BaseException) -> KeySourceError | None:
    """What a signer of ours said; python-tuf has wrapped it."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeySourceError):
        cause = cause.__cause__
    return cause


def with_signatures_of(role: str, data: bytes, others: Sequence[bytes]) -> bytes:
    """The bytes with the signatures that others made in parallel on copies of the same draft.

    Raises ``PublishingError`` if a copy is not of the same draft.
    """
    metadata = load_any(role, data)
    for other in others:
        copied = load_any(role, other)
        if signed_payload(role, copied) != signed_payload(role, metadata):
            raise PublishingError(f"the copies of {role} differ in more than their signatures")
        for keyid, signature in copied.signatures.items():
            metadata.signatures.setdefault(keyid, signature)
    return metadata.to_bytes()


def _root(version: int, keys: RootKeys, now: datetime) -> bytes:
    by_role = {
        ROOT: keys.root,
        TARGETS: keys.targets,
        SNAPSHOT: RoleKeys((keys.snapshot,), ONLINE_THRESHOLD),
        TIMESTAMP: RoleKeys((keys.timestamp,), ONLINE_THRESHOLD),
    }
    known = {key.keyid: key for role in by_role.values() for key in role.keys}
    roles = {name: Role(role.keyids, role.threshold) for name, role in by_role.items()}
    return _draft(ROOT, Root(version, None, expiry_of(ROOT, now), known, roles, CONSISTENT_SNAPSHOT))


def _next(role: str, data: bytes, now: datetime) -> Targets:
    signed = load(role, data, Targets).signed
    signed.version += 1
    signed.expires = expiry_of(role, now)
    return signed


def _draft(role: str, signed: T) -> bytes:
    """The unsigned bytes: compact JSON, nothing canonical JSON has no form for, no larger than clients read."""
    metadata = Metadata(signed)
    signed_payload(role, metadata)
    data = metadata.to_bytes()
    if len(data) > policy_of(role).max_bytes:
        raise PublishingError(f"the metadata of {role} would be larger than {policy_of(role).max_bytes} bytes")
    return data


def _delegating(targets: Targets, product: ProductName, keys: RoleKeys) -> Targets:
    """The targets with the product's delegation replaced or added; keys that no product needs any more are left out."""
    roles = dict(delegations_of(targets))
    roles[product] = DelegatedRole(product, keys.keyids, keys.threshold, True, delegated_paths(product))
    known = dict(targets.delegations.keys) if targets.delegations is not None else {}
    for key in keys.keys:
        if known.setdefault(key.keyid, key).keyval != key.keyval:
            raise PublishingError("two different keys have the same key id")
    needed = {keyid for role in roles.values() for keyid in role.keyids}
    targets.delegations = Delegations({keyid: key for keyid, key in known.items() if keyid in needed}, roles)
    return targets


def _require_same_release(targets: Targets, release: Release) -> None:
    for published in releases_of(release.product, targets.targets):
        if published.version != release.version:
            continue
        name = f"{release.product} {published.version}"
        if str(published.version) != str(release.version):
            raise ImmutableRelease(f"{release.version} is the release number of {name}, which is published")
        if published.withdrawal is not None:
            raise ImmutableRelease(f"{name} was withdrawn; its number is not used again")
        if differing := differing_facts(published, release):
            raise ImmutableRelease(f"{name} is published with another {', '.join(differing)}")


def _require_promoted(before: Release, after: Release) -> None:
    """The channel is as it was, or the release went on from it to others that it was never on, the last more stable."""
    known = len(before.promoted_from)
    path = (*after.promoted_from, after.channel)
    if path[: known + 1] != (*before.promoted_from, before.channel):
        raise ImmutableRelease(
            f"{before.product} {before.version} is published on the channel {before.channel}, which it leaves by"
            " promotion only"
        )
    steps = [DEFAULT_CHANNELS.index(channel) for channel in path if channel in DEFAULT_CHANNELS]
    if path[known + 1 :] and before.withdrawal is not None:
        raise ImmutableRelease(f"{before.product} {before.version} is withdrawn, and is not promoted")
    if path[known + 1 :] and steps != sorted(steps, reverse=True):
        raise ImmutableRelease(f"{before.product} {before.version} is promoted to a less stable channel")


def _lasting(target: TargetFile) -> dict[str, object]:
    """All that a published target states for ever. How the channel may move is not told here."""
    facts: dict[str, object] = copy.deepcopy(target.to_dict())
    custom = facts["custom"]
    assert isinstance(custom, dict)
    for movable in ("withdrawn", "channel", "promoted_from"):
        custom[NAMESPACE].pop(movable, None)
    return facts
