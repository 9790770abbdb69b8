"""Licences that this process has seen lately, by the digest of a feed token or of a key that it has verified.

Only tokens and genuine keys of known licences are kept, so no number of forged ones pushes a licence out. An entry is
believed as long as the database's version stands still; when it has moved, the facts are read anew and the signature
is not verified again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from tenure_server.domain.licence_facts import LicenceFacts
from tenure_signing.entitlement import Entitlement, ServicePacks
from tenure_signing.key_sets import KeySet, VerificationKey
from tenure_signing.quick_verification import QuickVerification, Verify, by_cryptography
from tenure_signing.update_index import UpdateIndex

MAX_LICENCES = 100_000
"""About 1 kB each, answers not counted."""

K = TypeVar("K")
V = TypeVar("V")


class KnownLicence:
    """A licence as of one version of the database. Another object whenever a fact has changed."""

    __slots__ = ("_entitlements", "_obtainable", "facts", "verified")

    def __init__(self, facts: LicenceFacts, verified: VerifiedKey | None) -> None:
        self.facts = facts
        self.verified = verified  # None: found by its feed token, which bears no signature
        self._entitlements: tuple[ServicePacks, Entitlement] | None = None
        self._obtainable: tuple[UpdateIndex, int] | None = None

    def entitlement(self, service_packs: ServicePacks) -> Entitlement:
        kept = self._entitlements
        if kept is None or kept[0] is not service_packs:
            kept = self._entitlements = service_packs, self.facts.entitlement(service_packs)
        return kept[1]

    def obtainable(self, index: UpdateIndex, service_packs: ServicePacks) -> int:
        """What it may download of the index's product, as ``UpdateIndex.obtainable`` has it. ``service_packs`` is the
        product's setting."""
        kept = self._obtainable
        if kept is None or kept[0] is not index:
            kept = self._obtainable = index, index.obtainable(self.entitlement(service_packs))
        return kept[1]


@dataclass(frozen=True, slots=True)
class VerifiedKey:
    """By which keys and from which instant on the verification holds."""

    keys: KeySet
    since: datetime

    def holds(self, keys: KeySet, now: datetime) -> bool:
        """Clocks may be set back, and then a key can be dated in the future again."""
        return self.keys is keys and now >= self.since


class RecentlyUsed(Generic[K, V]):
    """A mapping that forgets what was not asked for among the last ``limit`` additions, at no cost for each use.

    Two generations: what is asked for moves to the younger one; when that is full, the older one is dropped.
    """

    def __init__(self, limit: int) -> None:
        self._half = max(1, limit // 2)
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: K) -> V | None:
        found = self._young.get(key)
        if found is None:
            found = self._old.pop(key, None)
            if found is not None:
                self.put(key, found)
        return found

    def put(self, key: K, value: V) -> None:
        if len(self._young) >= self._half and key not in self._young:
            self._old, self._young = self._young, {}
        self._young[key] = value

    def drop(self, key: K) -> None:
        self._young.pop(key, None)
        self._old.pop(key, None)


class LicenceCache:
    """For one process. Entries are replaced whole, so threads need no lock."""

    def __init__(
        self, limit: int = MAX_LICENCES, verifier: Callable[[VerificationKey], Verify] = by_cryptography
    ) -> None:
        self._entries: RecentlyUsed[str, tuple[int, KnownLicence]] = RecentlyUsed(limit)
        self._verifier = verifier
        self._verification = QuickVerification(KeySet())

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, digest: str) -> tuple[int, KnownLicence] | None:
        """The version of the database at which the licence was read, and the licence."""
        return self._entries.get(digest)

    def put(self, digest: str, version: int, known: KnownLicence) -> None:
        self._entries.put(digest, (version, known))

    def drop(self, digest: str) -> None:
        self._entries.drop(digest)

    def verification(self, keys: KeySet) -> QuickVerification:
        """By these keys; made anew when they are others than before."""
        verification = self._verification
        if verification.keys is not keys:
            verification = self._verification = QuickVerification(keys, self._verifier)
        return verification
