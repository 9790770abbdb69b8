"""Links by which a customer stops reminders, without signing in: they do that and nothing else, and never expire."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field

from tenure_server.errors import NotFound

_TOKEN_CHARACTERS = 26


@dataclass(frozen=True, slots=True)
class ReminderLinks:
    secret: bytes = field(repr=False)

    def token_of(self, licence_id: str) -> str:
        """``<licence id>.<26 of a-z2-7>``: 130 bits that only this installation can make."""
        text = f"tenure-reminder-link\n{licence_id}\n".encode()
        mac = base64.b32encode(hmac.digest(self.secret, text, "sha256")).decode().lower()
        return f"{licence_id}.{mac[:_TOKEN_CHARACTERS]}"

    def licence_id_of(self, token: str) -> str:
        """Raises ``NotFound`` (``unknown_link``) for a token that was not made here."""
        licence_id = token.rpartition(".")[0]
        if not hmac.compare_digest(self.token_of(licence_id).encode(), token.encode("utf-8", "replace")):
            raise NotFound("This link is not whole, or not one of ours.", code="unknown_link")
        return licence_id
