"""The public keys that verify licence keys and SMP certificates: several at once, found by key id.

A set travels as JSON Web Keys (RFC 7517, RFC 8037) in the TUF target ``_trust/licence-keys.json``, so keys rotate
without a new build of any product. ``tests/vectors/README.md`` is the specification for other languages.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tenure_signing.errors import InvalidKeySet
from tenure_signing.strict_text import from_base64url, json_object, to_base64url

MAX_KEY_SET_BYTES = 65_536
"""Room for about 200 keys."""

MAX_INSTANT = 253_402_300_799
"""The last second of the year 9999 as a NumericDate (RFC 7519, section 2)."""

PUBLIC_KEY_BYTES = 32
_SCHEMA = 1


class Purpose(StrEnum):
    """What a key may sign; the value is the statement's ``typ`` and stands in a key's ``purposes``.

    The values are media types without their ``application/`` (RFC 7515, section 4.1.9). They end in ``+jws`` and
    not in ``+jwt`` because the statements are no JWTs that a general validator could judge: ``exp`` and ``aud``
    mean nothing here.
    """

    LICENCE_KEY = "tenure-licence-key+jws"
    CERTIFICATE = "tenure-smp-certificate+jws"
    ACTIVATION = "tenure-activation+jws"


_INCLUDED_IN = {Purpose.ACTIVATION: Purpose.CERTIFICATE}
"""Who may certify what a licence covers may say which machines use it: key sets that were signed before there were
activations need no ceremony."""


def thumbprint(public_key: bytes) -> str:
    """The key id of an Ed25519 public key of 32 bytes: its SHA-256 JWK thumbprint (RFC 7638; RFC 8037, A.3)."""
    members = f'{{"crv":"Ed25519","kty":"OKP","x":"{to_base64url(public_key)}"}}'
    return to_base64url(hashlib.sha256(members.encode("ascii")).digest())


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key and what it may verify.

    ``retired_at`` (UTC, whole seconds): the key verifies what says it was signed at that instant or before. This
    trusts the key's holder not to date back, so a key that was stolen is removed from the set, not retired.

    Raises ``InvalidKeySet`` for a key of another length than 32 bytes, no purpose, or an instant without a zone.
    """

    public_key: bytes
    purposes: frozenset[Purpose]
    retired_at: datetime | None = None
    kid: str = field(init=False)

    def __post_init__(self) -> None:
        if len(self.public_key) != PUBLIC_KEY_BYTES:
            raise InvalidKeySet("an Ed25519 public key has 32 bytes")
        if not self.purposes:
            raise InvalidKeySet("a public key needs at least one purpose")
        object.__setattr__(self, "kid", thumbprint(self.public_key))
        if self.retired_at is not None:
            if self.retired_at.tzinfo is None:
                raise InvalidKeySet("the instant at which a key was retired needs a time zone")
            object.__setattr__(self, "retired_at", self.retired_at.astimezone(UTC).replace(microsecond=0))

    def for_verifying(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.public_key)

    def may_verify(self, purpose: Purpose) -> bool:
        """Whether the purpose is among the key's own, or included in one of them."""
        return purpose in self.purposes or _INCLUDED_IN.get(purpose) in self.purposes

    def is_retired_for(self, issued_at: datetime) -> bool:
        """Whether a statement of that instant was signed too late for this key."""
        return self.retired_at is not None and issued_at > self.retired_at


@dataclass(frozen=True, slots=True)
class KeySet:
    """Public keys with distinct key ids, immutable. An empty set is allowed and verifies nothing."""

    keys: tuple[VerificationKey, ...] = ()

    def __post_init__(self) -> None:
        if len({key.kid for key in self.keys}) != len(self.keys):
            raise InvalidKeySet("a key set holds the same key twice")

    def find(self, kid: str, purpose: Purpose) -> VerificationKey | None:
        """The key with this id if it may verify for this purpose, else None."""
        return next((key for key in self.keys if key.kid == kid and key.may_verify(purpose)), None)

    def adding(self, key: VerificationKey) -> KeySet:
        """This set and one more key; ``InvalidKeySet`` if it is there already."""
        return KeySet((*self.keys, key))

    def retiring(self, kid: str, retired_at: datetime) -> KeySet:
        """This set with one key retired at that instant; ``InvalidKeySet`` if the set has no such key."""
        if all(key.kid != kid for key in self.keys):
            raise InvalidKeySet("the key set has no key with this key id")
        return KeySet(tuple(replace(key, retired_at=retired_at) if key.kid == kid else key for key in self.keys))

    def removing(self, kid: str) -> KeySet:
        """This set without one key, so that nothing it ever signed is believed; ``InvalidKeySet`` if absent."""
        kept = tuple(key for key in self.keys if key.kid != kid)
        if len(kept) == len(self.keys):
            raise InvalidKeySet("the key set has no key with this key id")
        return KeySet(kept)

    def to_json(self) -> bytes:
        """The set as a file: the same bytes for the same keys in the same order."""
        document = {"schema": _SCHEMA, "keys": [_to_jwk(key) for key in self.keys]}
        data = (json.dumps(document, indent=2) + "\n").encode("ascii")
        if len(data) > MAX_KEY_SET_BYTES:
            raise InvalidKeySet(f"a key set has at most {MAX_KEY_SET_BYTES} bytes")
        return data

    @classmethod
    def from_json(cls, data: bytes) -> KeySet:
        """The set in a file of at most 64 KiB.

        Keys of another ``kty`` or ``crv``, keys whose purposes are all unknown, and unknown members are passed
        over (RFC 7517, sections 4 and 5), so that a later server can add to the file without breaking installed
        products: what only an unknown key signed stays refused. Anything else amiss raises ``InvalidKeySet``.
        """
        if len(data) > MAX_KEY_SET_BYTES:
            raise InvalidKeySet(f"a key set has at most {MAX_KEY_SET_BYTES} bytes")
        try:
            document = json_object(data)
        except ValueError as error:
            raise InvalidKeySet("a key set is one strict JSON object in UTF-8") from error
        schema, jwks = document.get("schema"), document.get("keys")
        if type(schema) is not int or schema != _SCHEMA:
            raise InvalidKeySet(f"this key set has another schema than {_SCHEMA}; a newer program may read it")
        if not isinstance(jwks, list):
            raise InvalidKeySet("a key set needs a list of keys")
        return cls(tuple(key for jwk in jwks if (key := _from_jwk(jwk)) is not None))


def _to_jwk(key: VerificationKey) -> dict[str, object]:
    jwk: dict[str, object] = {
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "EdDSA",
        "use": "sig",
        "kid": key.kid,
        "x": to_base64url(key.public_key),
        "purposes": sorted(key.purposes),
    }
    if key.retired_at is not None:
        jwk["retired_at"] = int(key.retired_at.timestamp())
    return jwk


def _from_jwk(jwk: object) -> VerificationKey | None:
    if not isinstance(jwk, dict) or not isinstance(jwk.get("kty"), str):
        raise InvalidKeySet("a key in the set is no JSON Web Key")
    if not {"d", "k", "p", "q"}.isdisjoint(jwk):  # RFC 7518, section 6; RFC 8037, section 2
        raise InvalidKeySet("the key set holds a private or secret key: replace that key, it is no longer secret")
    if jwk["kty"] != "OKP" or jwk.get("crv") != "Ed25519":
        return None
    if jwk.get("alg") != "EdDSA" or jwk.get("use") != "sig":
        raise InvalidKeySet("a key in the set is not for EdDSA signatures")
    purposes = _purposes(jwk.get("purposes"))
    x, retired_at = jwk.get("x"), _instant(jwk["retired_at"]) if "retired_at" in jwk else None
    try:
        public_key = from_base64url(x if isinstance(x, str) else "=")
    except ValueError as error:
        raise InvalidKeySet("a key in the set has no canonical base64url in x") from error
    if jwk.get("kid") != thumbprint(public_key):
        raise InvalidKeySet("a key id in the set is not the thumbprint of its key (RFC 7638)")
    if len(public_key) == PUBLIC_KEY_BYTES and not purposes:
        return None
    return VerificationKey(public_key, purposes, retired_at)


def _purposes(names: object) -> frozenset[Purpose]:
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise InvalidKeySet("a key in the set needs a list of purposes")
    return frozenset(Purpose(name) for name in names if name in Purpose._value2member_map_)


def _instant(seconds: object) -> datetime:
    if type(seconds) is not int or not 0 <= seconds <= MAX_INSTANT:
        raise InvalidKeySet("retired_at is in whole seconds since 1970-01-01T00:00:00Z")
    return datetime.fromtimestamp(seconds, UTC)
