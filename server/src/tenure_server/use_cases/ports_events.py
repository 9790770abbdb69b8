"""What the use cases ask of the outbox: the events that other programs are told."""

from __future__ import annotations

from typing import Protocol

from tenure_server.domain.events import Event, EventType, NumberedEvent


class Outbox(Protocol):
    """Appended to in the transaction of the change, never changed. Events are numbered in the order of their
    transactions' ends: whoever has read up to a number has missed none before it."""

    def append(self, event: Event) -> None: ...

    def following(
        self, number: int, *, types: frozenset[EventType] | None = None, subject: str | None = None, limit: int
    ) -> tuple[NumberedEvent, ...]:
        """The events after that number, oldest first: all, or of these types, or about this subject."""
        ...

    def get(self, event_id: str) -> NumberedEvent | None: ...

    def newest_number(self) -> int:
        """Of the last event; 0 if there is none."""
        ...
