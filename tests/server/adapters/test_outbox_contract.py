"""The outbox: in memory, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import pytest

from tenure_server.adapters.database import SqlDatabase
from tenure_server.domain.audit_chain import AuditEvent
from tenure_server.domain.events import Event, EventType
from tenure_server.use_cases.events import new_event_id
from tenure_server.use_cases.ports import Database
from tests.server.adapters.sample_records import CAD, NOON

REVOKED = Event(
    event_id="evt_abc",
    type=EventType.LICENCE_REVOKED,
    at=NOON.replace(microsecond=123_456),
    subject="7k2m",
    data={"reason": "chargeback ✓", "before": None, "seats": [1, 2]},
    product=CAD,
    customer="cus_1",
)


def event(subject: str, type: EventType = EventType.LICENCE_ISSUED) -> Event:
    return Event(new_event_id(), type, NOON, subject)


def append(database: Database, *events: Event) -> None:
    for one in events:
        with database.writing() as records:
            records.outbox.append(one)


def test_events_come_back_as_they_were_appended_oldest_first(database: Database) -> None:
    later = event("7k2m")
    append(database, REVOKED, later)
    with database.reading() as records:
        assert [(one.number, one.event) for one in records.outbox.following(0, limit=9)] == [(1, REVOKED), (2, later)]
        assert records.outbox.newest_number() == 2


def test_an_empty_outbox_ends_at_nought(database: Database) -> None:
    with database.reading() as records:
        assert records.outbox.newest_number() == 0
        assert records.outbox.following(0, limit=9) == ()
        assert records.outbox.get("evt_abc") is None


def test_a_reader_goes_on_after_the_last_number_it_has_seen(database: Database) -> None:
    append(database, *(event(str(number)) for number in range(5)))
    with database.reading() as records:
        page = records.outbox.following(2, limit=2)
        assert [one.number for one in page] == [3, 4]
        assert [one.number for one in records.outbox.following(4, limit=2)] == [5]
        assert records.outbox.following(5, limit=2) == records.outbox.following(0, limit=0) == ()


def test_events_are_found_by_type_subject_and_id(database: Database) -> None:
    append(database, event("a"), REVOKED, event("a", EventType.PERIOD_ADDED))
    with database.reading() as records:
        wanted = frozenset({EventType.LICENCE_REVOKED, EventType.PERIOD_ADDED})
        assert [one.number for one in records.outbox.following(0, types=wanted, limit=9)] == [2, 3]
        assert [one.number for one in records.outbox.following(1, subject="a", limit=9)] == [3]
        found = records.outbox.get("evt_abc")
        assert found is not None
        assert (found.number, found.event) == (2, REVOKED)


@pytest.mark.parametrize("hostile", ["", "\0", "\ud800", "%", "' OR 1=1 --", "x" * 10_000])
def test_hostile_look_ups_find_nothing(database: Database, hostile: str) -> None:
    append(database, REVOKED)
    with database.reading() as records:
        assert records.outbox.get(hostile) is None
        assert records.outbox.following(0, subject=hostile, limit=9) == ()


def test_a_change_that_fails_leaves_no_event(database: Database) -> None:
    with suppress(ZeroDivisionError), database.writing() as records:
        records.outbox.append(REVOKED)
        assert records.outbox.newest_number() == 1
        raise ZeroDivisionError
    with database.reading() as records:
        assert records.outbox.newest_number() == 0


def test_a_transaction_sees_its_own_events(database: Database) -> None:
    with database.writing() as records:
        records.outbox.append(REVOKED)
        assert records.outbox.get("evt_abc") is not None
        records.outbox.append(event("later"))
    with database.reading() as records:
        assert [one.number for one in records.outbox.following(0, limit=9)] == [1, 2]


def test_a_reader_beside_many_writers_misses_no_event(sql_database: SqlDatabase) -> None:
    """Numbers become visible in order: what stands before a number that was read was there when it was read."""
    writers, each = 4, 10
    together = Barrier(writers)

    def write(writer: int) -> None:
        together.wait()
        for number in range(each):
            with sql_database.writing() as records:
                # Half of them reach for the trail first, half for the outbox: nobody waits crosswise.
                records.outbox.append(event(f"{writer}.{number}"))
                records.audit.append(AuditEvent(NOON, "ops", "x.y", "z", {}))
                (records.outbox.newest_number if number % 2 else records.audit.head)()

    seen: list[int] = []
    with ThreadPoolExecutor(writers) as pool:
        running = [pool.submit(write, writer) for writer in range(writers)]
        while len(seen) < writers * each and not any(one.done() and one.exception() for one in running):
            with sql_database.reading() as records:
                seen += [one.number for one in records.outbox.following(seen[-1] if seen else 0, limit=3)]
        for one in running:
            one.result()
    assert seen == list(range(1, writers * each + 1))
