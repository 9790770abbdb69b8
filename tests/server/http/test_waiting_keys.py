"""Keys that have to be asked for across a network are asked for together."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.domain.licence_facts import FoundKey
from tenure_server.errors import DatabaseUnavailable
from tenure_server.http.waiting_keys import MAX_AT_ONCE, WaitingKeys
from tests.server.adapters import sample_records as samples


class Slow(MemoryDatabase):
    """Answers the first read when it is told to, and counts."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()
        self.reads: list[list[str]] = []
        self.is_down = False

    def licence_keys(self, digests: Sequence[str]) -> Mapping[str, FoundKey]:
        self.reads.append(list(digests))
        if len(self.reads) == 1:
            self.go_on.wait(30)
        if self.is_down:
            raise DatabaseUnavailable("gone")
        return super().licence_keys(digests)


async def everything(database: Slow, digests: Sequence[str]) -> list[object]:
    waiting = WaitingKeys(database)
    tasks = [asyncio.create_task(waiting.found(digest)) for digest in digests]
    while not database.reads:
        await asyncio.sleep(0.001)
    database.go_on.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


def test_those_that_come_together_are_read_together_and_each_gets_its_own() -> None:
    database = Slow()
    licence = samples.plain_licence()
    samples.store(database, licence)
    known = licence.keys[0].digest
    digests = [known, *(f"{n:064x}" for n in range(40)), known]
    found = asyncio.run(everything(database, digests))
    version = database.version()
    assert found == [(version, database.licence_key(known)), *[(version, None)] * 40, found[0]]
    assert len(database.reads) == 1
    assert sorted(database.reads[0]) == sorted(set(digests))


def test_no_read_asks_for_more_than_it_may() -> None:
    database = Slow()
    found = asyncio.run(everything(database, [f"{n:064x}" for n in range(MAX_AT_ONCE + 10)]))
    assert len(found) == MAX_AT_ONCE + 10
    assert [len(read) for read in database.reads] == [MAX_AT_ONCE, 10]


def test_a_database_that_does_not_answer_is_told_to_everyone_and_asked_again_by_the_next() -> None:
    database = Slow()
    database.is_down = True
    found = asyncio.run(everything(database, ["a", "b"]))
    assert [type(one) for one in found] == [DatabaseUnavailable, DatabaseUnavailable]
    database.is_down = False
    assert asyncio.run(everything(database, ["a"])) == [(database.version(), None)]


def test_every_event_loop_reads_for_itself() -> None:
    database = Slow()
    database.go_on.set()
    waiting = WaitingKeys(database)
    for _ in range(2):
        assert asyncio.run(waiting.found("a")) == (database.version(), None)
