"""Webhook endpoints and deliveries in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tenure_server.domain.webhooks import Attempt, Delivery, DeliveryState, WebhookEndpoint
from tenure_server.errors import NotFound


@dataclass
class MemoryWebhooks:
    endpoints: dict[str, WebhookEndpoint]
    queued: dict[str, Delivery]
    attempted: list[tuple[str, Attempt]]

    def get(self, endpoint_id: str) -> WebhookEndpoint | None:
        return self.endpoints.get(endpoint_id)

    def locked(self, endpoint_id: str) -> WebhookEndpoint | None:
        return self.endpoints.get(endpoint_id)

    def all(self) -> tuple[WebhookEndpoint, ...]:
        return tuple(sorted(self.endpoints.values(), key=lambda one: (one.created_at, one.endpoint_id)))

    def add(self, endpoint: WebhookEndpoint) -> None:
        self.endpoints[endpoint.endpoint_id] = endpoint

    def save(self, endpoint: WebhookEndpoint) -> None:
        if endpoint.endpoint_id not in self.endpoints:
            raise NotFound("There is no such webhook.", code="unknown_webhook")
        self.endpoints[endpoint.endpoint_id] = endpoint

    def remove(self, endpoint_id: str) -> None:
        self.endpoints.pop(endpoint_id, None)
        self._drop([one.delivery_id for one in self.queued.values() if one.endpoint_id == endpoint_id])

    def queue(self, deliveries: Sequence[Delivery]) -> None:
        known = {(one.endpoint_id, one.event_number) for one in self.queued.values()}
        self.queued.update(
            {one.delivery_id: one for one in deliveries if (one.endpoint_id, one.event_number) not in known}
        )

    def delivery(self, delivery_id: str) -> Delivery | None:
        return self.queued.get(delivery_id)

    def deliveries(self, endpoint_id: str, *, limit: int) -> tuple[Delivery, ...]:
        found = [one for one in self.queued.values() if one.endpoint_id == endpoint_id]
        return tuple(sorted(found, key=lambda one: one.event_number, reverse=True)[: max(limit, 0)])

    def has_due(self, now: datetime) -> bool:
        return bool(self._due(now))

    def claim(
        self, now: datetime, *, claim: str, until: datetime, limit: int, per_endpoint: int
    ) -> tuple[Delivery, ...]:
        claimed: list[Delivery] = []
        of_endpoint: Counter[str] = Counter()
        for one in self._due(now):
            if len(claimed) < limit and of_endpoint[one.endpoint_id] < per_endpoint:
                of_endpoint[one.endpoint_id] += 1
                claimed.append(replace(one, claim=claim, claimed_until=until))
        self.queued.update({one.delivery_id: one for one in claimed})
        return tuple(claimed)

    def finish(self, delivery: Delivery, claim: str) -> bool:
        known = self.queued.get(delivery.delivery_id)
        if known is None or known.claim != claim:
            return False
        self.queued[delivery.delivery_id] = delivery
        return True

    def restart(self, delivery: Delivery) -> None:
        self.queued[delivery.delivery_id] = delivery

    def log(self, delivery_id: str, attempt: Attempt) -> None:
        self.attempted.append((delivery_id, replace(attempt, sent=replace(attempt.sent, retry_after_seconds=None))))

    def attempts(self, delivery_id: str) -> tuple[Attempt, ...]:
        return tuple(attempt for of, attempt in self.attempted if of == delivery_id)

    def forget(self, before: datetime, *, limit: int) -> int:
        old = [id for id, one in self.queued.items() if one.ended_at is not None and one.ended_at < before][:limit]
        self._drop(old)
        return len(old)

    def _due(self, now: datetime) -> list[Delivery]:
        found = [
            one
            for one in self.queued.values()
            if one.state is DeliveryState.PENDING
            and one.next_at <= now
            and (one.claimed_until is None or one.claimed_until <= now)
            and self.endpoints[one.endpoint_id].disabled_at is None
        ]
        return sorted(found, key=lambda one: (one.next_at, one.event_number))

    def _drop(self, ids: Sequence[str]) -> None:
        for id in ids:
            del self.queued[id]
        self.attempted[:] = [(of, attempt) for of, attempt in self.attempted if of not in ids]
