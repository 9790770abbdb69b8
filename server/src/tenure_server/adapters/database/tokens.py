"""API tokens: what is known of them, and the digest of each."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, update
from sqlmodel import Session, col, select

from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.failures import conflict_if_taken
from tenure_server.adapters.database.tables import ApiTokenRow
from tenure_server.domain.api_tokens import ApiToken, Scope
from tenure_server.errors import NotFound
from tenure_signing.names import ChannelName, ProductName


class SqlTokens:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, token_id: str) -> ApiToken | None:
        row = self._row(token_id)
        return _token(row) if row is not None else None

    def all(self) -> tuple[ApiToken, ...]:
        newest_first = (col(ApiTokenRow.created_at).desc(), col(ApiTokenRow.token_id).desc())
        return tuple(_token(row) for row in self._session.exec(select(ApiTokenRow).order_by(*newest_first)).all())

    def add(self, token: ApiToken) -> None:
        row = ApiTokenRow(
            token_id=token.token_id,
            name=token.name,
            scopes=sorted(token.scopes),
            product=token.product,
            channel=token.channel,
            created_at=token.created_at,
            expires_at=token.expires_at,
            digest=token.digest,
            revoked_at=token.revoked_at,
            last_used_at=token.last_used_at,
            person=token.person,
        )
        with conflict_if_taken(self._session, "There is such a token already.", "token_exists"):
            self._session.add(row)

    def revoke(self, token_id: str, at: datetime) -> None:
        row = self._row(token_id)
        if row is None:
            raise NotFound("There is no such token.", code="unknown_token")
        if row.revoked_at is None:
            row.revoked_at = at
            self._session.flush()

    def note_use(self, token_id: str, at: datetime) -> None:
        if not is_storable(token_id):
            return
        known = col(ApiTokenRow.last_used_at)
        self._session.execute(
            update(ApiTokenRow)
            .where(col(ApiTokenRow.token_id) == token_id)
            .where(or_(known.is_(None), known < at))
            .values(last_used_at=at)
        )

    def _row(self, token_id: str) -> ApiTokenRow | None:
        return self._session.get(ApiTokenRow, token_id) if is_storable(token_id) else None


def _token(row: ApiTokenRow) -> ApiToken:
    return ApiToken(
        token_id=row.token_id,
        name=row.name,
        scopes=frozenset(Scope(scope) for scope in row.scopes),
        product=ProductName(row.product) if row.product is not None else None,
        channel=ChannelName(row.channel) if row.channel is not None else None,
        created_at=row.created_at,
        expires_at=row.expires_at,
        digest=row.digest,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
        person=row.person,
    )
