"""A mail server for tests: aiosmtpd, which speaks real SMTP with STARTTLS and logins, and keeps what it takes."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

USER, PASSWORD = "tenure", "correct horse battery"


class MailServer:
    """``reply`` is what DATA, and ``recipient_reply`` what RCPT, are answered from now on, instead of being taken."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.logins: list[str] = []
        self.reply: str | None = None
        self.recipient_reply: str | None = None
        self.port = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if self.recipient_reply is not None:
            return self.recipient_reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.reply is not None:
            return self.reply
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.received.append(mail)
        self.recipients += envelope.rcpt_tos
        return "250 taken over"

    def authenticated(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)


@contextmanager
def running_mail_server(
    pem: Path | None = None, *, tls_from_the_start: bool = False, needs_login: bool = False
) -> Iterator[MailServer]:
    """With a certificate it insists on STARTTLS, or speaks TLS from the first byte; without one it knows no TLS."""
    server = MailServer()
    context = None
    if pem is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
    loop = asyncio.new_event_loop()

    def protocol() -> SMTP:
        return SMTP(
            server,
            tls_context=None if tls_from_the_start else context,
            require_starttls=context is not None and not tls_from_the_start,
            authenticator=server.authenticated,
            auth_required=needs_login,
            auth_require_tls=context is not None and not tls_from_the_start,
            hostname="mail.test",
            loop=loop,
        )

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server.port = listening.getsockname()[1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # aiosmtpd warns of logins whose TLS it does not see
            listener = loop.run_until_complete(
                loop.create_server(protocol, sock=listening, ssl=context if tls_from_the_start else None)
            )
            thread = threading.Thread(target=loop.run_forever)
            thread.start()
        try:
            yield server
        finally:
            asyncio.run_coroutine_threadsafe(_ended(listener), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


async def _ended(listener: asyncio.Server) -> None:
    """Nobody is connected and nothing runs any more."""
    listener.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)
