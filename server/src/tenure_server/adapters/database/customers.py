"""Customers, and the keys of requests that are carried out once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal

from sqlalchemy import Column, delete, func, update
from sqlmodel import Session, col, select

from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.failures import conflict_if_taken
from tenure_server.adapters.database.sales_tables import ContactRow, CustomerRow, CustomerWordRow, OnceKeyRow
from tenure_server.adapters.database.search import begins, behind
from tenure_server.adapters.database.tables import Row
from tenure_server.domain.customers import Contact, Customer, CustomerDetails
from tenure_server.domain.paging import Place
from tenure_server.domain.search_words import wanted_words
from tenure_server.errors import Conflict, NotFound
from tenure_server.use_cases.ports_customers import OnceClaim, OnceRecord

Lock = Literal["held", "locked"] | None
_NO_LOCK: Lock = None
_HELD: Lock = "held"  # by several
_LOCKED: Lock = "locked"  # by one


class SqlCustomers:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, customer_id: str) -> Customer | None:
        row = self._row(customer_id)
        return self._whole([row])[0] if row is not None else None

    def held(self, customer_id: str) -> Customer | None:
        row = self._row(customer_id, _HELD)
        return self._whole([row])[0] if row is not None else None

    def locked(self, customer_id: str) -> Customer | None:
        row = self._row(customer_id, _LOCKED)
        return self._whole([row])[0] if row is not None else None

    def by_reference(self, reference: str) -> Customer | None:
        if not is_storable(reference):
            return None
        row = self._session.exec(select(CustomerRow).where(col(CustomerRow.reference) == reference)).first()
        return self._whole([row])[0] if row is not None else None

    def same(self, name: str, email: str | None) -> Customer | None:
        if not is_storable(name + (email or "")):
            return None
        statement = select(CustomerRow).where(col(CustomerRow.name) == name, col(CustomerRow.merged_into).is_(None))
        if email is None:
            statement = statement.where(col(CustomerRow.email).is_(None))
        else:
            statement = statement.where(func.lower(col(CustomerRow.email)) == email.lower())
        oldest = (col(CustomerRow.created_at), col(CustomerRow.customer_id))
        row = self._session.exec(statement.order_by(*oldest).limit(1)).first()
        return self._whole([row])[0] if row is not None else None

    def search(self, text: str = "", *, limit: int = 100, after: Place | None = None) -> tuple[Customer, ...]:
        words = wanted_words(text)
        if limit < 1 or (text and not words):
            return ()
        newest = (col(CustomerRow.created_at).desc(), col(CustomerRow.customer_id).desc())
        statement = select(CustomerRow).where(col(CustomerRow.merged_into).is_(None)).order_by(*newest).limit(limit)
        for word in words:
            named = select(CustomerWordRow.customer_id).where(begins(col(CustomerWordRow.word), word))
            statement = statement.where(col(CustomerRow.customer_id).in_(named))
        if after is not None:
            statement = statement.where(behind(col(CustomerRow.created_at), col(CustomerRow.customer_id), after))
        return self._whole(self._session.exec(statement).all())

    def add(self, customer: Customer) -> None:
        with conflict_if_taken(self._session, "There is a customer of this reference already.", "reference_taken"):
            self._session.add(CustomerRow(customer_id=customer.customer_id, **_columns(customer)))
            self._session.flush()
        self._write_what_belongs_to(customer)

    def change(self, customer: Customer) -> None:
        row = self._row(customer.customer_id)
        if row is None:
            raise NotFound("There is no such customer.", code="unknown_customer")
        with conflict_if_taken(self._session, "There is a customer of this reference already.", "reference_taken"):
            row.sqlmodel_update(_columns(customer))
            self._session.flush()
        self._remove_what_belongs_to(customer.customer_id)
        self._write_what_belongs_to(customer)

    def merge(self, kept: Customer, gone: Customer) -> None:
        """The gone one first, so that a reference it had is free."""
        self.change(gone)
        self.change(kept)
        for column in columns_of_customers():
            moved = update(column.table).where(column == gone.customer_id).values({column: kept.customer_id})
            self._session.execute(moved)
        self._session.expire_all()

    def remove(self, customer_id: str) -> None:
        row = self._row(customer_id)
        if row is not None:
            self._remove_what_belongs_to(customer_id)
            self._session.delete(row)
            self._session.flush()

    def _row(self, customer_id: str, lock: Lock = _NO_LOCK) -> CustomerRow | None:
        """As it is now. A foreign key keeps a customer from being deleted while something is sold to it."""
        if not is_storable(customer_id):
            return None
        statement = select(CustomerRow).where(col(CustomerRow.customer_id) == customer_id)
        if lock is not None:
            statement = statement.with_for_update(read=lock == _HELD)
        return self._session.exec(statement, execution_options={"populate_existing": True}).first()

    def _write_what_belongs_to(self, customer: Customer) -> None:
        for place, contact in enumerate(customer.contacts):
            self._session.add(
                ContactRow(
                    contact_id=contact.contact_id,
                    customer_id=customer.customer_id,
                    place=place,
                    name=contact.name,
                    email=contact.email,
                    phone=contact.phone,
                    role=contact.role,
                )
            )
        words = customer.search_words()
        self._session.add_all(CustomerWordRow(word=word, customer_id=customer.customer_id) for word in sorted(words))
        self._session.flush()

    def _remove_what_belongs_to(self, customer_id: str) -> None:
        self._session.execute(delete(ContactRow).where(col(ContactRow.customer_id) == customer_id))
        self._session.execute(delete(CustomerWordRow).where(col(CustomerWordRow.customer_id) == customer_id))

    def _whole(self, rows: Sequence[CustomerRow]) -> tuple[Customer, ...]:
        contacts: dict[str, list[ContactRow]] = defaultdict(list)
        ids = [row.customer_id for row in rows]
        found = select(ContactRow).where(col(ContactRow.customer_id).in_(ids)).order_by(col(ContactRow.place))
        for contact in self._session.exec(found).all() if ids else ():
            contacts[contact.customer_id].append(contact)
        return tuple(_customer(row, contacts[row.customer_id]) for row in rows)


_OWN = frozenset({ContactRow.__tablename__, CustomerWordRow.__tablename__})
"""Tables that are part of a customer's record, and written with it."""


def columns_of_customers() -> tuple[Column[Any], ...]:
    """Every column that says whose something is: found in the schema, so that no table can be forgotten."""
    return tuple(
        key.parent
        for table in Row.metadata.sorted_tables
        if table.name not in _OWN
        for key in sorted(table.foreign_keys, key=lambda key: key.parent.name)
        if key.target_fullname == "customer.customer_id"
    )


class SqlOnceKeys:
    def __init__(self, session: Session) -> None:
        self._session = session

    def claim(self, claim: OnceClaim) -> OnceRecord | None:
        """The row is put there first: whoever comes second waits for the end of this transaction at its key."""
        row = OnceKeyRow(owner=claim.owner, key=claim.key, request=claim.request, subject="", at=claim.at)
        with suppress(Conflict):
            with conflict_if_taken(self._session, "The key is known.", "key_known"):
                self._session.add(row)
            return None
        found = self._session.get_one(OnceKeyRow, (claim.owner, claim.key), populate_existing=True)
        return OnceRecord(found.request, found.subject)

    def subject(self, owner: str, key: str) -> str | None:
        if not is_storable(owner + key):
            return None
        found = self._session.get(OnceKeyRow, (owner, key))
        return found.subject or None if found is not None else None

    def settle(self, claim: OnceClaim, subject: str) -> None:
        self._session.get_one(OnceKeyRow, (claim.owner, claim.key)).subject = subject
        self._session.flush()


def _columns(customer: Customer) -> dict[str, Any]:
    """All but the id."""
    details = customer.details
    return {
        "name": details.name,
        "email": details.email,
        "reference": details.reference,
        "language": details.language,
        "country": details.country,
        "time_zone": details.time_zone,
        "vat_id": details.vat_id,
        "notes": details.notes,
        "created_at": customer.created_at,
        "anonymised_at": customer.anonymised_at,
        "merged_into": customer.merged_into,
        "merged_at": customer.merged_at,
    }


def _customer(row: CustomerRow, contacts: Sequence[ContactRow]) -> Customer:
    details = CustomerDetails(
        name=row.name,
        email=row.email,
        reference=row.reference,
        language=row.language,
        country=row.country,
        time_zone=row.time_zone,
        vat_id=row.vat_id,
        notes=row.notes,
    )
    people = tuple(Contact(one.contact_id, one.name, one.email, one.phone, one.role) for one in contacts)
    return Customer(row.customer_id, details, row.created_at, people, row.anonymised_at, row.merged_into, row.merged_at)
