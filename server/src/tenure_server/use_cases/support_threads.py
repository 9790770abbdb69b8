"""What is said in a support request: the customer writes, operators reply and note.

A reply that is mailed is queued in the transaction of the reply. The thread of a request is locked with it: two who
write at once both are kept, one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tenure_server.domain.events import EventType
from tenure_server.domain.support_messages import MessageKind, SupportMessage
from tenure_server.domain.support_requests import RequestStatus, SupportRequest
from tenure_server.errors import Conflict, InvalidRequest
from tenure_server.use_cases.identifiers import new_message_id
from tenure_server.use_cases.once import Once, claimed, settle
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.request_mail import RequestMail
from tenure_server.use_cases.support_bodies import required_body, required_words
from tenure_server.use_cases.support_requests import (
    kept,
    request_of,
    require_not_closed,
    require_revision,
    told,
)
from tenure_server.use_cases.vendor import VendorPolicy

_AFTER_REPLY = frozenset({RequestStatus.OPEN, RequestStatus.WAITING_FOR_CUSTOMER, RequestStatus.RESOLVED})


@dataclass(frozen=True, slots=True)
class Written:
    """A message, and its request as it is after it."""

    request: SupportRequest
    message: SupportMessage


@dataclass(frozen=True, slots=True)
class ReplyToRequest:
    database: Database
    clock: Clock
    policy: VendorPolicy
    mail: RequestMail

    def __call__(
        self,
        request_id: str,
        body: str,
        *,
        who: str,
        by_mail: bool = True,
        status: RequestStatus = RequestStatus.WAITING_FOR_CUSTOMER,
        revision: int | None = None,
        once: Once | None = None,
    ) -> Written:
        """Answer the customer: by mail, or ``by_mail`` False where it was said on the telephone. A request that was
        referred to sales stays so.

        Raises ``NotFound``, ``InvalidRequest`` (``message_missing``, ``no_address``,
        ``invalid_status``), ``Conflict``
        (``request_closed``, ``request_changed_meanwhile``).
        """
        body = required_body(body)
        if status not in _AFTER_REPLY:
            raise InvalidRequest(
                "After a reply a request is open, waiting_for_customer or resolved.", code="invalid_status"
            )
        now = self.clock()
        with self.database.writing() as records:
            before = claimed(records, once, now)
            if before is not None:
                return _written(records, before)
            request = request_of(records, request_id, locked=True)
            require_revision(request, revision)
            require_not_closed(request)
            message = self._add_reply(records, request, body, now, who, by_mail=by_mail)
            if request.status is RequestStatus.REFERRED_TO_SALES:
                status = RequestStatus.REFERRED_TO_SALES
            after = request.answered(now, status).reckoned(self.policy.response_rules)
            after = kept(records, after, now)
            in_time = after.first_due_at is None or (after.answered_at or now) <= after.first_due_at
            told(
                records, now, who, EventType.REQUEST_REPLIED, after,
                message=message.message_id, by_mail=by_mail, in_time=in_time,
            )  # fmt: skip
            settle(records, once, message.message_id, now)
        return Written(after, message)

    def _add_reply(
        self, records: Records, request: SupportRequest, body: str, now: datetime, who: str, *, by_mail: bool
    ) -> SupportMessage:
        message = SupportMessage(new_message_id(), request.request_id, MessageKind.REPLY, body, now, who)
        if by_mail:
            message = self.mail.addressed(request, message)
        records.support_messages.add(message)
        if by_mail:
            self.mail.queue_reply(records, request, message)
        return message


@dataclass(frozen=True, slots=True)
class NoteOnRequest:
    database: Database
    clock: Clock

    def __call__(
        self, request_id: str, body: str, *, who: str, mail_id: str | None = None, once: Once | None = None
    ) -> Written:
        """For operators only, also of what is closed: the customer never sees it. ``mail_id`` is of a mail that a
        program wrote. Raises ``NotFound``,
        ``InvalidRequest`` (``message_missing``, ``message_too_long``)."""
        body = required_body(body)
        now = self.clock()
        with self.database.writing() as records:
            before = claimed(records, once, now)
            if before is not None:
                return _written(records, before)
            request = request_of(records, request_id, locked=True)
            known = records.support_messages.by_mail_id(mail_id) if mail_id is not None else None
            if known is not None:
                return _written(records, known.message_id)
            message = _add(records, request, MessageKind.NOTE, body, now, who, mail_id=mail_id)
            after = kept(records, request, now)
            told(records, now, who, EventType.REQUEST_CHANGED, after, changed=["note"], message=message.message_id)
            settle(records, once, message.message_id, now)
        return Written(after, message)


@dataclass(frozen=True, slots=True)
class HearCustomer:
    """The customer wrote or rang again."""

    database: Database
    clock: Clock
    policy: VendorPolicy

    def __call__(
        self,
        request_id: str,
        body: str,
        *,
        who: str,
        name: str | None = None,
        mail_id: str | None = None,
        once: Once | None = None,
    ) -> Written:
        """Also of what was over, which opens it again. ``name`` is whose words they are, else the request's contact.
        The same mail again changes nothing.

        Raises ``NotFound``, ``InvalidRequest`` (``message_missing``, ``message_too_long``), ``Conflict``
        (``customer_anonymised``).
        """
        body = required_words(body)
        now = self.clock()
        with self.database.writing() as records:
            before = claimed(records, once, now)
            if before is not None:
                return _written(records, before)
            request = request_of(records, request_id, locked=True)
            known = records.support_messages.by_mail_id(mail_id) if mail_id is not None else None
            if known is not None:
                return _written(records, known.message_id)
            customer = records.customers.get(request.customer_id)
            if customer is None or customer.anonymised_at is not None:
                raise Conflict("This customer was anonymised.", code="customer_anonymised")
            said_by = name or request.contact.name
            message = _add(records, request, MessageKind.CUSTOMER, body, now, said_by, mail_id=mail_id)
            after = kept(records, request.heard(now).reckoned(self.policy.response_rules), now)
            told(records, now, who, EventType.REQUEST_RECEIVED, after, message=message.message_id)
            if request.is_over:
                told(records, now, who, EventType.REQUEST_REOPENED, after, before=request.status)
            settle(records, once, message.message_id, now)
        return Written(after, message)


def _add(
    records: Records,
    request: SupportRequest,
    kind: MessageKind,
    body: str,
    now: datetime,
    who: str,
    *,
    mail_id: str | None = None,
) -> SupportMessage:
    message = SupportMessage(new_message_id(), request.request_id, kind, body, now, who, mail_id)
    records.support_messages.add(message)
    return message


def _written(records: Records, message_id: str) -> Written:
    """What a request that is repeated wrote the first time."""
    message = records.support_messages.get(message_id)
    assert message is not None
    return Written(request_of(records, message.request_id), message)
