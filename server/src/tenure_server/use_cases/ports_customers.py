"""What selling asks of the database: customers, and requests that are carried out once however often they come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tenure_server.domain.customers import Customer
from tenure_server.domain.paging import Place


class Customers(Protocol):
    """A customer is read and written whole, with its contacts."""

    def get(self, customer_id: str) -> Customer | None: ...

    def held(self, customer_id: str) -> Customer | None:
        """As ``get``; nobody can merge or change it before the transaction ends. Others can hold it too."""
        ...

    def locked(self, customer_id: str) -> Customer | None:
        """As ``get``; nobody else can hold it or refer to it before the transaction ends."""
        ...

    def by_reference(self, reference: str) -> Customer | None: ...

    def same(self, name: str, email: str | None) -> Customer | None:
        """The oldest with exactly this name, and this e-mail address in any case or none."""
        ...

    def search(self, text: str = "", *, limit: int = 100, after: Place | None = None) -> tuple[Customer, ...]:
        """Those of whom every word of the text begins a word (``domain/search_words.py``), newest first, after the
        place. Records that were merged into others are left out, here and in ``same``."""
        ...

    def add(self, customer: Customer) -> None:
        """Raises ``Conflict`` (``customer_exists``, ``reference_taken``)."""
        ...

    def change(self, customer: Customer) -> None:
        """Raises ``NotFound`` (``unknown_customer``) and ``Conflict`` (``reference_taken``)."""
        ...

    def merge(self, kept: Customer, gone: Customer) -> None:
        """Write both, and let everything that belonged to the second belong to the first: licences, orders, quotes,
        whatever refers to a customer. What was told in events and written in the audit trail stays as it is.

        Raises ``Conflict`` (``reference_taken``).
        """
        ...

    def remove(self, customer_id: str) -> None:
        """Nothing happens if there is none. Raises ``Conflict`` (``constraint_violated``) if something refers to it."""
        ...


@dataclass(frozen=True, slots=True)
class OnceClaim:
    """Somebody's word for a request. ``request`` is the digest of what is asked for, in lower-case hexadecimal."""

    owner: str
    key: str
    request: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OnceRecord:
    """``subject`` is what the request made or changed."""

    request: str
    subject: str


class OnceKeys(Protocol):
    """Idempotency keys, kept with what came of each. They are written in the transaction of the change."""

    def claim(self, claim: OnceClaim) -> OnceRecord | None:
        """What came of this owner's request with this key; or None, and then it is this transaction's to carry out.
        Waits for another transaction that is carrying it out."""
        ...

    def subject(self, owner: str, key: str) -> str | None:
        """What came of this owner's request with this key; nothing is claimed."""
        ...

    def settle(self, claim: OnceClaim, subject: str) -> None:
        """Say what came of it."""
        ...
