"""A customer wants no more reminders for a licence, or wants them again."""

from __future__ import annotations

from dataclasses import dataclass

from tenure_server.domain.events import EventType
from tenure_server.domain.licences import Licence
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.change_licence import licence_of
from tenure_server.use_cases.customers import language_of
from tenure_server.use_cases.events import announce_licence
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.reminder_links import ReminderLinks

CUSTOMER = "customer (link in a reminder)"
"""Who opts out by a link, in the audit trail."""


@dataclass(frozen=True, slots=True)
class ReminderChoice:
    database: Database
    clock: Clock
    links: ReminderLinks
    language: str  # of customers whose own is not known

    def opt_out_by(self, token: str) -> None:
        """By the link in a mail. Doing it again changes nothing. Raises ``NotFound`` (``unknown_link``)."""
        self.opt_out(self.links.licence_id_of(token), who=CUSTOMER)

    def licence_by(self, token: str) -> Licence:
        """The licence that the link is about. Raises ``NotFound`` (``unknown_link``, ``unknown_licence``)."""
        licence_id = self.links.licence_id_of(token)
        with self.database.reading() as records:
            return licence_of(records, licence_id)

    def language_by(self, token: str) -> str:
        """In which the customer of the licence is spoken to, as in the mail. Raises as ``licence_by``."""
        licence = self.licence_by(token)
        with self.database.reading() as records:
            return language_of(records.customers.get(licence.customer_id), self.language)

    def opt_out(self, licence_id: str, *, who: str) -> bool:
        """Whether that is new. Raises ``NotFound`` (``unknown_licence``)."""
        now = self.clock()
        with self.database.writing() as records:
            licence = licence_of(records, licence_id)
            if not records.reminders.opt_out(licence_id, now):
                return False
            audited(records, now, who, EventType.REMINDER_OPTED_OUT.value, licence_id)
            announce_licence(records, now, EventType.REMINDER_OPTED_OUT, licence)
        return True

    def opt_in(self, licence_id: str, *, who: str) -> bool:
        """Whether that is new. Raises ``NotFound`` (``unknown_licence``)."""
        now = self.clock()
        with self.database.writing() as records:
            licence = licence_of(records, licence_id)
            if not records.reminders.opt_in(licence_id):
                return False
            audited(records, now, who, EventType.REMINDER_OPTED_IN.value, licence_id)
            announce_licence(records, now, EventType.REMINDER_OPTED_IN, licence)
        return True
