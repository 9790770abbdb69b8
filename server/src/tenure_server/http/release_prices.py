"""``/v1/products/<product>/prices``: what releases cost that are sold singly. Read with any of the scopes read, support
and sales; set with sales."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field, PlainValidator, WithJsonSchema
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tenure_server.domain.api_tokens import Scope
from tenure_server.http.authentication import TokenAuthentication
from tenure_server.http.bodies import read_body
from tenure_server.http.customers import READERS, answered
from tenure_server.http.endpoint import Access, Endpoint, Operation
from tenure_server.http.orders import MoneyBody
from tenure_server.http.reading import IN_PATH, read
from tenure_server.http.refusals import ONE_REFUSALS
from tenure_server.http.seats import ProductRequest
from tenure_server.http.wire import Answer, Money
from tenure_server.use_cases.upgrades import SetReleasePrice
from tenure_signing import releases
from tenure_signing.versions import MAX_VERSION_CHARACTERS, Version, parse_version


class PriceRequest(ProductRequest):
    version: Annotated[
        Version,
        PlainValidator(parse_version),
        WithJsonSchema({"type": "string", "maxLength": MAX_VERSION_CHARACTERS}),
    ] = Field(description="the release's version; it need not be published yet", json_schema_extra=IN_PATH)


class ReleasePrice(Answer):
    version: str
    price: Money = Field(description="for each seat")


class PricesAnswer(Answer):
    product: str
    prices: list[ReleasePrice] = Field(description="in the order of versions")

    @classmethod
    def of(cls, product: str, prices: Mapping[Version, releases.Money]) -> Self:
        listed = [ReleasePrice(version=str(version), price=Money.of(prices[version])) for version in sorted(prices)]
        return cls(product=product, prices=listed)


LIST = Operation(
    summary="Releases that are sold singly, with their prices",
    request=ProductRequest, answer=PricesAnswer, access=Access.TOKEN, refusals=ONE_REFUSALS,
)  # fmt: skip
SET = Operation(
    summary="Say what a release costs that is sold singly",
    method="PUT", request=PriceRequest, body=MoneyBody, answer=PricesAnswer, access=Access.TOKEN, refusals=ONE_REFUSALS,
)  # fmt: skip
END = Operation(
    summary="A release is not sold singly any more",
    method="DELETE", request=PriceRequest, answer=PricesAnswer, access=Access.TOKEN, refusals=ONE_REFUSALS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReleasePriceEndpoints:
    authentication: TokenAuthentication
    prices: SetReleasePrice

    def list(self, request: Request) -> Response:
        self.authentication.token_for_any(request, READERS)
        return self._listed(read(request, ProductRequest))

    async def set(self, request: Request) -> Response:
        token = await run_in_threadpool(self.authentication.token, request, Scope.SALES)
        asked = read(request, PriceRequest)
        price = (await read_body(request, MoneyBody)).money()
        await run_in_threadpool(self.prices, asked.product, asked.version, price, who=token.who)
        return await run_in_threadpool(self._listed, asked)

    def end(self, request: Request) -> Response:
        token = self.authentication.token(request, Scope.SALES)
        asked = read(request, PriceRequest)
        self.prices(asked.product, asked.version, None, who=token.who)
        return self._listed(asked)

    def _listed(self, asked: ProductRequest) -> Response:
        return answered(PricesAnswer.of(asked.product, self.prices.of_product(asked.product)))


def release_price_endpoints(authentication: TokenAuthentication, prices: SetReleasePrice) -> Iterator[Endpoint]:
    serves = ReleasePriceEndpoints(authentication, prices)
    path = "/v1/products/{product}/prices"
    yield Endpoint(path, serves.list, LIST)
    yield Endpoint(f"{path}/{{version}}", serves.set, SET)
    yield Endpoint(f"{path}/{{version}}", serves.end, END)
