"""The drafts of each ceremony: who may sign what, products, licence public keys, expiry. Pure, given verified metadata.

``tuf_drafts`` makes single roles; here are the sets of roles that must be published together. Whenever a role's keys
change so that its present signatures do not suffice, the role comes along, to be signed anew: forgetting it would lock
every client out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tuf.api.metadata import Delegations, Key, Metadata, Root, Snapshot, Targets

from tenure_signing.draft_files import Draft
from tenure_signing.errors import InvalidDraft
from tenure_signing.key_sets import KeySet
from tenure_signing.names import ChannelName, ProductName
from tenure_signing.releases import Withdrawal
from tenure_signing.tuf_drafts import (
    RoleKeys,
    RootKeys,
    first_product_role,
    first_root,
    first_targets,
    next_root,
    renewed,
    with_licence_keys,
    with_product,
    with_product_keys,
    with_promotion,
    with_withdrawal,
)
from tenure_signing.tuf_repository import Repository, delegations_of, load, signature_status
from tenure_signing.tuf_roles import LICENCE_KEYS_PATH, ONLINE_ROLES, ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from tenure_signing.tuf_verified import Verified
from tenure_signing.versions import Version


def beginning(
    keys: RootKeys, licence_keys: KeySet, now: datetime, *, purpose: str, names: Mapping[str, str] | None = None
) -> Draft:
    """The first root and targets."""
    key_set = licence_keys.to_json()
    return Draft(
        purpose=purpose,
        made_at=now,
        base=Repository(()),
        roles={ROOT: first_root(keys, now), TARGETS: first_targets(key_set, now)},
        trusted_targets={LICENCE_KEYS_PATH: key_set},
        names=names or {},
    )


def root_keys_of(root: Root) -> RootKeys:
    """Whom root trusts with what at present."""
    online = {role: role_keys_of(root, role).keys[0] for role in ONLINE_ROLES}
    return RootKeys(role_keys_of(root, ROOT), role_keys_of(root, TARGETS), online[SNAPSHOT], online[TIMESTAMP])


def role_keys_of(delegator: Root | Targets, role: str) -> RoleKeys:
    """Whom the delegator trusts with the role. Raises ``InvalidDraft`` if it does not delegate it."""
    if isinstance(delegator, Root):
        found, known = delegator.roles.get(role), delegator.keys
    else:
        found = delegations_of(delegator).get(role)
        known = delegator.delegations.keys if delegator.delegations is not None else {}
    if found is None:
        raise InvalidDraft(f"there is no product {role}")
    return RoleKeys(tuple(known[keyid] for keyid in found.keyids), found.threshold)


@dataclass(frozen=True, slots=True)
class Changes:
    """Makes drafts that follow ``verified``. ``names``: whose keys are whose, by key id.

    Its methods raise ``PublishingError`` and its kinds for what the present metadata does not allow.
    """

    verified: Verified
    now: datetime
    purpose: str
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def repository(self) -> Repository:
        return self.verified.repository

    def root(self, keys: RootKeys, *, licence_keys: KeySet | None = None) -> Draft:
        """Root with these keys; with another licence key set, targets too: what a break-in at the server asks for."""
        root = next_root(self.repository.bytes_of(ROOT), keys, self.now)
        roles = {ROOT: root}
        if licence_keys is not None:
            return self._with_licence_keys(roles, licence_keys)
        targets = self.repository.bytes_of(TARGETS)
        if not signature_status(TARGETS, targets, load(ROOT, root, Root).signed).verified:
            roles[TARGETS] = renewed(TARGETS, targets, self.now)
        return self._draft(roles)

    def licence_keys(self, key_set: KeySet) -> Draft:
        """Targets with another set of licence public keys."""
        return self._with_licence_keys({}, key_set)

    def product_added(self, product: ProductName, keys: RoleKeys, settings: Mapping[str, Any]) -> Draft:
        """A product whose releases these keys sign. Its settings are the server's and are not signed.

        Raises ``InvalidDraft`` for a name that was in use: clients that knew it would refuse its first version.
        """
        snapshot = load(SNAPSHOT, self.repository.bytes_of(SNAPSHOT), Snapshot).signed
        if product not in delegations_of(self.repository.targets()) and f"{product}.json" in snapshot.meta:
            raise InvalidDraft(f"the product {product} was retired, and its name is not used again")
        targets = with_product(self.repository.bytes_of(TARGETS), product, keys, self.now)
        roles = {TARGETS: targets, product: first_product_role(product, self.now)}
        return self._draft(roles, product_settings=settings)

    def product_keys(
        self, product: ProductName, keys: RoleKeys, *, withdrawing: Mapping[Version, Withdrawal] | None = None
    ) -> Draft:
        """Other keys for a product, whose role they sign anew, releases withdrawn where a thief signed them."""
        targets = with_product_keys(self.repository.bytes_of(TARGETS), product, keys, self.now)
        return self._draft({TARGETS: targets, product: self._product(product, withdrawing or {})})

    def product_retired(self, product: ProductName) -> Draft:
        """Nobody is trusted with the product any more. Its role stays in snapshot, as clients ask, and untouched."""
        return self._draft({TARGETS: _without_product(self.repository.bytes_of(TARGETS), product, self.now)})

    def withdrawn(self, product: ProductName, withdrawing: Mapping[Version, Withdrawal]) -> Draft:
        """The product's role with releases withdrawn, for products that need several signatures."""
        self._require_product(product)
        return self._draft({product: self._product(product, withdrawing)})

    def promoted(self, product: ProductName, version: Version, channel: ChannelName) -> Draft:
        """The product's role with a release moved to a more stable channel, for products that need several signatures.

        Raises ``InvalidDraft`` if it is on that channel already.
        """
        self._require_product(product)
        role = self.repository.bytes_of(product)
        after = with_promotion(role, product, version, channel, self.now)
        if after is role:
            raise InvalidDraft(f"{product} {version} is on the channel {channel} already")
        return self._draft({product: after})

    def renewed(self, roles: Sequence[str]) -> Draft:
        """The next version of each role, changed in its expiry only."""
        made = {}
        for role in roles:
            if role == ROOT:
                root = self.repository.root()
                made[ROOT] = next_root(self.repository.bytes_of(ROOT), root_keys_of(root), self.now)
                continue
            if role in ONLINE_ROLES:
                raise InvalidDraft(f"{role} is renewed by the server")
            if role != TARGETS:
                self._require_product(role)
            made[role] = renewed(role, self.repository.bytes_of(role), self.now)
        return self._draft(made)

    def _with_licence_keys(self, roles: dict[str, bytes], key_set: KeySet) -> Draft:
        data = key_set.to_json()
        roles = roles | {TARGETS: with_licence_keys(self.repository.bytes_of(TARGETS), data, self.now)}
        return self._draft(roles, trusted_targets={LICENCE_KEYS_PATH: data})

    def _product(self, product: ProductName, withdrawing: Mapping[Version, Withdrawal]) -> bytes:
        """The product's next version, all withdrawals in it."""
        role = self.repository.bytes_of(product)
        version = load(product, role, Targets).signed.version + 1
        after = role
        for release, withdrawal in withdrawing.items():
            after = with_withdrawal(after, product, release, withdrawal, self.now)
        if after is role:
            return renewed(product, role, self.now)
        metadata = Metadata(load(product, after, Targets).signed)
        metadata.signed.version = version
        return metadata.to_bytes()

    def _require_product(self, product: str) -> None:
        if product not in delegations_of(self.repository.targets()):
            raise InvalidDraft(f"there is no product {product}")

    def _draft(
        self,
        roles: Mapping[str, bytes],
        *,
        trusted_targets: Mapping[str, bytes] | None = None,
        product_settings: Mapping[str, Any] | None = None,
    ) -> Draft:
        kept = {role: data for role, data in self.repository.roles.items() if role in roles or role == TARGETS}
        return Draft(
            purpose=self.purpose,
            made_at=self.now,
            base=Repository(self.repository.roots, kept),
            roles=roles,
            base_trusted_targets=self.verified.trusted_targets if trusted_targets else {},
            trusted_targets=trusted_targets or {},
            product_settings=product_settings,
            names=self.names,
        )


def chosen_keys(wanted: Sequence[str | Key], present: Sequence[Key], threshold: int | None, default: int) -> RoleKeys:
    """The keys that are given, each as a key or as the beginning of the key id of a present one; all present if none.

    Raises ``InvalidDraft`` for a beginning that fits no present key or several.
    """
    keys = tuple(_chosen(each, present) for each in wanted) or tuple(present)
    return RoleKeys(keys, threshold if threshold is not None else default)


def _chosen(wanted: str | Key, present: Sequence[Key]) -> Key:
    if isinstance(wanted, Key):
        return wanted
    found = [key for key in present if key.keyid.startswith(wanted.lower())]
    if len(wanted) < 8 or len(found) != 1:
        raise InvalidDraft(f"{wanted[:64]!r} is neither a public key file nor the beginning of one present key id")
    return found[0]


def _without_product(targets: bytes, product: ProductName, now: datetime) -> bytes:
    metadata = Metadata(load(TARGETS, renewed(TARGETS, targets, now), Targets).signed)
    roles = dict(delegations_of(metadata.signed))
    if roles.pop(product, None) is None:
        raise InvalidDraft(f"there is no product {product}")
    assert metadata.signed.delegations is not None
    needed = {keyid for role in roles.values() for keyid in role.keyids}
    keys = {keyid: key for keyid, key in metadata.signed.delegations.keys.items() if keyid in needed}
    metadata.signed.delegations = Delegations(keys, roles)
    return metadata.to_bytes()
