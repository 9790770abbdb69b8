"""Two records of one customer become one. docs/selling.md, Merging customers."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime

from tenure_server.domain.customers import Contact, Customer, CustomerDetails

_DECIDING = ("reference", "language", "country", "time_zone", "vat_id")
"""Where two records say different things of these, they may well be two customers."""

_WORDS = {"reference": "number", "time_zone": "time zone", "vat_id": "VAT id"}


def differences(kept: Customer, gone: Customer) -> tuple[str, ...]:
    """What both records say, and say differently, in the words of people. Name and e-mail address may differ: that is
    how one customer comes to have two records."""
    pairs = ((name, getattr(kept.details, name), getattr(gone.details, name)) for name in _DECIDING)
    return tuple(_WORDS.get(name, name) for name, one, other in pairs if one and other and one != other)


def merged(kept: Customer, gone: Customer, contact_id: str, now: datetime) -> tuple[Customer, Customer]:
    """The record that stays, with what only the other one knew; and what is left of the other one.

    What the kept record says stands. Another name or address becomes a contact (with the id that is given), other
    notes and numbers are added to the notes, so that nothing is lost.
    """
    details = kept.details
    filled = {
        each.name: getattr(details, each.name) or getattr(gone.details, each.name) for each in fields(CustomerDetails)
    }
    filled["notes"] = "\n".join(text for text in (details.notes, gone.details.notes, _dropped(kept, gone)) if text)
    former = Contact(contact_id, gone.name, gone.email, role="merged record")
    is_known = (gone.name, gone.email) in ((details.name, details.email), (details.name, None))
    contacts = list(kept.contacts)
    said = {(one.name, one.email, one.phone, one.role) for one in contacts}
    for one in (*gone.contacts, *(() if is_known else (former,))):
        if (one.name, one.email, one.phone, one.role) not in said:
            contacts.append(one)
    left = CustomerDetails(name=f"Merged into {kept.customer_id}", language=gone.details.language)
    return (
        replace(kept, details=CustomerDetails(**filled), contacts=tuple(contacts)),
        replace(gone, details=left, contacts=(), merged_into=kept.customer_id, merged_at=now),
    )


def _dropped(kept: Customer, gone: Customer) -> str:
    said = []
    for name in _DECIDING:
        one, other = getattr(kept.details, name), getattr(gone.details, name)
        if one and other and one != other:
            said.append(f"{_WORDS.get(name, name)} {other}")
    return f"{gone.customer_id}, merged: {', '.join(said)}" if said else ""
