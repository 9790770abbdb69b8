"""``tenure reminders``: mail that tells customers when support ends. docs/reminders.md."""

from __future__ import annotations

from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, context_of
from tenure_server.cli.output import plural, print_json, print_line, print_table, say
from tenure_server.domain.reminder_words import WORDS
from tenure_server.domain.reminders import EXPIRED
from tenure_server.errors import InvalidRequest
from tenure_server.use_cases.remind import DueReminder

commands = typer.Typer(help="Mail that tells customers when support ends.")

LicenceId = Annotated[str, typer.Argument(metavar="LICENCE", help="The licence's id.")]


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="reminders")


@commands.callback(invoke_without_command=True)
def due(
    ctx: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go out now, and send nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Mail that tells customers when support ends."""
    if ctx.invoked_subcommand is not None:
        return
    if not dry_run:
        raise typer.BadParameter("say --dry-run to see what is due, or send to send it")
    _show(context_of(ctx).installation.remind_customers.due(), as_json)


@commands.command("send")
def send(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Send what is due now. A running server does so by itself."""
    remind = context_of(ctx).installation.remind_customers
    if remind.mailer is None:
        raise InvalidRequest(
            "There is no mail server.", code="no_mail_server", hint="set TENURE_SMTP_HOST and TENURE_SMTP_FROM"
        )
    sent = remind()
    if as_json:
        print_json({"sent": sent})
        return
    print_line(f"Sent {plural(sent, 'reminder')}.")


@commands.command("show")
def show(
    ctx: typer.Context,
    licence_id: LicenceId,
    language: Annotated[
        str | None, typer.Option("--language", help=f"One of {', '.join(WORDS)}; default: the customer's.")
    ] = None,
    html: Annotated[bool, typer.Option("--html", help="Print the HTML part.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the reminder that this licence's customer would get today."""
    worded = context_of(ctx).installation.remind_customers.worded(licence_id, language)
    if as_json:
        print_json({"subject": worded.subject, "text": worded.text, "html": worded.html})
    elif html:
        print_line(worded.html)
    else:
        say(f"Subject: {worded.subject}")
        print_line(worded.text)


@commands.command("stop")
def stop(ctx: typer.Context, licence_id: LicenceId, as_json: AsJson = False) -> None:
    """Send no more reminders for this licence."""
    context = context_of(ctx)
    is_new = context.installation.reminder_choice.opt_out(licence_id, who=context.who)
    if as_json:
        print_json({"licence_id": licence_id, "reminders": False, "is_new": is_new})
        return
    print_line(f"No more reminders go out for {licence_id}.")


@commands.command("resume")
def resume(ctx: typer.Context, licence_id: LicenceId, as_json: AsJson = False) -> None:
    """Send reminders for this licence again."""
    context = context_of(ctx)
    is_new = context.installation.reminder_choice.opt_in(licence_id, who=context.who)
    if as_json:
        print_json({"licence_id": licence_id, "reminders": True, "is_new": is_new})
        return
    print_line(f"Reminders go out for {licence_id} again.")


def _show(due: tuple[DueReminder, ...], as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {
                    "licence_id": one.licence.licence_id,
                    "customer": one.licence.customer,
                    "email": one.licence.email,
                    "ends_on": one.reminder.ends_on.isoformat(),
                    "days_before": one.reminder.step if one.reminder.step != EXPIRED else None,
                    "language": one.language,
                    "attempts": one.reminder.attempts,
                }
                for one in due
            ]
        )
        return
    rows = [
        (
            one.licence.licence_id,
            one.licence.customer,
            one.licence.email,
            one.reminder.ends_on,
            "support has ended" if one.reminder.step == EXPIRED else plural(one.reminder.step, "day") + " before",
            one.language,
        )
        for one in due
    ]
    columns = ("LICENCE", "CUSTOMER", "TO", "ENDS", "REMINDER", "LANGUAGE")
    print_table(columns, rows, nothing="Nothing is due.")
