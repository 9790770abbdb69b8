"""``/v1/licences/<id>/seats`` and ``/v1/products/<product>/seats``: operators' programs, with an API token. Read with
any of the scopes read, support and sales; released with support or sales; rules changed with admin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field, PlainValidator, WithJsonSchema
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tenure_server.domain.api_tokens import Scope
from tenure_server.domain.seats import MOST_EXPIRY_DAYS, ProductSeatRules, SeatLimit
from tenure_server.http.activations import ActivationsAnswer, Machine, ReleasedAnswer, SeatParts
from tenure_server.http.authentication import TokenAuthentication
from tenure_server.http.bodies import BodyModel, read_body
from tenure_server.http.customers import MAX_ID_CHARACTERS, READERS, answered
from tenure_server.http.endpoint import Access, Endpoint, Operation
from tenure_server.http.reading import IN_PATH, RequestModel, read
from tenure_server.http.refusals import ONE_REFUSALS
from tenure_server.http.wire import Answer
from tenure_server.use_cases.set_seat_rules import RulesOfProduct
from tenure_signing.names import ProductName, parse_product

RELEASERS = (Scope.SUPPORT, Scope.SALES)
_DAYS = "days without contact after which a seat is free again; 0: never"


class LicenceRequest(RequestModel):
    licence_id: Annotated[
        str, Field(max_length=MAX_ID_CHARACTERS, description="the licence's id", json_schema_extra=IN_PATH)
    ]


class ReleaseRequest(LicenceRequest):
    machine: Machine


class ProductRequest(RequestModel):
    product: Annotated[ProductName, PlainValidator(parse_product), WithJsonSchema({"type": "string"})] = Field(
        description="the product's name", json_schema_extra=IN_PATH
    )


class SeatRulesBody(BodyModel):
    """Both are replaced: what is left out or null is as the settings of the installation say."""

    limit: SeatLimit | None = Field(default=None, description="what happens to one machine more than there are seats")
    expiry_days: Annotated[int, Field(ge=0, le=MOST_EXPIRY_DAYS)] | None = Field(default=None, description=_DAYS)


class OwnSeatRules(Answer):
    """What was set for the product; null: as the settings of the installation say."""

    limit: SeatLimit | None
    expiry_days: int | None = Field(description=_DAYS)


class SeatRulesAnswer(Answer):
    product: str
    own: OwnSeatRules
    limit: SeatLimit = Field(description="what holds")
    expiry_days: int | None = Field(description="what holds; null: seats never expire")

    @classmethod
    def of(cls, found: RulesOfProduct) -> Self:
        expiry = found.rules.expiry
        return cls(
            product=found.product,
            own=OwnSeatRules(limit=found.own.limit, expiry_days=found.own.expiry_days),
            limit=found.rules.limit,
            expiry_days=expiry.days if expiry is not None else None,
        )


LIST = Operation(
    summary="The machines that hold seats of a licence",
    request=LicenceRequest, answer=ActivationsAnswer, access=Access.TOKEN, refusals=ONE_REFUSALS,
)  # fmt: skip
RELEASE = Operation(
    summary="Take the seat from a machine, for another one to have",
    method="DELETE", request=ReleaseRequest, answer=ReleasedAnswer, access=Access.TOKEN,
    refusals=ONE_REFUSALS,
)  # fmt: skip
RULES = Operation(
    summary="What happens at the limit of a product's seats, and when they expire",
    request=ProductRequest, answer=SeatRulesAnswer, access=Access.TOKEN, refusals=ONE_REFUSALS,
)  # fmt: skip
SET_RULES = Operation(
    summary="Say what happens at the limit of a product's seats, and when they expire",
    method="PUT", request=ProductRequest, body=SeatRulesBody, answer=SeatRulesAnswer, access=Access.TOKEN,
    refusals=ONE_REFUSALS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SeatEndpoints:
    authentication: TokenAuthentication
    seats: SeatParts

    def list(self, request: Request) -> Response:
        self.authentication.token_for_any(request, READERS)
        return answered(ActivationsAnswer.of(self.seats.list(read(request, LicenceRequest).licence_id)))

    def release(self, request: Request) -> Response:
        token = self.authentication.token_for_any(request, RELEASERS)
        asked = read(request, ReleaseRequest)
        released = self.seats.release(asked.licence_id, asked.machine, who=token.who)
        return answered(ReleasedAnswer(released=released))

    def rules(self, request: Request) -> Response:
        self.authentication.token_for_any(request, READERS)
        return answered(SeatRulesAnswer.of(self.seats.rules.show(read(request, ProductRequest).product)))

    async def set_rules(self, request: Request) -> Response:
        token = await run_in_threadpool(self.authentication.token, request, Scope.ADMIN)
        product = read(request, ProductRequest).product
        body = await read_body(request, SeatRulesBody)
        own = ProductSeatRules(body.limit, body.expiry_days)
        found = await run_in_threadpool(self.seats.rules, product, own, who=token.who)
        return answered(SeatRulesAnswer.of(found))


def seat_endpoints(authentication: TokenAuthentication, parts: SeatParts) -> Iterator[Endpoint]:
    serves = SeatEndpoints(authentication, parts)
    yield Endpoint("/v1/licences/{licence_id}/seats", serves.list, LIST)
    yield Endpoint("/v1/licences/{licence_id}/seats", serves.release, RELEASE)
    yield Endpoint("/v1/products/{product}/seats", serves.rules, RULES)
    yield Endpoint("/v1/products/{product}/seats", serves.set_rules, SET_RULES)
