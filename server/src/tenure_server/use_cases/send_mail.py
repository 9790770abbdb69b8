"""Mail that changes have left behind is sent. Any number of processes may do this at once.

A mail is claimed, handed to the mail server, and noted as sent. While the mail server is down mail waits. Only a kill
between the mail server's answer and our note of it can send a mail again, under the Message-ID by which doubles are
known.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from tenure_server.domain.events import EventType
from tenure_server.domain.outgoing_mail import MailState, OutgoingMail
from tenure_server.errors import InvalidRequest, MailRefused, MailUnavailable
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.events import announce
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.ports_mail import Mailer, MailMessage

LEASE = timedelta(minutes=30)
BATCH = 20
SENDING = "mail"
"""Who sends it, in the audit trail."""


@dataclass(frozen=True, slots=True)
class SendMail:
    """``mailer`` is None where no mail server is set: then mail waits. ``reply_to`` is where people's answers go; None
    for the sender's address."""

    database: Database
    clock: Clock
    mailer: Mailer | None
    reply_to: str | None

    def __call__(self) -> int:
        """Send what is due; how many were sent. Raises ``MailUnavailable`` when the mail server does not answer."""
        if self.mailer is None:
            return 0
        sent = 0
        while batch := self._claim():
            for position, mail in enumerate(batch):
                try:
                    sent += self._sent(mail, self.mailer)
                except MailUnavailable:
                    for waiting in batch[position:]:
                        self._keep(waiting, waiting.postponed(self.clock()))
                    raise
        return sent

    def _claim(self) -> tuple[OutgoingMail, ...]:
        now, claim = self.clock(), secrets.token_hex(16)
        with self.database.reading() as records:
            if not records.outgoing_mails.is_any_due(now):
                return ()
        with self.database.writing() as records:
            return records.outgoing_mails.claim(now, claim=claim, until=now + LEASE, limit=BATCH)

    def _sent(self, mail: OutgoingMail, mailer: Mailer) -> bool:
        assert mail.worded is not None
        worded = mail.worded
        try:
            mailer.send(
                MailMessage(
                    key=mail.key,
                    to=worded.to,
                    subject=worded.subject,
                    text=worded.text,
                    html=worded.html,
                    reply_to=self.reply_to,
                    headers=dict(worded.headers),
                )
            )
        except (MailRefused, InvalidRequest) as error:  # InvalidRequest: an address that no mail can be written to
            self._keep(mail, mail.ended(MailState.REFUSED, self.clock(), str(error)))
            return False
        self._keep(mail, mail.ended(MailState.SENT, self.clock()))
        return True

    def _keep(self, before: OutgoingMail, after: OutgoingMail) -> None:
        assert before.claim is not None
        now = self.clock()
        with self.database.writing() as records:
            if not records.outgoing_mails.finish(after, before.claim) or after.state is not MailState.REFUSED:
                return
            audited(records, now, SENDING, EventType.MAIL_REFUSED.value, after.subject_id, problem=after.problem)
            announce(records, now, EventType.MAIL_REFUSED, after.subject_id, {"problem": after.problem})
