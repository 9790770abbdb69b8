"""Bundles for machines without a network: what signs them, and how they are verified from the embedded root.

A timestamp that lives two days is no use on a stick, and a long-lived one for everybody would let a thief show old
releases for as long. So bundles have keys of their own, named by an **air-gap root**: a root with the same root and
targets keys as the published one, other snapshot and timestamp keys, and the field ``x-tenure-air-gap``. The
root keys sign it, offline. Its version is always 1, so no client ever takes it up as the next root; ``number`` in its
field counts instead. The roles of people go into a bundle as the bytes that are published.

Verification starts at the root that the product embeds, goes up the published roots, asks for the air-gap root to be
signed as the last of them asks, and lets python-tuf's ``Updater`` do the rest (specification, section 5).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from securesystemslib.signer import Key, Signer
from tuf.api.metadata import Metadata, MetaFile, Role, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient import Updater

from tenure_signing.errors import PublishingError
from tenure_signing.names import ProductName
from tenure_signing.tuf_repository import Repository, delegations_of, load, require_signed
from tenure_signing.tuf_roles import (
    LICENCE_KEYS_PATH,
    ONLINE_THRESHOLD,
    ROOT,
    SNAPSHOT,
    TARGETS,
    TIMESTAMP,
    metadata_file_name,
    policy_of,
)
from tenure_signing.tuf_verified import LocalFiles, ReadFile

ROOT_LIFETIME = timedelta(days=730)
BUNDLE_LIFETIME = timedelta(days=180)

FIELD = "x-tenure-air-gap"
AIR_GAP_ROOT = "roots/air-gap.json"
CERTIFICATE = "certificate.txt"

_MAX_ROOTS = 1_024


@dataclass(frozen=True, slots=True)
class BundleFacts:
    """What a verified bundle says. ``versions``: of every signed file, by role, and ``air-gap`` for the root's number;
    a later bundle is at least as high in each. ``targets``: what is signed about the product's files, by path."""

    targets: Mapping[str, TargetFile]
    licence_keys: TargetFile
    versions: Mapping[str, int]
    made_at: datetime
    expires_at: datetime


def air_gap_root(root: Root, snapshot: Key, timestamp: Key, now: datetime) -> bytes:
    """The air-gap root that goes with the published root, unsigned. Its number is the present second.

    Raises ``PublishingError`` for keys that the published root trusts already: what they sign would go both ways.
    """
    if {snapshot.keyid, timestamp.keyid} & set(root.keys):
        raise PublishingError("the keys of bundles are the published ones: they have to be keys of their own")
    instant = _whole(now)
    offline = {name: root.roles[name] for name in (ROOT, TARGETS)}
    keys = {keyid: root.keys[keyid] for role in offline.values() for keyid in role.keyids}
    keys |= {snapshot.keyid: snapshot, timestamp.keyid: timestamp}
    online = {name: Role([key.keyid], ONLINE_THRESHOLD) for name, key in ((SNAPSHOT, snapshot), (TIMESTAMP, timestamp))}
    made = Root(
        version=1,
        expires=instant + ROOT_LIFETIME,
        keys=keys,
        roles={**offline, **online},
        consistent_snapshot=True,
        unrecognized_fields={FIELD: {"number": int(instant.timestamp())}},
    )
    return Metadata(made).to_bytes()


def draft_of_air_gap_root(data: bytes, root: Root) -> Root:
    """An air-gap root that goes with this published root; its signatures are not looked at. Raises
    ``PublishingError``."""
    made = load(ROOT, data, Root).signed
    _number_of(made)
    if made.version != 1 or made.consistent_snapshot is not True:
        raise PublishingError("an air-gap root has version 1 and asks for consistent snapshots")
    for name in (ROOT, TARGETS):
        ours, theirs = made.roles[name], root.roles[name]
        if (sorted(ours.keyids), ours.threshold) != (sorted(theirs.keyids), theirs.threshold):
            raise PublishingError(
                f"the air-gap root trusts other {name} keys than the published root: it is out of date"
            )
        if any(made.keys.get(keyid) != root.keys.get(keyid) for keyid in ours.keyids):
            raise PublishingError(f"the air-gap root spells a key of {name} in another way")
    for name in (SNAPSHOT, TIMESTAMP):
        if set(made.roles[name].keyids) & set(root.keys):
            raise PublishingError(f"the air-gap root trusts a published key with the {name} of bundles")
    return made


def require_air_gap_root(data: bytes, root: Root) -> Root:
    """The same, signed by as many root keys as the published root asks for. Raises ``PublishingError``."""
    made = draft_of_air_gap_root(data, root)
    require_signed(ROOT, data, root)
    return made


def bundle_metadata(
    repository: Repository, product: ProductName, air_gap: bytes, snapshot: Signer, timestamp: Signer, now: datetime
) -> dict[str, bytes]:
    """The signed files of a bundle, by name: the roles of people as they are published, and a snapshot and timestamp
    that name just those. Their version is the present second, so that a later bundle is always higher.

    Raises ``PublishingError`` if there is no such product.
    """
    instant = _whole(now)
    version, expires = int(instant.timestamp()), instant + BUNDLE_LIFETIME
    roles = {role: repository.bytes_of(role) for role in (TARGETS, product)}
    meta = {
        f"{role}.json": MetaFile.from_data(load(role, data, Targets).signed.version, data, ["sha256"])
        for role, data in roles.items()
    }
    signed_snapshot = Metadata(Snapshot(version, None, expires, meta))
    signed_snapshot.sign(snapshot)
    snapshot_bytes = signed_snapshot.to_bytes()
    listed = MetaFile.from_data(version, snapshot_bytes, ["sha256"])
    signed_timestamp = Metadata(Timestamp(version, None, expires, listed))
    signed_timestamp.sign(timestamp)
    files = {_root_name(number): data for number, data in enumerate(repository.roots, start=1)}
    files[AIR_GAP_ROOT] = air_gap
    files[f"metadata/{metadata_file_name(TIMESTAMP, 0)}"] = signed_timestamp.to_bytes()
    files[f"metadata/{metadata_file_name(SNAPSHOT, version)}"] = snapshot_bytes
    for role, data in roles.items():
        files[f"metadata/{metadata_file_name(role, meta[f'{role}.json'].version)}"] = data
    return files


def verified_bundle(read: ReadFile, first_root: bytes, product: ProductName, now: datetime) -> BundleFacts:
    """What a product that embeds ``first_root`` makes of a bundle's metadata. ``now`` decides what has expired.

    Raises ``PublishingError``, and whatever python-tuf raises: its ``RepositoryError`` and ``DownloadError``.
    """
    root = _last_root(read, first_root)
    air_gap = _whole_file(read, AIR_GAP_ROOT)
    if air_gap is None:
        raise PublishingError("the bundle has no air-gap root")
    number = _number_of(require_air_gap_root(air_gap, root))

    def metadata(name: str) -> Iterable[bytes] | None:
        return None if name.endswith(f".{ROOT}.json") else read(name)  # the published roots are not this root's heirs

    with TemporaryDirectory(prefix="tenure-bundle-") as folder:
        fetcher = LocalFiles(metadata)
        updater = Updater(folder, f"{fetcher.url}metadata/", fetcher=fetcher, bootstrap=air_gap)
        # python-tuf takes the time when an Updater is made and has no argument for it (7.0.1)
        updater._trusted_set.reference_time = now.astimezone(UTC)
        updater.refresh()
        licence_keys = updater.get_targetinfo(LICENCE_KEYS_PATH)
        updater.get_targetinfo(f"{product}/-/-")  # loads and verifies the product's role
        kept = {role: _kept(Path(folder), role, Targets).signed for role in (TARGETS,)}
        if licence_keys is None or product not in delegations_of(kept[TARGETS]):
            raise PublishingError(f"the bundle is not for the product {product}")
        kept[product] = _kept(Path(folder), product, Targets).signed
        snapshot = _kept(Path(folder), SNAPSHOT, Snapshot).signed
        timestamp = _kept(Path(folder), TIMESTAMP, Timestamp).signed
        found = {path: updater.get_targetinfo(path) for path in kept[product].targets}
    signed = {SNAPSHOT: snapshot, TIMESTAMP: timestamp, **kept}
    versions = {role: each.version for role, each in signed.items()} | {"air-gap": number, ROOT: root.version}
    expires = [load(ROOT, air_gap, Root).signed.expires, *(each.expires for each in signed.values())]
    try:
        made_at = datetime.fromtimestamp(timestamp.version, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise PublishingError("the bundle's timestamp states no instant") from error
    targets = {path: target for path, target in found.items() if target is not None}
    return BundleFacts(targets, licence_keys, versions, made_at, min(expires))


def _last_root(read: ReadFile, first_root: bytes) -> Root:
    """The newest published root in the bundle, each signed by the one before and by itself."""
    root = load(ROOT, first_root, Root).signed
    require_signed(ROOT, first_root, root)
    for _ in range(_MAX_ROOTS):
        data = _whole_file(read, _root_name(root.version + 1))
        if data is None:
            return root
        following = load(ROOT, data, Root).signed
        require_signed(ROOT, data, root)
        require_signed(ROOT, data, following)
        if following.version != root.version + 1:
            raise PublishingError("the bundle's roots do not follow each other")
        root = following
    raise PublishingError("the bundle has more roots than anyone makes")


def _whole_file(read: ReadFile, name: str) -> bytes | None:
    pieces, body = read(name), bytearray()
    if pieces is None:
        return None
    for piece in pieces:
        body += piece
        if len(body) > policy_of(ROOT).max_bytes:
            raise PublishingError(f"{name} is larger than {policy_of(ROOT).max_bytes} bytes")
    return bytes(body)


def _kept(folder: Path, role: str, kind: type[Targets] | type[Snapshot] | type[Timestamp]) -> Metadata:  # type: ignore[type-arg]
    return load(role, (folder / f"{role}.json").read_bytes(), kind)


def _number_of(root: Root) -> int:
    stated = root.unrecognized_fields.get(FIELD)
    number = stated.get("number") if isinstance(stated, dict) else None
    if type(number) is not int or number < 1:
        raise PublishingError("this root is not for bundles")
    return number


def _root_name(version: int) -> str:
    return f"roots/{metadata_file_name(ROOT, version)}"


def _whole(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(microsecond=0)
