"""Support requests: what customers ask of the vendor, and how far it has come. RULES.md, Support and maintenance."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from tenure_server.domain.customers import MAX_NAME_CHARACTERS, is_email, is_line
from tenure_server.domain.search_words import words_of
from tenure_server.domain.support_terms import ResponseRules, SupportTerms, TermsBasis
from tenure_signing.names import ProductName

FIRST_NUMBER = 1_001
MAX_SUBJECT_CHARACTERS = 200
MAX_ASSIGNEE_CHARACTERS = 100
MAX_VERSION_CHARACTERS = 60
REMOVED = "[removed]"
"""In place of what a customer wrote, once the customer is anonymised."""

MAX_PLACE_CHARACTERS = 300

_NUMBER = re.compile(r"[Rr]-?(\d{1,15})", re.ASCII)


class RequestChannel(StrEnum):
    TELEPHONE = "telephone"
    EMAIL = "email"
    PORTAL = "portal"


class Category(StrEnum):
    INSTALLATION_HELP = "installation_help"
    REGISTRATION = "registration"
    LICENSING = "licensing"
    KEY_CODE = "key_code"
    FEATURE_REQUEST = "feature_request"
    BUG_REPORT = "bug_report"
    CONSULTING = "consulting"  # not covered by SMP: recorded, and referred to sales


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


INCIDENTS = frozenset({Priority.HIGH, Priority.URGENT})
"""Priorities that make a priority incident of a request in a support period: it comes first."""


class RequestStatus(StrEnum):
    NEW = "new"  # nobody has looked at it
    OPEN = "open"
    WAITING_FOR_CUSTOMER = "waiting_for_customer"
    REFERRED_TO_SALES = "referred_to_sales"
    RESOLVED = "resolved"
    CLOSED = "closed"


IN_WORK = (
    RequestStatus.NEW,
    RequestStatus.OPEN,
    RequestStatus.WAITING_FOR_CUSTOMER,
    RequestStatus.REFERRED_TO_SALES,
)
"""Everything that is not over."""

RANK_WHEN_OVER = 4
"""Of places in the queue: the last, so that reading what is in work ends before it."""

_VENDORS_TURN = frozenset({RequestStatus.NEW, RequestStatus.OPEN})


@dataclass(frozen=True, slots=True)
class RequestContact:
    """Who asks, and where to answer."""

    name: str
    email: str | None = None
    phone: str | None = None

    def faults(self) -> Iterator[tuple[str, str]]:
        """As ``CustomerDetails.faults``."""
        if not is_line(self.name, MAX_NAME_CHARACTERS):
            yield "invalid_contact", "A contact's name has 1 to 200 printable characters."
        if self.email is not None and not is_email(self.email):
            yield "invalid_email", "The contact's e-mail address is not one."
        if self.phone is not None and not is_line(self.phone, 60):
            yield "invalid_contact", "A contact's telephone number is a line of 1 to 60 characters."


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """Where a request stands in the queue: by ``rank``, then by instant, then by id."""

    rank: int
    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which requests; what is None or empty says nothing. ``text`` is what a caller says: each word of it begins a word
    of the request (number, contact, subject), of its customer, or of its licence (order numbers, key characters).
    ``assignee`` empty: of nobody."""

    text: str = ""
    statuses: tuple[RequestStatus, ...] = ()
    assignee: str | None = None
    category: Category | None = None
    product: ProductName | None = None
    customer_id: str | None = None
    licence_id: str | None = None


@dataclass(frozen=True, slots=True)
class SupportRequest:
    """``number`` is for people: in subjects, on the telephone. ``waiting_since`` is when the customer last wrote or
    rang without having been answered; ``due_at`` when that answer is owed. ``first_due_at`` and ``answered_at`` are of
    the first answer. ``revision`` grows with every change and every message.
    """

    request_id: str  # req_ and 26 random characters
    number: str  # R-1042
    customer_id: str
    licence_id: str | None
    product: ProductName | None
    contact: RequestContact
    channel: RequestChannel
    category: Category
    priority: Priority
    subject: str
    status: RequestStatus
    assignee: str | None
    installed_version: str | None  # as told, or as last seen by the server
    opened_at: datetime
    opened_on: date
    terms: SupportTerms
    waiting_since: datetime | None
    due_at: datetime | None = None
    first_due_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None  # since when it is resolved or closed
    changed_at: datetime | None = None
    revision: int = 1

    @property
    def is_over(self) -> bool:
        return self.status in (RequestStatus.RESOLVED, RequestStatus.CLOSED)

    @property
    def is_priority_incident(self) -> bool:
        return self.terms.basis is TermsBasis.SUPPORT_PERIOD and self.priority in INCIDENTS and self.is_covered

    @property
    def is_covered(self) -> bool:
        """Whether support answers it at all: consulting is not covered by SMP."""
        return self.category is not Category.CONSULTING

    @property
    def response_hours(self) -> int | None:
        """Working hours within which an answer is owed."""
        if not self.is_covered:
            return None
        return self.terms.priority_hours if self.is_priority_incident else self.terms.response_hours

    def is_overdue(self, now: datetime) -> bool:
        return self.due_at is not None and now > self.due_at

    @property
    def place(self) -> QueuePlace:
        """What is due comes first, and of that priority incidents; then what has no term; then what waits for others;
        then what is over."""
        if self.due_at is not None:
            return QueuePlace(0 if self.is_priority_incident else 1, self.due_at, self.request_id)
        rank = 2 if self.status in _VENDORS_TURN else RANK_WHEN_OVER if self.is_over else 3
        return QueuePlace(rank, self.waiting_since or self.opened_at, self.request_id)

    def reckoned(self, rules: ResponseRules) -> SupportRequest:
        """With the times at which answers are owed, from what is known now."""
        hours = self.response_hours
        first_due_at = self.first_due_at
        if self.answered_at is None:
            first_due_at = rules.working_hours.after(self.opened_at, hours) if hours is not None else None
        due_at = None
        if self.status in _VENDORS_TURN and self.waiting_since is not None and hours is not None:
            due_at = rules.working_hours.after(self.waiting_since, hours)
        return replace(self, due_at=due_at, first_due_at=first_due_at)

    def with_status(self, status: RequestStatus, at: datetime) -> SupportRequest:
        is_over = status in (RequestStatus.RESOLVED, RequestStatus.CLOSED)
        ended_at = (self.ended_at if self.is_over else at) if is_over else None
        return replace(self, status=status, ended_at=ended_at)

    def heard(self, at: datetime) -> SupportRequest:
        """The customer wrote or rang again: it is the vendor's turn, also of what was over."""
        status = self.status
        if status in (RequestStatus.WAITING_FOR_CUSTOMER, RequestStatus.RESOLVED, RequestStatus.CLOSED):
            status = RequestStatus.OPEN if self.is_covered else RequestStatus.REFERRED_TO_SALES
        return replace(self.with_status(status, at), waiting_since=self.waiting_since or at)

    def answered(self, at: datetime, status: RequestStatus) -> SupportRequest:
        """The customer was answered."""
        return replace(self.with_status(status, at), waiting_since=None, answered_at=self.answered_at or at)

    def filed_under(self, category: Category, at: datetime) -> SupportRequest:
        """Consulting goes to sales; what is found to be none comes back."""
        filed = replace(self, category=category)
        if category is Category.CONSULTING and not self.is_over:
            return filed.with_status(RequestStatus.REFERRED_TO_SALES, at)
        if self.category is Category.CONSULTING and self.status is RequestStatus.REFERRED_TO_SALES:
            return filed if category is Category.CONSULTING else filed.with_status(RequestStatus.OPEN, at)
        return filed

    def search_words(self) -> frozenset[str]:
        """What a caller may say of the request itself; its customer and its licence have words of their own."""
        contact = self.contact
        digits = self.number.partition("-")[2]
        return words_of(self.number, digits, contact.name, contact.email or "", contact.phone or "", self.subject)

    def anonymised(self, at: datetime) -> SupportRequest:
        """Without anything that tells who asked. There is nobody left to answer, so it is closed."""
        closed = self.with_status(RequestStatus.CLOSED, at)
        return replace(closed, contact=RequestContact(REMOVED), subject=REMOVED, waiting_since=None, due_at=None)


def number_in(text: str) -> str | None:
    """The request's number in what somebody says: ``r-1042`` and ``R1042`` are ``R-1042``."""
    found = _NUMBER.fullmatch(text.strip())
    return f"R-{int(found[1])}" if found is not None else None


def place_text(place: QueuePlace) -> str:
    """The place as one word, which means nothing to whoever passes it on: where the next page begins."""
    text = json.dumps([place.rank, place.at.isoformat(), place.id]).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def parse_place(text: str) -> QueuePlace:
    """Raises ``ValueError`` for what no queue has given out."""
    problem = "is no cursor: pass on what the queue gave, unchanged"
    if len(text) > MAX_PLACE_CHARACTERS:
        raise ValueError(problem)
    try:
        rank, at, identity = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        place = QueuePlace(rank, datetime.fromisoformat(at), identity)
    except (ValueError, TypeError, RecursionError):
        raise ValueError(problem) from None
    is_sound = type(rank) is int and 0 <= rank <= 9 and isinstance(identity, str) and identity.isascii()
    if not is_sound or place.at.tzinfo is None or "\0" in place.id:
        raise ValueError(problem)
    return place
