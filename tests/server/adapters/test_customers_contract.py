"""Customers and once-keys: in memory, on SQLite and on PostgreSQL alike; what was sold before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from tenure_server.adapters.database import SqlDatabase, upgrade_schema
from tenure_server.domain.customers import Contact, Customer, CustomerDetails
from tenure_server.domain.paging import Place
from tenure_server.errors import Conflict, NotFound
from tenure_server.use_cases.ports import Database
from tenure_server.use_cases.ports_customers import OnceClaim, OnceRecord
from tests.server.adapters.sample_records import NOON, customer_of, digest_of, plain_licence, store
from tests.server.adapters.test_database_schema import connected, upgrade_only_to

FULL = Customer(
    "c-full",
    CustomerDetails(
        name="Müller & Söhne GmbH 株式会社",
        email="Einkauf@mueller.example",
        reference="K-1001",
        language="pt-BR",
        country="DE",
        time_zone="Europe/Berlin",
        vat_id="DE 123456789",
        notes="calls on Fridays\nalways",
    ),
    NOON.replace(microsecond=7),
    (Contact("p-1", "Bo", "bo@x.example", "+60 3-1234 5678", "purchasing"), Contact("p-2", "Ärzu")),
)


def named(name: str, *, id: str, at: datetime = NOON, **details: str) -> Customer:
    return Customer(id, CustomerDetails(name, **details), at)


def add(database: Database, *customers: Customer) -> None:
    with database.writing() as records:
        for customer in customers:
            records.customers.add(customer)


def ids(database: Database, words: str = "", **page: object) -> list[str]:
    with database.reading() as records:
        return [one.customer_id for one in records.customers.search(words, **page)]  # type: ignore[arg-type]


def test_a_customer_comes_back_exactly_as_it_was_added_and_changed(database: Database) -> None:
    add(database, FULL)
    with database.reading() as records:
        assert records.customers.get("c-full") == records.customers.by_reference("K-1001") == FULL
    changed = replace(FULL, details=replace(FULL.details, email=None, reference=None), contacts=FULL.contacts[::-1])
    with database.writing() as records:
        records.customers.change(changed)
        assert records.customers.get("c-full") == changed
        records.customers.change(changed.anonymised(NOON))
    with database.reading() as records:
        assert records.customers.get("c-full") == changed.anonymised(NOON)
    assert ids(database, "müller") == ids(database, "bo") == []
    assert ids(database, "anonymised") == ["c-full"]


@pytest.mark.parametrize(
    "words",
    [
        "muller",
        "MÜLLER söh",
        "einkauf@mueller",
        "k-1001",
        "DE 1234",
        "bo",
        "bo@x",
        "1234 5678",
        "arzu",
        "c-full",
        "株式",
    ],
)
def test_a_customer_is_found_by_whatever_a_caller_says(database: Database, words: str) -> None:
    add(database, FULL, named("Other", id="c-other"))
    assert ids(database, words) == ["c-full"]


def test_a_licence_is_found_by_what_its_customer_says(database: Database) -> None:
    store(database, plain_licence("7k2m", customer="Ada"), plain_licence("8aaa", customer="Bo"))
    with database.writing() as records:
        customer = customer_of(plain_licence("7k2m", customer="Ada"))
        records.customers.change(replace(customer, contacts=(Contact("p-1", "Zoë Lim"),)))
        assert [one.licence_id for one in records.licences.search("zoe 7k")] == ["7k2m"]
        assert [one.licence_id for one in records.licences.of_customer("c-8aaa")] == ["8aaa"]


def test_a_changed_name_is_the_licences_too(database: Database) -> None:
    store(database, plain_licence("7k2m", customer="Ada"))
    with database.writing() as records:
        customer = records.customers.get("c-7k2m")
        assert customer is not None
        records.customers.change(replace(customer, details=CustomerDetails("Ada Bhd", "new@ada.example")))
    with database.reading() as records:
        licence = records.licences.get("7k2m")
        assert licence is not None
        assert (licence.customer, licence.email) == ("Ada Bhd", "new@ada.example")


def test_pages_follow_each_other_while_customers_are_added(database: Database) -> None:
    add(database, *(named("Ada", id=f"c-{n}", at=NOON + timedelta(seconds=n // 2)) for n in range(6)))
    assert ids(database, "ada", limit=2) == ["c-5", "c-4"]
    add(database, named("Ada", id="c-9", at=NOON + timedelta(days=1)))
    assert ids(database, "ada", limit=3, after=Place(NOON + timedelta(seconds=2), "c-4")) == ["c-3", "c-2", "c-1"]
    assert ids(database, limit=3, after=Place(NOON, "c-1")) == ["c-0"]


def test_the_same_name_and_address_in_any_case_is_the_same_customer(database: Database) -> None:
    first = named("Ada", id="c-1", email="Ada@x.example")
    add(database, named("Ada", id="c-2", at=NOON + timedelta(1), email="ada@x.example"), first, named("Ada", id="c-3"))
    with database.reading() as records:
        assert records.customers.same("Ada", "ADA@x.example") == first
        assert records.customers.same("ada", "ada@x.example") is None
        assert records.customers.same("Ada", None) == named("Ada", id="c-3")


def test_a_reference_belongs_to_one_customer(database: Database) -> None:
    add(database, FULL, named("Other", id="c-other"))
    with database.writing() as records:
        with pytest.raises(Conflict) as added:
            records.customers.add(named("New", id="c-new", reference="K-1001"))
        with pytest.raises(Conflict) as changed:
            records.customers.change(named("Other", id="c-other", reference="K-1001"))
        assert added.value.code == changed.value.code == "reference_taken"
    assert ids(database) == ["c-full", "c-other"]


def test_nothing_is_sold_to_nobody(database: Database) -> None:
    store(database)
    with database.writing() as records:
        with pytest.raises(NotFound) as caught:
            records.licences.add(plain_licence(), feed_token_digest=digest_of("feed"))
        assert caught.value.code == "unknown_customer"
        with pytest.raises(NotFound):
            records.customers.change(FULL)
        records.customers.add(FULL)
        records.customers.remove("c-full")
        records.customers.remove("c-full")
        assert records.customers.get("c-full") is None


# --- Requests that are carried out once


def claim(key: str = "k", owner: str = "ops", request: str = "r") -> OnceClaim:
    return OnceClaim(owner, key, digest_of(request), NOON)


def test_a_key_is_claimed_once_by_each_owner(database: Database) -> None:
    with database.writing() as records:
        assert records.once_keys.claim(claim()) is None
        records.once_keys.settle(claim(), "what came of it")
        assert records.once_keys.claim(claim(owner="another")) is None
        assert records.once_keys.claim(claim("another")) is None
    with database.writing() as records:
        assert records.once_keys.claim(claim(request="else")) == OnceRecord(digest_of("r"), "what came of it")


def test_a_key_whose_transaction_failed_is_free_again(database: Database) -> None:
    with suppress(ZeroDivisionError), database.writing() as records:
        records.once_keys.claim(claim())
        raise ZeroDivisionError
    with database.writing() as records:
        assert records.once_keys.claim(claim()) is None


def test_of_many_at_once_one_carries_the_request_out_and_all_learn_what_came_of_it(database: Database) -> None:
    def ask(number: int) -> str:
        with database.writing() as records:
            found = records.once_keys.claim(claim())
            if found is not None:
                return found.subject
            records.once_keys.settle(claim(), f"number {number}")
            return f"number {number}"

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1


# --- Licences sold before there were customers


def test_old_licences_get_a_customer_for_each_name_and_address(database_url: str) -> None:
    upgrade_only_to("0010", database_url)
    first, second, third, last = (letter * 8 for letter in "abcd")  # longer than any word of a customer's random id
    sold: list[tuple[str, str, str | None]] = [
        (first, "Ada", "it@ada.example"),
        (second, "Ada", "it@ada.example"),
        (third, "Ada", None),
        (last, "Bo Łi", None),
    ]
    with connected(database_url) as connection:
        connection.execute(
            text(
                "INSERT INTO product (name, title, editions, channels, service_packs, lapse_policy)"
                """ VALUES ('cad', 'CAD', '["pro"]', '["stable"]', 'period', 'closed')"""
            )
        )
        for number, (licence_id, name, email) in enumerate(sold):
            connection.execute(
                text(
                    "INSERT INTO licence (licence_id, product, edition, customer, email, purchased_on, currency,"
                    " status, created_at, feed_token_digest, search_text) VALUES (:id, 'cad', 'pro', :name, :email,"
                    " '2026-01-01', 'MYR', 'active', :at, :digest, '')"
                ),
                {
                    "id": licence_id,
                    "digest": licence_id,
                    "name": name,
                    "email": email,
                    "at": f"2026-01-0{number + 1} 12:00:00.000000",
                },
            )
        connection.execute(
            text(
                "INSERT INTO licence_key (digest, licence_id, key_id, issued_at, hint, seats)"
                " VALUES ('d', 'dddddddd', 'k', '2026-01-01 12:00:00.000000', '…Ab3-xY', 1)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO order_line (licence_id, kind, seats, minor_units, currency, bought_on)"
                " VALUES ('dddddddd', 'base', 1, 5, 'MYR', '2026-01-01')"
            )
        )
    upgrade_schema(database_url)
    database = SqlDatabase(database_url)
    with database.reading() as records:
        found = {one.licence_id: one for one in records.licences.search()}
        assert {one: (licence.customer, licence.email) for one, licence in found.items()} == {
            licence_id: (name, email) for licence_id, name, email in sold
        }
        assert found[first].customer_id == found[second].customer_id != found[third].customer_id
        customer = records.customers.get(found[first].customer_id)
        assert customer is not None
        assert customer.created_at == found[first].created_at
        for said in ("bo łi", "ab3", "dddddddd cad"):
            assert [one.licence_id for one in records.licences.search(said)] == [last]
    database.close()
