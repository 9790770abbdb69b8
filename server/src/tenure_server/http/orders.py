"""``/v1/orders`` and ``/v1/licences``: what was sold and what is being sold. Read with any of the scopes read, support
and sales; changed with sales."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import Annotated

from pydantic import AfterValidator, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tenure_server.domain.api_tokens import ApiToken, Scope
from tenure_server.domain.money import parse_currency
from tenure_server.domain.orders import LARGEST_AMOUNT, MAX_USERS, LineByHand, OrderState, Sale, SaleKind, sale_for
from tenure_server.domain.paging import Place
from tenure_server.domain.upgrades import parse_line
from tenure_server.errors import InvalidRequest
from tenure_server.http import sales_wire
from tenure_server.http.authentication import TokenAuthentication
from tenure_server.http.bodies import BodyModel, read_body
from tenure_server.http.cursors import DEFAULT_PAGE, Cursor, Limit, cursor_of
from tenure_server.http.customers import (
    MAX_ID_CHARACTERS,
    READERS,
    ReasonBody,
    Text,
    answered,
)
from tenure_server.http.endpoint import Access, Operation
from tenure_server.http.idempotency import IdempotencyKey, once_of, required
from tenure_server.http.reading import IN_PATH, RequestModel, read
from tenure_server.http.refusals import CHANGE_REFUSALS, ONCE_REFUSALS, ONE_REFUSALS, TOKEN_REFUSALS
from tenure_server.http.wire import Renewal
from tenure_server.use_cases.change_licence import licence_of
from tenure_server.use_cases.licence_status import ShowLicence
from tenure_server.use_cases.merge_customers import MoveLicence
from tenure_server.use_cases.orders import CancelOrder, ConfirmPayment, ListOrders, PlaceOrder, RefundOrder
from tenure_server.use_cases.ports import Database, Records
from tenure_server.use_cases.sell import order_of
from tenure_server.use_cases.upgrades import UpgradeOffers
from tenure_signing.entitlement import Grant, VersionGrant
from tenure_signing.names import parse_edition, parse_product
from tenure_signing.releases import Money
from tenure_signing.versions import parse_version

Number = Annotated[
    str, Field(max_length=MAX_ID_CHARACTERS, description="such as O-2026-00017", json_schema_extra=IN_PATH)
]


class OneOrder(RequestModel):
    number: Number


class NewOrder(RequestModel):
    idempotency_key: IdempotencyKey = None


class OrderToChange(OneOrder):
    idempotency_key: IdempotencyKey = None


class OrderSearch(RequestModel):
    customer_id: str = Field(default="", description="of this customer")
    licence_id: str = Field(default="", description="of this licence")
    state: str = Field(default="", description=f"one of {', '.join(OrderState)}")
    limit: Limit = DEFAULT_PAGE
    cursor: Cursor = None


class OneLicence(RequestModel):
    licence_id: Annotated[
        str, Field(max_length=MAX_ID_CHARACTERS, description="the licence's id", json_schema_extra=IN_PATH)
    ]


class LicenceToChange(OneLicence):
    idempotency_key: IdempotencyKey = None


class LicenceSearch(RequestModel):
    search: str = Field(
        default="",
        description="what a caller says: name, e-mail, order number, id, product, a few characters of the key",
    )
    limit: Limit = DEFAULT_PAGE
    cursor: Cursor = None


class MoneyBody(BodyModel):
    minor_units: Annotated[int, Field(ge=0, le=LARGEST_AMOUNT, description="whole minor units, such as sen")]
    currency: Annotated[str, Field(max_length=3), AfterValidator(parse_currency)]

    def money(self) -> Money:
        return Money(self.minor_units, self.currency)


class LineByHandBody(BodyModel):
    text: Text
    price: MoneyBody

    def line(self) -> LineByHand:
        return LineByHand(self.text, self.price.money())


def _version(text: str) -> str:
    parse_version(text)
    return text


def _line(text: str) -> str:
    parse_line(text)
    return text


class OrderBody(BodyModel):
    """Either ``licence_id`` with ``smp_years``, with additional users or with an upgrade; or ``customer_id`` with
    product, edition and base price for a new licence, with or without users and SMP."""

    licence_id: Text | None = None
    customer_id: Text | None = None
    product: Annotated[str, AfterValidator(parse_product)] | None = None
    edition: Annotated[str, AfterValidator(parse_edition)] | None = None
    base_price: MoneyBody | None = None
    additional_users: Annotated[int, Field(ge=0, le=MAX_USERS)] = 0
    additional_users_price: MoneyBody | None = Field(default=None, description="for all of them together")
    smp_years: Annotated[int, Field(ge=1, le=2)] | None = None
    free_support_until: date | None = Field(
        default=None, description="last day, inclusive, of support that is given without SMP"
    )
    upgrade: Annotated[str, AfterValidator(_version)] | None = Field(
        default=None, description="a version that the licence does not cover; its price is for every seat"
    )
    upgrade_line: Annotated[str, AfterValidator(_line)] | None = Field(
        default=None, description="in its place: every release of an x.y line, such as 3.1"
    )
    line_by_hand: LineByHandBody | None = Field(
        default=None, description="something else that is charged besides; no part of the total purchase price"
    )
    reference: Annotated[str, Field(max_length=100)] | None = Field(
        default=None, description="the customer's or the shop's own number; callers are found by it"
    )

    def sale(self, records: Records) -> tuple[str, Sale]:
        """To whom, and what. Raises ``NotFound`` (``unknown_licence``) and ``InvalidRequest`` (``invalid_sale``)."""
        base, users = self.base_price, self.additional_users_price
        if self.licence_id is not None:
            if self.customer_id or self.product or self.edition or base:
                raise InvalidRequest("The licence says customer, product and edition already.", code="invalid_sale")
            licence = licence_of(records, self.licence_id)
            return licence.customer_id, sale_for(
                licence,
                smp_years=self.smp_years,
                additional_users=self.additional_users,
                additional_users_price=users.money() if users is not None else None,
                free_support_until=self.free_support_until,
                upgrade=self._grant(),
                by_hand=self.line_by_hand.line() if self.line_by_hand is not None else None,
            )
        if self._grant() is not None:
            raise InvalidRequest("An upgrade is for a licence that is there.", code="invalid_sale")
        if self.customer_id is None or self.product is None or self.edition is None or base is None:
            raise InvalidRequest(
                "An order names a licence, or a customer with product, edition and base price.", code="invalid_sale"
            )
        return self.customer_id, Sale(
            SaleKind.LICENCE,
            parse_product(self.product),
            parse_edition(self.edition),
            base.currency,
            base_price=base.money(),
            additional_users=self.additional_users,
            additional_users_price=users.money() if users is not None else None,
            smp_years=self.smp_years,
            free_support_until=self.free_support_until,
            by_hand=self.line_by_hand.line() if self.line_by_hand is not None else None,
        )

    def _grant(self) -> Grant | None:
        if self.upgrade is not None and self.upgrade_line is not None:
            raise InvalidRequest("An upgrade is to a version or to a line, not both.", code="invalid_sale")
        if self.upgrade_line is not None:
            return parse_line(self.upgrade_line)
        return VersionGrant(parse_version(self.upgrade)) if self.upgrade is not None else None


class PaymentBody(BodyModel):
    """``amount`` is what came: anything but the order's total is refused."""

    amount: MoneyBody
    payment: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="which payment it was; the same one again changes nothing, another one is refused"
    )


class MoveBody(BodyModel):
    customer_id: Text = Field(description="whose it is from now on")
    reason: Text = Field(description="why; it goes to the audit trail")


class RefundBody(BodyModel):
    reason: Text = Field(description="why; it goes to the audit trail")
    amount: MoneyBody | None = Field(default=None, description="what went back; default: all of it")


LIST = Operation(
    summary="Orders, newest first",
    request=OrderSearch, answer=sales_wire.OrderPage, access=Access.TOKEN, refusals=TOKEN_REFUSALS,
)  # fmt: skip
PLACE = Operation(
    summary="Place an order; nothing is the customer's before it is paid",
    method="POST", request=NewOrder, body=OrderBody, answer=sales_wire.OrderAnswer, status=HTTPStatus.CREATED,
    access=Access.TOKEN, refusals=ONCE_REFUSALS,
)  # fmt: skip
SHOW = Operation(
    summary="An order with its prices and the arithmetic",
    request=OneOrder, answer=sales_wire.OrderAnswer, access=Access.TOKEN, refusals=ONE_REFUSALS,
)  # fmt: skip
PAY = Operation(
    summary="Confirm that an order is paid; a repeat changes nothing",
    method="POST", request=OneOrder, body=PaymentBody, answer=sales_wire.PaidOrderAnswer, access=Access.TOKEN,
    refusals=CHANGE_REFUSALS,
)  # fmt: skip
CANCEL = Operation(
    summary="Cancel an order that is not paid; a repeat changes nothing",
    method="POST", request=OrderToChange, body=ReasonBody, answer=sales_wire.OrderAnswer, access=Access.TOKEN,
    refusals=ONCE_REFUSALS,
)  # fmt: skip
REFUND = Operation(
    summary="Write down that a paid order was refunded: its support ends on the day before",
    method="POST", request=OrderToChange, body=RefundBody, answer=sales_wire.OrderAnswer, access=Access.TOKEN,
    refusals=ONCE_REFUSALS,
)  # fmt: skip
MOVE = Operation(
    summary="Give a licence to another customer, with its support, keys and seats",
    method="POST", request=LicenceToChange, body=MoveBody, answer=sales_wire.SoldLicence, access=Access.TOKEN,
    refusals=ONCE_REFUSALS,
)  # fmt: skip
LICENCES = Operation(
    summary="Licences, newest first, found by what a caller says",
    request=LicenceSearch, answer=sales_wire.LicencePage, access=Access.TOKEN, refusals=TOKEN_REFUSALS,
)  # fmt: skip
LICENCE = Operation(
    summary="A licence with what was bought for it, its support periods and what renewal and upgrades cost",
    request=OneLicence, answer=sales_wire.LicenceDetails, access=Access.TOKEN, refusals=ONE_REFUSALS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OrderEndpoints:
    """The token is asked for before anything else of a request is read."""

    authentication: TokenAuthentication
    database: Database
    find: ListOrders
    place_order: PlaceOrder
    confirm_payment: ConfirmPayment
    cancel_order: CancelOrder
    refund_order: RefundOrder
    show_licence: ShowLicence
    upgrade_offers: UpgradeOffers
    move_licence: MoveLicence

    def list(self, request: Request) -> Response:
        self.authentication.token_for_any(request, READERS)
        asked = read(request, OrderSearch)
        if asked.state and asked.state not in tuple(OrderState):
            raise InvalidRequest("There is no such state of an order.", code="invalid_state")
        page = self.find(
            customer_id=asked.customer_id or None,
            licence_id=asked.licence_id or None,
            state=OrderState(asked.state) if asked.state else None,
            limit=asked.limit,
            after=asked.cursor,
        )
        return answered(sales_wire.OrderPage.of(page))

    def show(self, request: Request) -> Response:
        self.authentication.token_for_any(request, READERS)
        with self.database.reading() as records:
            order = order_of(records, read(request, OneOrder).number)
        return answered(sales_wire.OrderAnswer.of(order))

    async def place(self, request: Request) -> Response:
        token = await self._seller(request)
        key = read(request, NewOrder).idempotency_key
        body = await read_body(request, OrderBody)
        once = required(token, "order.create", key, body.model_dump())
        order = await run_in_threadpool(self.place_order, body.sale, who=token.who, reference=body.reference, once=once)
        location = f"/v1/orders/{order.number}"
        return answered(sales_wire.OrderAnswer.of(order), HTTPStatus.CREATED, Location=location)

    async def pay(self, request: Request) -> Response:
        token = await self._seller(request)
        number = read(request, OneOrder).number
        body = await read_body(request, PaymentBody)
        paid = await run_in_threadpool(
            self.confirm_payment, number, who=token.who, amount=body.amount.money(), payment=body.payment
        )
        return answered(
            sales_wire.PaidOrderAnswer(
                order=sales_wire.OrderAnswer.of(paid.fulfilment.order),
                is_new=paid.is_new,
                certificate=paid.certificate,
                licence_key=paid.fulfilment.key,
            )
        )

    async def cancel(self, request: Request) -> Response:
        token = await self._seller(request)
        asked = read(request, OrderToChange)
        body = await read_body(request, ReasonBody)
        once = once_of(token, "order.cancel", asked.idempotency_key, {"number": asked.number, **body.model_dump()})
        order = await run_in_threadpool(self.cancel_order, asked.number, reason=body.reason, who=token.who, once=once)
        return answered(sales_wire.OrderAnswer.of(order))

    async def refund(self, request: Request) -> Response:
        token = await self._seller(request)
        asked = read(request, OrderToChange)
        body = await read_body(request, RefundBody)
        once = once_of(token, "order.refund", asked.idempotency_key, {"number": asked.number, **body.model_dump()})
        amount = body.amount.money() if body.amount is not None else None
        order = await run_in_threadpool(
            self.refund_order, asked.number, reason=body.reason, who=token.who, amount=amount, once=once
        )
        return answered(sales_wire.OrderAnswer.of(order))

    def licences(self, request: Request) -> Response:
        self.authentication.token_for_any(request, READERS)
        asked = read(request, LicenceSearch)
        with self.database.reading() as records:
            found = records.licences.search(asked.search, limit=asked.limit + 1, after=asked.cursor)
        shown = found[: asked.limit]
        after = Place(shown[-1].created_at, shown[-1].licence_id) if len(found) > asked.limit else None
        page = [sales_wire.SoldLicence.of(licence) for licence in shown]
        return answered(sales_wire.LicencePage(licences=page, next_cursor=cursor_of(after)))

    def licence(self, request: Request) -> Response:
        self.authentication.token_for_any(request, READERS)
        with self.database.reading() as records:
            licence = licence_of(records, read(request, OneLicence).licence_id)
        renewal = Renewal.of(self.show_licence(licence).renewal)
        upgrades = [sales_wire.UpgradeOffer.of(one) for one in self.upgrade_offers(licence)]
        sold = sales_wire.SoldLicence.of(licence)
        return answered(sales_wire.LicenceDetails(licence=sold, renewal=renewal, upgrades=upgrades))

    async def move(self, request: Request) -> Response:
        token = await self._seller(request)
        asked = read(request, LicenceToChange)
        body = await read_body(request, MoveBody)
        key = asked.idempotency_key
        once = once_of(token, "licence.move", key, {"licence": asked.licence_id, **body.model_dump()})
        licence = await run_in_threadpool(
            self.move_licence, asked.licence_id, body.customer_id, reason=body.reason, who=token.who, once=once
        )
        return answered(sales_wire.SoldLicence.of(licence))

    async def _seller(self, request: Request) -> ApiToken:
        return await run_in_threadpool(self.authentication.token, request, Scope.SALES)
