"""Private keys: the only module that reads or writes them. Ed25519, in PKCS#8 PEM files (RFC 5958, RFC 8410).

Offline keys are encrypted under a passphrase; online keys, which a server must read unattended, are protected by
their file's permissions alone. No error, ``repr`` or pickle holds a secret.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner, SSlibKey

from tenure_signing.errors import KeySourceError
from tenure_signing.key_sets import Purpose, VerificationKey, thumbprint
from tenure_signing.pkcs8_encryption import encrypted_pem

MIN_PASSPHRASE_CHARACTERS = 15
"""NIST SP 800-63B-4, section 3.1.1.2, for a password that stands alone."""

MAX_PASSPHRASE_BYTES = 1_023  # what OpenSSL reads

_MAX_FILE_BYTES = 16_384
_ENCRYPTED_LABEL = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its key id. Equal when the key ids are; shows only that; cannot be pickled or copied."""

    private_key: Ed25519PrivateKey = field(repr=False, compare=False)
    kid: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kid", thumbprint(self.public_bytes))

    @property
    def public_bytes(self) -> bytes:
        """The public key, 32 bytes."""
        return self.private_key.public_key().public_bytes_raw()

    def verification_key(self, *purposes: Purpose) -> VerificationKey:
        """The public half, for a key set."""
        return VerificationKey(self.public_bytes, frozenset(purposes))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key cannot be pickled or copied")


def new_key() -> SigningKey:
    """A fresh key from the operating system's randomness."""
    return SigningKey(Ed25519PrivateKey.generate())


def tuf_signer(key: SigningKey) -> CryptoSigner:
    """The key as a signer of TUF metadata. Its TUF key id is another than ``kid``: the hash of the TUF key."""
    return CryptoSigner(key.private_key, SSlibKey.from_crypto(key.private_key.public_key()))


def write_encrypted(path: Path, key: SigningKey, passphrase: bytes) -> None:
    """Writes an offline key under a passphrase of 15 characters or more in UTF-8.

    Raises ``KeySourceError`` if the passphrase is too short or long, the file exists or cannot be written, or its
    directory may be changed by others.
    """
    try:
        characters = len(passphrase.decode("utf-8"))
    except UnicodeDecodeError:
        raise KeySourceError("the passphrase is not UTF-8 text") from None
    if characters < MIN_PASSPHRASE_CHARACTERS or len(passphrase) > MAX_PASSPHRASE_BYTES:
        raise KeySourceError(
            f"a passphrase has at least {MIN_PASSPHRASE_CHARACTERS} characters and at most {MAX_PASSPHRASE_BYTES} bytes"
        )
    plain = key.private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    _write_new(path, encrypted_pem(plain, passphrase))


def write_unencrypted(path: Path, key: SigningKey) -> None:
    """Writes an online key that only the file's owner can read. Raises ``KeySourceError`` as above."""
    _write_new(path, key.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def read_key(path: Path, passphrase: Callable[[], bytes] | None = None) -> SigningKey:
    """The key in a file. ``passphrase`` is asked only once the file is known to be readable and encrypted.

    With a passphrase the key must be encrypted, so that an offline key left in the open is noticed; without one it
    must not be. Raises ``KeySourceError`` for that, for a file others can read or change, a wrong passphrase, and
    anything that is no Ed25519 private key.
    """
    pem = _read_guarded(path)
    if _ENCRYPTED_LABEL in pem and passphrase is None:
        raise KeySourceError(f"the key in {path} is encrypted and needs its passphrase")
    if _ENCRYPTED_LABEL not in pem and passphrase is not None:
        raise KeySourceError(f"the key in {path} is not encrypted, or no private key at all")
    try:
        key = load_pem_private_key(pem, passphrase() if passphrase else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # from None: their texts describe what was decrypted
        why = "the passphrase is wrong or the file is damaged" if passphrase else "it is no private key in PKCS#8 PEM"
        raise KeySourceError(f"the key in {path} cannot be read: {why}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeySourceError(f"the key in {path} is not an Ed25519 key")
    return SigningKey(key)


def _read_guarded(path: Path) -> bytes:
    # O_NONBLOCK: opening a FIFO must not hang. The flags are missing on Windows.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise KeySourceError(f"the key file {path} is not a regular file")
            if os.name == "posix" and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise KeySourceError(
                    f"others can read or change the key file {path}: chmod 600 it, and consider a new key"
                )
            pem = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise KeySourceError(f"the key file {path} cannot be read: {error.strerror}") from error
    if len(pem) > _MAX_FILE_BYTES:
        raise KeySourceError(f"the key file {path} is too large for a private key")
    return pem


def _write_new(path: Path, pem: bytes) -> None:
    """Writes a file that did not exist, whole or not at all, readable by its owner only.

    A kill can leave a draft ``.<name>.<random>`` beside it, just as unreadable to others; writing again succeeds.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name == "posix" and path.parent.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise KeySourceError(f"others can change the directory {path.parent}: chmod 700 it before keys go there")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(file.fileno())
            _link_new(draft, path)
        finally:
            with suppress(FileNotFoundError):
                draft.unlink()
        _make_durable(path.parent)
    except OSError as error:
        raise KeySourceError(f"the key file {path} cannot be written: {error.strerror}") from error


def _link_new(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)  # unlike a rename, fails if the file exists
    except FileExistsError as error:
        raise KeySourceError(f"the key file {path} exists already and was left as it is") from error


def _make_durable(directory: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
