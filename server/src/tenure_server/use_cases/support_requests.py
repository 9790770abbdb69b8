"""Support requests are opened, changed, closed and reopened. RULES.md, Support and maintenance; docs/support.md.

Every step is one transaction: the request, its thread, the audit trail and the events. Audit trail and events say what
happened to which request, never what somebody wrote: nobody's words or address stay there after a customer was
anonymised.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from tenure_server.domain.customers import Customer, is_line
from tenure_server.domain.events import EventType
from tenure_server.domain.licences import Licence
from tenure_server.domain.orders import OrderState
from tenure_server.domain.secret_words import without_secrets
from tenure_server.domain.support_messages import MessageKind, SupportMessage
from tenure_server.domain.support_requests import (
    FIRST_NUMBER,
    MAX_ASSIGNEE_CHARACTERS,
    MAX_SUBJECT_CHARACTERS,
    MAX_VERSION_CHARACTERS,
    Category,
    Priority,
    RequestChannel,
    RequestContact,
    RequestStatus,
    SupportRequest,
    number_in,
)
from tenure_server.domain.support_terms import WITHOUT_LICENCE, ResponseRules, SupportTerms, terms_on
from tenure_server.errors import Conflict, InvalidRequest, NotFound
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.change_licence import licence_of
from tenure_server.use_cases.customers import customer_of, living_customer
from tenure_server.use_cases.events import announce
from tenure_server.use_cases.identifiers import new_message_id, new_request_id
from tenure_server.use_cases.once import Once, claimed, settle
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.request_mail import RequestMail
from tenure_server.use_cases.support_bodies import required_words
from tenure_server.use_cases.vendor import VendorPolicy

MOST_ORDERS_LOOKED_AT = 1_000
"""Of one licence, for the day until which support was quoted free."""

SETTABLE = (
    RequestStatus.OPEN,
    RequestStatus.WAITING_FOR_CUSTOMER,
    RequestStatus.REFERRED_TO_SALES,
    RequestStatus.RESOLVED,
)
"""What an operator may set; closing and reopening are steps of their own."""


@dataclass(frozen=True, slots=True)
class NewRequest:
    """What is asked, and by whom. One of ``licence_id`` and ``customer_id`` is needed; the licence says whose it is.

    Without a ``contact`` the customer's own name and address are taken, without an ``installed_version`` the one last
    seen. ``mail_id`` is of a request that came by mail: it comes once, however often the mail does.
    """

    category: Category
    subject: str
    body: str
    channel: RequestChannel
    licence_id: str | None = None
    customer_id: str | None = None
    contact: RequestContact | None = None
    priority: Priority = Priority.NORMAL
    installed_version: str | None = None
    assignee: str | None = None
    mail_id: str | None = None


@dataclass(frozen=True, slots=True)
class OpenRequest:
    database: Database
    clock: Clock
    policy: VendorPolicy
    mail: RequestMail

    def __call__(self, new: NewRequest, *, who: str, once: Once | None = None) -> SupportRequest:
        """Record what is asked, with the terms that the licence has today. Consulting is referred to sales at once.

        Raises ``InvalidRequest``, ``NotFound`` (``unknown_licence``, ``unknown_customer``) and ``Conflict``
        (``another_customers_licence``, ``customer_anonymised``, ``customer_merged``).
        """
        now = self.clock()
        body = required_words(new.body)
        with self.database.writing() as records:
            before = claimed(records, once, now)
            if before is not None:
                return request_of(records, before)
            came = records.support_messages.by_mail_id(new.mail_id) if new.mail_id is not None else None
            if came is not None:
                return request_of(records, came.request_id)
            request = self._request(records, new, now)
            records.support_requests.add(request)
            records.support_messages.add(
                SupportMessage(
                    new_message_id(), request.request_id, MessageKind.CUSTOMER, body, now, request.contact.name,
                    new.mail_id,
                )
            )  # fmt: skip
            told(records, now, who, EventType.REQUEST_OPENED, request, **_opening_facts(request))
            if request.status is RequestStatus.REFERRED_TO_SALES:
                told(records, now, who, EventType.REQUEST_REFERRED_TO_SALES, request)
            self.mail.acknowledge(records, request, now)
            settle(records, once, request.request_id, now)
        return request

    def terms_today(self, licence: Licence) -> SupportTerms:
        """What a request of this licence would be opened with now."""
        today = self.policy.day_of(self.clock())
        with self.database.reading() as records:
            return terms_of(records, licence, today, self.policy.response_rules)

    def _request(self, records: Records, new: NewRequest, now: datetime) -> SupportRequest:
        customer, licence = _whose(records, new.customer_id, new.licence_id, is_new=True)
        contact = new.contact or RequestContact(customer.name, customer.email)
        _refuse(contact.faults())
        today = self.policy.day_of(now)
        version = new.installed_version
        if version is None and licence is not None:
            version = records.support_requests.last_seen_version(licence.licence_id)
        request = SupportRequest(
            request_id=new_request_id(),
            number=f"R-{FIRST_NUMBER - 1 + records.numbers.next('support request')}",
            customer_id=customer.customer_id,
            licence_id=licence.licence_id if licence is not None else None,
            product=licence.product if licence is not None else None,
            contact=contact,
            channel=new.channel,
            category=new.category,
            priority=new.priority,
            subject=_subject(without_secrets(new.subject)),
            status=RequestStatus.NEW,
            assignee=_assignee(new.assignee),
            installed_version=_version(version),
            opened_at=now,
            opened_on=today,
            terms=terms_of(records, licence, today, self.policy.response_rules),
            waiting_since=now,
        )
        return request.filed_under(new.category, now).reckoned(self.policy.response_rules)


@dataclass(frozen=True, slots=True)
class RequestChanges:
    """What is None stays. An empty ``assignee`` is nobody, an empty ``installed_version`` unknown."""

    priority: Priority | None = None
    category: Category | None = None
    status: RequestStatus | None = None
    assignee: str | None = None
    licence_id: str | None = None
    subject: str | None = None
    installed_version: str | None = None
    contact: RequestContact | None = None


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    database: Database
    clock: Clock
    policy: VendorPolicy

    def __call__(
        self, request_id: str, changes: RequestChanges, *, who: str, revision: int | None = None
    ) -> SupportRequest:
        """Nothing happens if it is so already. Terms stay as they were taken; only a licence that is named later brings
        its own, of the day on which the request was opened.

        Raises ``NotFound``, ``InvalidRequest``, ``Conflict`` (``request_closed``, ``request_changed_meanwhile``,
        ``another_customers_licence``).
        """
        now = self.clock()
        with self.database.writing() as records:
            before = request_of(records, request_id, locked=True)
            require_revision(before, revision)
            require_not_closed(before)
            after = self._changed(records, before, changes, now)
            if after == before:
                return before
            after = kept(records, after.reckoned(self.policy.response_rules), now)
            told(records, now, who, EventType.REQUEST_CHANGED, after, **_differences(before, after))
            referred = RequestStatus.REFERRED_TO_SALES
            if after.status is referred and before.status is not referred:
                told(records, now, who, EventType.REQUEST_REFERRED_TO_SALES, after)
        return after

    def _changed(
        self, records: Records, request: SupportRequest, changes: RequestChanges, now: datetime
    ) -> SupportRequest:
        if changes.licence_id is not None and changes.licence_id != request.licence_id:
            _, licence = _whose(records, request.customer_id, changes.licence_id)
            assert licence is not None
            terms = terms_of(records, licence, request.opened_on, self.policy.response_rules)
            request = replace(request, licence_id=licence.licence_id, product=licence.product, terms=terms)
        if changes.priority is not None:
            request = replace(request, priority=changes.priority)
        if changes.category is not None:
            request = request.filed_under(changes.category, now)
        if changes.status is not None and changes.status is not request.status:
            if changes.status not in SETTABLE:
                raise InvalidRequest(
                    f"A request's status is set to one of {', '.join(SETTABLE)}.",
                    code="invalid_status",
                    hint="tenure support close closes it",
                )
            request = request.with_status(changes.status, now)
        if changes.assignee is not None:
            request = replace(request, assignee=_assignee(changes.assignee))
        if changes.subject is not None:
            request = replace(request, subject=_subject(changes.subject))
        if changes.installed_version is not None:
            request = replace(request, installed_version=_version(changes.installed_version or None))
        if changes.contact is not None:
            _refuse(changes.contact.faults())
            request = replace(request, contact=changes.contact)
        return request


@dataclass(frozen=True, slots=True)
class CloseRequest:
    database: Database
    clock: Clock
    policy: VendorPolicy

    def __call__(self, request_id: str, *, who: str, revision: int | None = None) -> SupportRequest:
        """Nothing more is to be done. Nothing happens if it is closed already. Raises ``NotFound``, ``Conflict``
        (``request_changed_meanwhile``)."""
        now = self.clock()
        with self.database.writing() as records:
            before = request_of(records, request_id, locked=True)
            if before.status is RequestStatus.CLOSED:
                return before
            require_revision(before, revision)
            closed = before.with_status(RequestStatus.CLOSED, now).reckoned(self.policy.response_rules)
            closed = kept(records, closed, now)
            told(records, now, who, EventType.REQUEST_CLOSED, closed, before=before.status)
        return closed


@dataclass(frozen=True, slots=True)
class ReopenRequest:
    database: Database
    clock: Clock
    policy: VendorPolicy

    def __call__(self, request_id: str, *, who: str) -> SupportRequest:
        """It is the vendor's turn again, with the terms that it was opened with. Nothing happens if it is not over.

        Raises ``NotFound``, ``Conflict`` (``customer_anonymised``).
        """
        now = self.clock()
        with self.database.writing() as records:
            before = request_of(records, request_id, locked=True)
            if not before.is_over:
                return before
            if customer_of(records, before.customer_id).anonymised_at is not None:
                raise Conflict(
                    "This customer was anonymised.", code="customer_anonymised", hint="there is nobody to answer"
                )
            reopened = kept(records, before.heard(now).reckoned(self.policy.response_rules), now)
            told(records, now, who, EventType.REQUEST_REOPENED, reopened, before=before.status)
        return reopened


def request_of(records: Records, said: str, *, locked: bool = False) -> SupportRequest:
    """By id or number, as people say it. Raises ``NotFound`` (``unknown_request``)."""
    number = number_in(said)
    found = records.support_requests.by_number(number) if number is not None else records.support_requests.get(said)
    if found is not None and locked:
        found = records.support_requests.locked(found.request_id)
    if found is None:
        raise NotFound(
            "There is no such support request.", code="unknown_request", hint="tenure support list shows the queue"
        )
    return found


def terms_of(records: Records, licence: Licence | None, day: date, rules: ResponseRules) -> SupportTerms:
    """The terms that the licence has on that day."""
    if licence is None:
        return WITHOUT_LICENCE
    quoted = free_support_until(records, licence.licence_id)
    return terms_on(day, licence.support_periods, quoted, licence.status, rules)


def free_support_until(records: Records, licence_id: str) -> date | None:
    """The last day of the support that was quoted with what was sold for this licence, and paid and kept."""
    orders = records.orders.search(licence_id=licence_id, state=OrderState.PAID, limit=MOST_ORDERS_LOOKED_AT)
    return max((order.sale.free_support_until for order in orders if order.sale.free_support_until), default=None)


def kept(records: Records, request: SupportRequest, now: datetime) -> SupportRequest:
    """Write the changed request; returns it with its new revision."""
    written = replace(request, revision=request.revision + 1, changed_at=now)
    records.support_requests.change(written)
    return written


def told(records: Records, at: datetime, who: str, type: EventType, request: SupportRequest, **details: object) -> None:
    """One step, in the audit trail and to other programs."""
    audited(records, at, who, type.value, request.request_id, number=request.number, **details)
    facts = {
        "number": request.number,
        "licence": request.licence_id,
        "category": request.category,
        "priority": request.priority,
        "status": request.status,
        "revision": request.revision,
    }
    announce(
        records, at, type, request.request_id, facts | details, product=request.product, customer=request.customer_id
    )


def require_not_closed(request: SupportRequest) -> None:
    """Raises ``Conflict`` (``request_closed``)."""
    if request.status is RequestStatus.CLOSED:
        raise Conflict(
            f"Request {request.number} is closed.",
            code="request_closed",
            hint=f"tenure support reopen {request.number} first",
        )


def require_revision(request: SupportRequest, revision: int | None) -> None:
    """For who says which state of the request they looked at. Raises ``Conflict`` (``request_changed_meanwhile``)."""
    if revision is not None and revision != request.revision:
        raise Conflict(
            f"Request {request.number} has changed since you looked at it.",
            code="request_changed_meanwhile",
            hint=f"look at it again: tenure support show {request.number}",
        )


def _whose(
    records: Records, customer_id: str | None, licence_id: str | None, *, is_new: bool = False
) -> tuple[Customer, Licence | None]:
    """``is_new``: the customer is held, so that whoever anonymises or merges it meanwhile waits and then finds the new
    request. Whoever changes a request holds that already, and must not wait for who waits for it."""
    licence = licence_of(records, licence_id) if licence_id is not None else None
    if customer_id is None:
        if licence is None:
            raise InvalidRequest(
                "A request names a licence or a customer.",
                code="customer_missing",
                hint="tenure support caller finds both by name, e-mail, order number or a few characters of the key",
            )
        customer_id = licence.customer_id
    customer = living_customer(records, customer_id) if is_new else customer_of(records, customer_id)
    if licence is not None and licence.customer_id != customer_id:
        raise Conflict("This licence is another customer's.", code="another_customers_licence")
    return customer, licence


def _subject(text: str) -> str:
    subject = " ".join(text.split())
    if not is_line(subject, MAX_SUBJECT_CHARACTERS):
        raise InvalidRequest(
            f"A subject is a printable line of 1 to {MAX_SUBJECT_CHARACTERS} characters.", code="invalid_subject"
        )
    return subject


def _assignee(text: str | None) -> str | None:
    if not text:
        return None
    if not is_line(text, MAX_ASSIGNEE_CHARACTERS):
        raise InvalidRequest(
            f"An assignee is a printable line of 1 to {MAX_ASSIGNEE_CHARACTERS} characters.", code="invalid_assignee"
        )
    return text


def _version(text: str | None) -> str | None:
    """As it was told: callers say what they read on their screen."""
    if text is not None and not is_line(text, MAX_VERSION_CHARACTERS):
        raise InvalidRequest(
            f"An installed version is a printable line of 1 to {MAX_VERSION_CHARACTERS} characters.",
            code="invalid_installed_version",
        )
    return text


def _refuse(faults: Iterable[tuple[str, str]]) -> None:
    for code, sentence in faults:
        raise InvalidRequest(sentence, code=code)


def _opening_facts(request: SupportRequest) -> dict[str, object]:
    return {
        "channel": request.channel,
        "terms": request.terms.basis,
        "plan_years": request.terms.plan_years,
        "due_at": request.due_at.isoformat(timespec="seconds") if request.due_at is not None else None,
    }


def _differences(before: SupportRequest, after: SupportRequest) -> dict[str, object]:
    """Values that name no one as they were and are; of the rest only that they changed."""
    told_values: dict[str, object] = {}
    for name in ("priority", "category", "status", "licence_id"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            told_values[name] = {"before": old, "after": new}
    names = ("priority", "category", "status", "licence_id", "assignee", "subject", "installed_version", "contact")
    return {"changed": [name for name in names if getattr(before, name) != getattr(after, name)], "values": told_values}
