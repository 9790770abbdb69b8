"""Events on their way to webhook endpoints. Any number of processes may run this at once.

An event reaches an endpoint in four steps, each a transaction or a request of its own, so that a kill between any two
loses nothing: it is queued for each endpoint that wants it, in the transaction that moves the endpoint's cursor;
claimed for a while by one worker; sent; and what came of it is written down. A worker that dies after sending has told
nobody, so the event is sent again when its claim has run out: at least once, with the same ``webhook-id``.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tenure_server.domain.events import EventType, NumberedEvent, event_facts
from tenure_server.domain.webhooks import (
    Attempt,
    Delivery,
    DeliveryState,
    Sent,
    WebhookEndpoint,
    after_attempt,
    endpoint_after,
    signed_headers,
)
from tenure_server.errors import SealBroken
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.events import announce, new_event_id
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.ports_webhooks import Sealer, SendWebhook

LEASE = timedelta(minutes=5)
"""How long a claim holds: much longer than sending a batch can take."""

BATCH = 16
PER_ENDPOINT = 4
THREADS = 8
QUEUE_PAGE = 200
KEPT_DAYS = 30
"""How long a delivery that ended, and its log, can be looked at and sent again."""

DELIVERING = "webhook worker"
"""Who disables an endpoint, in the audit trail."""


@dataclass(frozen=True, slots=True)
class DeliverWebhooks:
    database: Database
    clock: Clock
    sealer: Sealer
    send: SendWebhook
    jitter: Callable[[], float] = field(default_factory=lambda: secrets.SystemRandom().random)

    def __call__(self) -> int:
        """Send everything that is due now; how many attempts were made. Raises ``DatabaseUnavailable``."""
        if not self._has_work():
            return 0
        self._queue()
        attempts = 0
        with ThreadPoolExecutor(THREADS, thread_name_prefix="webhooks") as pool:
            while batch := self._claim():
                for _ in pool.map(self._deliver, batch):
                    attempts += 1
        return attempts

    def forget_old(self) -> int:
        """Remove the log of what ended long ago; how many deliveries."""
        with self.database.writing() as records:
            return records.webhooks.forget(self.clock() - timedelta(days=KEPT_DAYS), limit=1000)

    def _has_work(self) -> bool:
        with self.database.reading() as records:
            newest = records.outbox.newest_number()
            behind = any(one.cursor < newest and one.disabled_at is None for one in records.webhooks.all())
            return behind or records.webhooks.has_due(self.clock())

    def _queue(self) -> None:
        with self.database.reading() as records:
            endpoints = records.webhooks.all()
        for endpoint in endpoints:
            while endpoint.disabled_at is None and self._queue_page(endpoint.endpoint_id):
                pass

    def _queue_page(self, endpoint_id: str) -> bool:
        """Queue the next events for the endpoint; whether there may be more."""
        with self.database.writing() as records:
            endpoint = records.webhooks.locked(endpoint_id)
            if endpoint is None or endpoint.disabled_at is not None:
                return False
            events = records.outbox.following(endpoint.cursor, limit=QUEUE_PAGE)
            if not events:
                return False
            now = self.clock()
            wanted = [one for one in events if endpoint.wanted.wants(one.event.type) and _is_others(one, endpoint)]
            records.webhooks.queue([_delivery(endpoint, one, now) for one in wanted])
            records.webhooks.save(replace(endpoint, cursor=events[-1].number))
            return len(events) == QUEUE_PAGE

    def _claim(self) -> Sequence[tuple[Delivery, WebhookEndpoint, NumberedEvent | None]]:
        now, claim = self.clock(), secrets.token_hex(16)
        with self.database.writing() as records:
            claimed = records.webhooks.claim(
                now, claim=claim, until=now + LEASE, limit=BATCH, per_endpoint=PER_ENDPOINT
            )
            found = [(one, records.webhooks.get(one.endpoint_id), records.outbox.get(one.event_id)) for one in claimed]
        return [(one, endpoint, event) for one, endpoint, event in found if endpoint is not None]

    def _deliver(self, claimed: tuple[Delivery, WebhookEndpoint, NumberedEvent | None]) -> None:
        delivery, endpoint, event = claimed
        at = self.clock()
        sent = self._sent(endpoint, event, at)
        assert delivery.claim is not None
        with self.database.writing() as records:
            self._write_down(records, delivery, delivery.claim, Attempt(at, sent))

    def _sent(self, endpoint: WebhookEndpoint, event: NumberedEvent | None, at: datetime) -> Sent:
        if event is None:  # of a database that was put together by hand
            return Sent(None, "its event is no longer there")
        try:
            secrets_now = _secrets(endpoint, self.sealer, at)
        except SealBroken:
            return Sent(None, "its secret cannot be read with this server's key")
        body = json.dumps(event_facts(event.event), ensure_ascii=False, separators=(",", ":")).encode()
        headers = signed_headers(secrets_now, event.event.event_id, int(at.timestamp()), body)
        return self.send(endpoint.url, headers, body, allows_private=endpoint.allows_private)

    def _write_down(self, records: Records, delivery: Delivery, claim: str, attempt: Attempt) -> None:
        """The endpoint first: whoever removes one takes the locks in the same order."""
        endpoint = records.webhooks.locked(delivery.endpoint_id)
        if endpoint is None:
            return
        records.webhooks.log(delivery.delivery_id, attempt)
        if not records.webhooks.finish(after_attempt(delivery, attempt, self.jitter()), claim):
            return
        after = endpoint_after(endpoint, attempt)
        if after == endpoint:
            return
        records.webhooks.save(after)
        if after.disabled_at is not None and endpoint.disabled_at is None:
            reason = after.disabled_reason
            audited(records, attempt.at, DELIVERING, "webhook.disabled", endpoint.endpoint_id, reason=reason)
            announce(records, attempt.at, EventType.WEBHOOK_DISABLED, endpoint.endpoint_id, {"reason": reason})


def send_test(endpoint: WebhookEndpoint, sealer: Sealer, send: SendWebhook, now: datetime) -> Sent:
    """A message that says nothing, signed as every other one is."""
    message_id = new_event_id()
    facts: dict[str, object] = {
        "id": message_id,
        "type": "webhook.test",
        "timestamp": now.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "subject": endpoint.endpoint_id,
        "product": None,
        "customer": None,
        "data": {},
    }
    body = json.dumps(facts, separators=(",", ":")).encode()
    headers = signed_headers(_secrets(endpoint, sealer, now), message_id, int(now.timestamp()), body)
    return send(endpoint.url, headers, body, allows_private=endpoint.allows_private)


def _secrets(endpoint: WebhookEndpoint, sealer: Sealer, now: datetime) -> list[str]:
    """Those that sign now, the newest first."""
    sealed = [endpoint.sealed_secret]
    if endpoint.sealed_previous is not None and endpoint.previous_until is not None and now < endpoint.previous_until:
        sealed.append(endpoint.sealed_previous)
    return [sealer.open(one, endpoint.endpoint_id) for one in sealed]


def _is_others(one: NumberedEvent, endpoint: WebhookEndpoint) -> bool:
    """Nobody is told about the own endpoint, once it works again."""
    return one.event.type is not EventType.WEBHOOK_DISABLED or one.event.subject != endpoint.endpoint_id


def _delivery(endpoint: WebhookEndpoint, one: NumberedEvent, now: datetime) -> Delivery:
    return Delivery(
        delivery_id=f"dlv_{base64.b32encode(secrets.token_bytes(10)).decode().lower()}",
        endpoint_id=endpoint.endpoint_id,
        event_number=one.number,
        event_id=one.event.event_id,
        event_type=one.event.type,
        state=DeliveryState.PENDING,
        first_at=now,
        next_at=now,
    )
