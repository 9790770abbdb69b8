"""Encrypts a PKCS#8 private key under a passphrase (RFC 5958, section 3; RFC 8018, PBES2).

``cryptography`` writes such files too, but with 2048 rounds of PBKDF2 and no way to ask for more. Its reader and
OpenSSL's take any number, so only the envelope is built here; the ciphers are theirs.
"""

from __future__ import annotations

import base64
import os
import textwrap

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

PBKDF2_ROUNDS = 600_000
"""PBKDF2 with HMAC-SHA-256: OWASP Password Storage Cheat Sheet, 2023; about a quarter of a second."""

_SALT_BYTES = 16
_BLOCK_BYTES = 16
_KEY_BYTES = 32

# Object identifiers in DER: RFC 8018, appendices A.2, A.4 and B.1.2; NIST for AES.
_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_PBKDF2 = bytes.fromhex("06092a864886f70d01050c")
_HMAC_SHA256 = bytes.fromhex("06082a864886f70d0209")
_AES_256_CBC = bytes.fromhex("060960864801650304012a")
_NULL = b"\x05\x00"
_INTEGER, _OCTET_STRING, _SEQUENCE = 0x02, 0x04, 0x30


def encrypted_pem(private_key_info: bytes, passphrase: bytes) -> bytes:
    """PEM text ``ENCRYPTED PRIVATE KEY`` of a PrivateKeyInfo in DER."""
    salt, iv = os.urandom(_SALT_BYTES), os.urandom(_BLOCK_BYTES)
    key = PBKDF2HMAC(hashes.SHA256(), _KEY_BYTES, salt, PBKDF2_ROUNDS).derive(passphrase)
    padder = padding.PKCS7(8 * _BLOCK_BYTES).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    encrypted = encryptor.update(padder.update(private_key_info) + padder.finalize()) + encryptor.finalize()
    rounds = _der(_INTEGER, PBKDF2_ROUNDS.to_bytes(4, "big").lstrip(b"\x00"))
    pbkdf2 = _sequence(_PBKDF2, _sequence(_der(_OCTET_STRING, salt), rounds, _sequence(_HMAC_SHA256, _NULL)))
    scheme = _sequence(_PBES2, _sequence(pbkdf2, _sequence(_AES_256_CBC, _der(_OCTET_STRING, iv))))
    return _pem(_sequence(scheme, _der(_OCTET_STRING, encrypted)))


def _sequence(*parts: bytes) -> bytes:
    return _der(_SEQUENCE, b"".join(parts))


def _der(tag: int, content: bytes) -> bytes:
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _pem(der: bytes) -> bytes:
    lines = textwrap.wrap(base64.b64encode(der).decode("ascii"), 64)
    return "\n".join(
        ["-----BEGIN ENCRYPTED PRIVATE KEY-----", *lines, "-----END ENCRYPTED PRIVATE KEY-----", ""]
    ).encode()
