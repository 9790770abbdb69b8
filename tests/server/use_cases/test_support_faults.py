"""Support requests when two act at once, somebody repeats, something is killed, or a licence is taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.domain.licences import Licence
from tenure_server.domain.orders import SaleKind
from tenure_server.domain.support_requests import Category, Priority, RequestFilter, RequestStatus
from tenure_server.domain.support_terms import TermsBasis
from tenure_server.errors import Conflict
from tenure_server.use_cases.once import Once
from tenure_server.use_cases.support_requests import RequestChanges
from tenure_signing.entitlement import LicenceStatus
from tests.server.databases import DATABASES, migrated
from tests.server.use_cases.test_damaged_product import damage
from tests.server.use_cases.test_orders import NEW, Desk
from tests.server.use_cases.test_support_requests import ADA, CALL, opened
from tests.server.use_cases.test_webhooks import killed_at
from tests.server.world import CAM, TODAY, WHO, World


@pytest.fixture(params=DATABASES)
def sql_desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    with migrated(request, tmp_path) as database:
        world = World(tmp_path, database)
        world.add_product()
        yield Desk(world)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    world = World(tmp_path, MemoryDatabase())
    world.add_product()
    return Desk(world)


def at_once(*steps: Callable[[], object]) -> list[object]:
    """What each step gives, or the refusal it meets."""
    start = Barrier(len(steps))

    def run(step: Callable[[], object]) -> object:
        start.wait(10)
        try:
            return step()
        except Conflict as refused:
            return refused.code

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(run, steps))


def bodies(desk: Desk, number: str) -> list[str]:
    return [message.body for message in desk.world.installation.show_request(number).thread]


def test_two_operators_who_reply_at_once_are_both_kept_and_both_mailed(sql_desk: Desk) -> None:
    number = opened(sql_desk).number
    reply = sql_desk.world.installation.reply_to_request
    at_once(lambda: reply(number, "From Mei", who="mei"), lambda: reply(number, "From Ben", who="ben"))
    shown = sql_desk.world.installation.show_request(number)
    assert sorted(bodies(sql_desk, number)) == ["From Ben", "From Mei", CALL.body]
    assert (shown.request.revision, len(shown.mails)) == (3, 2)


def test_of_two_operators_who_saw_the_same_state_only_one_answers(sql_desk: Desk) -> None:
    number = opened(sql_desk).number
    reply = sql_desk.world.installation.reply_to_request
    results = at_once(
        lambda: reply(number, "From Mei", who="mei", revision=1),
        lambda: reply(number, "From Ben", who="ben", revision=1),
    )
    assert results.count("request_changed_meanwhile") == 1
    assert len(bodies(sql_desk, number)) == 2


def test_a_call_that_is_repeated_at_once_opens_one_request(sql_desk: Desk) -> None:
    new = replace(CALL, licence_id=sql_desk.sold(TODAY).licence_id)
    once = Once.of("crm", "call 7", {"call": 7})
    open_request = sql_desk.world.installation.open_request
    first, second = at_once(*[lambda: open_request(new, who=WHO, once=once)] * 2)
    assert first == second
    assert opened(sql_desk).number == "R-1002"


def test_whoever_is_anonymised_while_a_request_is_opened_leaves_no_words_behind(sql_desk: Desk) -> None:
    licence = sql_desk.sold(TODAY)
    new = replace(CALL, licence_id=licence.licence_id)
    installation = sql_desk.world.installation
    at_once(
        lambda: installation.open_request(new, who=WHO),
        lambda: installation.anonymise_customer(licence.customer_id, reason="asked", who=WHO),
    )
    with sql_desk.world.database.reading() as records:
        requests = records.support_requests.of_customer(licence.customer_id)
        threads = [records.support_messages.of_request(one.request_id) for one in requests]
    assert CALL.body not in repr(threads)
    assert CALL.subject not in repr(requests)


def state_of(desk: Desk, licence: Licence) -> object:
    """All that a step on a request writes: requests, threads, mail, audit trail and events."""
    with desk.world.database.reading() as records:
        requests = records.support_requests.of_customer(licence.customer_id)
        return (
            requests,
            [records.support_messages.of_request(one.request_id) for one in requests],
            [records.outgoing_mails.of_subject(one.request_id) for one in requests],
            records.audit.head(),
            records.outbox.newest_number(),
        )


@pytest.mark.parametrize("step", ["open", "reply", "change", "close", "anonymise"])
def test_whatever_statement_a_step_is_killed_at_all_of_it_happens_or_nothing(tmp_path: Path, step: str) -> None:
    request = type("Sqlite", (), {"param": "sqlite"})()
    with migrated(request, tmp_path) as database:
        world = World(tmp_path, database)
        world.add_product()
        desk = Desk(world)
        licence = desk.sold(TODAY)
        asked = opened(desk, licence)
        before, installation = state_of(desk, licence), world.installation
        steps: dict[str, Callable[[], object]] = {
            "open": lambda: opened(desk, licence, category=Category.CONSULTING),
            "reply": lambda: installation.reply_to_request(asked.number, "Yes", who=WHO),
            "change": lambda: installation.change_request(
                asked.number, RequestChanges(priority=Priority.URGENT, category=Category.CONSULTING), who=WHO
            ),
            "close": lambda: installation.close_request(asked.number, who=WHO),
            "anonymise": lambda: installation.anonymise_customer(licence.customer_id, reason="asked", who=WHO),
        }
        statement, was_killed = 0, True
        while was_killed:
            statement, was_killed = statement + 1, True
            with killed_at(statement):
                steps[step]()
                was_killed = False
            assert (state_of(desk, licence) == before) is was_killed, statement
        assert statement > 5


def test_a_request_keeps_its_terms_when_the_order_behind_them_is_refunded(desk: Desk) -> None:
    licence = desk.sold(TODAY, smp_years=1)
    request = opened(desk, licence)
    desk.refund(licence, TODAY + timedelta(days=7))
    shown = desk.world.installation.show_request(request.number)
    assert (shown.request.terms, shown.request.due_at) == (request.terms, request.due_at)
    assert shown.line.glance is not None
    assert shown.line.glance.licence.status is LicenceStatus.REVOKED
    assert opened(desk, licence).terms.basis is TermsBasis.LICENCE_REVOKED


def test_free_support_ends_with_the_refund_of_the_order_that_brought_it(desk: Desk) -> None:
    licence = desk.sold(TODAY, smp_years=None)
    users = replace(
        NEW, kind=SaleKind.USERS, licence_id=licence.licence_id, base_price=None, additional_users=1,
        additional_users_price=NEW.base_price, free_support_until=TODAY + timedelta(days=30),
    )  # fmt: skip
    order = desk.order(users, licence.customer_id)
    assert opened(desk, licence).terms.basis is TermsBasis.NONE
    desk.pay(order)
    assert opened(desk, licence).terms.basis is TermsBasis.QUOTATION
    desk.world.installation.refund_order(order.number, reason="sent back", who=WHO)
    assert opened(desk, licence).terms.basis is TermsBasis.NONE


def test_operators_go_on_with_the_requests_of_a_licence_that_is_suspended(desk: Desk) -> None:
    licence = desk.sold(TODAY)
    request = opened(desk, licence, contact=ADA)
    desk.world.change_status(licence, LicenceStatus.SUSPENDED)
    written = desk.world.installation.reply_to_request(request.number, "Please pay first.", who=WHO)
    assert written.request.status is RequestStatus.WAITING_FOR_CUSTOMER


def test_the_queue_is_shown_whatever_has_become_of_a_product(desk: Desk) -> None:
    desk.world.add_product(CAM)
    request = opened(desk, desk.sold(TODAY, product=CAM))
    desk.world.publish("4.0", TODAY, product=CAM)
    lines = desk.world.installation.list_requests

    def newest() -> list[str]:
        return [str(line.glance.newest if line.glance else None) for line in lines(RequestFilter(), limit=9).entries]

    assert newest() == ["4.0"]
    damage(desk.world)
    fresh = desk.world.reopened().list_requests(RequestFilter(), limit=9).entries
    assert [(line.request, line.glance.newest if line.glance else None) for line in fresh] == [(request, None)]


def test_priority_incidents_of_a_lapsed_licence_do_not_come_before_those_who_pay(desk: Desk) -> None:
    paying = opened(desk, desk.sold(TODAY, smp_years=1))
    lapsed = opened(desk, desk.sold(TODAY, smp_years=None), priority=Priority.URGENT)
    queue = desk.world.installation.list_requests.requests(RequestFilter(), limit=9)
    assert queue == (paying, lapsed)
