"""Customers and the people to talk to there. Licences belong to a customer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError

from tenure_server.domain.search_words import words_of

MAX_NAME_CHARACTERS = 200
MAX_NOTES_CHARACTERS = 4_000
MAX_CONTACTS = 50
DEFAULT_LANGUAGE = "en"

_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,59}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?", re.ASCII)
_TERRITORIES = frozenset(code for code in map(str, Locale("en").territories) if len(code) == 2 and code.isalpha())


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody at the customer's. ``role`` is in the vendor's words, such as ``purchasing``."""

    contact_id: str
    name: str
    email: str | None = None
    phone: str | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class CustomerDetails:
    """What is known of a customer and can be changed.

    ``reference`` is the vendor's own number for the customer, of which there is one at most; ``language`` is written
    ``de`` or ``pt-BR``, ``country`` as ISO 3166 has it, ``vat_id`` as the customer writes it.
    """

    name: str
    email: str | None = None
    reference: str | None = None
    language: str = DEFAULT_LANGUAGE
    country: str | None = None
    time_zone: str | None = None
    vat_id: str | None = None
    notes: str = ""

    def faults(self) -> Iterator[tuple[str, str]]:
        """What is wrong, as pairs of a stable code and a sentence; no sentence repeats a value."""
        if not is_line(self.name, MAX_NAME_CHARACTERS):
            yield "invalid_customer", "A customer's name has 1 to 200 printable characters."
        if self.email is not None and not is_email(self.email):
            yield "invalid_email", "The e-mail address is not one."
        if self.reference is not None and not _REFERENCE.fullmatch(self.reference):
            yield "invalid_reference", "A customer's reference has up to 60 letters, digits, spaces and . _ / -."
        if not is_language(self.language):
            yield "invalid_language", "A language is written de or pt-BR."
        if self.country is not None and self.country not in _TERRITORIES:
            yield "invalid_country", "A country is two capital letters of ISO 3166, such as MY."
        if self.time_zone is not None and not is_time_zone(self.time_zone):
            yield "invalid_time_zone", "A time zone is written Asia/Kuala_Lumpur."
        if self.vat_id is not None and not is_line(self.vat_id, 40):
            yield "invalid_vat_id", "A VAT id is a line of 1 to 40 characters."
        if len(self.notes) > MAX_NOTES_CHARACTERS or "\0" in self.notes:
            yield "invalid_notes", f"Notes have up to {MAX_NOTES_CHARACTERS} characters."


@dataclass(frozen=True, slots=True)
class Customer:
    customer_id: str
    details: CustomerDetails
    created_at: datetime
    contacts: tuple[Contact, ...] = field(default=())
    anonymised_at: datetime | None = None
    merged_into: str | None = None  # the id of the record that has everything of this one
    merged_at: datetime | None = None

    @property
    def name(self) -> str:
        return self.details.name

    @property
    def email(self) -> str | None:
        return self.details.email

    def search_words(self) -> frozenset[str]:
        """What a caller may say to be found."""
        details = self.details
        people = (text for one in self.contacts for text in (one.name, one.email or "", one.phone or ""))
        known = (details.name, details.email or "", details.reference or "", details.vat_id or "")
        return words_of(self.customer_id, *known, *people)

    def anonymised(self, now: datetime) -> Self:
        """The customer without anything that tells who it was. Country and language stay: they count, and name no one.

        What was sold stays with the licences, because the vendor has to be able to account for it.
        """
        details = CustomerDetails(
            name=f"Anonymised customer {self.customer_id}",
            language=self.details.language,
            country=self.details.country,
        )
        return replace(self, details=details, contacts=(), anonymised_at=now)


def contact_faults(contact: Contact) -> Iterator[tuple[str, str]]:
    """As ``CustomerDetails.faults``."""
    if not is_line(contact.name, MAX_NAME_CHARACTERS):
        yield "invalid_contact", "A contact's name has 1 to 200 printable characters."
    if contact.email is not None and not is_email(contact.email):
        yield "invalid_email", "The contact's e-mail address is not one."
    for what, text in (("telephone number", contact.phone), ("role", contact.role)):
        if text is not None and not is_line(text, 60):
            yield "invalid_contact", f"A contact's {what} is a line of 1 to 60 characters."


def is_line(text: str, most: int) -> bool:
    """One printable line, not blank, of at most so many characters."""
    return bool(text.strip()) and len(text) <= most and text.isprintable()


def is_email(text: str) -> bool:
    """Whether it looks like an address that mail could go to; whether any arrives, only mail can tell."""
    name, at, domain = text.rpartition("@")
    return bool(at and name and "." in domain) and len(text) <= 254 and text.isprintable() and " " not in text


def is_language(text: str) -> bool:
    """A language that CLDR knows, with or without a country."""
    if not _LANGUAGE.fullmatch(text):
        return False
    try:
        Locale.parse(text, sep="-")
    except (UnknownLocaleError, ValueError):
        return False
    return True


def is_time_zone(text: str) -> bool:
    try:
        ZoneInfo(text)
    except (LookupError, ValueError, OSError):
        return False
    return True
