"""Operators get a mail when a webhook endpoint was disabled: once for each time and person. How: ``tell_operators``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from tenure_server.domain.webhooks import WebhookEndpoint, shown_url
from tenure_server.errors import MailRefused, MailUnavailable
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.ports_mail import Mailer, MailMessage
from tenure_server.use_cases.ports_signer import ExpiryNotice
from tenure_server.use_cases.tell_operators import tell_once

_STAGE = "disabled"


@dataclass(frozen=True, slots=True)
class WarnOfWebhooks:
    """``server``: its public address."""

    database: Database
    clock: Clock
    mailer: Mailer | None
    recipients: tuple[str, ...]
    server: str

    def __call__(self) -> int:
        """How many endpoints are disabled, told or not. Raises ``MailUnavailable`` or ``MailRefused`` once everybody
        was tried; what was not sent is sent the next time, unless it was refused for good."""
        if self.mailer is None or not self.recipients:
            return 0
        with self.database.reading() as records:
            disabled = [one for one in records.webhooks.all() if one.disabled_at is not None]
        problems = [problem for each in self.recipients if disabled and (problem := self._tell(each, disabled))]
        for problem in problems:
            raise problem
        return len(disabled)

    def _tell(self, recipient: str, disabled: Sequence[WebhookEndpoint]) -> MailUnavailable | MailRefused | None:
        assert self.mailer is not None
        wanted = {
            ExpiryNotice(f"webhook {one.endpoint_id}", one.disabled_at, _STAGE, recipient): one
            for one in disabled
            if one.disabled_at is not None
        }
        return tell_once(self.database, self.clock, self.mailer, wanted, lambda told: self._mail(recipient, told))

    def _mail(self, recipient: str, told: Sequence[WebhookEndpoint]) -> MailMessage:
        key = "\n".join(f"{one.endpoint_id} {one.disabled_at}" for one in told)
        many = "a webhook was" if len(told) == 1 else f"{len(told)} webhooks were"
        text = (
            f"{self.server} sends no more events there:\n\n"
            + "\n".join(map(_lines, told))
            + "\n\nNothing is lost: tenure webhook enable sends what was missed. tenure webhook log shows each attempt,"
            "\ntenure webhook test sends a message now. Nobody is told twice of the same.\n"
        )
        return MailMessage(
            key=f"webhook {recipient} {hashlib.sha256(key.encode()).hexdigest()}",
            to=recipient,
            subject=f"Tenure: {many} disabled",
            text=text,
            headers={"Auto-Submitted": "auto-generated"},
        )


def _lines(one: WebhookEndpoint) -> str:
    purpose = f" ({one.description})" if one.description else ""
    when = f"{one.disabled_at:%Y-%m-%d %H:%M} UTC"
    return f"* {one.endpoint_id}{purpose}, {shown_url(one.url)}\n  {when}: {one.disabled_reason}"
