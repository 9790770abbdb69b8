"""Secrets that have to be read again lie sealed in the database: AES-256-GCM, with a key made of the server's secret.

A copy of the database alone opens none. What a secret is about is authenticated with it, so that none can be put in
another's place.
"""

from __future__ import annotations

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tenure_server.errors import SealBroken

_PREFIX = "sealed1."
_NONCE_BYTES = 12


class AesSealer:
    """The key is 32 secret bytes, and is never shown."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, secret: str, about: str) -> str:
        nonce = os.urandom(_NONCE_BYTES)
        return (
            _PREFIX
            + base64.urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, secret.encode(), about.encode())).decode()
        )

    def open(self, sealed: str, about: str) -> str:
        try:
            if not sealed.startswith(_PREFIX):
                raise ValueError("another kind of seal")
            data = base64.urlsafe_b64decode(sealed.removeprefix(_PREFIX))
            return self._cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], about.encode()).decode()
        except (InvalidTag, ValueError):
            raise SealBroken("A secret in the database was not sealed by this installation.") from None
