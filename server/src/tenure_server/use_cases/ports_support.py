"""What support asks of the world: requests and their threads, and the words of mail about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from tenure_server.domain.outgoing_mail import WordedMail
from tenure_server.domain.support_messages import SupportMessage
from tenure_server.domain.support_requests import QueuePlace, RequestFilter, SupportRequest
from tenure_signing.names import ProductName


class SupportRequests(Protocol):
    """Requests are never removed. One is written whole."""

    def get(self, request_id: str) -> SupportRequest | None: ...

    def by_number(self, number: str) -> SupportRequest | None: ...

    def locked(self, request_id: str) -> SupportRequest | None:
        """As ``get``; nobody else can change it, or add to its thread, before the transaction ends."""
        ...

    def queue(
        self, wanted: RequestFilter, *, limit: int = 100, after: QueuePlace | None = None
    ) -> tuple[SupportRequest, ...]:
        """What is due first comes first (``SupportRequest.place``), after the place."""
        ...

    def of_customer(self, customer_id: str) -> tuple[SupportRequest, ...]:
        """All, newest first."""
        ...

    def opened_between(self, first: datetime, end: datetime) -> tuple[SupportRequest, ...]:
        """Oldest first, from the first instant to before the end."""
        ...

    def opened_on_days(self, first: date, last: date, product: ProductName | None = None) -> tuple[SupportRequest, ...]:
        """Those opened on these days of the vendor's, both inclusive, perhaps only of a product; oldest first."""
        ...

    def add(self, request: SupportRequest) -> None: ...

    def change(self, request: SupportRequest) -> None:
        """Write it in place of what there is. It was ``locked`` before."""
        ...

    def last_seen_version(self, licence_id: str) -> str | None:
        """What an install of the licence last reported to have installed, or None if none ever did."""
        ...


class SupportMessages(Protocol):
    """The threads of requests, by message id."""

    def of_request(self, request_id: str) -> tuple[SupportMessage, ...]:
        """Oldest first; in the order of adding where instants are the same."""
        ...

    def get(self, message_id: str) -> SupportMessage | None: ...

    def by_mail_id(self, mail_id: str) -> SupportMessage | None:
        """The message that came with, or was sent under, this Message-ID (in angle brackets)."""
        ...

    def add(self, message: SupportMessage) -> None:
        """Raises ``Conflict`` (``mail_known``) if there is one of its ``mail_id``, also under concurrency."""
        ...

    def change(self, message: SupportMessage) -> None:
        """Write it in place of what there is."""
        ...


class WordRequestMail(Protocol):
    """Says in a language what is mailed about a request, to its contact, who has an address. ``thread`` is what was
    written before."""

    def reply(
        self, request: SupportRequest, thread: Sequence[SupportMessage], answer: SupportMessage, language: str
    ) -> WordedMail:
        """What an operator answers."""
        ...

    def received(self, request: SupportRequest, thread: Sequence[SupportMessage], language: str) -> WordedMail:
        """That the request has arrived, and what becomes of it."""
        ...
