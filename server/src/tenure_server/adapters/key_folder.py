"""The keys of one installation, as files.

``keys/online``: snapshot, timestamp, licence and certificate keys and the server's secret, which the server reads
unattended. ``keys/offline``: root, targets and the products' keys, encrypted; they belong on other machines, and the
server never reads them.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from securesystemslib.signer import Signer

from tenure_server.errors import TenureError
from tenure_server.use_cases.signers import (
    ActivationClaims,
    ActivationSigner,
    CertificateSigner,
    LicenceKeyClaims,
    LicenceKeySigner,
    OnlineSigners,
)
from tenure_signing.entitlement import Entitlement
from tenure_signing.errors import KeySourceError
from tenure_signing.issuing import issue_activation, issue_certificate, issue_licence_key
from tenure_signing.key_sets import KeySet, Purpose
from tenure_signing.key_sources import (
    SigningKey,
    new_key,
    read_key,
    tuf_signer,
    write_encrypted,
    write_unencrypted,
)
from tenure_signing.names import ProductName

ONLINE_KEYS = ("snapshot", "timestamp", "licence", "certificate")
SECRET_BYTES = 32
LOOK_SECONDS = 1.0

Passphrase = Callable[[], bytes]


class NotInitialised(TenureError):
    """The data directory holds no keys yet."""

    hint = "tenure init makes them"


class KeyFolder:
    """Reads keys when they are first needed and keeps the online ones in memory."""

    def __init__(self, directory: Path) -> None:
        self.online = directory / "online"
        self.offline = directory / "offline"

    def __repr__(self) -> str:
        return f"KeyFolder({str(self.online.parent)!r})"

    def make_online_keys(self, *, elsewhere: Collection[str] = ()) -> None:
        """Make those that are missing, but for those that are kept elsewhere."""
        for name in sorted(set(ONLINE_KEYS) - set(elsewhere)):
            path = self.online / f"{name}.pem"
            if not path.exists():
                write_unencrypted(path, new_key())
        if not self._secret_path.exists():
            _write_secret(self._secret_path)

    def make_offline_key(self, name: str, passphrase: Passphrase) -> bool:
        """Make the key if it is missing; whether it was."""
        path = self.offline_path(name)
        if path.exists():
            return False
        write_encrypted(path, new_key(), passphrase())
        return True

    def offline_path(self, name: str) -> Path:
        """Of ``root`` and ``targets``."""
        return self.offline / f"{name}.pem"

    def offline_signer(self, name: str, passphrase: Passphrase) -> Signer:
        """A TUF signer with an offline key. Raises ``KeySourceError``."""
        return tuf_signer(read_key(self.offline_path(name), passphrase))

    def product_key_path(self, product: ProductName) -> Path:
        return self.offline_path(_product_key_name(product))

    def make_product_key(self, product: ProductName, passphrase: Passphrase) -> bool:
        """Make the key of the product's release engineers if it is missing; whether it was."""
        return self.make_offline_key(_product_key_name(product), passphrase)

    def product_signer(self, product: ProductName, passphrase: Passphrase) -> Signer:
        """A TUF signer with the product's key. Raises ``KeySourceError``."""
        return self.offline_signer(_product_key_name(product), passphrase)

    @cached_property
    def online_signers(self) -> OnlineSigners:
        return OnlineSigners(
            snapshot=tuf_signer(self._online_key("snapshot")), timestamp=tuf_signer(self._online_key("timestamp"))
        )

    def licence_key_set(self) -> KeySet:
        """The public keys that verify what this folder's keys sign."""
        return KeySet(
            (
                self._online_key("licence").verification_key(Purpose.LICENCE_KEY),
                self._online_key("certificate").verification_key(Purpose.CERTIFICATE),
            )
        )

    def licence_key_signer(self) -> LicenceKeySigner:
        key = self._online_key("licence")

        def sign(claims: LicenceKeyClaims) -> str:
            return issue_licence_key(
                licence_id=claims.licence_id,
                product=claims.product,
                edition=claims.edition,
                purchased_on=claims.purchased_on,
                seats=claims.seats,
                now=claims.issued_at,
                key=key,
            )

        return LicenceKeySigner(key.kid, sign)

    def certificate_signer(self, lifetime: timedelta) -> CertificateSigner:
        """Signs with the key that is in use: a new one within ``LOOK_SECONDS`` of being taken up."""
        current = CurrentKey(self.online / "certificate.pem")

        def sign(entitlement: Entitlement, seats: int, now: datetime) -> str:
            return issue_certificate(entitlement, seats, now, lifetime, current.key())

        return sign

    def activation_signer(self) -> ActivationSigner:
        """With the key of certificates, as above."""
        current = CurrentKey(self.online / "certificate.pem")

        def sign(claims: ActivationClaims) -> str:
            return issue_activation(
                licence_id=claims.licence_id,
                product=claims.product,
                machine=claims.machine,
                activated_at=claims.activated_at,
                valid_until=claims.valid_until,
                now=claims.issued_at,
                key=current.key(),
            )

        return sign

    def secret_for(self, purpose: str) -> bytes:
        """32 bytes for one purpose, derived from the server's secret (HKDF, RFC 5869)."""
        try:
            secret = self._secret_path.read_bytes()
        except OSError as error:
            raise NotInitialised(f"{self._secret_path} cannot be read: {error.strerror}") from error
        if len(secret) != SECRET_BYTES:
            raise NotInitialised(f"{self._secret_path} is not a secret of {SECRET_BYTES} bytes")
        return HKDF(SHA256(), SECRET_BYTES, salt=None, info=f"tenure {purpose}".encode()).derive(secret)

    @property
    def _secret_path(self) -> Path:
        return self.online / "server.secret"

    def _online_key(self, name: str) -> SigningKey:
        path = self.online / f"{name}.pem"
        if not path.exists():
            raise NotInitialised(f"There is no key at {path}.")
        return read_key(path)


class CurrentKey:
    """The key in a file that another process may replace; looks for a new one every ``LOOK_SECONDS``.

    Raises ``NotInitialised`` if there is none at first, and ``KeySourceError``; later a file that cannot be read leaves
    the key as it is.
    """

    def __init__(self, path: Path, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._monotonic = monotonic
        self._seen = self._stamp()
        if self._seen is None:
            raise NotInitialised(f"There is no key at {path}.")
        self._key = read_key(path)
        self._looked_at = monotonic()

    def key(self) -> SigningKey:
        now = self._monotonic()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            if (stamp := self._stamp()) not in (None, self._seen):
                with suppress(KeySourceError):
                    self._key, self._seen = read_key(self._path), stamp
        return self._key

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns


def _product_key_name(product: ProductName) -> str:
    return f"product-{product}"


def _write_secret(path: Path) -> None:
    """Whole or not at all, readable by its owner only."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
