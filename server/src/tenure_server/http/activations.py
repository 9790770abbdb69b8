"""``/v1/activations``: machines take seats of the licence and give them back. docs/http-api.md, Activations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field, PlainValidator, WithJsonSchema
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tenure_server.domain.seats import MAX_NAME_CHARACTERS, Seat, SeatLimit, is_seat_name
from tenure_server.errors import (
    AuthenticationRequired,
    Conflict,
    DatabaseUnavailable,
    Forbidden,
    InvalidRequest,
    NotFound,
)
from tenure_server.http.authentication import Authentication
from tenure_server.http.bodies import BodyModel, read_body
from tenure_server.http.endpoint import Access, Operation
from tenure_server.http.parameters import NoParameters
from tenure_server.http.reading import RequestModel, read
from tenure_server.http.wire import Answer
from tenure_server.use_cases.seats import ActivateSeat, ListSeats, ReleaseSeat, TakenSeats
from tenure_server.use_cases.set_seat_rules import SetSeatRules
from tenure_signing.activation import parse_machine

_MACHINE = "^[0-9a-f]{64}$"


def _name(text: str) -> str:
    if not is_seat_name(text):
        raise ValueError(f"is not a printable line of 1 to {MAX_NAME_CHARACTERS} characters")
    return text


class ActivationBody(BodyModel):
    machine: str = Field(pattern=_MACHINE, description="SHA-256 of the machine's own id, salted with the licence id")
    name: Annotated[str, Field(max_length=MAX_NAME_CHARACTERS), AfterValidator(_name)] | None = Field(
        default=None, description="for the customer, who sees it in the list of machines"
    )
    only_if_held: bool = Field(default=False, description="a machine without a seat gets none: 404 `not_activated`")


Machine = Annotated[
    str,
    PlainValidator(parse_machine),
    WithJsonSchema({"type": "string", "pattern": _MACHINE}),
    Field(description="as it was activated"),
]


class ReleaseRequest(RequestModel):
    machine: Machine


class SeatAnswer(Answer):
    machine: str
    name: str | None
    activated_at: datetime
    seen_at: datetime
    valid_until: datetime | None = Field(description="without contact until then the seat is free again; null: never")

    @classmethod
    def of(cls, seat: Seat, seats: TakenSeats) -> Self:
        return cls(
            machine=seat.machine,
            name=seat.name,
            activated_at=seat.activated_at,
            seen_at=seat.seen_at,
            valid_until=seat.valid_until(seats.rules),
        )


class ActivationsAnswer(Answer):
    licence_id: str
    seats: int = Field(description="that the licence has")
    taken: int
    over_limit: bool = Field(description="whether more are taken than the licence has")
    limit: SeatLimit = Field(description="what happens to one machine more than there are seats")
    activations: list[SeatAnswer] = Field(description="oldest first")

    @classmethod
    def of(cls, found: TakenSeats) -> Self:
        return cls(
            licence_id=found.licence.licence_id,
            seats=found.licence.seats,
            taken=len(found.taken),
            over_limit=found.is_over_limit,
            limit=found.rules.limit,
            activations=[SeatAnswer.of(seat, found) for seat in found.taken],
        )


class ActivationAnswer(Answer):
    activation: SeatAnswer
    seats: int = Field(description="that the licence has")
    taken: int
    over_limit: bool = Field(description="whether more are taken than the licence has: the vendor only warns")
    statement: str = Field(description="signed: with it the machine needs no network. docs/seats.md, The statement")


class ReleasedAnswer(Answer):
    released: bool = Field(description="whether the machine held a seat")


_REFUSALS = (InvalidRequest, AuthenticationRequired, DatabaseUnavailable)

LIST = Operation(
    summary="The machines that hold seats of the licence",
    answer=ActivationsAnswer,
    access=Access.LICENCE,
    refusals=(*_REFUSALS, NotFound),
)
ACTIVATE = Operation(
    summary="Give a machine a seat, or renew the one it has",
    method="POST",
    body=ActivationBody,
    answer=ActivationAnswer,
    access=Access.LICENCE,
    refusals=(*_REFUSALS, Forbidden, NotFound, Conflict),
)
RELEASE = Operation(
    summary="Give a machine's seat back",
    method="DELETE",
    request=ReleaseRequest,
    answer=ReleasedAnswer,
    access=Access.LICENCE,
    refusals=(*_REFUSALS, NotFound),
)


@dataclass(frozen=True, slots=True)
class SeatParts:
    activate: ActivateSeat
    release: ReleaseSeat
    list: ListSeats
    rules: SetSeatRules


@dataclass(frozen=True, slots=True)
class ActivationsEndpoint:
    authentication: Authentication
    seats: SeatParts

    def get(self, request: Request) -> Response:
        licence = self.authentication.licence(request)
        read(request, NoParameters)
        return _answer(ActivationsAnswer.of(self.seats.list(licence.licence_id)))

    async def post(self, request: Request) -> Response:
        licence = await run_in_threadpool(self.authentication.licence, request)
        read(request, NoParameters)
        body = await read_body(request, ActivationBody)
        done = await run_in_threadpool(
            self.seats.activate, licence.licence_id, body.machine, name=body.name, only_if_held=body.only_if_held
        )
        return _answer(
            ActivationAnswer(
                activation=SeatAnswer.of(done.seat, done.seats),
                seats=done.seats.licence.seats,
                taken=len(done.seats.taken),
                over_limit=done.seats.is_over_limit,
                statement=done.statement,
            )
        )

    def delete(self, request: Request) -> Response:
        licence = self.authentication.licence(request)
        asked = read(request, ReleaseRequest)
        return _answer(ReleasedAnswer(released=self.seats.release(licence.licence_id, asked.machine)))


def _answer(answer: BaseModel) -> Response:
    headers = {"Cache-Control": "no-store", "Vary": "Authorization"}
    return Response(answer.model_dump_json(), headers=headers, media_type="application/json")
