"""Whether the issuer signed a licence key or a certificate, for servers that are asked so by everyone.

``statements.verify_statement`` stays the judge: it is asked about every text that is not accepted here, but for keys
with the header that our own signer writes, of which only the signature is bad. So each refusal is its own. What is
saved are the header's JSON, the loading of the public key and the general JWS machinery; the signature is verified
every time, over the same bytes.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature

from tenure_signing.certificate import SmpCertificate, read_certificate_claims
from tenure_signing.claims import Claims
from tenure_signing.errors import InvalidStatement
from tenure_signing.key_sets import KeySet, Purpose, VerificationKey
from tenure_signing.licence_key import LicenceKey, read_licence_key_claims, verify_licence_key
from tenure_signing.statements import (
    CLOCK_SKEW,
    MAX_CHARACTERS,
    Statement,
    bad_signature,
    header_text,
    verify_statement,
)
from tenure_signing.strict_text import from_base64url, json_object

Verify = Callable[[bytes, bytes], bool]
"""Whether the first, of 64 bytes, is the Ed25519 signature of the second: without a cofactor, the number below the
group's order (RFC 8032, section 5.1.7), exactly as ``cryptography`` has it."""

_SIGNATURE = re.compile(r"[A-Za-z0-9_-]{85}[AQgw]", re.ASCII)  # 64 bytes in the one canonical spelling
_PAYLOAD = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class SignedBy:
    """The signature of a licence key is good. Its claims were not read."""

    key: VerificationKey

    def allows(self, issued_at: datetime, now: datetime) -> bool:
        """Whether a key signed at that instant is to be believed now: neither by a retired key nor in the future."""
        return issued_at <= now + CLOCK_SKEW and not self.key.is_retired_for(issued_at)


def by_cryptography(key: VerificationKey) -> Verify:
    public_key = key.for_verifying()

    def verify(signature: bytes, signed: bytes) -> bool:
        try:
            public_key.verify(signature, signed)
        except InvalidSignature:
            return False
        return True

    return verify


class QuickVerification:
    """For one key set."""

    def __init__(self, keys: KeySet, verifier: Callable[[VerificationKey], Verify] = by_cryptography) -> None:
        self.keys = keys
        self._by_header = {
            header_text(Purpose.LICENCE_KEY, key.kid): (SignedBy(key), verifier(key))
            for key in keys.keys
            if Purpose.LICENCE_KEY in key.purposes
        }
        self._of_certificates = {
            header_text(Purpose.CERTIFICATE, key.kid): (SignedBy(key), verifier(key))
            for key in keys.keys
            if Purpose.CERTIFICATE in key.purposes
        }

    def signed_by(self, text: str, now: datetime) -> SignedBy:
        """Whose signature the text bears. Raises as ``verify_licence_key`` does, but of the claims' faults none."""
        header, _, rest = text.partition(".")
        payload, _, signature = rest.partition(".")
        known = self._by_header.get(header)
        if known is None or not _is_plain(text, payload, signature, Purpose.LICENCE_KEY):
            return self._judged(verify_licence_key(text, self.keys, now))
        signed_by, verify = known
        if verify(urlsafe_b64decode(f"{signature}=="), text[: -len(signature) - 1].encode("ascii")):
            return signed_by
        if _is_canonical(payload):
            raise bad_signature(Purpose.LICENCE_KEY)
        return self._judged(verify_licence_key(text, self.keys, now))

    def licence_key(self, text: str, now: datetime) -> LicenceKey:
        """As ``verify_licence_key``."""
        found = self._statement(text, Purpose.LICENCE_KEY, self._by_header, now)
        return read_licence_key_claims(found.claims, found.issued_at, found.key_id)

    def certificate(self, text: str, now: datetime) -> SmpCertificate:
        """As ``verify_certificate``."""
        found = self._statement(text, Purpose.CERTIFICATE, self._of_certificates, now)
        return read_certificate_claims(found.claims, found.issued_at, found.key_id)

    def _statement(
        self, text: str, purpose: Purpose, by_header: Mapping[str, tuple[SignedBy, Verify]], now: datetime
    ) -> Statement:
        """As ``verify_statement``, which is asked about every text of which anything is wrong."""
        header, _, rest = text.partition(".")
        payload, _, signature = rest.partition(".")
        known = by_header.get(header)
        if known is not None and _is_plain(text, payload, signature, purpose):
            signed_by, verify = known
            try:
                if verify(urlsafe_b64decode(f"{signature}=="), text[: -len(signature) - 1].encode("ascii")):
                    claims = Claims(json_object(from_base64url(payload)))
                    issued_at = claims.instant("iat")
                    if signed_by.allows(issued_at, now):
                        return Statement(claims, issued_at, signed_by.key.kid)
            except (ValueError, InvalidStatement):
                pass
        return verify_statement(text, purpose, self.keys, now)

    def _judged(self, licence_key: LicenceKey) -> SignedBy:
        key = self.keys.find(licence_key.key_id, Purpose.LICENCE_KEY)
        assert key is not None  # the judge has just verified by it
        return SignedBy(key)


def _is_plain(text: str, payload: str, signature: str, purpose: Purpose) -> bool:
    """Of the right form and size, so that only the signature is left to be asked."""
    if len(text) > MAX_CHARACTERS[purpose]:
        return False
    return bool(_SIGNATURE.fullmatch(signature) and _PAYLOAD.fullmatch(payload))


def _is_canonical(payload: str) -> bool:
    """What is not is refused for its form before its signature is looked at."""
    try:
        from_base64url(payload)
    except ValueError:
        return False
    return True
