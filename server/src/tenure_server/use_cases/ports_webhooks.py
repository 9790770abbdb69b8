"""What the use cases ask of the world for webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from tenure_server.domain.webhooks import Attempt, Delivery, Sent, WebhookEndpoint


class Webhooks(Protocol):
    """Endpoints, and what is on its way to them."""

    def get(self, endpoint_id: str) -> WebhookEndpoint | None: ...

    def locked(self, endpoint_id: str) -> WebhookEndpoint | None:
        """As ``get``; nobody else can change it until the transaction ends."""
        ...

    def all(self) -> tuple[WebhookEndpoint, ...]:
        """Every endpoint, oldest first."""
        ...

    def add(self, endpoint: WebhookEndpoint) -> None: ...

    def save(self, endpoint: WebhookEndpoint) -> None:
        """Keep the endpoint as it is now. Raises ``NotFound`` (``unknown_webhook``)."""
        ...

    def remove(self, endpoint_id: str) -> None:
        """With its deliveries and their log. Nothing happens if there is none."""
        ...

    def queue(self, deliveries: Sequence[Delivery]) -> None:
        """Keep these; one whose event is on its way to its endpoint already is passed over."""
        ...

    def delivery(self, delivery_id: str) -> Delivery | None: ...

    def deliveries(self, endpoint_id: str, *, limit: int) -> tuple[Delivery, ...]:
        """The endpoint's, those of the newest events first."""
        ...

    def has_due(self, now: datetime) -> bool:
        """Whether ``claim`` might find one."""
        ...

    def claim(
        self, now: datetime, *, claim: str, until: datetime, limit: int, per_endpoint: int
    ) -> tuple[Delivery, ...]:
        """Take pending deliveries that are due, are claimed by nobody, and whose endpoint is not disabled. Whoever asks
        at the same time gets others."""
        ...

    def finish(self, delivery: Delivery, claim: str) -> bool:
        """Keep the delivery as it is after an attempt, and whether that was done: not if somebody else has claimed or
        ended it since."""
        ...

    def restart(self, delivery: Delivery) -> None:
        """Keep the delivery as it is, whoever claimed it."""
        ...

    def log(self, delivery_id: str, attempt: Attempt) -> None: ...

    def attempts(self, delivery_id: str) -> tuple[Attempt, ...]:
        """Oldest first."""
        ...

    def forget(self, before: datetime, *, limit: int) -> int:
        """Remove deliveries that ended before the instant, with their log; how many."""
        ...


class Sealer(Protocol):
    """Keeps secrets in the database unreadable without this installation's own secret."""

    def seal(self, secret: str, about: str) -> str:
        """The secret as it may lie in the database, bound to what it is about."""
        ...

    def open(self, sealed: str, about: str) -> str:
        """Raises ``SealBroken`` for what this installation did not seal, or sealed about something else."""
        ...


class SendWebhook(Protocol):
    """POSTs to an endpoint. Never follows a redirect, and never connects to an address that is not allowed."""

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes, *, allows_private: bool) -> Sent:
        """How it went; raises nothing for what a receiver or the network does."""
        ...
