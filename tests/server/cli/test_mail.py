"""``tenure mail``: an operator tries the mail settings, and a mail server hands mail over."""

from __future__ import annotations

from tests.server.cli.at_the_terminal import Operator
from tests.services.mail_server import running_mail_server


def test_a_mail_goes_out_or_it_is_said_why_not(newcomer: Operator) -> None:
    refused = newcomer.run("mail", "test", "ops@vendor.example")
    assert refused.code == 1
    assert "TENURE_SMTP_HOST" in refused.hint
    with running_mail_server() as server:
        settings: dict[str, str | None] = {
            "TENURE_SMTP_HOST": "127.0.0.1",
            "TENURE_SMTP_PORT": str(server.port),
            "TENURE_SMTP_SECURITY": "loopback",
            "TENURE_SMTP_FROM": "Tenure <tenure@vendor.example>",
        }
        said = newcomer.did("mail", "test", "ops@vendor.example", **settings)
        assert "taken over" in said.out
        (mail,) = server.received
        told = newcomer.did("mail", "test", "ops@vendor.example", "--json", **settings).json
        assert told["message_id"] != mail["Message-ID"]
        server.recipient_reply = "550 5.1.1 nobody of that name"
        assert "nobody of that name" in newcomer.run("mail", "test", "ops@vendor.example", **settings).error
    assert "does not answer" in newcomer.run("mail", "test", "ops@vendor.example", **settings).error


MAIL = (
    "From: Ada Tan <ada@anker.example>\nTo: help@vendor.example\nSubject: It crashes\n"
    "Message-ID: <1@anker.example>\n\nWhen I save.\n"
)


def test_a_mail_server_hands_mail_over_once_or_more(operator: Operator) -> None:
    assert operator.really("mail", "receive", stdin=MAIL).out == "Opened request R-1001.\n"
    assert operator.really("mail", "receive", stdin=MAIL).out == "Known already, in request R-1001.\n"


def test_what_is_no_mail_is_sent_back_and_what_comes_too_early_is_kept_by_the_mail_server(newcomer: Operator) -> None:
    no_mail = newcomer.really("mail", "receive", stdin="hello")
    assert no_mail.code == 65
    assert "from which one address" in no_mail.error
    too_early = newcomer.really("mail", "receive", stdin=MAIL)  # no database yet
    assert (too_early.code, "hand this mail over again" in too_early.hint) == (75, True)


def test_a_conversation_by_mail_stays_in_its_thread(operator: Operator) -> None:
    """Through a real mail server, there and back."""
    with running_mail_server() as server:
        settings: dict[str, str | None] = {
            "TENURE_SMTP_HOST": "127.0.0.1",
            "TENURE_SMTP_PORT": str(server.port),
            "TENURE_SMTP_SECURITY": "loopback",
            "TENURE_SMTP_FROM": "Tenure <tenure@vendor.example>",
            "TENURE_SUPPORT_ADDRESS": "help@vendor.example",
        }
        operator.really("mail", "receive", stdin=MAIL, **settings)
        operator.did("support", "reply", "R-1001", "--message", "Which version?", **settings)
        assert operator.did("mail", "send", **settings).out == "Sent 2 mails.\n"
        assert operator.did("mail", "send", **settings).out == "Sent 0 mails.\n"
        told, reply = sorted(server.received, key=lambda mail: "Auto-Submitted" not in mail)
        assert [mail["Subject"] for mail in server.received] == ["[R-1001] It crashes"] * 2
        assert reply["In-Reply-To"] == "<1@anker.example>"
        assert reply["Reply-To"] == "help@vendor.example"
        text = reply.get_body(("plain",))
        assert text is not None
        assert text.get_content().splitlines()[:3] == ["Which version?", "", "> When I save."]
        answer = (
            f"From: Ada Tan <ada@anker.example>\nSubject: Re: your mail\nMessage-ID: <2@anker.example>\n"
            f"In-Reply-To: {reply['Message-ID']}\n\n4.1\n\nOn Monday you wrote:\n> Which version?\n"
        )
        assert operator.really("mail", "receive", stdin=answer, **settings).out == "Added to request R-1001.\n"
        away = MAIL.replace("<1@", "<3@").replace(
            "Subject", f"Auto-Submitted: auto-replied\nIn-Reply-To: {told['Message-ID']}\nSubject"
        )
        assert operator.really("mail", "receive", stdin=away, **settings).code == 0
    assert operator.did("support", "show", "R-1001", "--json").json["status"] == "open"
