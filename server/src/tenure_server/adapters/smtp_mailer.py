"""Mail over SMTP (RFC 5321), one connection a mail, encrypted and to the server whose name was set, or not at all.

The certificate of the mail server is verified always: against the system's authorities, or against the file of
authorities that was set. Without encryption nothing goes further than this machine, and no password anywhere.
"""

from __future__ import annotations

import hashlib
import ipaddress
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Literal

from tenure_server.errors import MailRefused, MailUnavailable, SettingsError
from tenure_server.use_cases.ports import Clock
from tenure_server.use_cases.ports_mail import MailMessage

SmtpSecurity = Literal["starttls", "tls", "loopback"]
DEFAULT_PORTS: dict[str, int] = {"starttls": 587, "tls": 465, "loopback": 25}

_MAX_REPLY_CHARACTERS = 200
_MAX_PASSWORD_BYTES = 1_024


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """How the mail server is reached. ``sender``: ``Name <address>`` or an address. ``timeout_seconds`` holds for
    connecting and for each answer. Raises ``SettingsError`` for what could only fail later."""

    host: str
    sender: str
    security: SmtpSecurity = "starttls"
    port: int | None = None  # default: 587 with STARTTLS, 465 with TLS from the first byte, 25 on this machine
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    timeout_seconds: float = 20

    def __post_init__(self) -> None:
        if self.security == "loopback" and not is_loopback(self.host):
            raise SettingsError("TENURE_SMTP_SECURITY=loopback is for a mail server on this machine.")
        if self.security == "loopback" and self.username is not None:
            raise SettingsError("A mail password is sent over TLS only: TENURE_SMTP_SECURITY is starttls or tls.")
        if (self.username is None) != (self.password is None):
            raise SettingsError("A mail user name and its password go together.")
        _ = self.address

    @property
    def address(self) -> Address:
        """The sender."""
        name, addr_spec = parseaddr(self.sender)
        try:
            address = Address(name, addr_spec=addr_spec)
        except (ValueError, IndexError) as error:
            raise SettingsError("TENURE_SMTP_FROM is written Name <name@example.com>.") from error
        if not (address.username and address.domain and self.sender.isprintable()):
            raise SettingsError("TENURE_SMTP_FROM is written Name <name@example.com>.")
        return address


def is_loopback(host: str) -> bool:
    """Whether what is sent to the host stays on this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def password_in(path: Path) -> str:
    """The password that a file holds, without the end of its line. Raises ``SettingsError``, which does not show it."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_PASSWORD_BYTES + 1)
        text = data.decode().removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(f"The file of TENURE_SMTP_PASSWORD_FILE cannot be read: {why}.") from None
    if not text or len(data) > _MAX_PASSWORD_BYTES or not text.isprintable():
        raise SettingsError("The file of TENURE_SMTP_PASSWORD_FILE does not hold one line with a password.")
    return text


class SmtpMailer:
    """Safe to use from several threads: every mail has a connection of its own."""

    def __init__(self, settings: SmtpSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._address = settings.address
        self._tls = _tls_context(settings.ca_file)

    def __repr__(self) -> str:
        return f"SmtpMailer({self._settings.host!r})"

    def message_id(self, key: str) -> str:
        return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{self._address.domain}>"

    def send(self, message: MailMessage) -> None:
        mail = self._mail(message)
        with _told_apart(), self._connected() as connection:
            connection.send_message(mail, from_addr=self._address.addr_spec, to_addrs=[message.to])

    def _mail(self, message: MailMessage) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        try:
            mail["From"] = self._address
            mail["To"] = Address(addr_spec=message.to)
            mail["Subject"] = message.subject
            mail["Date"] = format_datetime(self._clock())
            mail["Message-ID"] = self.message_id(message.key)
            if message.reply_to is not None:
                mail["Reply-To"] = message.reply_to
            for name, value in message.headers.items():
                mail[name] = value
        except (ValueError, IndexError) as error:
            raise MailRefused("The mail's address or headers cannot be written.") from error
        mail.set_content(message.text)
        if message.html is not None:
            mail.add_alternative(message.html, subtype="html")
        return mail

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        settings = self._settings
        port = settings.port or DEFAULT_PORTS[settings.security]
        if settings.security == "tls":
            with smtplib.SMTP_SSL(
                settings.host, port, timeout=settings.timeout_seconds, context=self._tls
            ) as connection:
                self._log_in(connection)
                yield connection
            return
        with smtplib.SMTP(settings.host, port, timeout=settings.timeout_seconds) as connection:
            if settings.security == "starttls":
                connection.starttls(context=self._tls)  # raises unless the server offers it: nothing goes in the clear
            self._log_in(connection)
            yield connection

    def _log_in(self, connection: smtplib.SMTP) -> None:
        if self._settings.username is not None and self._settings.password is not None:
            connection.login(self._settings.username, self._settings.password)


def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file is not None else None)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError("The file of TENURE_SMTP_CA_FILE holds no certificates that can be read.") from error


@contextmanager
def _told_apart() -> Iterator[None]:
    """What may work later, and what never will. A refused login or sender is the operator's to mend, so it may."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code, reply = next(iter(error.recipients.values()))
        raise _refusal("recipient", code, reply) from None
    except smtplib.SMTPDataError as error:
        raise _refusal("mail", error.smtp_code, error.smtp_error) from None
    except smtplib.SMTPAuthenticationError as error:
        raise MailUnavailable(f"The mail server refuses our user name or password ({error.smtp_code}).") from None
    except smtplib.SMTPSenderRefused as error:
        raise MailUnavailable(
            f"The mail server refuses the sender: {_shown(error.smtp_code, error.smtp_error)}."
        ) from None
    except smtplib.SMTPNotSupportedError as error:
        if "SMTPUTF8" in str(error):
            raise MailRefused("The mail server takes no address that is not ASCII.") from None
        raise MailUnavailable("The mail server offers no STARTTLS, or no login that is known here.") from None
    except smtplib.SMTPResponseException as error:
        raise MailUnavailable(f"The mail server answered {_shown(error.smtp_code, error.smtp_error)}.") from None
    except ssl.SSLCertVerificationError as error:
        raise MailUnavailable(f"The mail server's certificate is not believed: {error.verify_message}.") from None
    except (OSError, smtplib.SMTPException) as error:
        raise MailUnavailable(f"The mail server does not answer: {_reason(error)}.") from None


def _refusal(what: str, code: int, reply: bytes | str) -> MailRefused | MailUnavailable:
    shown = _shown(code, reply)
    if 500 <= code < 600:
        return MailRefused(f"The mail server refuses the {what}: {shown}.")
    return MailUnavailable(f"The mail server does not take the {what} now: {shown}.")


def _shown(code: int, reply: bytes | str) -> str:
    """The server's words, on one line and not without end."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    line = " ".join(text.split())[:_MAX_REPLY_CHARACTERS]
    return f"{code} {''.join(c for c in line if c.isprintable())}".rstrip(". ")


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return "it took too long"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "the connection ended"
