"""The server's online keys and those made to follow them: ``keys/online/*.pem`` and ``keys/online/next/*.pem``.

A key that follows takes its place only after the metadata that names it is published, so that a kill in between leaves
both files and the next run completes it. Which of the two signs is decided by what root and the licence key set say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from tenure_server.adapters.key_folder import NotInitialised
from tenure_server.errors import Conflict
from tenure_server.use_cases.signers import OnlineSigners
from tenure_signing.key_sets import KeySet, Purpose
from tenure_signing.key_sources import SigningKey, new_key, read_key, tuf_signer, write_unencrypted
from tenure_signing.tuf_repository import Repository
from tenure_signing.tuf_roles import ONLINE_ROLES

STATEMENT_KEYS = {"licence": Purpose.LICENCE_KEY, "certificate": Purpose.CERTIFICATE}


class OnlineKeyFiles:
    """Reads files when asked: after a change the next call sees it."""

    def __init__(self, online: Path) -> None:
        self._online = online
        self._next = online / "next"

    def __repr__(self) -> str:
        return f"OnlineKeyFiles({str(self._online)!r})"

    def make_next(self, names: Iterable[str]) -> dict[str, SigningKey]:
        """Make the keys that are to follow, where they are missing; all of them, by name."""
        for name in names:
            if not self._path(self._next, name).exists():
                write_unencrypted(self._path(self._next, name), new_key())
        return {name: read_key(self._path(self._next, name)) for name in names}

    def online_signers(self, snapshot_keyids: Collection[str], timestamp_keyids: Collection[str]) -> OnlineSigners:
        return OnlineSigners(
            snapshot=tuf_signer(self._named("snapshot", snapshot_keyids)),
            timestamp=tuf_signer(self._named("timestamp", timestamp_keyids)),
        )

    def statement_kids(self) -> Mapping[Purpose, Collection[str]]:
        return {purpose: {key.kid for key in self._both(name)} for name, purpose in STATEMENT_KEYS.items()}

    def current_statement_key(self, name: str) -> SigningKey:
        """The key in use for licence keys (``licence``) or certificates (``certificate``)."""
        path = self._path(self._online, name)
        if not path.exists():
            raise NotInitialised(f"There is no key at {path}.")
        return read_key(path)

    def take_up(self, published: Repository, licence_keys: KeySet) -> tuple[str, ...]:
        roles = published.root().roles
        taken = []
        for name in (*ONLINE_ROLES, *STATEMENT_KEYS):
            path = self._path(self._next, name)
            if not path.exists():
                continue
            key = read_key(path)
            if name in ONLINE_ROLES:
                is_published = tuf_signer(key).public_key.keyid in roles[name].keyids
            else:
                is_published = licence_keys.find(key.kid, STATEMENT_KEYS[name]) is not None
            if is_published:
                path.replace(self._path(self._online, name))
                taken.append(name)
        return tuple(taken)

    def _named(self, name: str, keyids: Collection[str]) -> SigningKey:
        for key in self._both(name):
            if tuf_signer(key).public_key.keyid in keyids:
                return key
        raise Conflict(
            f"This server does not hold the {name} key that root names.",
            code="online_keys_missing",
            hint="restore its keys, or give it new ones: tenure trust draft online-keys",
        )

    def _both(self, name: str) -> tuple[SigningKey, ...]:
        paths = (self._path(self._online, name), self._path(self._next, name))
        return tuple(read_key(path) for path in paths if path.exists())

    @staticmethod
    def _path(directory: Path, name: str) -> Path:
        return directory / f"{name}.pem"
