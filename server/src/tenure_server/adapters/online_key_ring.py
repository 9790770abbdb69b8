"""The server's online keys and those made to follow them: files in ``keys/online`` and ``keys/online/next``, and keys
on a token or in a key service, by URI.

A key that follows takes its place only after the metadata that names it is published, so that a kill in between leaves
both files and the next run completes it. Which of the two signs is decided by what root and the licence key set say.
Of several URIs too: one that follows is named beside the present one, before the ceremony that changes to it.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from securesystemslib.signer import Signer

from tenure_server.adapters.key_folder import NotInitialised
from tenure_server.errors import Conflict
from tenure_server.use_cases.signers import OnlineSigners
from tenure_signing.errors import KeySourceError
from tenure_signing.key_sets import KeySet, Purpose
from tenure_signing.key_sources import SigningKey, new_key, read_key, tuf_signer, write_unencrypted
from tenure_signing.signer_uris import SecretAsker, open_signer
from tenure_signing.tuf_repository import Repository
from tenure_signing.tuf_roles import ONLINE_ROLES

MAX_PIN_FILE_BYTES = 2048

STATEMENT_KEYS = {"licence": Purpose.LICENCE_KEY, "certificate": Purpose.CERTIFICATE}


def secret_of_the_signer(pin: str | None, file: Path | None) -> SecretAsker:
    """Answers what the PIN of a token is: nobody sits at a server. Raises ``KeySourceError``, without the PIN."""

    def ask(what: str) -> bytes:
        if file is None and pin is None:
            raise KeySourceError(f"{what} is needed: TENURE_SIGNER_PIN_FILE names a file that holds it")
        if file is None:
            return str(pin).encode()
        try:
            with file.open("rb") as opened:
                return opened.read(MAX_PIN_FILE_BYTES).removesuffix(b"\n").removesuffix(b"\r")
        except OSError as error:
            raise KeySourceError(f"the file of TENURE_SIGNER_PIN_FILE cannot be read: {error.strerror}") from None

    return ask


class OnlineKeyFiles:
    """Reads files when asked: after a change the next call sees it. Tokens and key services are opened once.

    ``uris`` are the signer URIs of ``snapshot`` and ``timestamp``, ``secret`` asks for PINs. ``has_statement_keys`` is
    False in a process that signs neither licence keys nor certificates.
    """

    def __init__(
        self,
        online: Path,
        uris: Mapping[str, Sequence[str]] | None = None,
        secret: SecretAsker | None = None,
        *,
        has_statement_keys: bool = True,
    ) -> None:
        self._online = online
        self._next = online / "next"
        self._uris = dict(uris or {})
        self._secret = secret or secret_of_the_signer(None, None)
        self._has_statement_keys = has_statement_keys
        self._opened: dict[str, Signer] = {}
        self._opening = threading.Lock()

    def __repr__(self) -> str:
        return f"OnlineKeyFiles({str(self._online)!r})"

    @property
    def elsewhere(self) -> frozenset[str]:
        """The roles whose keys are not files of this folder."""
        return frozenset(name for name, uris in self._uris.items() if uris)

    def first_signers(self) -> OnlineSigners:
        """The signers for the first root. Raises ``NotInitialised`` where there is no key yet, ``KeySourceError``."""
        return OnlineSigners(snapshot=self._first("snapshot"), timestamp=self._first("timestamp"))

    def has_next(self) -> bool:
        """Whether keys wait that were made to follow."""
        return any(self._path(self._next, name).exists() for name in (*ONLINE_ROLES, *STATEMENT_KEYS))

    def make_next(self, names: Iterable[str]) -> dict[str, SigningKey]:
        """Make the keys that are to follow, where they are missing; all of them, by name."""
        for name in names:
            if not self._path(self._next, name).exists():
                write_unencrypted(self._path(self._next, name), new_key())
        return {name: read_key(self._path(self._next, name)) for name in names}

    def online_signers(self, snapshot_keyids: Collection[str], timestamp_keyids: Collection[str]) -> OnlineSigners:
        return OnlineSigners(
            snapshot=self._named("snapshot", snapshot_keyids), timestamp=self._named("timestamp", timestamp_keyids)
        )

    def statement_kids(self) -> Mapping[Purpose, Collection[str]]:
        if not self._has_statement_keys:
            return {}
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

    def _named(self, name: str, keyids: Collection[str]) -> Signer:
        """A URI that cannot be reached matters only if no other key fits."""
        unreachable: KeySourceError | None = None
        for uri in self._uris.get(name, ()):
            try:
                signer = self._at(uri)
            except KeySourceError as error:
                unreachable = unreachable or error
                continue
            if signer.public_key.keyid in keyids:
                return signer
        for key in self._both(name):
            if (found := tuf_signer(key)).public_key.keyid in keyids:
                return found
        if unreachable is not None:
            raise unreachable
        raise Conflict(
            f"This server does not hold the {name} key that root names.",
            code="online_keys_missing",
            hint="restore its keys, copy another machine's, or give it new ones: tenure trust draft online-keys",
        )

    def _first(self, name: str) -> Signer:
        for uri in self._uris.get(name, ()):
            return self._at(uri)
        path = self._path(self._online, name)
        if not path.exists():
            hint = "tenure init makes them; TENURE_KEYS_DIR names the directory of a signer's"
            raise NotInitialised(f"There is no key at {path}.", hint=hint)
        return tuf_signer(read_key(path))

    def _at(self, uri: str) -> Signer:
        with self._opening:
            if uri not in self._opened:
                self._opened[uri] = open_signer(uri, self._secret)
            return self._opened[uri]

    def _both(self, name: str) -> tuple[SigningKey, ...]:
        paths = (self._path(self._online, name), self._path(self._next, name))
        return tuple(read_key(path) for path in paths if path.exists())

    @staticmethod
    def _path(directory: Path, name: str) -> Path:
        return directory / f"{name}.pem"
