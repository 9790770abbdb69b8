"""The first root, and everything that clients need to trust this server: ``tenure init``."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from securesystemslib.signer import Signer

from tenure_server.errors import Conflict
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.publication import locked_repository, publish_roles
from tenure_server.use_cases.signers import OnlineSigners
from tenure_signing.key_sets import KeySet
from tenure_signing.tuf_drafts import RoleKeys, RootKeys, first_root, first_targets, sign
from tenure_signing.tuf_repository import Repository
from tenure_signing.tuf_roles import LICENCE_KEYS_PATH, ROOT, SNAPSHOT, TARGETS, TIMESTAMP


@dataclass(frozen=True, slots=True)
class Initialise:
    database: Database
    signing_clock: Clock

    def __call__(
        self, *, root: Signer, targets: Signer, online: OnlineSigners, licence_keys: KeySet, who: str
    ) -> bytes:
        """Publish the first metadata; returns the root to embed in products.

        Doing it again with the same root key completes or confirms it. Raises ``Conflict`` (``initialised_already``)
        if another root is published.
        """
        now = self.signing_clock()
        keys = RootKeys(
            root=RoleKeys((root.public_key,), 1),
            targets=RoleKeys((targets.public_key,), 1),
            snapshot=online.snapshot.public_key,
            timestamp=online.timestamp.public_key,
        )
        with self.database.writing() as records:
            before = locked_repository(records)
            if before.roots:
                return _same_root(before, root)
            key_set = licence_keys.to_json()
            first = {
                ROOT: sign(ROOT, first_root(keys, now), root),
                TARGETS: sign(TARGETS, first_targets(key_set, now), targets),
            }
            publish_roles(records, before, first, online, now, trusted_targets={LICENCE_KEYS_PATH: key_set})
            audited(records, now, who, "server.initialise", "server", root_key=root.public_key.keyid)
        return first[ROOT]


OnlineSignersOf = Callable[[Collection[str], Collection[str]], OnlineSigners]
"""The server's signers with one of these snapshot and timestamp key ids. Raises ``Conflict`` if it has no such keys."""


def published_root(database: Database, online_signers_of: OnlineSignersOf) -> bytes | None:
    """The root to embed in products, if it is published already, or None. Needs no offline key.

    Raises ``Conflict`` (``online_keys_missing``) if the keys that go with this database are elsewhere.
    """
    with database.reading() as records:
        repository = read_repository(records)
    if not repository.roots:
        return None
    roles = repository.root().roles
    online_signers_of(roles[SNAPSHOT].keyids, roles[TIMESTAMP].keyids)
    return repository.roots[0]


def _same_root(repository: Repository, root: Signer) -> bytes:
    if root.public_key.keyid not in repository.root().keys:
        raise Conflict(
            "This database already holds a root signed by another key.",
            code="initialised_already",
            hint="use the data directory that goes with the database",
        )
    return repository.roots[0]
