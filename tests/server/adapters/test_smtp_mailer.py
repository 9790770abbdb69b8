"""Mail goes out over real SMTP, encrypted and to the right server, or it says why it does not."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tenure_server.adapters.smtp_mailer import SmtpMailer, SmtpSettings, password_in
from tenure_server.errors import InvalidRequest, MailRefused, MailUnavailable, SettingsError
from tenure_server.use_cases.ports_mail import MailMessage
from tests.services.certificates import self_signed
from tests.services.mail_server import PASSWORD, USER, MailServer, running_mail_server
from tests.services.ports import free_port

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HELLO = MailMessage(
    key="reminder 7 of licence 1",
    to="aminah@example.com",
    subject="Sokongan tamat – tinggal 14 hari",
    text="Your support ends on 7 December.\n",
    html="<p>Your support ends on <b>7 December</b>.</p>",
    reply_to="sales@vendor.example",
    headers={"Auto-Submitted": "auto-generated"},
)


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls") / "server.pem", "localhost")


@pytest.fixture(scope="module")
def running(pem: Path) -> Iterator[MailServer]:
    with running_mail_server(pem, needs_login=True) as server:
        yield server


@pytest.fixture
def server(running: MailServer) -> MailServer:
    running.received.clear()
    running.reply = running.recipient_reply = None
    return running


@pytest.fixture
def settings(server: MailServer, pem: Path) -> SmtpSettings:
    return SmtpSettings(
        host="localhost",
        sender="Vendor Ltd <updates@vendor.example>",
        port=server.port,
        username=USER,
        password=PASSWORD,
        ca_file=pem,
        timeout_seconds=5,
    )


def mailer(settings: SmtpSettings) -> SmtpMailer:
    return SmtpMailer(settings, lambda: NOW)


def test_a_mail_arrives_with_both_its_parts_over_starttls_after_a_login(
    server: MailServer, settings: SmtpSettings
) -> None:
    mailer(settings).send(HELLO)
    (mail,) = server.received
    assert mail["From"] == "Vendor Ltd <updates@vendor.example>"
    assert mail["To"] == "aminah@example.com"
    assert mail["Subject"] == HELLO.subject
    assert mail["Reply-To"] == "sales@vendor.example"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == NOW
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == HELLO.text.splitlines()
    assert "<b>7 December</b>" in html.get_content()
    assert USER in server.logins


def test_the_same_mail_sent_again_bears_the_same_message_id(server: MailServer, settings: SmtpSettings) -> None:
    sender = mailer(settings)
    for message in (HELLO, HELLO, replace(HELLO, key="reminder 8")):
        sender.send(message)
    first, again, other = (mail["Message-ID"] for mail in server.received)
    assert first == again == sender.message_id(HELLO.key) != other
    assert first.endswith("@vendor.example>")


def test_tls_from_the_first_byte_works_too(pem: Path, settings: SmtpSettings) -> None:
    with running_mail_server(pem, tls_from_the_start=True) as server:
        mailer(replace(settings, security="tls", port=server.port)).send(replace(HELLO, html=None))
    assert [mail.get_content_type() for mail in server.received] == ["text/plain"]


def test_a_mail_server_on_this_machine_may_be_without_tls() -> None:
    with running_mail_server() as server:
        mailer(
            SmtpSettings(host="127.0.0.1", sender="updates@vendor.example", security="loopback", port=server.port)
        ).send(HELLO)
    assert server.recipients == ["aminah@example.com"]


def test_a_server_that_offers_no_starttls_gets_no_mail(settings: SmtpSettings) -> None:
    with running_mail_server() as plain, pytest.raises(MailUnavailable, match="STARTTLS"):
        mailer(replace(settings, port=plain.port)).send(HELLO)
    assert plain.received == []


def test_a_server_that_nobody_vouches_for_learns_neither_password_nor_mail(
    server: MailServer, settings: SmtpSettings
) -> None:
    before = list(server.logins)
    with pytest.raises(MailUnavailable, match="certificate is not believed"):
        mailer(replace(settings, ca_file=None)).send(HELLO)
    with pytest.raises(MailUnavailable, match="certificate is not believed"):
        mailer(replace(settings, host="127.0.0.1")).send(HELLO)  # vouched for, under another name
    assert (server.logins, server.received) == (before, [])


def test_a_wrong_password_is_said_without_showing_it(settings: SmtpSettings) -> None:
    wrong = replace(settings, password="wrong horse")
    with pytest.raises(MailUnavailable, match="user name or password") as refused:
        mailer(wrong).send(HELLO)
    assert "horse" not in f"{refused.value!r} {wrong!r} {mailer(wrong)!r}"


@pytest.mark.parametrize(
    ("reply", "error"),
    [("550 5.1.1 nobody of that name", MailRefused), ("450 4.2.1 busy, come back", MailUnavailable)],
)
def test_a_refusal_for_good_is_told_from_one_for_now(
    server: MailServer, settings: SmtpSettings, reply: str, error: type[Exception]
) -> None:
    server.recipient_reply = reply
    with pytest.raises(error, match=reply[:3]):
        mailer(settings).send(HELLO)
    server.recipient_reply, server.reply = None, reply
    with pytest.raises(error, match=reply[:3]):
        mailer(settings).send(HELLO)


def test_a_mail_server_that_is_away_is_said(settings: SmtpSettings) -> None:
    with pytest.raises(MailUnavailable, match="does not answer"):
        mailer(replace(settings, port=free_port())).send(HELLO)


def test_a_mail_server_that_says_nothing_is_given_up(settings: SmtpSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(MailUnavailable, match="too long"):
        mailer(replace(settings, host="127.0.0.1", port=silent.getsockname()[1], timeout_seconds=0.3)).send(HELLO)


@pytest.mark.parametrize(
    "changed",
    [
        {"to": "a@example.com\r\nBcc: all@example.com"},
        {"to": "a@example.com, b@example.com"},
        {"to": "nobody"},
        {"subject": "Hello\nBcc: all@example.com"},
        {"headers": {"X-A": "1\r\nBcc: all@example.com"}},
        {"headers": {"Bcc": "all@example.com"}},
        {"reply_to": "a@example.com\nX: y"},
    ],
)
def test_nothing_in_a_mail_can_forge_its_headers_or_add_recipients(changed: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        replace(HELLO, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changed",
    [
        {"security": "loopback", "username": None, "password": None, "host": "mail.example.com"},
        {"security": "loopback"},
        {"password": None},
        {"sender": "nobody"},
        {"sender": "a@b.example\nBcc: c@d.example"},
    ],
)
def test_settings_that_would_send_in_the_clear_or_cannot_work_are_refused(
    settings: SmtpSettings, changed: dict[str, object]
) -> None:
    with pytest.raises(SettingsError):
        replace(settings, **changed)  # type: ignore[arg-type]


def test_the_password_may_lie_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    assert password_in(file) == PASSWORD
    file.write_text("")
    for unusable in (file, tmp_path / "missing"):
        with pytest.raises(SettingsError, match="TENURE_SMTP_PASSWORD_FILE"):
            password_in(unusable)


def test_authorities_that_cannot_be_read_are_said_at_once(settings: SmtpSettings, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="TENURE_SMTP_CA_FILE"):
        mailer(replace(settings, ca_file=tmp_path / "missing.pem"))
