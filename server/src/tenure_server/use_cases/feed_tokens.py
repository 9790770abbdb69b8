"""Feed tokens: what updaters that can send no header carry in the path instead of a licence key.

A token opens the feeds and downloads of one licence, like its key, but can be told from one and replaced. It is
derived, not stored, so that the customer page can show it again; the database knows its digest.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

TOKEN_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class FeedTokens:
    secret: bytes = field(repr=False)

    def token_of(self, licence_id: str) -> str:
        """32 characters of ``a-z2-7``: 160 bits. Lower case only, because some updaters retry a failed URL so."""
        text = f"tenure-feed-token\n{licence_id}\n".encode()
        return base64.b32encode(hmac.digest(self.secret, text, "sha256")[:20]).decode().lower()

    def digest_of(self, licence_id: str) -> str:
        return token_digest(self.token_of(licence_id))


def token_digest(token: str) -> str:
    """SHA-256, lower-case hexadecimal: what the database knows of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
