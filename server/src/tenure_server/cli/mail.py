"""``tenure mail test``: whether the mail settings work."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, context_of
from tenure_server.cli.output import print_json, print_line
from tenure_server.errors import InvalidRequest
from tenure_server.use_cases.ports_mail import MailMessage

commands = typer.Typer(help="Mail to operators and customers.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="mail")


@commands.callback()
def _group() -> None:
    """Makes ``test`` a command of a group, although it is the only one."""


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
        raise InvalidRequest(
            "No mail server is set.", code="no_mail_server", hint="set TENURE_SMTP_HOST and TENURE_SMTP_FROM"
        )
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
