"""What happened, page by page: the feed that programs read by cursor."""

from __future__ import annotations

from dataclasses import dataclass

from tenure_server.domain.events import EventFilter, EventType, NumberedEvent
from tenure_server.use_cases.ports import Database


@dataclass(frozen=True, slots=True)
class EventPage:
    """``cursor`` is where to go on, now or later: every event up to it that was wanted is in this page or before it.
    ``has_more``: there are further ones already."""

    events: tuple[NumberedEvent, ...]
    cursor: int
    has_more: bool


@dataclass(frozen=True, slots=True)
class ReadEvents:
    database: Database

    def __call__(self, after: int, *, wanted: EventFilter, subject: str | None = None, limit: int) -> EventPage:
        """The events after that number, oldest first, at most ``limit``."""
        types = frozenset(type for type in EventType if wanted.wants(type)) if wanted.words else None
        with self.database.reading() as records:
            found = records.outbox.following(after, types=types, subject=subject, limit=limit + 1)
            newest = records.outbox.newest_number()
        if len(found) > limit:
            return EventPage(found[:limit], found[limit - 1].number, has_more=True)
        return EventPage(found, max(after, newest), has_more=False)

    def newest(self, count: int) -> EventPage:
        """The last events, oldest first."""
        with self.database.reading() as records:
            newest = records.outbox.newest_number()
            return EventPage(records.outbox.following(newest - count, limit=count), newest, has_more=False)
