"""How support requests are written in answers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Self

from pydantic import Field

from tenure_server.domain import outgoing_mail, support_messages, support_requests, support_terms
from tenure_server.http.wire import Answer
from tenure_server.use_cases import support_glance, support_queue
from tenure_server.use_cases.support_threads import Written
from tenure_signing.entitlement import LicenceStatus


class Terms(Answer):
    """As they were taken on the day the request was opened."""

    basis: support_terms.TermsBasis
    plan_years: int | None
    until: date | None = Field(description="last day of the support period or of the quoted support, inclusive")
    response_hours: int | None = Field(description="working hours; null: no answer is owed by a certain time")
    priority_hours: int | None = Field(description="the same of a priority incident")

    @classmethod
    def of(cls, terms: support_terms.SupportTerms) -> Self:
        return cls(
            basis=terms.basis,
            plan_years=terms.plan_years,
            until=terms.until,
            response_hours=terms.response_hours,
            priority_hours=terms.priority_hours,
        )


class Contact(Answer):
    name: str
    email: str | None
    phone: str | None


class LicenceGlance(Answer):
    """The licence today."""

    licence_id: str
    product: str
    edition: str
    seats: int
    status: LicenceStatus
    smp: support_glance.SmpState
    smp_day: date | None = Field(description="last day of support; its first one where it begins later")
    plan_years: int | None
    last_paid_day: date | None
    free_support_until: date | None
    seen_version: str | None = Field(description="what an install last reported")
    newest_covered: str | None
    newest: str | None

    @classmethod
    def of(cls, glance: support_glance.LicenceGlance) -> Self:
        licence, smp = glance.licence, glance.smp
        return cls(
            licence_id=licence.licence_id,
            product=licence.product,
            edition=licence.edition,
            seats=licence.seats,
            status=licence.status,
            smp=smp.state,
            smp_day=smp.day,
            plan_years=smp.plan_years,
            last_paid_day=smp.last_paid_day,
            free_support_until=glance.free_support_until,
            seen_version=glance.seen_version,
            newest_covered=str(glance.newest_covered) if glance.newest_covered is not None else None,
            newest=str(glance.newest) if glance.newest is not None else None,
        )


class SupportRequestAnswer(Answer):
    request_id: str
    number: str = Field(description="for people: R-1042")
    customer_id: str
    licence_id: str | None
    product: str | None
    contact: Contact
    channel: support_requests.RequestChannel
    category: support_requests.Category
    priority: support_requests.Priority
    is_priority_incident: bool
    subject: str
    status: support_requests.RequestStatus
    assignee: str | None
    installed_version: str | None
    opened_at: datetime
    opened_on: date
    terms: Terms
    due_at: datetime | None = Field(description="when an answer is owed; null: none is, or not by a certain time")
    first_due_at: datetime | None
    answered_at: datetime | None = Field(description="when it was answered first")
    ended_at: datetime | None
    revision: int = Field(description="grows with every change; pass it on to change only what you have seen")

    @classmethod
    def of(cls, request: support_requests.SupportRequest) -> Self:
        contact = request.contact
        return cls(
            request_id=request.request_id,
            number=request.number,
            customer_id=request.customer_id,
            licence_id=request.licence_id,
            product=request.product,
            contact=Contact(name=contact.name, email=contact.email, phone=contact.phone),
            channel=request.channel,
            category=request.category,
            priority=request.priority,
            is_priority_incident=request.is_priority_incident,
            subject=request.subject,
            status=request.status,
            assignee=request.assignee,
            installed_version=request.installed_version,
            opened_at=request.opened_at,
            opened_on=request.opened_on,
            terms=Terms.of(request.terms),
            due_at=request.due_at,
            first_due_at=request.first_due_at,
            answered_at=request.answered_at,
            ended_at=request.ended_at,
            revision=request.revision,
        )


class QueuedRequest(Answer):
    """A request in the queue, with what an operator wants to know at a glance."""

    request: SupportRequestAnswer
    customer: str
    is_overdue: bool
    licence: LicenceGlance | None = Field(description="as it is today")

    @classmethod
    def of(cls, line: support_queue.QueueLine) -> Self:
        return cls(
            request=SupportRequestAnswer.of(line.request),
            customer=line.customer.name,
            is_overdue=line.is_overdue,
            licence=LicenceGlance.of(line.glance) if line.glance is not None else None,
        )


class SupportRequestPage(Answer):
    requests: list[QueuedRequest]
    next_cursor: str | None = Field(description="pass it as `cursor` for the next page; null on the last one")


class Message(Answer):
    message_id: str
    kind: support_messages.MessageKind
    at: datetime
    who: str
    body: str
    mailed_to: str | None
    mail: outgoing_mail.MailState | None = Field(description="how far the mail of a reply has come")
    mail_problem: str | None

    @classmethod
    def of(cls, message: support_messages.SupportMessage, mail: outgoing_mail.OutgoingMail | None) -> Self:
        return cls(
            message_id=message.message_id,
            kind=message.kind,
            at=message.at,
            who=message.who,
            body=message.body,
            mailed_to=message.mailed_to,
            mail=mail.state if mail is not None else None,
            mail_problem=mail.problem if mail is not None else None,
        )


class SupportRequestDetails(Answer):
    line: QueuedRequest = Field(description="as in the queue")
    thread: list[Message] = Field(description="oldest first")

    @classmethod
    def of(cls, shown: support_queue.ShownRequest) -> Self:
        thread = [Message.of(one, shown.mails.get(one.message_id)) for one in shown.thread]
        return cls(line=QueuedRequest.of(shown.line), thread=thread)


class WrittenAnswer(Answer):
    """What was written, and the request after it."""

    message_id: str
    request: SupportRequestAnswer

    @classmethod
    def of(cls, written: Written) -> Self:
        return cls(message_id=written.message.message_id, request=SupportRequestAnswer.of(written.request))


class CallerAnswer(Answer):
    customer_id: str
    customer: str
    email: str | None
    licence: LicenceGlance | None
    requests: list[SupportRequestAnswer] = Field(description="those in work, what is due first")

    @classmethod
    def of(cls, caller: support_glance.Caller) -> Self:
        return cls(
            customer_id=caller.customer.customer_id,
            customer=caller.customer.name,
            email=caller.customer.email,
            licence=LicenceGlance.of(caller.glance) if caller.glance is not None else None,
            requests=[SupportRequestAnswer.of(one) for one in caller.requests],
        )


class CallersAnswer(Answer):
    callers: list[CallerAnswer]
