"""Seats: which machines use a licence, and whether one more may. docs/seats.md."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

MAX_NAME_CHARACTERS = 80

REFUSALS_TOLD_EVERY = timedelta(hours=1)
"""Per licence: whoever tries in a loop must not fill the audit trail."""


class SeatLimit(StrEnum):
    """What happens to a machine for which there is no seat left."""

    REFUSE = "refuse"
    WARN = "warn"  # it is activated, and everybody is told that it is one too many


@dataclass(frozen=True, slots=True)
class SeatRules:
    """``expiry``: without contact for longer than that a machine loses its seat; None: never.

    Raises ``ValueError`` for an expiry that is not positive.
    """

    limit: SeatLimit = SeatLimit.REFUSE
    expiry: timedelta | None = None

    def __post_init__(self) -> None:
        if self.expiry is not None and self.expiry <= timedelta(0):
            raise ValueError("seats expire after a positive time")


MOST_EXPIRY_DAYS = 3660


@dataclass(frozen=True, slots=True)
class ProductSeatRules:
    """What the vendor set for one product; None: as the settings of the installation say.

    ``expiry_days``: 0 to 3660; 0: seats never expire. Raises ``ValueError`` for any other.
    """

    limit: SeatLimit | None = None
    expiry_days: int | None = None

    def __post_init__(self) -> None:
        if self.expiry_days is not None and not 0 <= self.expiry_days <= MOST_EXPIRY_DAYS:
            raise ValueError(f"seats expire after 1 to {MOST_EXPIRY_DAYS} days, or never")

    def over(self, general: SeatRules) -> SeatRules:
        """The rules that hold for the product."""
        expiry = general.expiry
        if self.expiry_days is not None:
            expiry = timedelta(days=self.expiry_days) if self.expiry_days else None
        return SeatRules(self.limit or general.limit, expiry)


@dataclass(frozen=True, slots=True)
class Seat:
    """A machine that uses the licence. Who it is only the machine itself can tell: ``machine`` is a digest."""

    licence_id: str
    machine: str  # see ``tenure_signing.activation.machine_digest``
    name: str | None  # as its user called it, at most 80 printable characters
    activated_at: datetime
    seen_at: datetime  # when it last asked for its activation

    def valid_until(self, rules: SeatRules) -> datetime | None:
        """The last instant at which the machine holds the seat without asking again; None: for ever."""
        return self.seen_at + rules.expiry if rules.expiry is not None else None

    def is_stale(self, now: datetime, rules: SeatRules) -> bool:
        until = self.valid_until(rules)
        return until is not None and now > until

    def seen(self, now: datetime, name: str | None) -> Seat:
        """After the machine asked again; a name that is not given stays as it was."""
        return replace(self, seen_at=max(self.seen_at, now), name=name if name is not None else self.name)


def split_stale(seats: Iterable[Seat], now: datetime, rules: SeatRules) -> tuple[tuple[Seat, ...], tuple[Seat, ...]]:
    """Those that hold, and those that have expired."""
    held, stale = list[Seat](), list[Seat]()
    for seat in seats:
        (stale if seat.is_stale(now, rules) else held).append(seat)
    return tuple(held), tuple(stale)


class Seating(StrEnum):
    """The answer to a machine that wants a seat."""

    HELD = "held"  # it has one
    FREE = "free"
    OVER_LIMIT = "over_limit"  # none is left, and the vendor only warns
    REFUSED = "refused"  # none is left


def seating(held: Collection[Seat], machine: str, seats: int, limit: SeatLimit) -> Seating:
    """Whether the machine may be activated. ``held``: without those that have expired."""
    if any(seat.machine == machine for seat in held):
        return Seating.HELD
    if len(held) < seats:
        return Seating.FREE
    if limit is SeatLimit.WARN and len(held) < most_machines(seats):
        return Seating.OVER_LIMIT
    return Seating.REFUSED


def most_machines(seats: int) -> int:
    """How many machines a licence can have where the vendor only warns: whoever invents machines is stopped there."""
    return 3 * seats + 20


def is_seat_name(name: str) -> bool:
    """Whether a person can read it on one line of a terminal."""
    return 1 <= len(name) <= MAX_NAME_CHARACTERS and name.isprintable() and name == name.strip()


SHORTEST_MACHINE = 4
"""Of the characters that a machine can be named by; fewer fit too many."""


def seats_named(seats: Iterable[Seat], said: str) -> tuple[Seat, ...]:
    """Those that a person may mean: by the name as it stands, else by how the machine begins."""
    held = tuple(seats)
    by_name = tuple(seat for seat in held if seat.name == said)
    begins = said.lower()
    if by_name or len(begins) < SHORTEST_MACHINE:
        return by_name
    return tuple(seat for seat in held if seat.machine.startswith(begins))
