"""API tokens: made and shown once, known by their digest, revoked at once.

A token is ``tenure_<id>_<secret>``: ``[a-z2-7]``, 12 characters of id and 32 of secret, which are 160 random bits. The
word in front lets secret scanners find one that was committed or logged by mistake.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tenure_server.domain.api_tokens import ApiToken, Scope, TokenState, refusal_sentence
from tenure_server.errors import Forbidden, InvalidRequest, NotFound, TokenRequired
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.change_licence import required_reason
from tenure_server.use_cases.ports import Clock, Database
from tenure_signing.names import ChannelName, ProductName

TOKEN_PREFIX = "tenure_"  # noqa: S105 (the word in front, no secret)
TOKEN = re.compile(r"tenure_([a-z2-7]{12})_[a-z2-7]{32}", re.ASCII)
MAX_NAME_CHARACTERS = 60
USE_IS_NOTED_EVERY = timedelta(minutes=1)
"""Last use is for people who tidy up: a token in steady use costs one write a minute, not one a request."""

_HINT = "send an API token as 'Authorization: Bearer tenure_…'; tenure token create makes one"


@dataclass(frozen=True, slots=True)
class TokenWish:
    """``product`` is required for ``publish`` and allowed for nothing else; ``channel`` narrows it further."""

    name: str
    scopes: frozenset[Scope]
    expires_at: datetime
    product: ProductName | None = None
    channel: ChannelName | None = None
    person: str | None = None  # whose alone it will be


@dataclass(frozen=True, slots=True)
class CreatedToken:
    """``secret`` is the whole token. It is not stored and cannot be shown again."""

    token: ApiToken
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CreateToken:
    database: Database
    clock: Clock
    max_days: int

    def __call__(self, wish: TokenWish, *, who: str) -> CreatedToken:
        """Raises ``InvalidRequest`` (``token_name``, ``token_scopes``, ``token_expiry``, ``unknown_channel``) and
        ``NotFound`` (``unknown_product``)."""
        now = self.clock()
        self._require_sound(wish, now)
        token_id, secret = _random(12), _random(32)
        text = f"{TOKEN_PREFIX}{token_id}_{secret}"
        token = ApiToken(
            token_id=token_id,
            name=wish.name,
            scopes=wish.scopes,
            product=wish.product,
            channel=wish.channel,
            created_at=now,
            expires_at=wish.expires_at,
            digest=digest_of(text),
            person=wish.person,
        )
        with self.database.writing() as records:
            if wish.product is not None:
                product = records.products.get(wish.product)
                if product is None:
                    raise NotFound("There is no such product.", code="unknown_product")
                if wish.channel is not None and wish.channel not in product.channels:
                    raise InvalidRequest(
                        f"{product.name} has no channel {wish.channel}.",
                        code="unknown_channel",
                        hint=f"its channels are {', '.join(product.channels)}",
                    )
            records.tokens.add(token)
            audited(records, now, who, "token.create", token_id, before=None, after=dict(token.facts()))
        return CreatedToken(token, text)

    def _require_sound(self, wish: TokenWish, now: datetime) -> None:
        for what, text in (("A token's name", wish.name), ("The name of a token's owner", wish.person or "x")):
            if not 1 <= len(text) <= MAX_NAME_CHARACTERS or not text.isprintable() or text != text.strip():
                raise InvalidRequest(
                    f"{what} is a printable line of 1 to {MAX_NAME_CHARACTERS} characters.", code="token_name"
                )
        if not wish.scopes:
            raise InvalidRequest("A token is for something.", code="token_scopes", hint=f"one of {', '.join(Scope)}")
        if (Scope.PUBLISH in wish.scopes) != (wish.product is not None):
            raise InvalidRequest("A token that publishes is for one product, others for none.", code="token_scopes")
        if wish.channel is not None and wish.product is None:
            raise InvalidRequest("A channel narrows what a token publishes.", code="token_scopes")
        if Scope.ADMIN in wish.scopes and len(wish.scopes) > 1:
            raise InvalidRequest("admin is everything: no other scope goes with it.", code="token_scopes")
        if not now < wish.expires_at <= now + timedelta(days=self.max_days):
            raise InvalidRequest(
                f"A token expires within {self.max_days} days, and not before it was made.", code="token_expiry"
            )


@dataclass(frozen=True, slots=True)
class RevokeToken:
    database: Database
    clock: Clock

    def __call__(self, token_id: str, *, reason: str, who: str) -> ApiToken:
        """From the next request on nobody is let in with it. Nothing happens if it is revoked already.

        Raises ``NotFound`` (``unknown_token``) and ``InvalidRequest`` (``reason_missing``).
        """
        reason = required_reason(reason)
        now = self.clock()
        with self.database.writing() as records:
            token = records.tokens.get(token_id)
            if token is None:
                raise NotFound("There is no such token.", code="unknown_token", hint="tenure token list shows them")
            if token.revoked_at is not None:
                return token
            records.tokens.revoke(token_id, now)
            before = token.state(now)
            audited(
                records, now, who, "token.revoke", token_id,
                name=token.name, before=before, after=TokenState.REVOKED, reason=reason,
            )  # fmt: skip
        return replace(token, revoked_at=now)


@dataclass(frozen=True, slots=True)
class AuthenticateToken:
    """Who asks a management address. One indexed read, so that a revocation holds from the next request on."""

    database: Database
    clock: Clock

    def __call__(self, text: str) -> ApiToken:
        """The active token. Raises ``TokenRequired`` (``token_malformed``, ``unknown_token``, ``token_revoked``,
        ``token_expired``), which never repeats it."""
        parts = TOKEN.fullmatch(text)
        if parts is None:
            raise TokenRequired("This is no API token.", code="token_malformed", hint=_HINT)
        now = self.clock()
        with self.database.reading() as records:
            token = records.tokens.get(parts[1])
        # Of a token that does not exist the caller learns no more than of one with a wrong secret.
        if token is None or not hmac.compare_digest(token.digest, digest_of(text)):
            raise TokenRequired("This server does not know the API token.", code="unknown_token", hint=_HINT)
        match token.state(now):
            case TokenState.REVOKED:
                raise TokenRequired("The API token was revoked.", code="token_revoked", hint=_HINT)
            case TokenState.EXPIRED:
                raise TokenRequired("The API token has expired.", code="token_expired", hint=_HINT)
            case TokenState.ACTIVE:
                pass
        if token.last_used_at is None or now - token.last_used_at >= USE_IS_NOTED_EVERY:
            with self.database.writing() as records:
                records.tokens.note_use(token.token_id, now)
        return token


def require_scope(
    token: ApiToken, scope: Scope, product: ProductName | None = None, channel: ChannelName | None = None
) -> None:
    """Raises ``Forbidden`` with the code of the refusal."""
    refusal = token.refusal(scope, product, channel)
    if refusal is not None:
        raise Forbidden(refusal_sentence(refusal, token, scope), code=refusal, hint="use a token made for this")


def require_one_of(token: ApiToken, *scopes: Scope) -> ApiToken:
    """The token, if one of these scopes, which are bound to no product, is its own. Raises ``Forbidden``."""
    if all(token.refusal(scope) is not None for scope in scopes):
        require_scope(token, scopes[0])
    return token


def digest_of(text: str) -> str:
    """SHA-256 of the whole token, in lower-case hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _random(characters: int) -> str:
    return base64.b32encode(secrets.token_bytes(characters * 5 // 8 + 1)).decode().lower()[:characters]
