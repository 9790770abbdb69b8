"""Customers and their contacts come from another system, or go to one: the same columns both ways."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from tenure_server.domain.customers import DEFAULT_LANGUAGE, Contact, Customer, CustomerDetails
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.customers import ContactDetails, add_customer, living_customer, with_contacts
from tenure_server.use_cases.import_rows import Imported, Row, import_rows, require_columns
from tenure_server.use_cases.once import Once, claimed, settle
from tenure_server.use_cases.ports import Clock, Database, Records

CUSTOMER_COLUMNS = (
    "customer_id", "name", "email", "number", "language", "country", "time_zone", "vat_id", "notes", "anonymised_at",
)  # fmt: skip
"""``customer_id`` is the other system's name for the customer: an id of Tenure's is kept, any other one is replaced.
``number`` is the vendor's own."""

CONTACT_COLUMNS = ("customer_id", "name", "email", "phone", "role")
"""``customer_id`` is as in the customers' file, or the vendor's own number."""

_OWNER = "import of customers"
_OWN_ID = re.compile(r"c(-[0-9a-hjkmnp-tv-z]{5}){2}", re.ASCII)


def is_customer_id(text: str) -> bool:
    """Whether it is one that a server like this one made."""
    return _OWN_ID.fullmatch(text) is not None


def known_customer(records: Records, named: str) -> Customer | None:
    """By id, by the name that an import gave it, or by the vendor's own number."""
    imported = records.once_keys.subject(_OWNER, named)
    found = records.customers.get(imported or named)
    return found if found is not None else records.customers.by_reference(named)


@dataclass(frozen=True, slots=True)
class ImportCustomers:
    database: Database
    clock: Clock

    def __call__(self, rows: Sequence[Row], *, who: str, dry_run: bool) -> Imported:
        """What was imported under the same ``customer_id`` before, or is here under it, is passed over; another row
        under it is a bad one."""
        return import_rows(self.database, rows, lambda records, row: self._import(records, row, who), dry_run=dry_run)

    def _import(self, records: Records, row: Row, who: str) -> bool:
        require_columns(row, CUSTOMER_COLUMNS, ("customer_id", "name"))
        named, now = row["customer_id"], self.clock()
        once = Once.of(_OWNER, named, {name: row.get(name, "") for name in CUSTOMER_COLUMNS})
        if claimed(records, once, now) is not None:
            return False
        if records.customers.get(named) is not None:
            settle(records, once, named, now)
            return False
        given = {name: row.get(name) or None for name in ("email", "country", "time_zone", "vat_id")}
        details = CustomerDetails(
            name=row["name"],
            reference=row.get("number") or None,
            language=row.get("language") or DEFAULT_LANGUAGE,
            notes=row.get("notes", ""),
            **given,
        )
        kept_id = named if is_customer_id(named) else None
        customer = add_customer(records, self.clock, details, who=who, customer_id=kept_id)
        if row.get("anonymised_at"):
            records.customers.change(replace(customer, anonymised_at=_instant(row["anonymised_at"])))
        settle(records, once, customer.customer_id, now)
        return True


@dataclass(frozen=True, slots=True)
class ImportContacts:
    database: Database
    clock: Clock

    def __call__(self, rows: Sequence[Row], *, who: str, dry_run: bool) -> Imported:
        """A contact that the customer has just so is passed over."""
        return import_rows(self.database, rows, lambda records, row: self._import(records, row, who), dry_run=dry_run)

    def _import(self, records: Records, row: Row, who: str) -> bool:
        require_columns(row, CONTACT_COLUMNS, ("customer_id", "name"))
        known = known_customer(records, row["customer_id"])
        if known is None:
            raise ValueError("there is no such customer: import the customers first")
        wanted = ContactDetails(
            row["name"], row.get("email") or None, row.get("phone") or None, row.get("role") or None
        )
        if any(ContactDetails(one.name, one.email, one.phone, one.role) == wanted for one in known.contacts):
            return False
        customer = living_customer(records, known.customer_id, locked=True)
        records.customers.change(with_contacts(customer, wanted))
        audited(records, self.clock(), who, "customer.change", customer.customer_id, changed=["contacts"])
        return True


def customer_row(customer: Customer) -> dict[str, str]:
    details = customer.details
    return {
        "customer_id": customer.customer_id,
        "name": details.name,
        "email": details.email or "",
        "number": details.reference or "",
        "language": details.language,
        "country": details.country or "",
        "time_zone": details.time_zone or "",
        "vat_id": details.vat_id or "",
        "notes": details.notes,
        "anonymised_at": customer.anonymised_at.astimezone(UTC).isoformat() if customer.anonymised_at else "",
    }


def contact_row(customer: Customer, contact: Contact) -> dict[str, str]:
    return {
        "customer_id": customer.customer_id,
        "name": contact.name,
        "email": contact.email or "",
        "phone": contact.phone or "",
        "role": contact.role or "",
    }


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("anonymised_at is an instant with a time zone, such as 2026-11-23T04:00:00Z")
    return instant.astimezone(UTC)
