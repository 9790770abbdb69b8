"""``tenure seats``: the machines that use licences."""

from __future__ import annotations

from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, context_of
from tenure_server.cli.output import plural, print_json, print_line, print_table, say
from tenure_server.domain.seats import Seat
from tenure_server.use_cases.seats import TakenSeats

commands = typer.Typer(help="Machines that hold seats of licences.", no_args_is_help=True)

LIST_LIMIT = 100  # licences
MACHINE_SHOWN = 12
"""Characters of a machine in a table: enough to tell the machines of one licence apart."""

_Licence = Annotated[
    str, typer.Argument(metavar="LICENCE", help="Its id, or what a caller says: name, e-mail, characters of the key.")
]


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="seats")


@commands.command("list")
def list_seats(
    ctx: typer.Context,
    licence: _Licence,
    limit: Annotated[int, typer.Option("--limit", help="How many licences at most.", min=1, max=10_000)] = LIST_LIMIT,
    as_json: AsJson = False,
) -> None:
    """List the machines of a licence, or of all that a search finds."""
    found = context_of(ctx).installation.find_seats(licence, limit=limit + 1)
    shown = found[:limit]
    if len(found) > limit:
        say(f"the newest {limit} licences; there are more: search for a part of the name, or give --limit")
    if as_json:
        print_json([_json(taken) for taken in shown])
        return
    if not shown:
        print_line("There is no such licence.")
        return
    rows = [_row(taken, seat) for taken in shown for seat in taken.taken]
    columns = ("LICENCE", "CUSTOMER", "TAKEN", "MACHINE", "NAME", "SINCE (UTC)", "LAST SEEN (UTC)", "FREE AFTER (UTC)")
    print_table(columns, rows, nothing=f"No machine holds a seat of {_whose(shown)}.")
    if rows and (unused := sum(not taken.taken for taken in shown)):
        say(f"{plural(unused, 'licence')} more without a machine")


@commands.command("release")
def release(
    ctx: typer.Context,
    licence: _Licence,
    machine: Annotated[str, typer.Argument(metavar="MACHINE", help="Its name, or the first characters of it.")],
    as_json: AsJson = False,
) -> None:
    """Take the seat from a machine, for another one to have.

    The machine notices when it next asks. Where seats never expire, one that never asks goes on.
    """
    context = context_of(ctx)
    installation = context.installation
    seat = installation.find_seats.named(licence, machine)
    released = installation.release_seat(seat.licence_id, seat.machine, who=context.who)
    taken = installation.list_seats(seat.licence_id)
    if as_json:
        print_json({"licence_id": seat.licence_id, "machine": seat.machine, "name": seat.name, "released": released})
        return
    called = f"{seat.machine[:MACHINE_SHOWN]} ({seat.name})" if seat.name else seat.machine[:MACHINE_SHOWN]
    print_line(f"{called} has no seat of {seat.licence_id} any more: {_count(taken)} taken.")


def _whose(shown: tuple[TakenSeats, ...]) -> str:
    if len(shown) == 1:
        licence = shown[0].licence
        return f"{licence.licence_id} ({licence.customer}), which has {plural(licence.seats, 'seat')}"
    return f"these {len(shown)} licences"


def _count(taken: TakenSeats) -> str:
    return f"{len(taken.taken)} of {plural(taken.licence.seats, 'seat')}"


def _row(taken: TakenSeats, seat: Seat) -> tuple[object, ...]:
    licence, until = taken.licence, seat.valid_until(taken.rules)
    return (
        licence.licence_id,
        licence.customer,
        f"{len(taken.taken)} of {licence.seats}",
        seat.machine[:MACHINE_SHOWN],
        seat.name or "",
        f"{seat.activated_at:%Y-%m-%d %H:%M}",
        f"{seat.seen_at:%Y-%m-%d %H:%M}",
        f"{until:%Y-%m-%d %H:%M}" if until is not None else "never",
    )


def _json(taken: TakenSeats) -> dict[str, object]:
    licence = taken.licence
    return {
        "licence_id": licence.licence_id,
        "customer": licence.customer,
        "product": licence.product,
        "seats": licence.seats,
        "taken": len(taken.taken),
        "over_limit": taken.is_over_limit,
        "limit": taken.rules.limit.value,
        "machines": [_seat_json(taken, seat) for seat in taken.taken],
    }


def _seat_json(taken: TakenSeats, seat: Seat) -> dict[str, object]:
    until = seat.valid_until(taken.rules)
    return {
        "machine": seat.machine,
        "name": seat.name,
        "activated_at": seat.activated_at.isoformat(timespec="seconds"),
        "seen_at": seat.seen_at.isoformat(timespec="seconds"),
        "valid_until": until.isoformat(timespec="seconds") if until is not None else None,
    }
