"""``tenure events``: what happened, as other programs are told it."""

from __future__ import annotations

from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, context_of, parsed
from tenure_server.cli.output import print_json, print_table, say
from tenure_server.domain.events import EventFilter, NumberedEvent, event_facts

MAX_EVENTS = 10_000


def register(app: typer.Typer) -> None:
    app.command("events")(events)


def events(
    ctx: typer.Context,
    after: Annotated[
        int | None, typer.Option("--after", min=0, help="Go on behind this number; default: the newest events.")
    ] = None,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", help="Only these, such as licence or licence.revoked; repeat for more."),
    ] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="Only what happened to this.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=MAX_EVENTS, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show what happened, oldest first. GET /v1/events tells programs the same."""
    read = context_of(ctx).installation.read_events
    wanted = EventFilter(tuple(parsed("--type", word, _known_word) for word in types or ()))
    if after is None and subject is None and not wanted.words:
        page = read.newest(limit)
    else:
        page = read(after or 0, wanted=wanted, subject=subject, limit=limit)
    if as_json:
        found = [{"cursor": str(one.number), **event_facts(one.event)} for one in page.events]
        print_json({"events": found, "next_cursor": str(page.cursor), "has_more": page.has_more})
        return
    rows = [_row(one) for one in page.events]
    print_table(("NO.", "WHEN (UTC)", "WHAT", "TO", "DETAILS"), rows, nothing="There is no such event.")
    if page.has_more:
        say(f"There are more: --after {page.cursor}")


def _row(one: NumberedEvent) -> tuple[str, ...]:
    event = one.event
    details = ", ".join(f"{name}: {value}" for name, value in event.data.items() if value is not None)
    return (str(one.number), f"{event.at:%Y-%m-%d %H:%M:%S}", event.type, event.subject, details)


def _known_word(word: str) -> str:
    return EventFilter((word,)).words[0]
