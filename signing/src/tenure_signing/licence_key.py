"""The licence key: what a customer pastes to show which product edition is theirs.

RULES.md, Licence keys and certificates. Claims: ``sub`` the licence id (the licence is what the key is about, RFC
7519, 4.1.2), ``product``, ``edition``, ``purchased_on`` (YYYY-MM-DD), ``seats``, and ``iat``, when the key was made. A
key never expires; renewing changes nothing in it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime

from tenure_signing.claims import Claims, parse_licence_id
from tenure_signing.key_sets import KeySet, Purpose
from tenure_signing.names import EditionName, ProductName, parse_edition, parse_product
from tenure_signing.statements import verify_statement

CLAIM_NAMES = ("sub", "product", "edition", "purchased_on", "seats", "iat")

_HINT_CHARACTERS = 6  # of a signature's 86: 36 bits that tell keys apart and help nobody to forge one
_SIGNATURE_END = re.compile(rf"\.[A-Za-z0-9_-]{{80}}([A-Za-z0-9_-]{{{_HINT_CHARACTERS}}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class LicenceKey:
    """What a genuine licence key says."""

    licence_id: str
    product: ProductName
    edition: EditionName
    purchased_on: date
    seats: int  # 1 to 1 000 000
    issued_at: datetime  # UTC, whole seconds
    key_id: str  # of the public key that verified it


def verify_licence_key(text: str, keys: KeySet, now: datetime) -> LicenceKey:
    """The licence key in ``text``, which is exactly the key: see ``normalise_pasted`` for text from people.

    Raises the subclass of ``InvalidStatement`` that says what is wrong, in the order of ``verify_statement``.
    """
    statement = verify_statement(text, Purpose.LICENCE_KEY, keys, now)
    return read_licence_key_claims(statement.claims, statement.issued_at, statement.key_id)


def read_licence_key_claims(claims: Claims, issued_at: datetime, key_id: str) -> LicenceKey:
    """The licence key with these claims, or ``InvalidClaims``. Says nothing about a signature."""
    claims.require_exactly(CLAIM_NAMES)
    return LicenceKey(
        licence_id=claims.text("sub", parse_licence_id),
        product=claims.text("product", parse_product),
        edition=claims.text("edition", parse_edition),
        purchased_on=claims.purchased_on(issued_at),
        seats=claims.seats(),
        issued_at=issued_at,
        key_id=key_id,
    )


def normalise_pasted(text: str) -> str:
    """The text without what mail programs, forms and chats put in: white space, line breaks, invisible characters.

    None of these belongs to a licence key, so no two keys become one. The result is still to be verified.
    """
    return "".join(c for c in text if not c.isspace() and unicodedata.category(c) not in ("Cc", "Cf"))


def licence_key_digest(text: str) -> str:
    """SHA-256 in lower-case hexadecimal, under which a server finds a key without storing it.

    A key has one spelling, so one digest; normalise pasted text first. A fast hash is enough: nobody can guess the
    signature inside.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def display_hint(text: str) -> str:
    """``…`` and the key's last 6 characters, for lists, logs and mails; only ``…`` for text that is no key."""
    match = _SIGNATURE_END.search(normalise_pasted(text)[-87:])
    return f"…{match[1]}" if match else "…"
