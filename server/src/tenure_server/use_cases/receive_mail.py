"""Mail to the support address finds its request, or opens one. docs/support.md.

The same mail again changes nothing, so whoever hands mail over may do it until it is taken. Who wrote is known by the
address alone, and addresses are easily forged: a mail opens requests and adds to them, it changes nothing else, and
what we answer goes to the address that the customer gave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from tenure_server.domain.customers import Customer, CustomerDetails
from tenure_server.domain.licences import Licence
from tenure_server.domain.request_mail import ReceivedMail
from tenure_server.domain.support_messages import MAX_BODY_CHARACTERS
from tenure_server.domain.support_requests import (
    MAX_SUBJECT_CHARACTERS,
    Category,
    RequestChannel,
    RequestContact,
    SupportRequest,
)
from tenure_server.errors import Forbidden
from tenure_server.use_cases.customers import add_customer
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.support_requests import NewRequest, OpenRequest
from tenure_server.use_cases.support_threads import HearCustomer, NoteOnRequest
from tenure_server.use_cases.vendor import VendorPolicy

MOST_OPENED_A_DAY = 30
"""Requests by mail from one address; more is a program gone wild."""

UNSORTED = Category.INSTALLATION_HELP
"""A mail does not say what it is; whoever looks at it first files it."""

_CUT = "\n[The rest of this mail was too long to be kept.]"
_NO_SUBJECT = "(no subject)"
_MOST_ATTACHMENTS = 50
_MOST_CHARACTERS = MAX_BODY_CHARACTERS - 20_000  # room for the attachments' names


class MailOutcome(StrEnum):
    OPENED = "opened"  # a new request
    ADDED = "added"  # to the request that it answers
    NOTED = "noted"  # nobody wrote it (an absence note, a bounce): operators see it, the request stays as it is
    KNOWN = "known"  # it has arrived before
    IGNORED = "ignored"  # nobody wrote it, and it answers nothing of ours


@dataclass(frozen=True, slots=True)
class TakenMail:
    outcome: MailOutcome
    request: SupportRequest | None


@dataclass(frozen=True, slots=True)
class ReceiveMail:
    """``read`` makes a mail of what arrives, ``licence_in`` finds the licence whose genuine key stands in a text."""

    database: Database
    clock: Clock
    policy: VendorPolicy
    read: Callable[[bytes], ReceivedMail]
    licence_in: Callable[[str], Licence | None]
    open_request: OpenRequest
    hear_customer: HearCustomer
    note: NoteOnRequest

    def raw(self, data: bytes, *, who: str) -> TakenMail:
        """A mail as it arrives. Raises ``InvalidRequest`` (``invalid_mail``, ``mail_too_large``) besides."""
        return self(self.read(data), who=who)

    def __call__(self, mail: ReceivedMail, *, who: str) -> TakenMail:
        """Raises ``Forbidden`` (``too_many_requests_by_mail``): it may be taken tomorrow."""
        with self.database.reading() as records:
            known = records.support_messages.by_mail_id(mail.message_id)
            if known is not None:
                return TakenMail(MailOutcome.KNOWN, records.support_requests.get(known.request_id))
            request = _answered(records, mail)
            if request is not None and _is_anonymised(records, request):
                request = None
        if mail.is_automatic:
            if request is None:
                return TakenMail(MailOutcome.IGNORED, None)
            body = f"{mail.subject}\n\n{_body(mail)}".strip()
            noted = self.note(request.request_id, body, who=who, mail_id=mail.message_id)
            return TakenMail(MailOutcome.NOTED, noted.request)
        if request is not None:
            heard = self.hear_customer(
                request.request_id, _body(mail), who=who, name=_writer(mail), mail_id=mail.message_id
            )
            return TakenMail(MailOutcome.ADDED, heard.request)
        return TakenMail(MailOutcome.OPENED, self._opened(mail, who))

    def _opened(self, mail: ReceivedMail, who: str) -> SupportRequest:
        now = self.clock()
        licence = self.licence_in(mail.text)
        with self.database.reading() as records:
            opened = records.support_requests.opened_between(now - timedelta(days=1), now + timedelta(days=1))
            if sum(_is_from(one.contact.email, mail) for one in opened) >= MOST_OPENED_A_DAY:
                raise Forbidden(
                    f"From this address came {MOST_OPENED_A_DAY} requests within a day.",
                    code="too_many_requests_by_mail",
                )
            customer = None if licence is not None else _writers(records, mail)
            if customer is not None:
                today = self.policy.day_of(now)
                licence = _best(records.licences.of_customer(customer.customer_id), today)
        if licence is None and customer is None:
            customer = self._met(mail, who)
        return self.open_request(
            NewRequest(
                category=UNSORTED,
                subject=mail.topic[:MAX_SUBJECT_CHARACTERS] or _NO_SUBJECT,
                body=_body(mail),
                channel=RequestChannel.EMAIL,
                licence_id=licence.licence_id if licence is not None else None,
                customer_id=customer.customer_id if customer is not None else None,
                contact=RequestContact(_writer(mail), mail.sender),
                mail_id=mail.message_id,
            ),
            who=who,
        )

    def _met(self, mail: ReceivedMail, who: str) -> Customer:
        """Whom we do not know yet; the desk may merge them with a customer whom we do."""
        with self.database.writing() as records:
            details = CustomerDetails(_writer(mail), mail.sender, notes="Wrote to the support address.")
            return add_customer(records, self.clock, details, who=who)


def _answered(records: Records, mail: ReceivedMail) -> SupportRequest | None:
    for reference in reversed(mail.references):
        message = records.support_messages.by_mail_id(reference)
        if message is not None:
            return records.support_requests.get(message.request_id)
    number = mail.request_number
    request = records.support_requests.by_number(number) if number is not None else None
    if request is None:
        return None
    customer = records.customers.get(request.customer_id)
    addresses = (request.contact.email, *(_addresses(customer) if customer is not None else ()))
    return request if any(_is_from(address, mail) for address in addresses) else None


def _is_anonymised(records: Records, request: SupportRequest) -> bool:
    customer = records.customers.get(request.customer_id)
    return customer is None or customer.anonymised_at is not None


def _writers(records: Records, mail: ReceivedMail) -> Customer | None:
    """The customer with this address; of several, one with a licence."""
    found = [
        customer
        for customer in records.customers.search(mail.sender)
        if any(_is_from(address, mail) for address in _addresses(customer))
    ]
    return next((one for one in found if records.licences.of_customer(one.customer_id)), next(iter(found), None))


def _best(licences: Sequence[Licence], today: date) -> Licence | None:
    """The licence that a mail is most likely about: the one whose support lasts longest, else the only one. Whoever
    looks at the request may name another, with its own terms."""
    supported = [one for one in licences if any(today in period for period in one.support_periods)]
    if supported:
        return max(supported, key=lambda one: one.last_paid_day or date.min)
    return licences[0] if len(licences) == 1 else None


def _addresses(customer: Customer) -> Iterable[str | None]:
    return (customer.email, *(contact.email for contact in customer.contacts))


def _is_from(address: str | None, mail: ReceivedMail) -> bool:
    return address is not None and address.casefold() == mail.sender.casefold()


def _writer(mail: ReceivedMail) -> str:
    return mail.sender_name or mail.sender


def _body(mail: ReceivedMail) -> str:
    text = mail.text if len(mail.text) <= _MOST_CHARACTERS else mail.text[:_MOST_CHARACTERS] + _CUT
    lines = [f"[Attachment, not kept: {one.name}, {one.size:,} bytes]" for one in mail.attachments[:_MOST_ATTACHMENTS]]
    return "\n\n".join(part for part in (text, "\n".join(lines)) if part) or "[An empty mail.]"
