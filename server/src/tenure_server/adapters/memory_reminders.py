"""Reminders in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from tenure_server.domain.licences import Licence
from tenure_server.domain.reminders import Reminder, ReminderState
from tenure_signing.entitlement import LicenceStatus

Name = tuple[str, date, int]


@dataclass
class MemoryReminders:
    reminders: dict[Name, Reminder]
    opt_outs: dict[str, datetime]
    licences: Callable[[], Iterable[Licence]]

    def ends_between(self, first: date, last: date) -> Mapping[str, date]:
        return {
            licence.licence_id: licence.last_paid_day
            for licence in self.licences()
            if licence.status is LicenceStatus.ACTIVE
            and licence.email is not None
            and licence.last_paid_day is not None
            and first <= licence.last_paid_day <= last
        }

    def known_between(self, first: date, last: date) -> Mapping[tuple[str, date], frozenset[int]]:
        known: dict[tuple[str, date], set[int]] = defaultdict(set)
        for licence_id, ends_on, step in self.reminders:
            if first <= ends_on <= last:
                known[licence_id, ends_on].add(step)
        return {name: frozenset(steps) for name, steps in known.items()}

    def of_licence(self, licence_id: str) -> tuple[Reminder, ...]:
        found = [one for one in self.reminders.values() if one.licence_id == licence_id]
        return tuple(sorted(found, key=lambda one: (one.ends_on, -one.step)))

    def queue(self, reminder: Reminder) -> bool:
        if _name(reminder) in self.reminders:
            return False
        self.reminders[_name(reminder)] = reminder
        return True

    def queued(self, *, limit: int) -> tuple[Reminder, ...]:
        found = [one for one in self.reminders.values() if one.state is ReminderState.QUEUED]
        return tuple(sorted(found, key=lambda one: (one.next_at, one.licence_id))[: max(limit, 0)])

    def claim(self, now: datetime, *, claim: str, until: datetime, limit: int) -> tuple[Reminder, ...]:
        due = [
            one
            for one in self.queued(limit=len(self.reminders))
            if one.next_at <= now and (one.claimed_until is None or one.claimed_until <= now)
        ]
        claimed = [replace(one, claim=claim, claimed_until=until) for one in due[:limit]]
        self.reminders.update({_name(one): one for one in claimed})
        return tuple(claimed)

    def finish(self, reminder: Reminder, claim: str) -> bool:
        known = self.reminders.get(_name(reminder))
        if known is None or known.claim != claim:
            return False
        self.reminders[_name(reminder)] = reminder
        return True

    def count(self, state: ReminderState) -> int:
        return sum(1 for one in self.reminders.values() if one.state is state)

    def opted_out(self, licence_id: str) -> bool:
        return licence_id in self.opt_outs

    def opt_out(self, licence_id: str, at: datetime) -> bool:
        is_new = licence_id not in self.opt_outs
        self.opt_outs.setdefault(licence_id, at)
        return is_new

    def opt_in(self, licence_id: str) -> bool:
        return self.opt_outs.pop(licence_id, None) is not None


def _name(reminder: Reminder) -> Name:
    return reminder.licence_id, reminder.ends_on, reminder.step
