"""What the use cases ask of the world for reminders."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Protocol

from tenure_server.domain.reminders import Reminder, ReminderFacts, ReminderState, WordedReminder


class Reminders(Protocol):
    """Mails that were, or are to be, sent about the end of support; and who wants none."""

    def ends_between(self, first: date, last: date) -> Mapping[str, date]:
        """The last paid day of each active licence with an e-mail address, by licence id, where it lies in between."""
        ...

    def known_between(self, first: date, last: date) -> Mapping[tuple[str, date], frozenset[int]]:
        """The steps there are, in whatever state, by licence and last paid day."""
        ...

    def of_licence(self, licence_id: str) -> tuple[Reminder, ...]:
        """Oldest first."""
        ...

    def queue(self, reminder: Reminder) -> bool:
        """Whether there was none of this name; nothing happens if there was."""
        ...

    def queued(self, *, limit: int) -> tuple[Reminder, ...]:
        """What is to be sent, the next one first."""
        ...

    def claim(self, now: datetime, *, claim: str, until: datetime, limit: int) -> tuple[Reminder, ...]:
        """Take queued ones that are due and claimed by nobody. Whoever asks at the same time gets others."""
        ...

    def finish(self, reminder: Reminder, claim: str) -> bool:
        """Keep it as it is after an attempt, and whether that was done: not if somebody else has claimed it since."""
        ...

    def count(self, state: ReminderState) -> int: ...

    def opted_out(self, licence_id: str) -> bool: ...

    def opt_out(self, licence_id: str, at: datetime) -> bool:
        """Whether that is new."""
        ...

    def opt_in(self, licence_id: str) -> bool:
        """Whether that is new."""
        ...


class WordReminder(Protocol):
    """Says the facts in a language, as a mail."""

    def __call__(self, facts: ReminderFacts, language: str) -> WordedReminder: ...
