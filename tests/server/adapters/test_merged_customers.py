"""Merging customers moves everything that refers to one: in memory, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy.orm import configure_mappers

from tenure_server.adapters.database import SqlDatabase
from tenure_server.adapters.database.customers import columns_of_customers
from tenure_server.adapters.database.tables import Row
from tenure_server.domain.customers import Contact, Customer, CustomerDetails
from tenure_server.errors import Conflict
from tenure_server.use_cases.customers import living_customer
from tenure_server.use_cases.ports import Database
from tests.server.adapters.sample_records import NOON, plain_licence, store
from tests.server.adapters.test_orders_contract import FULL

HISTORY = {"event.customer"}
"""Columns that say who a customer was when something happened, and are never changed."""

PART_OF_THE_RECORD = {"customer.customer_id", "customer_contact.customer_id", "customer_word.customer_id"}


def test_no_column_that_refers_to_a_customer_can_be_forgotten() -> None:
    """Whoever adds a table with a customer in it gives the column a foreign key, and merging covers it."""
    configure_mappers()
    named = {
        f"{table.name}.{column.name}"
        for table in Row.metadata.sorted_tables
        for column in table.columns
        if "customer" in column.name
    }
    moved = {f"{column.table.name}.{column.name}" for column in columns_of_customers()}
    assert {"licence.customer_id", "sales_order.customer_id", "quote.customer_id"} <= moved
    assert named - moved == HISTORY | PART_OF_THE_RECORD
    assert moved - named == {"customer.merged_into"}
    assert not any(column.primary_key for column in columns_of_customers())


def merge(database: Database, kept_id: str, gone_id: str) -> tuple[Customer, Customer]:
    with database.writing() as records:
        kept, gone = records.customers.locked(kept_id), records.customers.locked(gone_id)
        assert kept is not None
        assert gone is not None
        kept = replace(kept, details=replace(kept.details, reference=gone.details.reference), contacts=gone.contacts)
        gone = replace(gone, details=CustomerDetails("gone"), contacts=(), merged_into=kept_id, merged_at=NOON)
        records.customers.merge(kept, gone)
    return kept, gone


def test_licences_orders_and_contacts_go_with_the_customer_and_the_record_says_where(database: Database) -> None:
    store(database, plain_licence("7k2m"), plain_licence("8aaa"))
    contacts = (Contact("p-1", "Bo", "bo@x.example"),)
    with database.writing() as records:
        gone = records.customers.get("c-8aaa")
        assert gone is not None
        records.customers.change(replace(gone, details=replace(gone.details, reference="K-1"), contacts=contacts))
        records.orders.add(replace(FULL, customer_id="c-8aaa"))
    kept, gone = merge(database, "c-7k2m", "c-8aaa")
    with database.reading() as records:
        assert [one.licence_id for one in records.licences.of_customer("c-7k2m")] == ["8aaa", "7k2m"]
        assert records.licences.of_customer("c-8aaa") == ()
        moved = records.licences.get("8aaa")
        assert moved is not None
        assert (moved.customer, moved.email) == (kept.name, kept.email)
        assert [one.number for one in records.orders.search(customer_id="c-7k2m")] == [FULL.number]
        assert records.customers.get("c-7k2m") == records.customers.by_reference("K-1") == kept
        assert records.customers.get("c-8aaa") == gone
        assert [one.customer_id for one in records.customers.search()] == ["c-7k2m"]
        assert [one.customer_id for one in records.customers.search("bo")] == ["c-7k2m"]
        assert records.customers.same("gone", None) is None


def test_a_record_that_was_merged_before_follows_to_where_everything_is(database: Database) -> None:
    store(database, plain_licence("1"), plain_licence("2"), plain_licence("3"))
    merge(database, "c-2", "c-1")
    merge(database, "c-3", "c-2")
    with database.reading() as records:
        found = [records.customers.get(f"c-{number}") for number in (1, 2, 3)]
        assert [one.merged_into for one in found if one is not None] == ["c-3", "c-3", None]
        assert len(records.licences.of_customer("c-3")) == 3


def test_a_licence_is_given_to_another_customer(database: Database) -> None:
    store(database, plain_licence("7k2m"), plain_licence("8aaa"))
    with database.writing() as records:
        records.licences.set_customer("7k2m", "c-8aaa")
    with database.reading() as records:
        found = records.licences.get("7k2m")
        assert found is not None
        assert (found.customer_id, found.email) == ("c-8aaa", "it@8aaa.example")
        assert {one.licence_id for one in records.licences.search("it@8aaa.example")} == {"7k2m", "8aaa"}


def test_whoever_sells_while_two_customers_are_merged_waits_and_is_told(sql_database: SqlDatabase) -> None:
    """Neither is an order left with a record that nobody looks at, nor does anybody wait in a circle."""
    store(sql_database, plain_licence("7k2m"), plain_licence("8aaa"))
    merging, told = threading.Event(), []

    def sell() -> None:
        merging.wait()
        with pytest.raises(Conflict) as caught, sql_database.writing() as records:
            living_customer(records, "c-8aaa")
        told.append(caught.value.code)

    seller = threading.Thread(target=sell)
    seller.start()
    with sql_database.writing() as records:
        gone = records.customers.locked("c-8aaa")
        kept = records.customers.locked("c-7k2m")
        merging.set()
        assert gone is not None
        assert kept is not None
        records.customers.merge(kept, replace(gone, merged_into="c-7k2m", merged_at=NOON))
    seller.join()
    assert told == ["customer_merged"]
