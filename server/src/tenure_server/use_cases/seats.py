"""Machines take seats of a licence and give them back. docs/seats.md.

Every change locks the licence, so the count at the limit is right however many machines ask at once. Seats that have
expired are taken away when the next one is asked for, and count for nothing until then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tenure_server.domain.events import EventType
from tenure_server.domain.licences import Licence
from tenure_server.domain.seats import (
    REFUSALS_TOLD_EVERY,
    Seat,
    Seating,
    SeatRules,
    is_seat_name,
    seating,
    split_stale,
)
from tenure_server.errors import Conflict, Forbidden, InvalidRequest, NotFound
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.change_licence import licence_of
from tenure_server.use_cases.events import announce_licence
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.signers import ActivationClaims, ActivationSigner
from tenure_signing.activation import parse_machine
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.errors import InvalidName
from tenure_signing.names import ProductName

CUSTOMER = "customer"
"""Who holds the licence key, in the audit trail."""

EXPIRED = "automatic"
"""Who releases a seat for want of contact."""

_REFUSED = "seat.refused"


@dataclass(frozen=True, slots=True)
class TakenSeats:
    """The machines of a licence, oldest first, without those that have expired. ``rules``: of its product."""

    licence: Licence
    taken: tuple[Seat, ...]
    rules: SeatRules

    @property
    def is_over_limit(self) -> bool:
        return len(self.taken) > self.licence.seats


@dataclass(frozen=True, slots=True)
class Activated:
    seat: Seat
    seats: TakenSeats
    statement: str  # signed: the machine shows it to nobody but itself


@dataclass(frozen=True, slots=True)
class ActivateSeat:
    database: Database
    clock: Clock
    rules: SeatRules
    sign_activation: ActivationSigner

    def __call__(
        self, licence_id: str, machine: str, *, name: str | None = None, only_if_held: bool = False
    ) -> Activated:
        """Give the machine a seat, or find it the one it has: asking again changes nothing but when it was seen.

        ``only_if_held``: a machine without a seat is not given one. Raises ``Forbidden`` (``licence_suspended``,
        ``licence_revoked``), ``Conflict`` (``seats_taken``), ``NotFound`` (``not_activated``, ``unknown_licence``),
        ``InvalidRequest`` (``invalid_machine``, ``invalid_seat_name``).
        """
        machine = _machine(machine)
        if name is not None and not is_seat_name(name):
            raise InvalidRequest("A name is a printable line of 1 to 80 characters.", code="invalid_seat_name")
        now = self.clock()
        with self.database.writing() as records:
            licence, held, rules = _held(records, licence_id, now, self.rules)
            _require_active(licence)
            before = next((seat for seat in held if seat.machine == machine), None)
            verdict = seating(held, machine, licence.seats, rules.limit)
            seat = None  # the refusal is raised after the transaction, so that what it wrote is kept
            if before is not None:
                seat = before.seen(now, name)
                records.seats.put(seat)
            elif verdict is Seating.REFUSED and not only_if_held:
                _tell_refusal(records, licence, machine, len(held), now)
            elif not only_if_held:
                seat = Seat(licence_id, machine, name, now, now)
                records.seats.put(seat)
                is_over = verdict is Seating.OVER_LIMIT
                _tell(records, now, CUSTOMER, EventType.SEAT_ACTIVATED, licence, machine, over_limit=is_over)
            taken = records.seats.of_licence(licence_id)
        if seat is None:
            raise _no_seat(licence, only_if_held=only_if_held)
        return Activated(seat, TakenSeats(licence, taken, rules), self._signed(licence, seat, rules, now))

    def _signed(self, licence: Licence, seat: Seat, rules: SeatRules, now: datetime) -> str:
        return self.sign_activation(
            ActivationClaims(
                licence_id=licence.licence_id,
                product=licence.product,
                machine=seat.machine,
                activated_at=seat.activated_at,
                valid_until=seat.valid_until(rules),
                issued_at=max(now, seat.activated_at),  # should the server's clock have gone back
            )
        )


@dataclass(frozen=True, slots=True)
class ReleaseSeat:
    database: Database
    clock: Clock
    rules: SeatRules

    def __call__(self, licence_id: str, machine: str, *, who: str = CUSTOMER) -> bool:
        """Whether the machine held one. Of a suspended licence too. Raises as ``ActivateSeat`` does."""
        machine = _machine(machine)
        now = self.clock()
        with self.database.writing() as records:
            licence, _, _ = _held(records, licence_id, now, self.rules)
            was_held = records.seats.remove(licence_id, machine)
            if was_held:
                _tell(records, now, who, EventType.SEAT_RELEASED, licence, machine)
        return was_held


@dataclass(frozen=True, slots=True)
class ListSeats:
    database: Database
    clock: Clock
    rules: SeatRules

    def __call__(self, licence_id: str) -> TakenSeats:
        """Raises ``NotFound`` (``unknown_licence``)."""
        now = self.clock()
        with self.database.reading() as records:
            return taken_of(records, licence_of(records, licence_id), now, self.rules)


def taken_of(records: Records, licence: Licence, now: datetime, general: SeatRules) -> TakenSeats:
    """As they are now; ``general``: as in ``rules_of``."""
    rules = rules_of(records, licence.product, general)
    held, _ = split_stale(records.seats.of_licence(licence.licence_id), now, rules)
    return TakenSeats(licence, held, rules)


def rules_of(records: Records, product: ProductName, general: SeatRules) -> SeatRules:
    """Those that hold for the product's licences; ``general``: where it has none of its own."""
    return records.seats.product_rules(product).over(general)


def _held(
    records: Records, licence_id: str, now: datetime, general: SeatRules
) -> tuple[Licence, tuple[Seat, ...], SeatRules]:
    """The locked licence, the seats that hold, and its product's rules; seats that have expired are removed."""
    records.seats.lock(licence_id)
    licence = licence_of(records, licence_id)
    rules = rules_of(records, licence.product, general)
    held, stale = split_stale(records.seats.of_licence(licence_id), now, rules)
    for seat in stale:
        records.seats.remove(licence_id, seat.machine)
        seen_at = seat.seen_at.isoformat(timespec="seconds")
        _tell(records, now, EXPIRED, EventType.SEAT_RELEASED, licence, seat.machine, seen_at=seen_at)
    return licence, held, rules


def _require_active(licence: Licence) -> None:
    if licence.status is not LicenceStatus.ACTIVE:
        raise Forbidden(f"This licence is {licence.status}.", code=f"licence_{licence.status}")


def _no_seat(licence: Licence, *, only_if_held: bool) -> Conflict | NotFound:
    if only_if_held:
        return NotFound("This machine holds no seat of the licence.", code="not_activated", hint="activate it again")
    return Conflict(
        f"All seats of this licence are taken ({licence.seats}).",
        code="seats_taken",
        hint="release the seat of a machine that is not used any more, or buy additional users",
    )


def _tell_refusal(records: Records, licence: Licence, machine: str, taken: int, now: datetime) -> None:
    told = records.audit.newest(subject=licence.licence_id, action=_REFUSED, since=now - REFUSALS_TOLD_EVERY, limit=1)
    if not told:
        _tell(records, now, CUSTOMER, EventType.SEAT_REFUSED, licence, machine, taken=taken)


def _tell(
    records: Records, at: datetime, who: str, type: EventType, licence: Licence, machine: str, **facts: object
) -> None:
    """In the audit trail and to other programs. The machine's name is its user's business."""
    audited(records, at, who, type.value, licence.licence_id, machine=machine, seats=licence.seats, **facts)
    announce_licence(records, at, type, licence, machine=machine, seats=licence.seats, by=who, **facts)


def _machine(text: str) -> str:
    try:
        return parse_machine(text)
    except InvalidName as error:
        raise InvalidRequest(f"This is no machine: {error}.", code="invalid_machine") from error
