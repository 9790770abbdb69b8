"""Mail that is to go out, in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from tenure_server.domain.outgoing_mail import MailState, OutgoingMail


@dataclass
class MemoryOutgoingMails:
    mails: dict[str, OutgoingMail]

    def queue(self, mail: OutgoingMail) -> bool:
        is_new = mail.key not in self.mails
        self.mails.setdefault(mail.key, mail)
        return is_new

    def get(self, key: str) -> OutgoingMail | None:
        return self.mails.get(key)

    def of_subject(self, subject_id: str) -> tuple[OutgoingMail, ...]:
        found = [mail for mail in self.mails.values() if mail.subject_id == subject_id]
        return tuple(sorted(found, key=lambda mail: (mail.queued_at, mail.key)))

    def forget(self, subject_id: str) -> None:
        for mail in self.of_subject(subject_id):
            del self.mails[mail.key]

    def is_any_due(self, now: datetime) -> bool:
        return any(mail.state is MailState.QUEUED and mail.next_at <= now for mail in self.mails.values())

    def claim(self, now: datetime, *, claim: str, until: datetime, limit: int) -> tuple[OutgoingMail, ...]:
        due = [
            mail
            for mail in sorted(self.mails.values(), key=lambda mail: (mail.next_at, mail.key))
            if mail.state is MailState.QUEUED
            and mail.next_at <= now
            and (mail.claimed_until is None or mail.claimed_until <= now)
        ]
        claimed = [replace(mail, claim=claim, claimed_until=until) for mail in due[:limit]]
        self.mails.update({mail.key: mail for mail in claimed})
        return tuple(claimed)

    def finish(self, mail: OutgoingMail, claim: str) -> bool:
        known = self.mails.get(mail.key)
        if known is None or known.claim != claim:
            return False
        self.mails[mail.key] = mail
        return True

    def count(self, state: MailState) -> int:
        return sum(1 for mail in self.mails.values() if mail.state is state)
