"""The machines that hold seats of the licence, as the page shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from tenure_server.domain.seats import Seat
from tenure_server.portal.wording import counted
from tenure_server.use_cases.seats import TakenSeats

_SHOWN_CHARACTERS = 12


@dataclass(frozen=True, slots=True)
class MachineView:
    """``until``: without contact for longer, the seat is free again; None: never."""

    machine: str
    name: str
    short: str
    since: date
    seen: date
    until: date | None


@dataclass(frozen=True, slots=True)
class MachinesView:
    """``tone`` is ``good``, ``soon`` or ``over``, for the colour; the words say it too."""

    headline: str
    detail: str
    tone: str
    machines: tuple[MachineView, ...]


DayOf = Callable[[datetime], date]


def machines_view(taken: TakenSeats, day_of: DayOf) -> MachinesView:
    seats, number = taken.licence.seats, len(taken.taken)
    headline = f"{number:,} of {counted(seats, 'seat')} taken"
    machines = tuple(machine_view(seat, taken, day_of) for seat in taken.taken)
    if number > seats:
        more = counted(number - seats, "machine")
        return MachinesView(headline, f"That is {more} more than the licence has seats for.", "over", machines)
    if number == seats:
        detail = "A new machine can have a seat when another one’s is released, or with additional users."
        return MachinesView(headline, detail, "soon", machines)
    return MachinesView(headline, f"{counted(seats - number, 'more machine')} can have one.", "good", machines)


def machine_view(seat: Seat, taken: TakenSeats, day_of: DayOf) -> MachineView:
    until = seat.valid_until(taken.rules)
    return MachineView(
        machine=seat.machine,
        name=seat.name or "Machine without a name",
        short=seat.machine[:_SHOWN_CHARACTERS],
        since=day_of(seat.activated_at),
        seen=day_of(seat.seen_at),
        until=day_of(until) if until is not None else None,
    )
