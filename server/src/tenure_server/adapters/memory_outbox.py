"""The outbox in memory."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from tenure_server.domain.events import Event, EventType, NumberedEvent


@dataclass
class MemoryOutbox:
    events: list[NumberedEvent]

    def append(self, event: Event) -> None:
        self.events.append(NumberedEvent(len(self.events) + 1, event))

    def following(
        self, number: int, *, types: frozenset[EventType] | None = None, subject: str | None = None, limit: int
    ) -> tuple[NumberedEvent, ...]:
        found = (
            one
            for one in self.events[max(number, 0) :]
            if (types is None or one.event.type in types) and subject in (None, one.event.subject)
        )
        return tuple(islice(found, max(limit, 0)))

    def get(self, event_id: str) -> NumberedEvent | None:
        return next((one for one in self.events if one.event.event_id == event_id), None)

    def newest_number(self) -> int:
        return len(self.events)
