"""What operators look at: the queue, one request with its thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tenure_server.domain.customers import Customer
from tenure_server.domain.outgoing_mail import OutgoingMail
from tenure_server.domain.support_messages import SupportMessage
from tenure_server.domain.support_requests import QueuePlace, RequestFilter, SupportRequest
from tenure_server.use_cases.customers import customer_of
from tenure_server.use_cases.ports import Database
from tenure_server.use_cases.support_requests import request_of


@dataclass(frozen=True, slots=True)
class QueuePage:
    """``after`` is the last one's place where more follow, else None."""

    entries: Sequence[SupportRequest]
    after: QueuePlace | None


@dataclass(frozen=True, slots=True)
class ListRequests:
    database: Database

    def __call__(self, wanted: RequestFilter, *, limit: int, after: QueuePlace | None = None) -> QueuePage:
        """What is due first comes first."""
        with self.database.reading() as records:
            found = records.support_requests.queue(wanted, limit=limit + 1, after=after)
        entries = found[:limit]
        return QueuePage(entries, entries[-1].place if len(found) > limit else None)


@dataclass(frozen=True, slots=True)
class ShownRequest:
    """``mails``: how far the mails of replies have come, by message id."""

    request: SupportRequest
    customer: Customer
    thread: tuple[SupportMessage, ...]
    mails: Mapping[str, OutgoingMail]


@dataclass(frozen=True, slots=True)
class ShowRequest:
    database: Database

    def __call__(self, request_id: str) -> ShownRequest:
        """By id or number. Raises ``NotFound`` (``unknown_request``)."""
        with self.database.reading() as records:
            request = request_of(records, request_id)
            return ShownRequest(
                request,
                customer_of(records, request.customer_id),
                records.support_messages.of_request(request.request_id),
                {mail.key: mail for mail in records.outgoing_mails.of_subject(request.request_id)},
            )
