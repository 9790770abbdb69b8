"""Webhook endpoints and what became of the events for them, as people and programs look at them."""

from __future__ import annotations

from dataclasses import dataclass

from tenure_server.domain.webhooks import Attempt, Delivery, WebhookEndpoint
from tenure_server.errors import NotFound
from tenure_server.use_cases.ports import Database


@dataclass(frozen=True, slots=True)
class ShowWebhooks:
    database: Database

    def all(self) -> tuple[WebhookEndpoint, ...]:
        """Oldest first."""
        with self.database.reading() as records:
            return records.webhooks.all()

    def deliveries(self, endpoint_id: str, *, limit: int) -> tuple[Delivery, ...]:
        """Those of the newest events first. Raises ``NotFound`` (``unknown_webhook``)."""
        with self.database.reading() as records:
            if records.webhooks.get(endpoint_id) is None:
                hint = "tenure webhook list shows them"
                raise NotFound("There is no such webhook.", code="unknown_webhook", hint=hint)
            return records.webhooks.deliveries(endpoint_id, limit=limit)

    def delivery(self, endpoint_id: str, delivery_id: str) -> Delivery:
        """Raises ``NotFound`` (``unknown_delivery``) also for one of another endpoint."""
        with self.database.reading() as records:
            found = records.webhooks.delivery(delivery_id)
        if found is None or found.endpoint_id != endpoint_id:
            hint = "tenure webhook log shows them"
            raise NotFound("There is no such delivery.", code="unknown_delivery", hint=hint)
        return found

    def attempts(self, delivery_id: str) -> tuple[Attempt, ...]:
        """Oldest first."""
        with self.database.reading() as records:
            return records.webhooks.attempts(delivery_id)
