"""Two records of one customer become one. docs/selling.md, Merging customers."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime

from tenure_server.domain.customers import DEFAULT_LANGUAGE, Contact, Customer, CustomerDetails

_DECIDING = ("reference", "language", "country", "time_zone", "vat_id")
"""Where two records say different things of these, they may well be two customers."""

_WORDS = {"reference": "number", "time_zone": "time zone", "vat_id": "VAT id"}


def differences(kept: Customer, gone: Customer) -> tuple[str, ...]:
    """What both records say, and say differently, in the words of people. Name and e-mail address may differ: that is
    how one customer comes to have two records."""
    return tuple(_WORDS.get(name, name) for name, _ in _dropped(kept.details, gone.details))


def merged(kept: Customer, gone: Customer, contact_id: str, now: datetime) -> tuple[Customer, Customer]:
    """The record that stays, with what only the other one knew; and what is left of the other one.

    What the kept record says stands. Another name or address becomes a contact (with the id that is given), other
    notes and numbers are added to the notes, so that nothing is lost.
    """
    details = kept.details
    names = [each.name for each in fields(CustomerDetails)]
    filled = {name: _said(details, name) or _said(gone.details, name) or getattr(details, name) for name in names}
    dropped = ", ".join(f"{_WORDS.get(name, name)} {other}" for name, other in _dropped(details, gone.details))
    last = f"{gone.customer_id}, merged: {dropped}" if dropped else ""
    filled["notes"] = "\n".join(text for text in (details.notes, gone.details.notes, last) if text)
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


def _said(details: CustomerDetails, name: str) -> str | None:
    """None where nothing is known; the language that everybody has who has said nothing is nothing that was said."""
    value: str | None = getattr(details, name)
    return None if not value or (name == "language" and value == DEFAULT_LANGUAGE) else value


def _dropped(kept: CustomerDetails, gone: CustomerDetails) -> list[tuple[str, str]]:
    """What the gone record says otherwise than the kept one, by name."""
    pairs = ((name, _said(kept, name), _said(gone, name)) for name in _DECIDING)
    return [(name, other) for name, one, other in pairs if one and other and one != other]
