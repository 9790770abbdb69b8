"""``tenure mail``: whether the mail settings work, and mail that a mail server hands over. docs/support.md."""

from __future__ import annotations

import secrets
import sys
from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, context_of
from tenure_server.cli.output import plural, print_error, print_json, print_line
from tenure_server.domain.request_mail import MAX_MAIL_BYTES
from tenure_server.errors import InvalidRequest, TenureError
from tenure_server.use_cases.ports_mail import MailMessage
from tenure_server.use_cases.receive_mail import MailOutcome, TakenMail
from tenure_signing.errors import SigningError

UNREADABLE = 65
"""``EX_DATAERR``: the mail server tells the sender that it was no mail."""

TRY_AGAIN = 75
"""``EX_TEMPFAIL``: the mail server keeps the mail and hands it over again, for days if it must."""

RECEIVER = "mail"
"""Who brings it, in the audit trail."""

commands = typer.Typer(help="Mail to operators and customers.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="mail")


@commands.command("test")
def send_test(
    ctx: typer.Context,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Who gets it.")],
    as_json: AsJson = False,
) -> None:
    """Send one mail now, and say what the mail server thinks of it."""
    installation = context_of(ctx).installation
    mailer, settings = installation.mailer, installation.settings
    if mailer is None:
        raise _no_mail_server()
    message = MailMessage(
        key=f"test {secrets.token_hex(16)}",
        to=address,
        subject="Tenure can send mail",
        text=f"This is the mail that tenure mail test sent for {settings.public_url}.\n",
        headers={"Auto-Submitted": "auto-generated"},
    )
    mailer.send(message)
    if as_json:
        print_json({"to": address, "mail_server": settings.smtp_host, "message_id": mailer.message_id(message.key)})
        return
    print_line(f"{settings.smtp_host} has taken over a mail to {address}.")


@commands.command("send")
def send_waiting(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Send what waits. A running server does so by itself."""
    send = context_of(ctx).installation.send_mail
    if send.mailer is None:
        raise _no_mail_server()
    sent = send()
    if as_json:
        print_json({"sent": sent})
        return
    print_line(f"Sent {plural(sent, 'mail')}.")


@commands.command("receive")
def receive(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Take one mail to support from standard input.

    Mail servers hand mail to programs this way. The exit code is 75 where the mail server should try again later, and
    65 where it is no mail that can be read.
    """
    data = sys.stdin.buffer.read(MAX_MAIL_BYTES + 1)
    try:
        taken = context_of(ctx).installation.receive_mail.raw(data, who=RECEIVER)
    except InvalidRequest as error:
        print_error(str(error), error.hint or "a mail is one message as RFC 5322 has it, with a From line")
        raise typer.Exit(UNREADABLE) from None
    except (TenureError, SigningError, OSError) as error:
        print_error(str(error), "the mail server should hand this mail over again later")
        raise typer.Exit(TRY_AGAIN) from None
    if as_json:
        number = taken.request.number if taken.request is not None else None
        print_json({"outcome": taken.outcome, "number": number})
        return
    print_line(_told(taken))


def _no_mail_server() -> InvalidRequest:
    return InvalidRequest(
        "No mail server is set.", code="no_mail_server", hint="set TENURE_SMTP_HOST and TENURE_SMTP_FROM"
    )


def _told(taken: TakenMail) -> str:
    if taken.request is None:
        return "Ignored: nobody wrote this mail, and it answers none of ours."
    number = taken.request.number
    match taken.outcome:
        case MailOutcome.OPENED:
            return f"Opened request {number}."
        case MailOutcome.ADDED:
            return f"Added to request {number}."
        case MailOutcome.NOTED:
            return f"Noted on request {number}: nobody wrote this mail."
        case _:
            return f"Known already, in request {number}."
