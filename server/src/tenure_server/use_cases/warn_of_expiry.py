"""Operators get a mail when a role is near its expiry: once for each expiry, stage and person, whatever happens.

How: ``tell_operators``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from tenure_server.domain.expiry_watch import EXPIRED, stage_reached
from tenure_server.errors import MailRefused, MailUnavailable
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.ports_mail import Mailer, MailMessage
from tenure_server.use_cases.ports_signer import ExpiryNotice
from tenure_server.use_cases.tell_operators import tell_once
from tenure_server.use_cases.trust_status import RoleLife, trust_status
from tenure_signing.tuf_roles import policy_of


@dataclass(frozen=True, slots=True)
class WarnOfExpiry:
    """``days``: how long before the expiry of a role that people sign they are told. ``server``: its public address."""

    database: Database
    clock: Clock
    mailer: Mailer | None
    recipients: tuple[str, ...]
    days: tuple[int, ...]
    server: str

    def __call__(self) -> int:
        """How many mails went out. Raises ``MailUnavailable`` once everybody was tried; what was not sent is sent the
        next time. A mail that is refused for good is not tried again."""
        if self.mailer is None or not self.recipients:
            return 0
        with self.database.reading() as records:
            repository = read_repository(records)
        due = [(life, stage) for life in trust_status(repository, self.clock()) if (stage := self._stage(life))]
        problems = [problem for each in self.recipients if due and (problem := self._tell(self.mailer, each, due))]
        for problem in problems:
            raise problem
        return len(self.recipients) if due else 0

    def _stage(self, life: RoleLife) -> str | None:
        if life.is_retired:
            return None
        lifetime = policy_of(life.role).lifetime
        return stage_reached(life.expires, self.clock(), lifetime=lifetime, is_online=life.is_online, days=self.days)

    def _tell(
        self, mailer: Mailer, recipient: str, due: Sequence[tuple[RoleLife, str]]
    ) -> MailUnavailable | MailRefused | None:
        wanted = {ExpiryNotice(life.role, life.expires, stage, recipient): (life, stage) for life, stage in due}
        return tell_once(self.database, self.clock, mailer, wanted, lambda told: self._mail(recipient, told))

    def _mail(self, recipient: str, due: Sequence[tuple[RoleLife, str]]) -> MailMessage:
        key = "\n".join(f"{life.role} {life.expires.isoformat()} {stage}" for life, stage in due)
        has_expired = any(stage == EXPIRED for _, stage in due)
        names = ", ".join(life.role for life, _ in due[:3]) + (" and others" if len(due) > 3 else "")
        lines = [_line(life, stage) for life, stage in due]
        text = (
            f"The signed metadata of {self.server} needs somebody.\n\n"
            + "\n".join(lines)
            + "\n\nUntil it is signed anew, installed software goes on working; once it has expired, clients accept no"
            "\nupdate. tenure trust status shows every role. Nobody is told twice of the same day.\n"
        )
        return MailMessage(
            key=f"expiry {recipient} {hashlib.sha256(key.encode()).hexdigest()}",
            to=recipient,
            subject=f"Tenure: {names} {'has EXPIRED' if has_expired else 'will expire soon'}",
            text=text,
            headers={"Auto-Submitted": "auto-generated"},
        )


def _line(life: RoleLife, stage: str) -> str:
    when = "EXPIRED on" if stage == EXPIRED else "expires on"
    what = (
        "is the signer running? tenure status says"
        if life.is_online
        else f"{life.threshold} of its {len(life.keys)} key holders sign: tenure trust draft renew"
    )
    return f"* {life.role} {when} {life.expires:%Y-%m-%d %H:%M} UTC: {what}"
