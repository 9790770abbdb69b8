"""The keys of licence keys and certificates that are published: what any other key signs, nobody can verify.

A machine with keys of its own beside another's database would sell licences that open nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from tenure_server.errors import Conflict
from tenure_server.use_cases.ports import Records
from tenure_signing.key_sets import KeySet, Purpose
from tenure_signing.tuf_roles import LICENCE_KEYS_PATH


def licence_keys_in(records: Records) -> KeySet:
    """The published public keys of licence keys and certificates."""
    data = records.signed_files.trusted_target(LICENCE_KEYS_PATH)
    return KeySet.from_json(data) if data is not None else KeySet()


def require_published(records: Records, kid: str, now: datetime) -> None:
    """Raises ``Conflict`` (``online_keys_missing``) unless licence keys that this key signs now can be verified."""
    require_own_keys(records, {Purpose.LICENCE_KEY: (kid,)}, now)


def require_own_keys(records: Records, kids: Mapping[Purpose, Collection[str]], now: datetime) -> None:
    """Raises ``Conflict`` (``online_keys_missing``) where none of a purpose's keys can be verified."""
    published = licence_keys_in(records)
    for purpose, own in kids.items():
        found = (published.find(kid, purpose) for kid in own)
        if not any(key is not None and not key.is_retired_for(now) for key in found):
            raise Conflict(
                "The keys of this machine are not those that are published for licence keys and certificates.",
                code="online_keys_missing",
                hint="copy keys/online from the machine that has them: docs/several-machines.md",
            )
