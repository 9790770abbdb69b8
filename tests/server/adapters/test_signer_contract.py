"""What lies between server and signer: in memory, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from tenure_server.domain.signer_life import SignerLife, SignerMode
from tenure_server.use_cases.ports import Database
from tenure_server.use_cases.ports_signer import ExpiryNotice, RequestKind, RequestState
from tests.server.adapters.sample_records import NOON

RELEASE, DRAFT = RequestKind.RELEASE, RequestKind.DRAFT
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def ask(database: Database, body: bytes, who: str = "Ada") -> int:
    with database.writing() as records:
        return records.publication_requests.ask(RELEASE, body, who, NOON)


def test_requests_are_worked_off_in_the_order_of_asking(database: Database) -> None:
    numbers = [ask(database, body) for body in (b"one", b"\xff\0two", b"three")]
    with database.reading() as records:
        waiting = records.publication_requests.waiting()
        assert [(each.number, each.body) for each in waiting] == list(
            zip(numbers, (b"one", b"\xff\0two", b"three"), strict=True)
        )
        assert {(each.kind, each.who, each.asked_at, each.state) for each in waiting} == {
            (RELEASE, "Ada", NOON, RequestState.WAITING)
        }
        assert len(records.publication_requests.waiting(limit=2)) == 2
        assert records.publication_requests.count_waiting() == 3
        assert records.publication_requests.get(10**9) is None


def test_what_is_asked_again_while_it_waits_is_one_request(database: Database) -> None:
    first = ask(database, b"one")
    assert ask(database, b"one") == first
    assert ask(database, b"one", who="Bo") != first
    with database.writing() as records:
        assert records.publication_requests.ask(DRAFT, b"one", "Ada", NOON) != first
        assert records.publication_requests.decide(first, RequestState.REFUSED, {"code": "x"}, NOON)
    assert ask(database, b"one") != first


def test_a_request_is_decided_once_and_its_body_forgotten(database: Database) -> None:
    number = ask(database, b"one")

    def decide(turn: int) -> bool:
        with database.writing() as records:
            return records.publication_requests.decide(number, RequestState.DONE, {"turn": turn}, NOON)

    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(decide, range(4)))
    assert sorted(outcomes) == [False, False, False, True]
    with database.reading() as records:
        request = records.publication_requests.get(number)
        assert request is not None
        assert (request.state, request.answer, request.body) == (
            RequestState.DONE,
            {"turn": outcomes.index(True)},
            b"",
        )
        assert records.publication_requests.waiting() == ()


def test_old_decisions_are_forgotten_and_waiting_requests_never(database: Database) -> None:
    old, waits = ask(database, b"old"), ask(database, b"waits")
    with database.writing() as records:
        records.publication_requests.decide(old, RequestState.DONE, {}, NOON)
        records.publication_requests.forget_decided(NOON)
        assert records.publication_requests.get(old) is not None
        records.publication_requests.forget_decided(NOON + MINUTE)
        assert records.publication_requests.get(old) is None
        assert records.publication_requests.get(waits) is not None


def test_signers_are_known_by_what_they_said_last(database: Database) -> None:
    one = SignerLife("one", SignerMode.EXTERNAL, NOON, NOON, "the token is gone")
    two = SignerLife("two", SignerMode.EMBEDDED, NOON, NOON + MINUTE)
    again = SignerLife("one", SignerMode.EXTERNAL, NOON, NOON + 2 * MINUTE)
    with database.writing() as records:
        for life in (one, two, again):
            records.signer_lives.beat(life)
        assert records.signer_lives.all() == (again, two)
        records.signer_lives.forget(NOON + 2 * MINUTE)
    with database.reading() as records:
        assert records.signer_lives.all() == (again,)


def test_a_notice_is_one_senders_until_it_is_sent_given_back_or_long_unheard_of(database: Database) -> None:
    notice = ExpiryNotice("cad", NOON, "14", "ops@example.com")
    other = ExpiryNotice("cad", NOON, "7", "ops@example.com")

    def claims(minutes: int) -> int:
        at = NOON + minutes * MINUTE
        with database.writing() as records:
            return len(records.expiry_notices.claim((notice, other), at, at - 10 * MINUTE))

    assert claims(0) == 2
    assert claims(1) == 0
    with database.writing() as records:
        records.expiry_notices.release((notice, other))
    assert claims(2) == 2
    assert claims(20) == 2  # whoever claimed them must have died
    with database.writing() as records:
        records.expiry_notices.sent((notice,), NOON)
        records.expiry_notices.release((notice,))
    assert claims(60) == 1
