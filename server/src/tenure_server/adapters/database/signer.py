"""Publication requests, signers' signs of life, and notices of expiry."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, update
from sqlmodel import Session, col, select

from tenure_server.adapters.database.signer_tables import ExpiryNoticeRow, PublicationRequestRow, SignerLifeRow
from tenure_server.domain.signer_life import SignerLife, SignerMode
from tenure_server.use_cases.ports_signer import ExpiryNotice, PublicationRequest, RequestKind, RequestState


def request_digest(kind: RequestKind, body: bytes, who: str) -> str:
    """Equal for equal requests of one person."""
    parts = (kind.value.encode(), who.encode(), body)
    return hashlib.sha256(b"".join(len(part).to_bytes(8) + part for part in parts)).hexdigest()


class SqlPublicationRequests:
    def __init__(self, session: Session) -> None:
        self._session = session

    def ask(self, kind: RequestKind, body: bytes, who: str, at: datetime) -> int:
        digest = request_digest(kind, body, who)
        same = select(PublicationRequestRow.number).where(
            col(PublicationRequestRow.state) == RequestState.WAITING.value,
            col(PublicationRequestRow.digest) == digest,
        )
        known = self._session.exec(same).first()
        if known is not None:
            return known
        row = PublicationRequestRow(
            kind=kind.value, digest=digest, body=body, who=who, asked_at=at, state=RequestState.WAITING.value
        )
        self._session.add(row)
        self._session.flush()
        assert row.number is not None
        return row.number

    def get(self, number: int) -> PublicationRequest | None:
        row = self._session.get(PublicationRequestRow, number, populate_existing=True)
        return _request(row) if row is not None else None

    def waiting(self, *, limit: int = 10) -> tuple[PublicationRequest, ...]:
        statement = (
            select(PublicationRequestRow)
            .where(col(PublicationRequestRow.state) == RequestState.WAITING.value)
            .order_by(col(PublicationRequestRow.number))
            .limit(limit)
        )
        return tuple(_request(row) for row in self._session.exec(statement).all())

    def count_waiting(self) -> int:
        is_waiting = col(PublicationRequestRow.state) == RequestState.WAITING.value
        return self._session.exec(select(func.count()).select_from(PublicationRequestRow).where(is_waiting)).one()

    def decide(self, number: int, state: RequestState, answer: Mapping[str, Any], at: datetime) -> bool:
        row = self._session.get(PublicationRequestRow, number, populate_existing=True, with_for_update=True)
        if row is None or row.state != RequestState.WAITING.value:
            return False
        row.state, row.answer, row.decided_at, row.body = state.value, dict(answer), at, b""
        self._session.flush()
        return True

    def forget_decided(self, before: datetime) -> None:
        self._session.execute(delete(PublicationRequestRow).where(col(PublicationRequestRow.decided_at) < before))


class SqlSignerLives:
    def __init__(self, session: Session) -> None:
        self._session = session

    def beat(self, life: SignerLife) -> None:
        self._session.merge(
            SignerLifeRow(
                signer_id=life.signer_id,
                mode=life.mode.value,
                started_at=life.started_at,
                seen_at=life.seen_at,
                problem=life.problem,
            )
        )
        self._session.flush()

    def all(self) -> tuple[SignerLife, ...]:
        newest_first = select(SignerLifeRow).order_by(col(SignerLifeRow.seen_at).desc(), col(SignerLifeRow.signer_id))
        return tuple(
            SignerLife(row.signer_id, SignerMode(row.mode), row.started_at, row.seen_at, row.problem)
            for row in self._session.exec(newest_first).all()
        )

    def forget(self, seen_before: datetime) -> None:
        self._session.execute(delete(SignerLifeRow).where(col(SignerLifeRow.seen_at) < seen_before))


class SqlExpiryNotices:
    def __init__(self, session: Session) -> None:
        self._session = session

    def claim(
        self, notices: tuple[ExpiryNotice, ...], at: datetime, stale_before: datetime
    ) -> tuple[ExpiryNotice, ...]:
        return tuple(notice for notice in notices if self._claim(notice, at, stale_before))

    def sent(self, notices: tuple[ExpiryNotice, ...], at: datetime) -> None:
        for notice in notices:
            self._session.execute(update(ExpiryNoticeRow).where(*_is(notice)).values(sent_at=at))

    def release(self, notices: tuple[ExpiryNotice, ...]) -> None:
        for notice in notices:
            self._session.execute(delete(ExpiryNoticeRow).where(*_is(notice), col(ExpiryNoticeRow.sent_at).is_(None)))

    def _claim(self, notice: ExpiryNotice, at: datetime, stale_before: datetime) -> bool:
        row = self._session.exec(select(ExpiryNoticeRow).where(*_is(notice)).with_for_update()).first()
        if row is None:
            self._session.add(
                ExpiryNoticeRow(
                    role=notice.role,
                    expires=notice.expires,
                    stage=notice.stage,
                    recipient=notice.recipient,
                    claimed_at=at,
                )
            )
        elif row.sent_at is None and row.claimed_at < stale_before:
            row.claimed_at = at
        else:
            return False
        self._session.flush()
        return True


def _is(notice: ExpiryNotice) -> tuple[Any, ...]:
    return (
        col(ExpiryNoticeRow.role) == notice.role,
        col(ExpiryNoticeRow.expires) == notice.expires,
        col(ExpiryNoticeRow.stage) == notice.stage,
        col(ExpiryNoticeRow.recipient) == notice.recipient,
    )


def _request(row: PublicationRequestRow) -> PublicationRequest:
    assert row.number is not None
    return PublicationRequest(
        number=row.number,
        kind=RequestKind(row.kind),
        body=row.body,
        who=row.who,
        asked_at=row.asked_at,
        state=RequestState(row.state),
        answer=row.answer,
    )
