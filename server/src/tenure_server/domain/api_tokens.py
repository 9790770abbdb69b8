"""API tokens: what people's scripts and build servers carry to the management addresses, and what each one may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from tenure_signing.names import ChannelName, ProductName


class Scope(StrEnum):
    """What a token is for. None of them signs anything: publishing also takes the product's key."""

    PUBLISH = "publish"  # one product, perhaps one channel
    TRUST = "trust"  # drafts of ceremonies: push, fetch, send signatures, submit; the keys decide
    READ = "read"
    SUPPORT = "support"
    SALES = "sales"
    ADMIN = "admin"  # everything


METADATA_SCOPES = frozenset({Scope.PUBLISH, Scope.TRUST, Scope.READ, Scope.ADMIN})
"""A token of one of these reads TUF metadata where it is for licence holders only: publishing begins there."""


class TokenState(StrEnum):
    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


class ScopeRefusal(StrEnum):
    """Why a token does not allow something; stable, for programs."""

    SCOPE = "token_scope"
    PRODUCT = "token_product"
    CHANNEL = "token_channel"


@dataclass(frozen=True, slots=True)
class ApiToken:
    """``digest`` is the SHA-256 of the token in lower-case hexadecimal. A token is 160 random bits, which nobody can
    guess from it: a slow password hash would only slow every request down. ``product`` and ``channel`` narrow what
    ``publish`` allows.
    """

    token_id: str
    name: str
    scopes: frozenset[Scope]
    product: ProductName | None
    channel: ChannelName | None
    created_at: datetime
    expires_at: datetime
    digest: str = field(repr=False)
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None  # to about a minute
    person: str | None = None  # whose it is, and nobody else's; only such tokens approve

    @property
    def who(self) -> str:
        """The token in the audit trail."""
        token = f"token {self.name} ({self.token_id})"
        return token if self.person is None else f"{self.person}, {token}"

    def state(self, now: datetime) -> TokenState:
        if self.revoked_at is not None:
            return TokenState.REVOKED
        return TokenState.EXPIRED if now >= self.expires_at else TokenState.ACTIVE

    def refusal(
        self, scope: Scope, product: ProductName | None = None, channel: ChannelName | None = None
    ) -> ScopeRefusal | None:
        """Why the token does not allow this, or None if it does. For ``publish`` say what is to be published where.

        Whether the token is active is another question.
        """
        if Scope.ADMIN in self.scopes:
            return None
        if scope not in self.scopes:
            return ScopeRefusal.SCOPE
        if scope is not Scope.PUBLISH:
            return None
        if product is None or product != self.product:
            return ScopeRefusal.PRODUCT
        if self.channel is not None and channel is not None and channel != self.channel:
            return ScopeRefusal.CHANNEL
        return None

    def facts(self) -> Mapping[str, object]:
        """What the audit trail and lists say of it; no secret."""
        return {
            "id": self.token_id,
            "name": self.name,
            "scopes": sorted(self.scopes),
            "product": self.product,
            "channel": self.channel,
            "person": self.person,
            "created_at": self.created_at.isoformat(timespec="seconds"),
            "expires_at": self.expires_at.isoformat(timespec="seconds"),
        }


def refusal_sentence(refusal: ScopeRefusal, token: ApiToken, scope: Scope) -> str:
    """The refusal for whoever uses the token."""
    match refusal:
        case ScopeRefusal.SCOPE:
            return f"This token is for {', '.join(sorted(token.scopes))}, not for {scope}."
        case ScopeRefusal.PRODUCT:
            return f"This token publishes {token.product} only."
        case ScopeRefusal.CHANNEL:
            return f"This token publishes to the channel {token.channel} only."
        case unexpected:
            assert_never(unexpected)
