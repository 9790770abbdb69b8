"""Customers are reminded that support ends: each reminder once, for as long as it is true. Any number of processes may
run this at once.

A reminder is queued under the name of licence, last paid day and step, of which the database keeps one; claimed; worded
from what is true at that moment; handed to the mail server; and noted as sent. While the mail server is down reminders
wait. A reminder that became untrue meanwhile (renewed, revoked, the next one due) is dropped. Only a kill between the
mail server's answer and our note of it can send a mail again, under the Message-ID by which doubles are known.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from tenure_server.domain.events import EventType
from tenure_server.domain.licences import Licence
from tenure_server.domain.reminder_words import language_spoken
from tenure_server.domain.reminders import (
    TOLD_OF_THE_END_FOR_DAYS,
    Reminder,
    ReminderRules,
    ReminderState,
    WordedReminder,
    due_step,
    is_told_already,
    pause_after,
)
from tenure_server.errors import Conflict, InvalidRequest, MailRefused, MailUnavailable
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.change_licence import licence_of
from tenure_server.use_cases.customers import language_of
from tenure_server.use_cases.events import announce_licence
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.ports_mail import Mailer, MailMessage
from tenure_server.use_cases.ports_reminders import WordReminder
from tenure_server.use_cases.reminder_facts import ReminderFactsOf
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.entitlement import LicenceStatus

LEASE = timedelta(minutes=30)
BATCH = 20
QUEUE_PAGE = 500
REMINDING = "reminders"
"""Who sends them, in the audit trail."""


@dataclass(frozen=True, slots=True)
class DueReminder:
    """A reminder that would go out now, to whom and in which language."""

    reminder: Reminder
    licence: Licence
    language: str


@dataclass(frozen=True, slots=True)
class RemindCustomers:
    """``mailer`` is None where no mail server is set: then nothing is queued, and nothing sent. ``language`` is that of
    customers of whom none is known."""

    database: Database
    clock: Clock
    policy: VendorPolicy
    rules: ReminderRules
    facts_of: ReminderFactsOf
    word: WordReminder
    mailer: Mailer | None
    language: str

    def __call__(self) -> int:
        """Queue what has become due and send what is queued; how many were sent. Raises ``MailUnavailable`` when the
        mail server does not answer: what is left waits."""
        if self.mailer is None:
            return 0
        self.queue()
        return self.send()

    def due(self) -> tuple[DueReminder, ...]:
        """What would go out now: what became due, and what waits for the mail server. Changes nothing."""
        now = self.clock()
        with self.database.reading() as records:
            new = self._new(records, self.policy.day_of(now), now)
            waiting = records.reminders.queued(limit=100_000)
            found = []
            for reminder in (*waiting, *new):
                licence = records.licences.get(reminder.licence_id)
                if licence is not None and self._untruth(records, licence, reminder, now) is None:
                    found.append(DueReminder(reminder, licence, self._language_of(records, licence)))
        return tuple(found)

    def worded(self, licence_id: str, language: str | None = None) -> WordedReminder:
        """What a reminder would say today. Raises ``NotFound`` (``unknown_licence``), ``Conflict``
        (``never_supported``)."""
        with self.database.reading() as records:
            licence = licence_of(records, licence_id)
            return self._worded(records, licence, self.policy.day_of(self.clock()), language)

    def queue(self) -> int:
        """Queue what has become due, page by page; how many are new."""
        now = self.clock()
        today = self.policy.day_of(now)
        with self.database.reading() as records:
            new = tuple(self._new(records, today, now))
        count = 0
        for start in range(0, len(new), QUEUE_PAGE):
            with self.database.writing() as records:
                count += sum(records.reminders.queue(reminder) for reminder in new[start : start + QUEUE_PAGE])
        return count

    def send(self) -> int:
        """Send what is queued and due. Raises ``MailUnavailable``."""
        assert self.mailer is not None
        sent = 0
        while batch := self._claim():
            for position, reminder in enumerate(batch):
                try:
                    sent += self._sent(reminder, self.mailer)
                except MailUnavailable:
                    for waiting in batch[position:]:
                        self._postpone(waiting)
                    raise
        return sent

    def _new(self, records: Records, today: date, now: datetime) -> Iterator[Reminder]:
        if not self.rules.days_before:
            return
        first = today - timedelta(days=TOLD_OF_THE_END_FOR_DAYS)
        last = today + timedelta(days=self.rules.first_days)
        known = records.reminders.known_between(first, last)
        for licence_id, ends_on in sorted(records.reminders.ends_between(first, last).items()):
            step = due_step(ends_on, today, self.rules)
            if step is None or is_told_already(step, known.get((licence_id, ends_on), frozenset())):
                continue
            if not self._is_unwanted(records, licence_id):
                yield Reminder(licence_id, ends_on, step, ReminderState.QUEUED, now, now)

    def _claim(self) -> tuple[Reminder, ...]:
        now, claim = self.clock(), secrets.token_hex(16)
        with self.database.reading() as records:
            if not any(one.next_at <= now for one in records.reminders.queued(limit=1)):
                return ()
        with self.database.writing() as records:
            return records.reminders.claim(now, claim=claim, until=now + LEASE, limit=BATCH)

    def _sent(self, reminder: Reminder, mailer: Mailer) -> bool:
        """Whether it went out. Raises ``MailUnavailable``."""
        now = self.clock()
        with self.database.reading() as records:
            licence = licence_of(records, reminder.licence_id)
            untruth = self._untruth(records, licence, reminder, now)
            worded = self._worded(records, licence, self.policy.day_of(now)) if untruth is None else None
        if worded is None:
            self._end(reminder, licence, ReminderState.DROPPED, now, problem=untruth)
            return False
        try:
            mailer.send(self._mail(reminder, licence, worded))
        except (MailRefused, InvalidRequest) as error:  # InvalidRequest: an address that no mail can be written to
            self._end(
                reminder, licence, ReminderState.REFUSED, now, problem=str(error), told=EventType.REMINDER_REFUSED
            )
            return False
        self._end(reminder, licence, ReminderState.SENT, now, told=EventType.REMINDER_SENT)
        return True

    def _untruth(self, records: Records, licence: Licence, reminder: Reminder, now: datetime) -> str | None:
        """Why the reminder must not go out any more, or None."""
        if licence.status is not LicenceStatus.ACTIVE:
            return f"the licence is {licence.status}"
        if licence.last_paid_day != reminder.ends_on:
            return "support was renewed or changed"
        if licence.email is None:
            return "there is no address"
        if self._is_unwanted(records, licence.licence_id):
            return "the customer wants no reminders"
        step = due_step(reminder.ends_on, self.policy.day_of(now), self.rules)
        return None if step == reminder.step else "a later reminder has taken its place"

    def _is_unwanted(self, records: Records, licence_id: str) -> bool:
        return self.facts_of.allows_opt_out and records.reminders.opted_out(licence_id)

    def _worded(self, records: Records, licence: Licence, today: date, language: str | None = None) -> WordedReminder:
        product = records.products.get(licence.product)
        ends_on = licence.last_paid_day
        if ends_on is None:
            raise Conflict("No support was ever bought for this licence.", code="never_supported")
        assert product is not None
        spoken = language_spoken(language) if language is not None else self._language_of(records, licence)
        return self.word(self.facts_of(licence, product, ends_on, today), spoken)

    def _language_of(self, records: Records, licence: Licence) -> str:
        return language_of(records.customers.get(licence.customer_id), self.language)

    def _mail(self, reminder: Reminder, licence: Licence, worded: WordedReminder) -> MailMessage:
        headers = {"Auto-Submitted": "auto-generated"}
        if self.facts_of.allows_opt_out:
            url = self.facts_of.unsubscribe_url(licence.licence_id)
            headers["List-Unsubscribe"] = f"<{url}>"
            if url.startswith("https://"):  # RFC 8058, 3.1
                headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        assert licence.email is not None
        return MailMessage(
            key=reminder.mail_key,
            to=licence.email,
            subject=worded.subject,
            text=worded.text,
            html=worded.html,
            headers=headers,
        )

    def _end(
        self,
        reminder: Reminder,
        licence: Licence,
        state: ReminderState,
        now: datetime,
        *,
        problem: str | None = None,
        told: EventType | None = None,
    ) -> None:
        assert reminder.claim is not None
        ended = replace(
            reminder,
            state=state,
            attempts=reminder.attempts + (told is not None),
            claim=None,
            claimed_until=None,
            problem=problem,
            ended_at=now,
        )
        with self.database.writing() as records:
            if not records.reminders.finish(ended, reminder.claim) or told is None:
                return
            facts = {"ends_on": reminder.ends_on.isoformat(), "days_before": reminder.step, "problem": problem}
            audited(records, now, REMINDING, told.value, licence.licence_id, **facts)
            announce_licence(records, now, told, licence, **facts)

    def _postpone(self, reminder: Reminder) -> None:
        assert reminder.claim is not None
        attempts = reminder.attempts + 1
        next_at = self.clock() + pause_after(attempts)
        waiting = replace(reminder, attempts=attempts, next_at=next_at, claim=None, claimed_until=None)
        with self.database.writing() as records:
            records.reminders.finish(waiting, reminder.claim)
