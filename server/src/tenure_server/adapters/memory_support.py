"""Support requests and their threads in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Self

from tenure_server.domain.install_reports import InstallReport, Outcome
from tenure_server.domain.search_words import wanted_words
from tenure_server.domain.support_messages import SupportMessage
from tenure_server.domain.support_requests import QueuePlace, RequestFilter, SupportRequest
from tenure_server.errors import Conflict
from tenure_signing.names import ProductName


@dataclass
class SupportTables:
    requests: dict[str, SupportRequest] = field(default_factory=dict)
    messages: dict[str, SupportMessage] = field(default_factory=dict)

    def copy(self) -> Self:
        return type(self)(**{f.name: getattr(self, f.name).copy() for f in fields(self)})


@dataclass
class MemorySupportRequests:
    """``words``: what callers say of the request's customer and licence."""

    support: SupportTables
    words: Callable[[SupportRequest], frozenset[str]]
    reports: Collection[InstallReport]

    def get(self, request_id: str) -> SupportRequest | None:
        return self.support.requests.get(request_id)

    def by_number(self, number: str) -> SupportRequest | None:
        return next((one for one in self.support.requests.values() if one.number == number), None)

    def locked(self, request_id: str) -> SupportRequest | None:
        """There is one writer at a time anyway."""
        return self.get(request_id)

    def queue(
        self, wanted: RequestFilter, *, limit: int = 100, after: QueuePlace | None = None
    ) -> tuple[SupportRequest, ...]:
        words = wanted_words(wanted.text)
        if wanted.text and not words:
            return ()
        found = [
            one
            for one in self.support.requests.values()
            if _fits(one, wanted) and all(self._said(one, word) for word in words)
        ]
        if after is not None:
            found = [one for one in found if _order(one.place) > _order(after)]
        return tuple(sorted(found, key=lambda one: _order(one.place))[: max(limit, 0)])

    def of_customer(self, customer_id: str) -> tuple[SupportRequest, ...]:
        found = [one for one in self.support.requests.values() if one.customer_id == customer_id]
        return tuple(sorted(found, key=lambda one: (one.opened_at, one.request_id), reverse=True))

    def opened_between(self, first: datetime, end: datetime) -> tuple[SupportRequest, ...]:
        found = [one for one in self.support.requests.values() if first <= one.opened_at < end]
        return tuple(sorted(found, key=lambda one: (one.opened_at, one.request_id)))

    def opened_on_days(self, first: date, last: date, product: ProductName | None = None) -> tuple[SupportRequest, ...]:
        found = [
            one
            for one in self.support.requests.values()
            if first <= one.opened_on <= last and product in (None, one.product)
        ]
        return tuple(sorted(found, key=lambda one: (one.opened_at, one.request_id)))

    def add(self, request: SupportRequest) -> None:
        self.support.requests[request.request_id] = request

    def change(self, request: SupportRequest) -> None:
        self.support.requests[request.request_id] = request

    def last_seen_version(self, licence_id: str) -> str | None:
        seen = [one for one in self.reports if one.licence_id == licence_id and one.outcome is Outcome.INSTALLED]
        newest = max(seen, key=lambda one: (one.reported_at, str(one.version)), default=None)
        return str(newest.version) if newest is not None else None

    def _said(self, request: SupportRequest, word: str) -> bool:
        return any(each.startswith(word) for each in request.search_words() | self.words(request))


@dataclass
class MemorySupportMessages:
    support: SupportTables

    def of_request(self, request_id: str) -> tuple[SupportMessage, ...]:
        found = [one for one in self.support.messages.values() if one.request_id == request_id]
        return tuple(sorted(found, key=lambda one: one.at))

    def get(self, message_id: str) -> SupportMessage | None:
        return self.support.messages.get(message_id)

    def by_mail_id(self, mail_id: str) -> SupportMessage | None:
        return next((one for one in self.support.messages.values() if one.mail_id == mail_id), None)

    def add(self, message: SupportMessage) -> None:
        if message.mail_id is not None and self.by_mail_id(message.mail_id) is not None:
            raise Conflict("This mail is in a thread already.", code="mail_known")
        self.support.messages[message.message_id] = message

    def change(self, message: SupportMessage) -> None:
        self.support.messages[message.message_id] = message


def _order(place: QueuePlace) -> tuple[int, datetime, str]:
    return place.rank, place.at, place.id


def _fits(request: SupportRequest, wanted: RequestFilter) -> bool:
    pairs: Iterable[tuple[object | None, object | None]] = (
        (wanted.category, request.category),
        (wanted.product, request.product),
        (wanted.customer_id, request.customer_id),
        (wanted.licence_id, request.licence_id),
        (wanted.assignee, request.assignee or ""),
    )
    return (not wanted.statuses or request.status in wanted.statuses) and all(
        asked is None or asked == found for asked, found in pairs
    )
