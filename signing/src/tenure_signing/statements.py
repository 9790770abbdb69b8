"""Signed statements: compact JWS (RFC 7515) with EdDSA over Ed25519 (RFC 8037) and nothing else.

Every statement begins with its purpose (``typ``), names its key (``kid``), and has exactly one spelling. The steps
of ``verify_statement`` and their order are specified for other languages in ``tests/vectors/README.md``.

The algorithm's name stays ``EdDSA``. RFC 9864 renames it to ``Ed25519`` because ``EdDSA`` leaves the curve open; here
the key id fixes the curve, licence keys last for ever, and more libraries of other languages know the old name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwa import EdDSAAlgorithm
from joserfc.jwk import OKPKey

from tenure_signing.claims import Claims
from tenure_signing.errors import (
    BadSignature,
    MalformedStatement,
    NotYetValid,
    RetiredKey,
    StatementTooLarge,
    UnknownKey,
    WrongAlgorithm,
    WrongPurpose,
)
from tenure_signing.key_sets import KeySet, Purpose, VerificationKey
from tenure_signing.strict_text import from_base64url, json_object, to_base64url

if TYPE_CHECKING:  # products verify without loading the code that handles private keys
    from tenure_signing.key_sources import SigningKey

ALGORITHM = "EdDSA"
CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead of the verifier's clock a statement may be dated."""

MAX_CHARACTERS: Mapping[Purpose, int] = {
    Purpose.LICENCE_KEY: 2_048,
    Purpose.CERTIFICATE: 16_384,
    Purpose.ACTIVATION: 2_048,
}
"""The longest genuine licence key has about 700, an activation 500; a certificate has room for some 200 periods and
400 grants."""

NAMES: Mapping[Purpose, str] = {
    Purpose.LICENCE_KEY: "licence key",
    Purpose.CERTIFICATE: "SMP certificate",
    Purpose.ACTIVATION: "activation",
}

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)", re.ASCII)
_MAX_HEADER_CHARACTERS = 512
_SIGNATURE_BYTES = 64
_HEADER_MEMBERS = frozenset({"typ", "alg", "kid"})


class _Algorithm(EdDSAAlgorithm):
    security_warning = ""  # see the module's docstring for why the older name is used


class _OnlyEdDSA(jws.JWSRegistry):
    """A registry in which no other algorithm exists, whatever joserfc learns later."""

    algorithms = {ALGORITHM: _Algorithm()}  # noqa: RUF012 (the base class declares it so)
    max_header_length = _MAX_HEADER_CHARACTERS


_REGISTRY = _OnlyEdDSA(algorithms=[ALGORITHM])


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement whose signature is good: its claims, still to be checked, and what vouches for them."""

    claims: Claims
    issued_at: datetime
    key_id: str


def sign_statement(purpose: Purpose, claims: Mapping[str, object], key: SigningKey) -> str:
    """The claims, signed. Raises ``StatementTooLarge`` if no verifier would accept the result."""
    payload = json.dumps(claims, separators=(",", ":"), allow_nan=False)
    header = _header(purpose, key.kid)
    text = jws.serialize_compact(header, payload, OKPKey.import_key(key.private_key), registry=_REGISTRY)
    _refuse_size(text, purpose)
    return text


def header_text(purpose: Purpose, kid: str) -> str:
    """The header of statements that ``sign_statement`` makes with that key, as it stands before the first dot."""
    return to_base64url(json.dumps(_header(purpose, kid), separators=(",", ":")).encode("ascii"))


def _header(purpose: Purpose, kid: str) -> dict[str, str]:
    return {"typ": purpose.value, "alg": ALGORITHM, "kid": kid}


def verify_statement(text: str, purpose: Purpose, key_set: KeySet, now: datetime) -> Statement:
    """The statement in ``text``, if one of the keys signed it for this purpose.

    Checks in this order, and raises the first that fails: ``StatementTooLarge``; ``MalformedStatement``;
    ``WrongAlgorithm``; ``MalformedStatement`` (other header members); ``WrongPurpose``; ``MalformedStatement``
    (length of the signature); ``UnknownKey``; ``BadSignature``; ``MalformedStatement`` (JSON of the claims);
    ``InvalidClaims`` (``iat``); ``RetiredKey``; ``NotYetValid``. Claims are parsed only after the signature.
    """
    if now.tzinfo is None:
        raise ValueError("now needs a time zone")
    _refuse_size(text, purpose)
    header, signature = _parts(text, purpose)
    kid = _key_id(header, purpose)
    if len(signature) != _SIGNATURE_BYTES:
        raise MalformedStatement(f"this {NAMES[purpose]} is incomplete: its signature has the wrong length")
    key = key_set.find(kid, purpose)
    if key is None:
        raise UnknownKey(f"no known public key for a {NAMES[purpose]} has the key id given in it")
    claims = _claims(_signed_payload(text, key, purpose), purpose)
    issued_at = claims.instant("iat")
    if key.is_retired_for(issued_at):
        raise RetiredKey(f"this {NAMES[purpose]} was signed after its key had been retired")
    if issued_at > now + CLOCK_SKEW:
        raise NotYetValid(f"this {NAMES[purpose]} is dated in the future; is this computer's clock right?")
    return Statement(claims, issued_at, kid)


def _refuse_size(text: str, purpose: Purpose) -> None:
    if len(text) > MAX_CHARACTERS[purpose]:
        raise StatementTooLarge(f"a {NAMES[purpose]} has at most {MAX_CHARACTERS[purpose]} characters")


def _parts(text: str, purpose: Purpose) -> tuple[dict[str, object], bytes]:
    """The header's members and the signature of a text in the right form."""
    match = _COMPACT.fullmatch(text)
    if match is None or len(match[1]) > _MAX_HEADER_CHARACTERS:
        raise MalformedStatement(f"this is no {NAMES[purpose]}: that has three base64url parts with two dots between")
    try:
        from_base64url(match[2])
        return json_object(from_base64url(match[1])), from_base64url(match[3])
    except ValueError as error:
        raise MalformedStatement(f"this is no {NAMES[purpose]}: its parts cannot be decoded") from error


def _key_id(header: Mapping[str, object], purpose: Purpose) -> str:
    """The key id of a header that has the right algorithm, exactly the three members, and the right purpose."""
    algorithm = header.get("alg")
    if isinstance(algorithm, str) and algorithm != ALGORITHM:
        raise WrongAlgorithm(f"this {NAMES[purpose]} names another signature algorithm than {ALGORITHM}")
    typ, kid = header.get("typ"), header.get("kid")
    if header.keys() != _HEADER_MEMBERS:
        raise MalformedStatement(f"this {NAMES[purpose]} has a header with other members than typ, alg and kid")
    if not (isinstance(algorithm, str) and isinstance(typ, str) and isinstance(kid, str)):
        raise MalformedStatement(f"this {NAMES[purpose]} has a header member that is not a string")
    if typ != purpose:
        raise WrongPurpose(f"this text was not signed as a {NAMES[purpose]}")
    return kid


def _signed_payload(text: str, key: VerificationKey, purpose: Purpose) -> bytes:
    try:
        verified = jws.deserialize_compact(text, OKPKey.import_key(key.for_verifying()), registry=_REGISTRY)
    except (JoseError, ValueError) as error:
        raise bad_signature(purpose) from error
    return verified.payload


def bad_signature(purpose: Purpose) -> BadSignature:
    return BadSignature(f"the signature of this {NAMES[purpose]} does not belong to it")


def _claims(payload: bytes, purpose: Purpose) -> Claims:
    try:
        return Claims(json_object(payload))
    except ValueError as error:
        raise MalformedStatement(f"the claims of this {NAMES[purpose]} are not one strict JSON object") from error
