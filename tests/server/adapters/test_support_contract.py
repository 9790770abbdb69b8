"""Support requests and their threads: in memory, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier

import pytest

from tenure_server.domain.support_messages import MessageKind, SupportMessage
from tenure_server.domain.support_requests import (
    Category,
    Priority,
    QueuePlace,
    RequestChannel,
    RequestContact,
    RequestFilter,
    RequestStatus,
    SupportRequest,
)
from tenure_server.domain.support_terms import SupportTerms, TermsBasis
from tenure_server.errors import Conflict
from tenure_server.use_cases.ports import Database
from tests.server.adapters.sample_records import CAD, CAM, NOON, plain_licence, store

TERMS = SupportTerms(TermsBasis.SUPPORT_PERIOD, 2, date(2027, 1, 1), 8, 4)
FULL = SupportRequest(
    request_id="req_a",
    number="R-1001",
    customer_id="c-7k2m",
    licence_id="7k2m",
    product=CAD,
    contact=RequestContact("Zoë Ürün 🏗", "zoe@anker.example", "+49 30 1234"),
    channel=RequestChannel.TELEPHONE,
    category=Category.BUG_REPORT,
    priority=Priority.URGENT,
    subject="Die Wand verschwindet",
    status=RequestStatus.NEW,
    assignee="mei",
    installed_version="4.2.0",
    opened_at=NOON.replace(microsecond=5),
    opened_on=date(2026, 11, 23),
    terms=TERMS,
    waiting_since=NOON,
    due_at=NOON + timedelta(hours=4),
    first_due_at=NOON + timedelta(hours=4),
)
BARE = replace(
    FULL,
    request_id="req_b",
    number="R-1002",
    licence_id=None,
    product=None,
    contact=RequestContact("Somebody"),
    assignee=None,
    installed_version=None,
    terms=SupportTerms(TermsBasis.NONE),
    due_at=None,
    first_due_at=None,
    opened_at=NOON - timedelta(days=1),
    waiting_since=None,
)
REPLY = SupportMessage(
    "msg_1", "req_a", MessageKind.REPLY, "Line one\nline two 🏗", NOON, "mei", "<r@v.example>", "zoe@anker.example"
)


def put(database: Database, *requests: SupportRequest) -> None:
    with database.writing() as records:
        for request in requests:
            records.support_requests.add(request)


def add(database: Database, *messages: SupportMessage) -> None:
    with database.writing() as records:
        for message in messages:
            records.support_messages.add(message)


def found(database: Database, limit: int = 100, after: QueuePlace | None = None, **wanted: object) -> list[str]:
    with database.reading() as records:
        asked = RequestFilter(**wanted)  # type: ignore[arg-type]
        return [one.request_id for one in records.support_requests.queue(asked, limit=limit, after=after)]


@pytest.fixture
def office(database: Database) -> Database:
    store(database, plain_licence(), plain_licence("9xyz", customer="Other & Söhne"))
    return database


def test_requests_come_back_as_they_were_put_by_id_and_by_number(office: Database) -> None:
    put(office, FULL, BARE)
    with office.reading() as records:
        requests = records.support_requests
        assert requests.get("req_a") == requests.by_number("R-1001") == FULL
        assert requests.get("req_b") == BARE
        assert requests.of_customer("c-7k2m") == (FULL, BARE)
        assert requests.opened_between(NOON - timedelta(days=1), NOON) == (BARE,)
        assert requests.opened_on_days(FULL.opened_on, FULL.opened_on) == (BARE, FULL)
        assert requests.opened_on_days(date.min, FULL.opened_on - timedelta(days=1)) == ()
        assert requests.opened_on_days(date.min, date.max, CAD) == (FULL,)
        for nothing in ("req_c", "\0", "\ud800"):
            assert (requests.get(nothing), requests.by_number(nothing)) == (None, None)
            assert requests.last_seen_version(nothing) is None
            assert requests.of_customer(nothing) == ()


def test_a_changed_request_is_found_by_its_new_words_and_no_more_by_the_old(office: Database) -> None:
    put(office, FULL)
    changed = replace(FULL, subject="Wall vanishes", status=RequestStatus.CLOSED, ended_at=NOON, due_at=None)
    with office.writing() as records:
        assert records.support_requests.locked("req_a") == FULL
        records.support_requests.change(changed)
    with office.reading() as records:
        assert records.support_requests.get("req_a") == changed
    assert found(office, text="vanish") == ["req_a"]
    assert found(office, text="verschwindet") == []


def test_what_is_due_comes_first_and_of_that_priority_incidents(office: Database) -> None:
    normal = replace(FULL, priority=Priority.NORMAL)
    late = replace(normal, request_id="req_late", number="R-1003", due_at=NOON - timedelta(days=1))
    over = replace(BARE, request_id="req_over", number="R-1004", status=RequestStatus.RESOLVED, ended_at=NOON)
    waits = replace(BARE, request_id="req_waits", number="R-1005", status=RequestStatus.WAITING_FOR_CUSTOMER)
    soon = replace(normal, request_id="req_soon", number="R-1006", due_at=NOON)
    put(office, over, BARE, waits, soon, FULL, late)
    order = ["req_a", "req_late", "req_soon", "req_b", "req_waits", "req_over"]
    assert found(office) == order
    assert found(office, after=soon.place) == order[3:]
    assert found(office, 2, FULL.place) == order[1:3]
    assert found(office, 0) == []


def test_a_caller_says_name_address_key_characters_or_the_requests_number(office: Database) -> None:
    put(office, FULL, replace(BARE, customer_id="c-9xyz"))
    for said in ("zoe", "ANKER example", "R-1001", "1001", "xyz123", "ada bhd", "7k2m wand", "30 1234"):
        assert found(office, text=said) == ["req_a"], said
    assert found(office, text="sohne") == ["req_b"]
    assert found(office, text="nobody") == found(office, text="!?") == found(office, text="\0") == []


def test_the_queue_is_filtered_by_status_assignee_category_product_customer_and_licence(office: Database) -> None:
    other = replace(BARE, customer_id="c-9xyz", category=Category.LICENSING, status=RequestStatus.OPEN)
    put(office, FULL, other)
    assert found(office, statuses=(RequestStatus.NEW, RequestStatus.CLOSED)) == ["req_a"]
    assert found(office, assignee="mei") == found(office, product=CAD) == found(office, licence_id="7k2m") == ["req_a"]
    assert found(office, assignee="") == found(office, category=Category.LICENSING) == ["req_b"]
    assert found(office, customer_id="c-9xyz") == ["req_b"]
    assert found(office, product=CAM) == found(office, assignee="\0") == []


def test_a_thread_is_read_in_the_order_in_which_it_was_written(office: Database) -> None:
    put(office, FULL, BARE)
    question = SupportMessage("msg_0", "req_a", MessageKind.CUSTOMER, "Help!", NOON, "Zoë", "<q@anker.example>")
    note = SupportMessage("msg_2", "req_a", MessageKind.NOTE, "known", NOON, "mei")
    add(office, question, REPLY, note)
    with office.reading() as records:
        assert records.support_messages.of_request("req_a") == (question, REPLY, note)
        assert records.support_messages.get("msg_1") == REPLY
        assert records.support_messages.by_mail_id("<q@anker.example>") == question
        assert records.support_messages.of_request("req_b") == records.support_messages.of_request("\0") == ()
        assert records.support_messages.get("\0") is records.support_messages.by_mail_id("\0") is None


def test_a_mail_is_in_one_thread_once(office: Database) -> None:
    put(office, FULL, BARE)
    mail = SupportMessage("msg_0", "req_a", MessageKind.CUSTOMER, "Help!", NOON, "Zoë", "<q@anker.example>")
    add(office, mail)
    with office.writing() as records:
        with pytest.raises(Conflict) as refused:
            records.support_messages.add(replace(mail, message_id="msg_x", request_id="req_b"))
        records.support_messages.add(REPLY)  # the transaction goes on
    assert refused.value.code == "mail_known"
    with office.reading() as records:
        assert records.support_messages.of_request("req_a") == (mail, REPLY)


def test_two_who_hold_a_request_change_it_one_after_the_other(office: Database) -> None:
    put(office, FULL)
    start = Barrier(2)

    def change(_: int) -> None:
        start.wait(10)
        with office.writing() as records:
            request = records.support_requests.locked("req_a")
            assert request is not None
            records.support_requests.change(replace(request, revision=request.revision + 1))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(change, range(2)))
    with office.reading() as records:
        request = records.support_requests.get("req_a")
    assert request is not None
    assert request.revision == 3
