"""An operator finds machines by what a caller says of the licence and of the machine."""

from __future__ import annotations

from dataclasses import dataclass

from tenure_server.domain.seats import SHORTEST_MACHINE, Seat, SeatRules, seats_named
from tenure_server.errors import Conflict, NotFound
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.seats import TakenSeats, taken_of

_MANY = 100
"""Licences among which a machine is looked for."""

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class FindSeats:
    database: Database
    clock: Clock
    rules: SeatRules

    def __call__(self, text: str, *, limit: int) -> tuple[TakenSeats, ...]:
        """Of the licences that a search finds, newest first; of the one that has exactly this id, if there is one."""
        now = self.clock()
        with self.database.reading() as records:
            exact = records.licences.get(text)
            found = (exact,) if exact is not None else records.licences.search(text, limit=limit)
            return tuple(taken_of(records, licence, now, self.rules) for licence in found)

    def named(self, text: str, machine: str) -> Seat:
        """The one seat that somebody means, by a licence's id or what a search finds, and by a machine's name or how
        it begins. Raises ``NotFound`` (``unknown_licence``, ``unknown_machine``), ``Conflict``
        (``several_licences``, ``several_machines``)."""
        found = self(text, limit=_MANY)
        if not found:
            raise NotFound("There is no such licence.", code="unknown_licence", hint="tenure licence list finds it")
        seats = tuple(seat for taken in found for seat in seats_named(taken.taken, machine))
        if not seats:
            raise NotFound(
                "No machine of that name, or that begins so, holds a seat of the licence.",
                code="unknown_machine",
                hint=f"tenure seats list shows them; {SHORTEST_MACHINE} characters or more name a machine",
            )
        licences = sorted({seat.licence_id for seat in seats})
        if len(licences) > 1:
            raise Conflict(
                f"Machines of {len(licences)} licences fit.",
                code="several_licences",
                hint=f"name one of the licences: {', '.join(licences[:_SHOWN])}",
            )
        if len(seats) > 1:
            raise Conflict(
                f"{len(seats)} machines of the licence fit.",
                code="several_machines",
                hint="name it by more of its characters, as tenure seats list shows them",
            )
        return seats[0]
