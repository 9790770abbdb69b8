"""A mailer that keeps what it is given: for tests and for looking at mail without sending it."""

from __future__ import annotations

from tenure_server.errors import MailError
from tenure_server.use_cases.ports_mail import MailMessage


class MemoryMailer:
    """``failing``: what sending raises from now on, instead of keeping the mail."""

    def __init__(self, domain: str = "example.com") -> None:
        self.sent: list[MailMessage] = []
        self.failing: MailError | None = None
        self._domain = domain

    def send(self, message: MailMessage) -> None:
        if self.failing is not None:
            raise self.failing
        self.sent.append(message)

    def message_id(self, key: str) -> str:
        return f"<{key.encode().hex()}@{self._domain}>"
