"""Customers are added, changed, anonymised and, while nothing was sold to them, deleted.

The audit trail can never be changed, so it says which facts changed and by whom, never what they were: nobody's name or
address stays in it after a customer was anonymised.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from tenure_server.domain.customers import (
    DEFAULT_LANGUAGE,
    MAX_CONTACTS,
    Contact,
    Customer,
    CustomerDetails,
    contact_faults,
)
from tenure_server.domain.paging import Page, Place
from tenure_server.domain.reminder_words import language_for
from tenure_server.errors import Conflict, InvalidRequest, NotFound
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.change_licence import required_reason
from tenure_server.use_cases.forget_requests import forget_requests
from tenure_server.use_cases.identifiers import new_contact_id, new_customer_id
from tenure_server.use_cases.once import Once, claimed, settle
from tenure_server.use_cases.ports import Clock, Database, Records

_HINT = "tenure customer list finds it by name, e-mail, order number or a few characters of the key"


@dataclass(frozen=True, slots=True)
class ContactDetails:
    """A contact before it has an id."""

    name: str
    email: str | None = None
    phone: str | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class AddCustomer:
    database: Database
    clock: Clock

    def __call__(
        self,
        details: CustomerDetails,
        contacts: Iterable[ContactDetails] = (),
        *,
        who: str,
        once: Once | None = None,
    ) -> Customer:
        """Raises ``InvalidRequest``, ``Conflict`` (``reference_taken``)."""
        with self.database.writing() as records:
            before = claimed(records, once, self.clock())
            if before is not None:
                return customer_of(records, before)
            customer = add_customer(records, self.clock, details, contacts, who=who)
            settle(records, once, customer.customer_id, self.clock())
        return customer


def add_customer(
    records: Records,
    clock: Clock,
    details: CustomerDetails,
    contacts: Iterable[ContactDetails] = (),
    *,
    who: str,
    customer_id: str | None = None,
) -> Customer:
    """Add a customer within a larger change; with an id that another server gave, or a new one."""
    now = clock()
    details = sound(details)
    customer = Customer(customer_id or new_customer_id(), details, now, _contacts(contacts))
    records.customers.add(customer)
    audited(records, now, who, "customer.add", customer.customer_id, before=None, after=_known(details))
    return customer


@dataclass(frozen=True, slots=True)
class ChangeCustomer:
    database: Database
    clock: Clock

    def __call__(self, customer_id: str, changes: dict[str, object], *, who: str, once: Once | None = None) -> Customer:
        """Change the details that are named, ``contacts`` among them. Nothing happens if they are so already.

        Raises ``NotFound`` (``unknown_customer``), ``InvalidRequest``, ``Conflict`` (``reference_taken``,
        ``customer_anonymised``, ``customer_merged``).
        """
        now = self.clock()
        with self.database.writing() as records:
            if claimed(records, once, now) is not None:
                return customer_of(records, customer_id)
            customer = living_customer(records, customer_id, locked=True)
            named = {name: value for name, value in changes.items() if name != "contacts"}
            changed = replace(customer, details=sound(replace(customer.details, **named)))  # type: ignore[arg-type]
            if "contacts" in changes:
                changed = replace(changed, contacts=_contacts(changes["contacts"], customer.contacts))  # type: ignore[arg-type]
            if changed != customer:
                records.customers.change(changed)
                audited(records, now, who, "customer.change", customer_id, changed=_differences(customer, changed))
            settle(records, once, customer_id, now)
        return changed


@dataclass(frozen=True, slots=True)
class DeleteCustomer:
    database: Database
    clock: Clock

    def __call__(self, customer_id: str, *, reason: str, who: str, once: Once | None = None) -> None:
        """Raises ``Conflict`` (``customer_has_licences``, ``customer_has_orders``, ``customer_has_requests``,
        ``customer_merged``) with what there is, and ``NotFound``."""
        reason = required_reason(reason)
        now = self.clock()
        with self.database.writing() as records:
            if claimed(records, once, now) is not None:
                return
            _require_unmerged(customer_of(records, customer_id))
            licences = records.licences.of_customer(customer_id)
            if licences:
                number = "a licence" if len(licences) == 1 else f"{len(licences)} licences"
                raise Conflict(
                    f"This customer has {number} ({licences[0].licence_id}) and cannot be deleted: what was sold has to"
                    " be accounted for.",
                    code="customer_has_licences",
                    hint="tenure customer anonymise removes what tells who it is and keeps what was sold",
                )
            if records.orders.search(customer_id=customer_id, limit=1):
                raise Conflict(
                    "This customer has orders and cannot be deleted: what was ordered has to be accounted for.",
                    code="customer_has_orders",
                    hint="tenure customer anonymise removes what tells who it is and keeps the orders",
                )
            if records.support_requests.of_customer(customer_id):
                raise Conflict(
                    "This customer has support requests and cannot be deleted.",
                    code="customer_has_requests",
                    hint="tenure customer anonymise removes who it is and what was written",
                )
            records.customers.remove(customer_id)
            audited(records, now, who, "customer.delete", customer_id, reason=reason)
            settle(records, once, customer_id, now)


@dataclass(frozen=True, slots=True)
class AnonymiseCustomer:
    """GDPR, article 17, where article 17(3)(b) has the vendor keep what was sold."""

    database: Database
    clock: Clock

    def __call__(self, customer_id: str, *, reason: str, who: str, once: Once | None = None) -> Customer:
        """Nothing happens if it was done before. Raises ``NotFound`` and ``Conflict`` (``customer_merged``)."""
        reason = required_reason(reason)
        now = self.clock()
        with self.database.writing() as records:
            if claimed(records, once, now) is not None:
                return customer_of(records, customer_id)
            customer = customer_of(records, customer_id)
            _require_unmerged(customer)
            if customer.anonymised_at is None:
                customer = customer.anonymised(now)
                records.customers.change(customer)
                requests = forget_requests(records, customer_id, now)
                records.outgoing_mails.drop(customer_id, now)
                audited(records, now, who, "customer.anonymise", customer_id, reason=reason, requests=requests)
            settle(records, once, customer_id, now)
        return customer


@dataclass(frozen=True, slots=True)
class ListCustomers:
    database: Database

    def __call__(self, text: str = "", *, limit: int, after: Place | None = None) -> Page[Customer]:
        with self.database.reading() as records:
            found = records.customers.search(text, limit=limit + 1, after=after)
        entries = found[:limit]
        more = len(found) > limit
        return Page(entries, Place(entries[-1].created_at, entries[-1].customer_id) if more else None)


def language_of(customer: Customer | None, default: str) -> str:
    """In which of the languages of our mail the customer is written to: the customer's, where it was said, else the
    default."""
    known = customer.details.language if customer is not None else DEFAULT_LANGUAGE
    return language_for(known, default)


def customer_of(records: Records, customer_id: str) -> Customer:
    """Raises ``NotFound`` (``unknown_customer``)."""
    customer = records.customers.get(customer_id)
    if customer is None:
        raise NotFound("There is no such customer.", code="unknown_customer", hint=_HINT)
    return customer


def living_customer(records: Records, customer_id: str, *, locked: bool = False) -> Customer:
    """One to whom something can be sold or given, held until the transaction ends; locked by whoever changes it. Raises
    ``NotFound`` (``unknown_customer``) and ``Conflict`` (``customer_anonymised``, ``customer_merged``)."""
    held = records.customers.locked(customer_id) if locked else records.customers.held(customer_id)
    customer = held or customer_of(records, customer_id)
    _require_unmerged(customer)
    if customer.anonymised_at is not None:
        raise Conflict(
            f"Customer {customer_id} was anonymised.", code="customer_anonymised", hint="add a new one in its place"
        )
    return customer


def _require_unmerged(customer: Customer) -> None:
    if customer.merged_into is not None:
        raise Conflict(
            f"Customer {customer.customer_id} was merged into {customer.merged_into}.",
            code="customer_merged",
            hint=f"use {customer.merged_into}",
        )


def sound(details: CustomerDetails) -> CustomerDetails:
    """The details without blanks around them. Raises ``InvalidRequest`` for the first that makes no sense."""
    trimmed = replace(details, name=details.name.strip(), email=details.email.strip() if details.email else None)
    _refuse(trimmed.faults())
    return trimmed


def with_contacts(customer: Customer, *more: ContactDetails) -> Customer:
    """The customer with these contacts at the end of the list. Raises ``InvalidRequest`` (``invalid_contact``,
    ``invalid_email``)."""
    there = [ContactDetails(one.name, one.email, one.phone, one.role) for one in customer.contacts]
    return replace(customer, contacts=_contacts([*there, *more], customer.contacts))


def _contacts(wanted: Iterable[ContactDetails], known: tuple[Contact, ...] = ()) -> tuple[Contact, ...]:
    """One who stays the same keeps the id."""
    ids = {ContactDetails(one.name, one.email, one.phone, one.role): one.contact_id for one in known}
    contacts = tuple(
        Contact(ids.get(one) or new_contact_id(), one.name, one.email, one.phone, one.role)
        for one in dict.fromkeys(wanted)
    )
    if len(contacts) > MAX_CONTACTS:
        raise InvalidRequest(f"A customer has at most {MAX_CONTACTS} contacts.", code="invalid_contact")
    for contact in contacts:
        _refuse(contact_faults(contact))
    return contacts


def _refuse(faults: Iterable[tuple[str, str]]) -> None:
    for code, sentence in faults:
        raise InvalidRequest(sentence, code=code)


def _known(details: CustomerDetails) -> list[str]:
    return [field.name for field in fields(details) if getattr(details, field.name)]


def _differences(before: Customer, after: Customer) -> list[str]:
    names = [
        f.name for f in fields(before.details) if getattr(before.details, f.name) != getattr(after.details, f.name)
    ]
    return [*names, *(["contacts"] if before.contacts != after.contacts else [])]
