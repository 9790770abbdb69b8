"""What operators look at: the queue, one request with its thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tenure_server.domain.customers import Customer
from tenure_server.domain.outgoing_mail import OutgoingMail
from tenure_server.domain.support_messages import SupportMessage
from tenure_server.domain.support_requests import QueuePlace, RequestFilter, SupportRequest
from tenure_server.use_cases.customers import customer_of
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.support_glance import GlanceAt, LicenceGlance
from tenure_server.use_cases.support_requests import request_of


@dataclass(frozen=True, slots=True)
class QueueLine:
    """A request with what an operator wants to know before answering. ``glance`` is None without a licence."""

    request: SupportRequest
    customer: Customer
    glance: LicenceGlance | None
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class QueuePage:
    """``after`` is the last one's place where more follow, else None."""

    entries: Sequence[QueueLine]
    after: QueuePlace | None


@dataclass(frozen=True, slots=True)
class ListRequests:
    database: Database
    clock: Clock
    glance: GlanceAt

    def requests(self, wanted: RequestFilter, *, limit: int) -> tuple[SupportRequest, ...]:
        """The first of the queue, for who needs no glance at licences."""
        with self.database.reading() as records:
            return records.support_requests.queue(wanted, limit=limit)

    def __call__(self, wanted: RequestFilter, *, limit: int, after: QueuePlace | None = None) -> QueuePage:
        """What is due first comes first."""
        now = self.clock()
        with self.database.reading() as records:
            found = records.support_requests.queue(wanted, limit=limit + 1, after=after)
            lines = [line_of(records, request, self.glance, now) for request in found[:limit]]
        return QueuePage(lines, lines[-1].request.place if len(found) > limit else None)


@dataclass(frozen=True, slots=True)
class ShownRequest:
    """``mails``: how far the mails of replies have come, by message id."""

    line: QueueLine
    thread: tuple[SupportMessage, ...]
    mails: Mapping[str, OutgoingMail]

    @property
    def request(self) -> SupportRequest:
        return self.line.request


@dataclass(frozen=True, slots=True)
class ShowRequest:
    database: Database
    clock: Clock
    glance: GlanceAt

    def __call__(self, request_id: str) -> ShownRequest:
        """By id or number. Raises ``NotFound`` (``unknown_request``)."""
        now = self.clock()
        with self.database.reading() as records:
            request = request_of(records, request_id)
            return ShownRequest(
                line_of(records, request, self.glance, now),
                records.support_messages.of_request(request.request_id),
                {mail.key: mail for mail in records.outgoing_mails.of_subject(request.request_id)},
            )


def line_of(records: Records, request: SupportRequest, glance: GlanceAt, now: datetime) -> QueueLine:
    licence = records.licences.get(request.licence_id) if request.licence_id is not None else None
    return QueueLine(
        request,
        customer_of(records, request.customer_id),
        glance(records, licence) if licence is not None else None,
        request.is_overdue(now),
    )
