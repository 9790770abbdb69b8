"""What lies between server and signer, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from tenure_server.domain.signer_life import SignerLife
from tenure_server.use_cases.ports_signer import ExpiryNotice, PublicationRequest, RequestKind, RequestState


@dataclass
class SignerTables:
    """Requests with the instant of their decision; notices with that of their claim and of their sending."""

    last_number: int = 0
    requests: dict[int, tuple[PublicationRequest, datetime | None]] = field(default_factory=dict)
    lives: dict[str, SignerLife] = field(default_factory=dict)
    notices: dict[ExpiryNotice, tuple[datetime, datetime | None]] = field(default_factory=dict)

    def copy(self) -> Self:
        return type(self)(self.last_number, self.requests.copy(), self.lives.copy(), self.notices.copy())


class MemoryPublicationRequests:
    def __init__(self, tables: SignerTables) -> None:
        self._tables = tables

    def ask(self, kind: RequestKind, body: bytes, who: str, at: datetime) -> int:
        for request in self.waiting(limit=len(self._tables.requests)):
            if (request.kind, request.body, request.who) == (kind, body, who):
                return request.number
        self._tables.last_number += 1
        number = self._tables.last_number
        self._tables.requests[number] = PublicationRequest(number, kind, body, who, at), None
        return number

    def get(self, number: int) -> PublicationRequest | None:
        found = self._tables.requests.get(number)
        return found[0] if found is not None else None

    def waiting(self, *, limit: int = 10) -> tuple[PublicationRequest, ...]:
        requests = (request for _, (request, _) in sorted(self._tables.requests.items()))
        return tuple(each for each in requests if each.state is RequestState.WAITING)[:limit]

    def count_waiting(self) -> int:
        return len(self.waiting(limit=len(self._tables.requests)))

    def decide(self, number: int, state: RequestState, answer: Mapping[str, Any], at: datetime) -> bool:
        request = self.get(number)
        if request is None or request.state is not RequestState.WAITING:
            return False
        self._tables.requests[number] = replace(request, state=state, answer=dict(answer), body=b""), at
        return True

    def forget_decided(self, before: datetime) -> None:
        for number, (_, decided_at) in list(self._tables.requests.items()):
            if decided_at is not None and decided_at < before:
                del self._tables.requests[number]


class MemorySignerLives:
    def __init__(self, tables: SignerTables) -> None:
        self._tables = tables

    def beat(self, life: SignerLife) -> None:
        self._tables.lives[life.signer_id] = life

    def all(self) -> tuple[SignerLife, ...]:
        by_id = sorted(self._tables.lives.values(), key=lambda life: life.signer_id)
        return tuple(sorted(by_id, key=lambda life: life.seen_at, reverse=True))

    def forget(self, seen_before: datetime) -> None:
        for life in self.all():
            if life.seen_at < seen_before:
                del self._tables.lives[life.signer_id]


class MemoryExpiryNotices:
    def __init__(self, tables: SignerTables) -> None:
        self._notices = tables.notices

    def claim(
        self, notices: tuple[ExpiryNotice, ...], at: datetime, stale_before: datetime
    ) -> tuple[ExpiryNotice, ...]:
        return tuple(notice for notice in notices if self._claim(notice, at, stale_before))

    def sent(self, notices: tuple[ExpiryNotice, ...], at: datetime) -> None:
        for notice in notices:
            self._notices[notice] = self._notices[notice][0], at

    def release(self, notices: tuple[ExpiryNotice, ...]) -> None:
        for notice in notices:
            if notice in self._notices and self._notices[notice][1] is None:
                del self._notices[notice]

    def _claim(self, notice: ExpiryNotice, at: datetime, stale_before: datetime) -> bool:
        claimed_at, sent_at = self._notices.get(notice, (None, None))
        if sent_at is not None or (claimed_at is not None and claimed_at >= stale_before):
            return False
        self._notices[notice] = at, None
        return True
