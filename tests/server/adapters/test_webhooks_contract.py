"""Webhook endpoints and deliveries: in memory, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tenure_server.adapters.database import SqlDatabase
from tenure_server.domain.events import EventFilter, EventType
from tenure_server.domain.webhooks import Attempt, Delivery, DeliveryState, Sent, WebhookEndpoint
from tenure_server.errors import NotFound
from tenure_server.use_cases.ports import Database
from tests.server.adapters.sample_records import NOON

SECOND = timedelta(seconds=1)
ENDPOINT = WebhookEndpoint(
    endpoint_id="whk_a",
    url="https://example.com/hook?x=1",
    wanted=EventFilter(("licence", "release.published")),
    description="CRM ✓",
    allows_private=False,
    created_at=NOON,
    cursor=7,
    sealed_secret="sealed",
    sealed_previous="older",
    previous_until=NOON + SECOND,
    failing_since=NOON,
    disabled_at=NOON,
    disabled_reason="it answered 410 Gone",
)
OTHER = WebhookEndpoint("whk_b", "https://b.example", EventFilter(), "", True, NOON + SECOND, 0, "sealed")


def delivery(number: int, endpoint: WebhookEndpoint = OTHER, **changes: object) -> Delivery:
    plain = Delivery(
        f"dlv_{endpoint.endpoint_id}_{number}",
        endpoint.endpoint_id,
        number,
        f"evt_{number}",
        EventType.LICENCE_ISSUED,
        DeliveryState.PENDING,
        NOON,
        NOON + number * SECOND,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def add(database: Database, *deliveries: Delivery) -> None:
    with database.writing() as records:
        records.webhooks.add(OTHER)
        records.webhooks.add(ENDPOINT)
        records.webhooks.queue(deliveries)


def claim(database: Database, now: datetime, name: str = "a", limit: int = 9, per_endpoint: int = 9) -> list[int]:
    with database.writing() as records:
        until = now + 60 * SECOND
        found = records.webhooks.claim(now, claim=name, until=until, limit=limit, per_endpoint=per_endpoint)
        assert all((one.claim, one.claimed_until) == (name, until) for one in found)
        return [one.event_number for one in found]


def test_endpoints_come_back_as_they_were_kept_oldest_first(database: Database) -> None:
    add(database)
    changed = replace(OTHER, cursor=9, wanted=EventFilter(("rollout",)))
    with database.writing() as records:
        records.webhooks.save(changed)
    with database.reading() as records:
        assert records.webhooks.all() == (ENDPOINT, changed)
        assert records.webhooks.get("whk_a") == ENDPOINT
        assert records.webhooks.get("whk_\0") is None


def test_what_is_not_there_cannot_be_kept(database: Database) -> None:
    with database.writing() as records:
        with pytest.raises(NotFound):
            records.webhooks.save(OTHER)
        records.webhooks.remove("whk_b")
        assert records.webhooks.locked("whk_b") is None


def test_an_event_is_queued_for_an_endpoint_once(database: Database) -> None:
    add(database, delivery(1), delivery(2))
    with database.writing() as records:
        records.webhooks.queue([delivery(2, delivery_id="dlv_again"), delivery(3), delivery(2, ENDPOINT)])
    with database.reading() as records:
        assert records.webhooks.deliveries("whk_b", limit=9) == (delivery(3), delivery(2), delivery(1))
        assert records.webhooks.deliveries("whk_a", limit=9) == (delivery(2, ENDPOINT),)
        assert records.webhooks.delivery("dlv_whk_b_3") == delivery(3)
        assert records.webhooks.delivery("dlv_again") is None


def test_what_is_due_is_claimed_once_until_the_claim_runs_out(database: Database) -> None:
    add(database, delivery(1), delivery(2), delivery(9))
    now = NOON + 2 * SECOND
    assert claim(database, now) == [1, 2]
    assert claim(database, now, "b") == []
    with database.reading() as records:
        assert not records.webhooks.has_due(now)
    assert claim(database, now + 60 * SECOND, "b") == [1, 2, 9]


def test_nothing_is_claimed_for_a_disabled_endpoint(database: Database) -> None:
    add(database, delivery(1, ENDPOINT))
    assert claim(database, NOON + 60 * SECOND) == []
    with database.reading() as records:
        assert not records.webhooks.has_due(NOON + 60 * SECOND)


def test_one_endpoints_deliveries_leave_room_for_the_others(database: Database) -> None:
    third = replace(OTHER, endpoint_id="whk_c")
    add(database, *(delivery(number) for number in range(1, 8)))
    with database.writing() as records:
        records.webhooks.add(third)
        records.webhooks.queue([delivery(8, third)])
    assert claim(database, NOON + 60 * SECOND, limit=3, per_endpoint=2) == [1, 2, 8]


def test_only_who_holds_the_claim_ends_a_delivery(database: Database) -> None:
    add(database, delivery(1))
    claim(database, NOON + SECOND, "a")
    claim(database, NOON + 100 * SECOND, "b")
    done = delivery(1, state=DeliveryState.DELIVERED, attempts=1, status=200, ended_at=NOON)
    with database.writing() as records:
        assert not records.webhooks.finish(done, "a")
        assert records.webhooks.finish(done, "b")
        assert not records.webhooks.finish(done, "b")
    with database.reading() as records:
        assert records.webhooks.delivery(done.delivery_id) == done


def test_the_log_tells_every_attempt(database: Database) -> None:
    add(database, delivery(1))
    attempts = (
        Attempt(NOON, Sent(None, "it took too long", milliseconds=10_000)),
        Attempt(NOON + SECOND, Sent(204, milliseconds=12)),
    )
    with database.writing() as records:
        for one in attempts:
            records.webhooks.log("dlv_whk_b_1", one)
    with database.reading() as records:
        assert records.webhooks.attempts("dlv_whk_b_1") == attempts
        assert records.webhooks.attempts("dlv_whk_b_2") == records.webhooks.attempts("\0") == ()


def test_what_ended_long_ago_is_forgotten_with_its_log_and_an_endpoint_with_everything(database: Database) -> None:
    old = delivery(1, state=DeliveryState.FAILED, ended_at=NOON)
    new = delivery(2, state=DeliveryState.DELIVERED, ended_at=NOON + SECOND)
    add(database, old, new, delivery(3))
    with database.writing() as records:
        for one in (old, new):
            records.webhooks.log(one.delivery_id, Attempt(NOON, Sent(500)))
        assert records.webhooks.forget(NOON + SECOND, limit=9) == 1
        assert records.webhooks.deliveries("whk_b", limit=9) == (delivery(3), new)
        assert records.webhooks.attempts(old.delivery_id) == ()
    with database.writing() as records:
        records.webhooks.remove("whk_b")
    with database.reading() as records:
        assert records.webhooks.all() == (ENDPOINT,)
        assert records.webhooks.deliveries("whk_b", limit=9) == ()


def test_workers_that_claim_at_the_same_time_get_different_deliveries(sql_database: SqlDatabase) -> None:
    add(sql_database, *(delivery(number) for number in range(1, 25)))
    now = NOON + 100 * SECOND

    def work(name: str) -> list[int]:
        found: list[int] = []
        while claimed := claim(sql_database, now, name, limit=3):
            found += claimed
        return found

    with ThreadPoolExecutor(4) as pool:
        found = [number for numbers in pool.map(work, "abcd") for number in numbers]
    # With SKIP LOCKED one that looks while another holds a row may find nothing: the next look finds the rest.
    found += work("e")
    assert sorted(found) == list(range(1, 25))
