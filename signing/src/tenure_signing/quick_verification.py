"""Whether the issuer signed a licence key, for servers that then find the key itself in their database.

``statements.verify_statement`` stays the judge: it is asked about the first key with each header, and about every text
that is not accepted here, so that each refusal is its own. What is saved are the header's JSON, the loading of the
public key and the general JWS machinery; the signature is verified every time, over the same bytes.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tenure_signing.key_sets import KeySet, Purpose, VerificationKey
from tenure_signing.licence_key import LicenceKey, verify_licence_key
from tenure_signing.statements import CLOCK_SKEW, MAX_CHARACTERS, bad_signature
from tenure_signing.strict_text import from_base64url

_MAX_HEADERS = 64
_SIGNATURE = re.compile(r"[A-Za-z0-9_-]{85}[AQgw]", re.ASCII)  # 64 bytes in the one canonical spelling
_PAYLOAD = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class SignedBy:
    """The signature of a licence key is good. Its claims were not read."""

    key: VerificationKey

    def allows(self, issued_at: datetime, now: datetime) -> bool:
        """Whether a key signed at that instant is to be believed now: neither by a retired key nor in the future."""
        return issued_at <= now + CLOCK_SKEW and not self.key.is_retired_for(issued_at)


class QuickVerification:
    """For one key set. Remembers headers that the judge accepted: there is one for each signing key."""

    def __init__(self, keys: KeySet) -> None:
        self.keys = keys
        self._headers: dict[str, tuple[SignedBy, Ed25519PublicKey]] = {}

    def signed_by(self, text: str, now: datetime) -> SignedBy:
        """Whose signature the text bears. Raises as ``verify_licence_key`` does, but of the claims' faults none."""
        header, _, rest = text.partition(".")
        payload, _, signature = rest.partition(".")
        known = self._headers.get(header)
        if known is None or not _is_plain(text, payload, signature):
            return self._judged(header, verify_licence_key(text, self.keys, now))
        signed_by, public_key = known
        try:
            public_key.verify(urlsafe_b64decode(f"{signature}=="), text[: -len(signature) - 1].encode("ascii"))
        except InvalidSignature:
            if _is_canonical(payload):
                raise bad_signature(Purpose.LICENCE_KEY) from None
            return self._judged(header, verify_licence_key(text, self.keys, now))
        return signed_by

    def _judged(self, header: str, licence_key: LicenceKey) -> SignedBy:
        key = self.keys.find(licence_key.key_id, Purpose.LICENCE_KEY)
        assert key is not None  # the judge has just verified by it
        signed_by = SignedBy(key)
        if len(self._headers) < _MAX_HEADERS:
            self._headers[header] = signed_by, key.for_verifying()
        return signed_by


def _is_plain(text: str, payload: str, signature: str) -> bool:
    """Of the right form and size, so that only the signature is left to be asked."""
    if len(text) > MAX_CHARACTERS[Purpose.LICENCE_KEY]:
        return False
    return bool(_SIGNATURE.fullmatch(signature) and _PAYLOAD.fullmatch(payload))


def _is_canonical(payload: str) -> bool:
    """What is not is refused for its form before its signature is looked at."""
    try:
        from_base64url(payload)
    except ValueError:
        return False
    return True
