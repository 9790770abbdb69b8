"""``tenure webhook``: where events are sent, and what became of them."""

from __future__ import annotations

from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, context_of
from tenure_server.cli.output import print_facts, print_json, print_line, print_table, say
from tenure_server.domain.webhooks import Delivery, DeliveryState, WebhookEndpoint, shown_url
from tenure_server.use_cases.manage_webhooks import MAX_OVERLAP_HOURS, WebhookWish

NOT_TAKEN = 1

commands = typer.Typer(help="Send events to other programs of yours.", no_args_is_help=True)

WebhookId = Annotated[str, typer.Argument(metavar="WEBHOOK", help="Its id, as tenure webhook list shows it.")]


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="webhook")


@commands.command("add")
def add(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(help="https://host/path of the receiver.")],
    events: Annotated[
        list[str] | None,
        typer.Option("--event", help="Only these, such as licence or licence.revoked; repeat for more. Default: all."),
    ] = None,
    description: Annotated[str, typer.Option("--description", help="What it is for, in your words.")] = "",
    allow_private: Annotated[
        bool,
        typer.Option("--allow-private", help="It lies in your own network, or (http too) on this machine."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send events there from now on. Prints the secret that signs them, this once."""
    context = context_of(ctx)
    wish = WebhookWish(url, tuple(events or ()), description, allow_private)
    made = context.installation.manage_webhooks.add(wish, who=context.who)
    if as_json:
        print_json({**made.endpoint.facts(), "secret": made.secret})
        return
    say(f"Added the webhook {made.endpoint.endpoint_id}: {_wanted(made.endpoint)} to {shown_url(url)}.")
    say("Give the receiver this secret, for a library of Standard Webhooks. It cannot be shown again.")
    print_line(made.secret)


@commands.command("list")
def list_webhooks(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the webhooks, oldest first, with how they do."""
    found = context_of(ctx).installation.show_webhooks.all()
    if as_json:
        print_json([one.facts() for one in found])
        return
    rows = [(one.endpoint_id, shown_url(one.url), _wanted(one), _state(one), one.description) for one in found]
    columns = ("ID", "ADDRESS", "EVENTS", "STATE", "FOR")
    print_table(columns, rows, nothing="There is no webhook yet: tenure webhook add makes one.")


@commands.command("test")
def send_test(ctx: typer.Context, webhook: WebhookId, as_json: AsJson = False) -> int:
    """Send a test message now and say how it went. The exit code is 1 if it was not taken."""
    sent = context_of(ctx).installation.manage_webhooks.test(webhook)
    if as_json:
        facts = {"taken": sent.is_taken, "status": sent.status, "problem": sent.problem}
        print_json({**facts, "milliseconds": sent.milliseconds})
    else:
        how = sent.problem or f"answered {sent.status}"
        print_line(f"{'Taken' if sent.is_taken else 'Not taken'}: {how}, after {sent.milliseconds} ms.")
    return 0 if sent.is_taken else NOT_TAKEN


@commands.command("log")
def log(
    ctx: typer.Context,
    webhook: WebhookId,
    delivery: Annotated[str | None, typer.Option("--delivery", help="Show every attempt of this one.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what became of events: those of the newest first."""
    show = context_of(ctx).installation.show_webhooks
    if delivery is not None:
        _show_attempts(ctx, webhook, delivery, as_json)
        return
    found = show.deliveries(webhook, limit=limit)
    if as_json:
        print_json([_delivery_json(one) for one in found])
        return
    rows = [
        (one.delivery_id, one.event_type, f"{one.first_at:%Y-%m-%d %H:%M}", _delivery_state(one), one.attempts)
        for one in found
    ]
    columns = ("DELIVERY", "EVENT", "SINCE (UTC)", "STATE", "ATTEMPTS")
    print_table(columns, rows, nothing="Nothing was sent there yet.")


@commands.command("redeliver")
def redeliver(
    ctx: typer.Context,
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="Its id, as tenure webhook log shows it.")],
    as_json: AsJson = False,
) -> None:
    """Send an event once more, whether or not it arrived. A running server does so at once."""
    context = context_of(ctx)
    again = context.installation.manage_webhooks.redeliver(delivery, who=context.who)
    if as_json:
        print_json(_delivery_json(again))
        return
    print_line(f"The event {again.event_id} goes to {again.endpoint_id} again.")


@commands.command("rotate-secret")
def rotate_secret(
    ctx: typer.Context,
    webhook: WebhookId,
    overlap_hours: Annotated[
        int,
        typer.Option("--overlap-hours", min=0, max=MAX_OVERLAP_HOURS, help="For so long the old secret signs too."),
    ] = 24,
    as_json: AsJson = False,
) -> None:
    """Make a new secret and print it, this once. After a leak: --overlap-hours 0."""
    context = context_of(ctx)
    made = context.installation.manage_webhooks.rotate_secret(webhook, overlap_hours=overlap_hours, who=context.who)
    if as_json:
        print_json({**made.endpoint.facts(), "secret": made.secret})
        return
    until = made.endpoint.previous_until
    say(f"The old secret signs until {until:%Y-%m-%d %H:%M} UTC." if until else "The old secret signs no more.")
    print_line(made.secret)


@commands.command("enable")
def enable(ctx: typer.Context, webhook: WebhookId, as_json: AsJson = False) -> None:
    """Go on after it was disabled, with what it missed."""
    context = context_of(ctx)
    endpoint = context.installation.manage_webhooks.enable(webhook, who=context.who)
    if as_json:
        print_json(endpoint.facts())
        return
    print_line(f"Events go to {shown_url(endpoint.url)} again.")


@commands.command("remove")
def remove(ctx: typer.Context, webhook: WebhookId, as_json: AsJson = False) -> None:
    """Send nothing there any more, and forget its log."""
    context = context_of(ctx)
    endpoint = context.installation.manage_webhooks.remove(webhook, who=context.who)
    if as_json:
        print_json(endpoint.facts())
        return
    print_line(f"Removed the webhook {endpoint.endpoint_id} to {shown_url(endpoint.url)}.")


def _show_attempts(ctx: typer.Context, webhook: str, delivery_id: str, as_json: bool) -> None:
    show = context_of(ctx).installation.show_webhooks
    delivery, attempts = show.delivery(webhook, delivery_id), show.attempts(delivery_id)
    if as_json:
        told = [
            {
                "at": one.at.isoformat(timespec="seconds"),
                "status": one.sent.status,
                "problem": one.sent.problem,
                "milliseconds": one.sent.milliseconds,
            }
            for one in attempts
        ]
        print_json({**_delivery_json(delivery), "log": told})
        return
    print_facts({"event": f"{delivery.event_id} ({delivery.event_type})", "state": _delivery_state(delivery)})
    rows = [
        (f"{one.at:%Y-%m-%d %H:%M:%S}", one.sent.problem or f"answered {one.sent.status}", one.sent.milliseconds)
        for one in attempts
    ]
    print_table(("WHEN (UTC)", "HOW IT WENT", "MS"), rows, nothing="It was not tried yet.")


def _delivery_json(one: Delivery) -> dict[str, object]:
    is_open = one.state is DeliveryState.PENDING
    return {
        "id": one.delivery_id,
        "webhook": one.endpoint_id,
        "event": one.event_id,
        "type": one.event_type.value,
        "state": one.state.value,
        "attempts": one.attempts,
        "status": one.status,
        "problem": one.problem,
        "next_at": one.next_at.isoformat(timespec="seconds") if is_open else None,
        "ended_at": one.ended_at.isoformat(timespec="seconds") if one.ended_at is not None else None,
    }


def _delivery_state(one: Delivery) -> str:
    match one.state:
        case DeliveryState.PENDING if one.attempts == 0:
            return "to be sent"
        case DeliveryState.PENDING:
            return f"{one.problem}; again at {one.next_at:%H:%M} UTC"
        case DeliveryState.FAILED:
            return f"given up: {one.problem}"
        case DeliveryState.DELIVERED:
            return "arrived"


def _wanted(endpoint: WebhookEndpoint) -> str:
    return ", ".join(endpoint.wanted.words) or "all events"


def _state(endpoint: WebhookEndpoint) -> str:
    if endpoint.disabled_at is not None:
        return f"DISABLED on {endpoint.disabled_at:%Y-%m-%d}: {endpoint.disabled_reason}"
    if endpoint.failing_since is not None:
        return f"failing since {endpoint.failing_since:%Y-%m-%d %H:%M} UTC"
    return "in order"
