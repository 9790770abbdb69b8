"""Seats: in memory, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest

from tenure_server.domain.events import EventType
from tenure_server.domain.licences import LineKind
from tenure_server.domain.seats import ProductSeatRules, Seat, SeatLimit, SeatRules
from tenure_server.errors import Conflict, NotFound
from tenure_server.use_cases.ports import Database
from tenure_server.use_cases.seats import ActivateSeat
from tenure_signing.names import ProductName
from tests.server.adapters.sample_records import NOON, plain_licence, store

FIRST = Seat("7k2m", "a" * 64, "Ada's laptop ✓", NOON.replace(microsecond=123_456), NOON + timedelta(days=3))
SECOND = Seat("7k2m", "b" * 64, None, NOON + timedelta(hours=1), NOON + timedelta(hours=1))


def put(database: Database, *seats: Seat) -> None:
    with database.writing() as records:
        for seat in seats:
            records.seats.put(seat)


def seats_of(database: Database, licence_id: str = "7k2m") -> tuple[Seat, ...]:
    with database.reading() as records:
        return records.seats.of_licence(licence_id)


def test_seats_come_back_as_they_were_put_oldest_first(database: Database) -> None:
    store(database, plain_licence())
    put(database, SECOND, FIRST)
    assert seats_of(database) == (FIRST, SECOND)
    assert seats_of(database, "other") == seats_of(database, "\0") == seats_of(database, "\ud800") == ()


def test_a_machine_has_one_seat_of_a_licence_the_last_that_was_put(database: Database) -> None:
    store(database, plain_licence())
    put(database, FIRST)
    later = replace(FIRST, name="lab 3", seen_at=NOON + timedelta(days=9))
    put(database, later)
    assert seats_of(database) == (later,)


def test_a_seat_is_removed_once(database: Database) -> None:
    store(database, plain_licence())
    put(database, FIRST, SECOND)
    with database.writing() as records:
        assert records.seats.remove("7k2m", FIRST.machine)
        assert not records.seats.remove("7k2m", FIRST.machine)
        assert not records.seats.remove("7k2m", "\0")
        assert not records.seats.remove("\0", FIRST.machine)
    assert seats_of(database) == (SECOND,)


@pytest.mark.parametrize("licence_id", ["nobody", "\0"])
def test_a_licence_that_there_is_not_has_no_seats(database: Database, licence_id: str) -> None:
    with database.writing() as records:
        with pytest.raises(NotFound, match="no such licence"):
            records.seats.lock(licence_id)
        with pytest.raises(NotFound, match="no such licence"):
            records.seats.put(replace(FIRST, licence_id=licence_id))


@pytest.mark.parametrize(
    "rules", [ProductSeatRules(SeatLimit.WARN, 30), ProductSeatRules(expiry_days=0), ProductSeatRules()]
)
def test_a_product_has_the_rules_that_were_set_last_and_none_before(
    database: Database, rules: ProductSeatRules
) -> None:
    store(database, plain_licence())
    product = plain_licence().product
    with database.writing() as records:
        assert records.seats.product_rules(product) == ProductSeatRules()
        records.seats.set_product_rules(product, ProductSeatRules(SeatLimit.REFUSE, 7))
        records.seats.set_product_rules(product, rules)
    with database.reading() as records:
        assert records.seats.product_rules(product) == rules
        assert records.seats.product_rules(ProductName("nothing")) == ProductSeatRules()


def test_a_product_that_there_is_not_gets_no_rules(database: Database) -> None:
    with database.writing() as records, pytest.raises(NotFound, match="no such product"):
        records.seats.set_product_rules(ProductName("nothing"), ProductSeatRules())


def test_of_many_machines_at_once_as_many_get_a_seat_as_there_are(database: Database) -> None:
    base = plain_licence()
    licence = replace(base, lines=(*base.lines, replace(base.lines[0], kind=LineKind.ADDITIONAL_USERS, seats=2)))
    store(database, licence)
    count = licence.seats + 3
    together = Barrier(count)
    activate = ActivateSeat(database, lambda: NOON, SeatRules(), lambda claims: f"signed for {claims.machine}")

    def ask(number: int) -> str:
        together.wait(timeout=60)
        try:
            activate(licence.licence_id, f"{number:064x}")
        except Conflict as refusal:
            return refusal.code
        return "activated"

    with ThreadPoolExecutor(count) as threads:
        answers = list(threads.map(ask, range(count)))
    assert sorted(answers) == ["activated"] * 3 + ["seats_taken"] * 3
    assert len(seats_of(database, licence.licence_id)) == licence.seats
    with database.reading() as records:
        told = records.outbox.following(0, types=frozenset({EventType.SEAT_ACTIVATED}), limit=99)
        refused = records.outbox.following(0, types=frozenset({EventType.SEAT_REFUSED}), limit=99)
    assert (len(told), len(refused)) == (licence.seats, 1)
