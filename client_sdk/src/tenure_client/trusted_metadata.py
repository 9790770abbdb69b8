"""Verified facts from TUF metadata: fresh from the server through python-tuf, or from what was kept.

Names come from the product's role, facts only from ``get_targetinfo``, which follows the delegation: an entry for
another product's path has no effect there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

from tuf.api.metadata import DelegatedRole, Metadata, Root, TargetFile, Targets
from tuf.ngclient import Updater

from tenure_client.configuration import MAX_ROOT_BYTES, Configuration
from tenure_client.errors import StateError, UnknownRelease, UntrustedMetadata
from tenure_client.fetcher import MetadataFetcher, tuf_errors_as_ours
from tenure_client.state import State, read_at_most, write_whole
from tenure_client.transport import Transport
from tenure_signing.errors import InvalidKeySet, InvalidReleaseRecord
from tenure_signing.key_sets import MAX_KEY_SET_BYTES, KeySet
from tenure_signing.names import ProductName
from tenure_signing.release_record import listing_of
from tenure_signing.releases import Release
from tenure_signing.tuf_roles import LICENCE_KEYS_PATH, ROOT, TARGETS, policy_of

T = TypeVar("T", Root, Targets)

_MAX_ROOTS = 1_024


class FreshMetadata:
    """The server's current metadata, verified. Its methods raise the ``TrustError`` and ``ServerError`` that fit.

    Refreshes once, when it is made; everything it fetches is of that one consistent snapshot. ``mirror_url``: where to
    read it in place of the server; the licence public keys come from the server all the same.
    """

    def __init__(
        self,
        configuration: Configuration,
        state: State,
        transport: Transport,
        licence_key: str | None,
        now: datetime,
        *,
        mirror_url: str | None = None,
    ) -> None:
        self._product = configuration.product
        self._state = state
        self._transport = transport
        self._licence_key = licence_key
        mirror = transport.to(mirror_url) if mirror_url is not None else None
        with tuf_errors_as_ours("the vendor's signed metadata"):
            self._updater = Updater(
                str(state.metadata),
                f"{transport.server_url}/metadata/" if mirror is None else f"{mirror.server_url}/",
                fetcher=MetadataFetcher(transport, licence_key, state)
                if mirror is None
                else MetadataFetcher(mirror, None, state),
                bootstrap=configuration.root,
            )
            # python-tuf takes the time when an Updater is made and has no argument for it (7.0.1)
            self._updater._trusted_set.reference_time = now
            self._updater.refresh()

    def target(self, path: str) -> TargetFile | None:
        """What is signed about a file, by whoever is trusted for its path; None if nothing is."""
        with tuf_errors_as_ours(f"what is signed about {path}"):
            return self._updater.get_targetinfo(path)

    def releases(self) -> tuple[Release, ...]:
        """The product's releases. Raises ``UnknownRelease`` if the vendor has no such product."""
        with tuf_errors_as_ours(f"the signed releases of {self._product}"):
            self._updater.get_targetinfo(f"{self._product}/-/-")  # loads and verifies the product's role
            targets = _kept(self._state, TARGETS, Targets)
            if targets is None or self._product not in _delegations(targets.signed):
                raise UnknownRelease(f"the vendor's signed metadata has no product {self._product}")
            role = _kept(self._state, self._product, Targets)
            if role is None:
                raise StateError(f"the metadata of {self._product} cannot be read back from {self._state.metadata}")
            found = {path: self._updater.get_targetinfo(path) for path in role.signed.targets}
        return releases_in(self._product, {path: target for path, target in found.items() if target is not None})

    def licence_keys(self) -> KeySet:
        """The public keys that verify licence keys and certificates; fetched when they changed."""
        target = self.target(LICENCE_KEYS_PATH)
        if target is None:
            raise UntrustedMetadata("the vendor's signed metadata names no licence public keys")
        kept = read_at_most(self._state.licence_keys, MAX_KEY_SET_BYTES)
        if kept is None or not _is_target(target, kept):
            kept = self._fetched(target)
            write_whole(self._state.licence_keys, kept)
        return _key_set(kept)

    def _fetched(self, target: TargetFile) -> bytes:
        folder, _, name = LICENCE_KEYS_PATH.rpartition("/")
        digest = target.hashes.get("sha256", "")
        with self._transport.get(f"/downloads/{folder}/{digest}.{name}") as response:
            response.require_success()
            data = response.read(min(target.length, MAX_KEY_SET_BYTES))
        if not _is_target(target, data):
            raise UntrustedMetadata("the vendor's licence public keys have another length or hash than signed")
        return data


def kept_releases(state: State, root: bytes, product: ProductName) -> tuple[Release, ...] | None:
    """The releases in the kept metadata, or None if it does not verify or has no such product.

    Every file was wholly verified when it was fetched. Here the signatures are checked again, from the embedded root
    down, and nothing else: expiry does not matter for what is known, and a kill between two writes may leave files of
    two snapshots.
    """
    targets = _kept_targets(state, root)
    role = _kept(state, product, Targets) if targets is not None else None
    if targets is None or role is None or product not in _delegations(targets):
        return None
    try:
        targets.verify_delegate(product, role.signed_bytes, role.signatures)
        delegation = _delegations(targets)[product]
        listed = role.signed.targets.items()
        return releases_in(product, {path: target for path, target in listed if delegation.is_delegated_path(path)})
    except Exception:  # whatever is wrong with kept files, nothing is known from them
        return None


def kept_role_versions(state: State, root: bytes, product: ProductName) -> Mapping[str, int]:
    """The versions of what people signed and the server vouched for, by role; those that verify."""
    try:
        versions = {ROOT: _newest_kept_root(state, Metadata[Root].from_bytes(root).signed).version}
    except Exception:  # as above
        return {}
    targets = _kept_targets(state, root)
    role = _kept(state, product, Targets) if targets is not None else None
    if targets is None:
        return versions
    versions[TARGETS] = targets.version
    try:
        if role is not None:
            targets.verify_delegate(product, role.signed_bytes, role.signatures)
            versions[product] = role.signed.version
    except Exception:  # as above
        return versions
    return versions


def kept_licence_keys(state: State, root: bytes) -> KeySet | None:
    """The kept licence public keys, if the kept metadata vouches for these bytes."""
    targets = _kept_targets(state, root)
    data = read_at_most(state.licence_keys, MAX_KEY_SET_BYTES)
    target = targets.targets.get(LICENCE_KEYS_PATH) if targets is not None else None
    if target is None or data is None or not _is_target(target, data):
        return None
    try:
        return _key_set(data)
    except UntrustedMetadata:
        return None


def _kept_targets(state: State, root: bytes) -> Targets | None:
    """The kept targets role, signed as the newest kept root asks."""
    try:
        newest = Metadata[Root].from_bytes(root).signed
        newest = _newest_kept_root(state, newest)
        targets = _kept(state, TARGETS, Targets)
        if targets is None:
            return None
        newest.verify_delegate(TARGETS, targets.signed_bytes, targets.signatures)
    except Exception:  # as above
        return None
    return targets.signed


def _newest_kept_root(state: State, root: Root) -> Root:
    """Follows the kept roots from the embedded one, each signed by the one before and by itself."""
    for _ in range(_MAX_ROOTS):
        data = read_at_most(state.metadata / "root_history" / f"{root.version + 1}.root.json", MAX_ROOT_BYTES)
        if data is None:
            break
        try:
            following = Metadata[Root].from_bytes(data)
            root.verify_delegate(ROOT, following.signed_bytes, following.signatures)
            following.signed.verify_delegate(ROOT, following.signed_bytes, following.signatures)
        except Exception:  # as above: the chain ends here
            break
        if not isinstance(following.signed, Root) or following.signed.version != root.version + 1:
            break
        root = following.signed
    return root


def _kept(state: State, role: str, kind: type[T]) -> Metadata[T] | None:
    """Kept metadata of a role, its signatures not looked at; None if it cannot be read."""
    data = read_at_most(state.metadata / f"{role}.json", policy_of(role).max_bytes)
    try:
        metadata: Metadata[T] | None = Metadata.from_bytes(data) if data is not None else None
    except Exception:  # python-tuf's parsers raise what they like
        return None
    return metadata if metadata is not None and isinstance(metadata.signed, kind) else None


def _delegations(targets: Targets) -> Mapping[str, DelegatedRole]:
    return (targets.delegations.roles if targets.delegations is not None else None) or {}


def _is_target(target: TargetFile, data: bytes) -> bool:
    try:
        target.verify_length_and_hashes(data)
    except Exception:  # LengthOrHashMismatchError, or a hash algorithm nobody has
        return False
    return True


def releases_in(product: ProductName, targets: Mapping[str, TargetFile]) -> tuple[Release, ...]:
    try:
        return listing_of(product, targets).releases
    except InvalidReleaseRecord as error:
        raise UntrustedMetadata(f"the signed facts of a release cannot be used: {error}") from error


def _key_set(data: bytes) -> KeySet:
    try:
        return KeySet.from_json(data)
    except InvalidKeySet as error:
        raise UntrustedMetadata(f"the vendor's licence public keys cannot be used: {error}") from error
