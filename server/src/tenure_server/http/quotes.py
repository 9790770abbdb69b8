"""``/v1/quotes``: prices that hold until a day. Scopes as in ``orders.py``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import Annotated, Self

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tenure_server.domain import quotes as quotes_domain
from tenure_server.domain.api_tokens import ApiToken, Scope
from tenure_server.http import sales_wire
from tenure_server.http.authentication import TokenAuthentication
from tenure_server.http.bodies import BodyModel, read_body
from tenure_server.http.cursors import DEFAULT_PAGE, Cursor, Limit, cursor_of
from tenure_server.http.customers import (
    MAX_ID_CHARACTERS,
    PRIVATE,
    READERS,
    ReasonBody,
    answered,
)
from tenure_server.http.endpoint import Access, Operation
from tenure_server.http.idempotency import IdempotencyKey, once_of
from tenure_server.http.orders import NewOrder, OrderBody
from tenure_server.http.reading import IN_PATH, RequestModel, read
from tenure_server.http.refusals import ONCE_REFUSALS, ONE_REFUSALS, TOKEN_REFUSALS
from tenure_server.http.wire import Answer, Money
from tenure_server.papers.quote_paper import QuotePaper, Vendor
from tenure_server.use_cases.customers import customer_of
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.quotes import AcceptQuote, ListQuotes, MakeQuote, WithdrawQuote, quote_of
from tenure_server.use_cases.vendor import VendorPolicy

PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""The page has its few styles in it, so that it can be kept and printed as one file, and nothing else."""


class OneQuote(RequestModel):
    number: Annotated[
        str, Field(max_length=MAX_ID_CHARACTERS, description="such as Q-2026-00017", json_schema_extra=IN_PATH)
    ]


class QuoteToChange(OneQuote):
    idempotency_key: IdempotencyKey = None


class QuoteSearch(RequestModel):
    customer_id: str = Field(default="", description="of this customer")
    limit: Limit = DEFAULT_PAGE
    cursor: Cursor = None


class QuoteBody(OrderBody):
    """As an order; ``reference`` is given when it is accepted."""

    valid_days: Annotated[int, Field(ge=1, le=366)] | None = Field(
        default=None, description="default: TENURE_QUOTE_DAYS"
    )


class AcceptBody(BodyModel):
    reference: Annotated[str, Field(max_length=100)] | None = Field(
        default=None, description="the customer's own order number"
    )


class QuoteAnswer(Answer):
    number: str
    customer_id: str
    licence_id: str | None
    lines: list[sales_wire.PriceLine]
    total: Money
    made_on: date
    valid_until: date = Field(description="its last day, inclusive")
    free_support_until: date | None = Field(description="last day of support that is given without SMP")
    terms: str
    state: quotes_domain.QuoteState
    order: str | None = Field(description="the number of the order it became")

    @classmethod
    def of(cls, quote: quotes_domain.Quote, today: date) -> Self:
        return cls(
            number=quote.number,
            customer_id=quote.customer_id,
            licence_id=quote.sale.licence_id,
            lines=[sales_wire.PriceLine.of(line) for line in quote.lines],
            total=Money.of(quote.total),
            made_on=quote.made_on,
            valid_until=quote.valid_until,
            free_support_until=quote.sale.free_support_until,
            terms=quote.terms,
            state=quote.state_on(today),
            order=quote.order,
        )


class QuotePage(Answer):
    quotes: list[QuoteAnswer]
    next_cursor: str | None = Field(description="pass it as `cursor` for the next page; null on the last one")


LIST = Operation(
    summary="Quotes, newest first", request=QuoteSearch, answer=QuotePage, access=Access.TOKEN, refusals=TOKEN_REFUSALS
)
MAKE = Operation(
    summary="Make a quote",
    method="POST", request=NewOrder, body=QuoteBody, answer=QuoteAnswer, status=HTTPStatus.CREATED,
    access=Access.TOKEN, refusals=ONCE_REFUSALS,
)  # fmt: skip
SHOW = Operation(
    summary="A quote with the arithmetic", request=OneQuote, answer=QuoteAnswer, access=Access.TOKEN,
    refusals=ONE_REFUSALS,
)  # fmt: skip
PAGE = Operation(
    summary="A quote as a page to print", request=OneQuote, answer="text/html", access=Access.TOKEN,
    refusals=ONE_REFUSALS,
)  # fmt: skip
PDF = Operation(
    summary="A quote as PDF", request=OneQuote, answer="application/pdf", access=Access.TOKEN,
    refusals=ONE_REFUSALS,
)  # fmt: skip
ACCEPT = Operation(
    summary="Order what a quote offers, at its price; accepted again, it is the same order",
    method="POST", request=QuoteToChange, body=AcceptBody, answer=sales_wire.OrderAnswer, access=Access.TOKEN,
    refusals=ONCE_REFUSALS,
)  # fmt: skip
WITHDRAW = Operation(
    summary="Take back a quote that was not accepted",
    method="POST", request=QuoteToChange, body=ReasonBody, answer=QuoteAnswer, access=Access.TOKEN,
    refusals=ONCE_REFUSALS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class QuoteEndpoints:
    """The token is asked for before anything else of a request is read."""

    authentication: TokenAuthentication
    database: Database
    clock: Clock
    policy: VendorPolicy
    vendor: Vendor
    find: ListQuotes
    make_quote: MakeQuote
    accept_quote: AcceptQuote
    withdraw_quote: WithdrawQuote

    def list(self, request: Request) -> Response:
        self.authentication.token_for_any(request, READERS)
        asked = read(request, QuoteSearch)
        page = self.find(customer_id=asked.customer_id or None, limit=asked.limit, after=asked.cursor)
        today = self._today()
        quotes = [QuoteAnswer.of(quote, today) for quote in page.entries]
        return answered(QuotePage(quotes=quotes, next_cursor=cursor_of(page.after)))

    def show(self, request: Request) -> Response:
        return answered(QuoteAnswer.of(self._paper(request).quote, self._today()))

    def page(self, request: Request) -> Response:
        headers = {**PRIVATE, "Content-Security-Policy": PAGE_POLICY, "X-Content-Type-Options": "nosniff"}
        return Response(self._paper(request).html(), headers=headers, media_type="text/html; charset=utf-8")

    def pdf(self, request: Request) -> Response:
        paper = self._paper(request)
        name = f'attachment; filename="{paper.quote.number}.pdf"'
        headers = {**PRIVATE, "Content-Disposition": name, "X-Content-Type-Options": "nosniff"}
        return Response(paper.pdf(), headers=headers, media_type="application/pdf")

    async def make(self, request: Request) -> Response:
        token = await self._seller(request)
        key = read(request, NewOrder).idempotency_key
        body = await read_body(request, QuoteBody)
        once = once_of(token, "quote.make", key, body.model_dump())
        quote = await run_in_threadpool(
            self.make_quote, body.sale, who=token.who, valid_days=body.valid_days, once=once
        )
        location = f"/v1/quotes/{quote.number}"
        return answered(QuoteAnswer.of(quote, self._today()), HTTPStatus.CREATED, Location=location)

    async def accept(self, request: Request) -> Response:
        token = await self._seller(request)
        asked = read(request, QuoteToChange)
        body = await read_body(request, AcceptBody)
        once = once_of(token, "quote.accept", asked.idempotency_key, {"number": asked.number, **body.model_dump()})
        order = await run_in_threadpool(
            self.accept_quote, asked.number, who=token.who, reference=body.reference, once=once
        )
        return answered(sales_wire.OrderAnswer.of(order))

    async def withdraw(self, request: Request) -> Response:
        token = await self._seller(request)
        asked = read(request, QuoteToChange)
        body = await read_body(request, ReasonBody)
        once = once_of(token, "quote.withdraw", asked.idempotency_key, {"number": asked.number, **body.model_dump()})
        quote = await run_in_threadpool(self.withdraw_quote, asked.number, reason=body.reason, who=token.who, once=once)
        return answered(QuoteAnswer.of(quote, self._today()))

    def _paper(self, request: Request) -> QuotePaper:
        self.authentication.token_for_any(request, READERS)
        number = read(request, OneQuote).number
        with self.database.reading() as records:
            quote = quote_of(records, number)
            customer = customer_of(records, quote.customer_id)
        return QuotePaper(self.vendor, quote, customer, self._today())

    def _today(self) -> date:
        return self.policy.day_of(self.clock())

    async def _seller(self, request: Request) -> ApiToken:
        return await run_in_threadpool(self.authentication.token, request, Scope.SALES)
