"""Public key files: what a person hands to the others before a ceremony. They hold no secret.

::

    {"format": "tenure-public-key", "schema": 1, "name": "Ada, token 1", "keyid": "…", "keytype": "ed25519",
     "scheme": "ed25519", "public": "…"}

``keyid`` is the key id of securesystemslib: SHA-256 of the key's canonical JSON. ``public`` is hexadecimal for Ed25519,
PEM otherwise. ``name`` is for people and is not signed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.signer import Key, SSlibKey

from tenure_signing.errors import InvalidPublicKey
from tenure_signing.key_sets import Purpose, VerificationKey, thumbprint
from tenure_signing.strict_text import json_object

FORMAT = "tenure-public-key"
MAX_FILE_BYTES = 16_384
MAX_NAME_CHARACTERS = 100
MIN_RSA_BITS = 2_048
SHOWN_KEYID_CHARACTERS = 12

_SCHEMA = 1
_ECDSA_SCHEMES = {SECP256R1: "ecdsa-sha2-nistp256", SECP384R1: "ecdsa-sha2-nistp384"}
_RSA_SCHEMES = ("rsassa-pss-sha256", "rsassa-pss-sha384", "rsassa-pss-sha512")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key as TUF metadata names it, and whose it is. Raises ``InvalidPublicKey`` as ``standard_key`` does."""

    key: Key
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", standard_key(self.key))
        if len(self.name) > MAX_NAME_CHARACTERS or not self.name.isprintable():
            raise InvalidPublicKey(f"the name of a key is at most {MAX_NAME_CHARACTERS} printable characters")

    @property
    def keyid(self) -> str:
        keyid: str = self.key.keyid
        return keyid

    @property
    def statement_kid(self) -> str | None:
        """The key id under which the key could sign licence keys and certificates; None unless it is Ed25519."""
        public = self._ed25519()
        return thumbprint(public) if public is not None else None

    def verification_key(self, *purposes: Purpose) -> VerificationKey:
        """The key for a licence key set. Raises ``InvalidPublicKey`` unless it is Ed25519."""
        public = self._ed25519()
        if public is None:
            raise InvalidPublicKey("licence keys and certificates are signed with Ed25519 keys only")
        return VerificationKey(public, frozenset(purposes))

    def to_json(self) -> bytes:
        """The key as a file."""
        document = {
            "format": FORMAT,
            "schema": _SCHEMA,
            "name": self.name,
            "keyid": self.keyid,
            "keytype": self.key.keytype,
            "scheme": self.key.scheme,
            "public": self.key.keyval["public"],
        }
        return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes) -> PublicKey:
        """The key in a file. Raises ``InvalidPublicKey``; the key id must be the one the key has."""
        if len(data) > MAX_FILE_BYTES:
            raise InvalidPublicKey(f"a public key file has at most {MAX_FILE_BYTES} bytes")
        if b"PRIVATE KEY-----" in data:
            raise InvalidPublicKey("this is a private key: hand out its public half, and keep it to yourself")
        try:
            document = json_object(data)
        except ValueError as error:
            raise InvalidPublicKey("a public key file is one strict JSON object in UTF-8") from error
        if document.get("format") != FORMAT or document.get("schema") != _SCHEMA:
            raise InvalidPublicKey(f"this is no {FORMAT} file of schema {_SCHEMA}")
        text = {name: _text(document, name) for name in ("name", "keyid", "keytype", "scheme", "public")}
        key = SSlibKey(text["keyid"], text["keytype"], text["scheme"], {"public": text["public"]})
        if standard_key(key).keyid != text["keyid"]:
            raise InvalidPublicKey("the key id in the public key file is not that of its key")
        return cls(key, text["name"])

    def _ed25519(self) -> bytes | None:
        return bytes.fromhex(self.key.keyval["public"]) if self.key.keytype == "ed25519" else None


def standard_key(key: Key) -> SSlibKey:
    """The key in securesystemslib's spelling and under its key id, however it was spelled.

    Raises ``InvalidPublicKey`` for anything but Ed25519, ECDSA on P-256 and P-384, and RSA-PSS from 2048 bits.
    """
    text = str(key.keyval.get("public"))
    try:
        if (key.keytype, key.scheme) == ("ed25519", "ed25519"):
            return SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(bytes.fromhex(text)))
        public = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidPublicKey("the public key cannot be read") from error
    if isinstance(public, EllipticCurvePublicKey) and key.scheme == _ECDSA_SCHEMES.get(type(public.curve)):
        return SSlibKey.from_crypto(public, scheme=key.scheme)
    if isinstance(public, RSAPublicKey) and key.scheme in _RSA_SCHEMES and public.key_size >= MIN_RSA_BITS:
        return SSlibKey.from_crypto(public, scheme=key.scheme)
    raise InvalidPublicKey("metadata is signed with Ed25519, ECDSA on P-256 or P-384, or RSA-PSS from 2048 bits")


def shown_key(keyid: str, names: Mapping[str, str]) -> str:
    """A key for people: whose it is, if that is known, and the beginning of its id."""
    name = names.get(keyid)
    return f"{name} ({keyid[:SHOWN_KEYID_CHARACTERS]})" if name else keyid[:SHOWN_KEYID_CHARACTERS]


def _text(document: Mapping[str, object], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise InvalidPublicKey(f"a public key file needs {name} as text")
    return value
