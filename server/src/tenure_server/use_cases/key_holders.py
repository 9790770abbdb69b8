"""Whose key is whose, for people who read a review or a status. Names are kept, never signed: key ids decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tenure_server.errors import InvalidRequest, NotFound
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_signing.public_keys import MAX_NAME_CHARACTERS
from tenure_signing.trust_changes import role_keys_of
from tenure_signing.tuf_repository import Repository, delegations_of
from tenure_signing.tuf_roles import TOP_LEVEL_ROLES


@dataclass(frozen=True, slots=True)
class NameKeyHolder:
    database: Database
    signing_clock: Clock

    def __call__(self, keyid: str, name: str, *, who: str) -> bool:
        """Say whose key it is; whether that was news.

        Raises ``NotFound`` (``unknown_key``) for a key that signs nothing here, ``InvalidRequest`` (``key_name``).
        """
        if not is_name(name):
            raise InvalidRequest(
                f"A name is a printable line of 1 to {MAX_NAME_CHARACTERS} characters.", code="key_name"
            )
        with self.database.writing() as records:
            if keyid not in keyids_in(read_repository(records)):
                raise NotFound(
                    "No role is signed with this key.", code="unknown_key", hint="tenure trust names lists the keys"
                )
            before = records.key_holders.all().get(keyid)
            if before == name:
                return False
            records.key_holders.set(keyid, name)
            audited(records, self.signing_clock(), who, "trust.name", keyid, before=before, after=name)
        return True


def is_name(name: str) -> bool:
    """Whether a person can be called so on one line of a terminal."""
    return 1 <= len(name) <= MAX_NAME_CHARACTERS and name.isprintable() and name == name.strip()


def keyids_in(repository: Repository) -> tuple[str, ...]:
    """The ids of all keys that sign something at present, root's first; empty before the first root."""
    if not repository.roots:
        return ()
    root = repository.root()
    found = [keyid for role in TOP_LEVEL_ROLES for keyid in role_keys_of(root, role).keyids]
    targets = repository.targets()
    found += [keyid for role in delegations_of(targets) for keyid in role_keys_of(targets, role).keyids]
    return tuple(dict.fromkeys(found))


def note_key_holders(records: Records, after: Repository, names: Mapping[str, str]) -> dict[str, str]:
    """Keep the names that a published draft gives to keys whose holders nobody named yet; those that were news.

    A name that is known stays: a draft cannot call one person's key another's.
    """
    known = records.key_holders.all()
    news = {
        keyid: names[keyid]
        for keyid in keyids_in(after)
        if keyid in names and keyid not in known and is_name(names[keyid])
    }
    for keyid, name in news.items():
        records.key_holders.set(keyid, name)
    return news
