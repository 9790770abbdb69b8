"""``/v1/customers``: customers and their contacts. Read with any of the scopes read, support and sales; changed with
sales."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tenure_server.domain.api_tokens import ApiToken, Scope
from tenure_server.domain.customers import DEFAULT_LANGUAGE, MAX_CONTACTS, CustomerDetails
from tenure_server.http import sales_wire
from tenure_server.http.authentication import TokenAuthentication
from tenure_server.http.bodies import BodyModel, read_body
from tenure_server.http.cursors import DEFAULT_PAGE, Cursor, Limit
from tenure_server.http.endpoint import Access, Operation
from tenure_server.http.idempotency import IdempotencyKey, once_of
from tenure_server.http.reading import IN_PATH, RequestModel, read
from tenure_server.http.refusals import ONCE_REFUSALS, ONE_REFUSALS, TOKEN_REFUSALS
from tenure_server.http.wire import Answer
from tenure_server.use_cases.customers import (
    AddCustomer,
    AnonymiseCustomer,
    ChangeCustomer,
    ContactDetails,
    DeleteCustomer,
    ListCustomers,
    customer_of,
)
from tenure_server.use_cases.merge_customers import MergeCustomers
from tenure_server.use_cases.once import Once
from tenure_server.use_cases.ports import Database

MAX_ID_CHARACTERS = 64
READERS = (Scope.READ, Scope.SUPPORT, Scope.SALES)

Text = Annotated[str, Field(max_length=300)]
CustomerId = Annotated[
    str, Field(max_length=MAX_ID_CHARACTERS, description="the customer's id", json_schema_extra=IN_PATH)
]


class OneCustomer(RequestModel):
    customer_id: CustomerId


class NewCustomer(RequestModel):
    idempotency_key: IdempotencyKey = None


class CustomerToChange(OneCustomer):
    idempotency_key: IdempotencyKey = None


class CustomerSearch(RequestModel):
    search: str = Field(
        default="",
        description="what a caller says: every word has to begin a word of the name, an e-mail address or a number",
    )
    limit: Limit = DEFAULT_PAGE
    cursor: Cursor = None


class ContactBody(BodyModel):
    name: Text
    email: Text | None = None
    phone: Text | None = None
    role: Text | None = None

    def details(self) -> ContactDetails:
        return ContactDetails(self.name, self.email, self.phone, self.role)


Contacts = Annotated[list[ContactBody], Field(max_length=MAX_CONTACTS)]


class CustomerBody(BodyModel):
    name: Text
    email: Text | None = None
    reference: Text | None = Field(default=None, description="the vendor's own number for the customer")
    language: Text = DEFAULT_LANGUAGE
    country: Text | None = None
    time_zone: Text | None = None
    vat_id: Text | None = None
    notes: Annotated[str, Field(max_length=10_000)] = ""
    contacts: Contacts = Field(default_factory=list)


class CustomerChangeBody(BodyModel):
    """Members that are left out stay as they are; null takes a value away."""

    name: Text = ""
    email: Text | None = None
    reference: Text | None = None
    language: Text = DEFAULT_LANGUAGE
    country: Text | None = None
    time_zone: Text | None = None
    vat_id: Text | None = None
    notes: Annotated[str, Field(max_length=10_000)] = ""
    contacts: Contacts = Field(default_factory=list)


class MergeBody(BodyModel):
    customer_id: Text = Field(description="the id of the record that goes into this one")
    reason: Text = Field(description="why; it goes to the audit trail")
    despite_differences: bool = Field(
        default=False, description="although they say different things; what this one says stands"
    )


class ReasonBody(BodyModel):
    reason: Text = Field(description="why; it goes to the audit trail")


LIST = Operation(
    summary="Customers, newest first",
    request=CustomerSearch, answer=sales_wire.CustomerPage, access=Access.TOKEN, refusals=TOKEN_REFUSALS,
)  # fmt: skip
ADD = Operation(
    summary="Add a customer",
    method="POST", request=NewCustomer, body=CustomerBody, answer=sales_wire.Customer, status=HTTPStatus.CREATED,
    access=Access.TOKEN, refusals=ONCE_REFUSALS,
)  # fmt: skip
SHOW = Operation(
    summary="A customer",
    request=OneCustomer, answer=sales_wire.Customer, access=Access.TOKEN, refusals=ONE_REFUSALS,
)  # fmt: skip
CHANGE = Operation(
    summary="Change what is known of a customer",
    method="PATCH", request=CustomerToChange, body=CustomerChangeBody, answer=sales_wire.Customer, access=Access.TOKEN,
    refusals=ONCE_REFUSALS,
)  # fmt: skip
DELETE = Operation(
    summary="Delete a customer to whom nothing was sold",
    method="DELETE", request=CustomerToChange, answer=None, status=HTTPStatus.NO_CONTENT, access=Access.TOKEN,
    refusals=ONCE_REFUSALS,
)  # fmt: skip
ANONYMISE = Operation(
    summary="Remove all that tells who a customer is; what was sold stays",
    method="POST", request=CustomerToChange, body=ReasonBody, answer=sales_wire.Customer, access=Access.TOKEN,
    refusals=ONCE_REFUSALS,
)  # fmt: skip
MERGE = Operation(
    summary="Make one customer of two records: everything of the other one becomes this one's",
    method="POST", request=CustomerToChange, body=MergeBody, answer=sales_wire.Customer, access=Access.TOKEN,
    refusals=ONCE_REFUSALS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CustomerEndpoints:
    """The token is asked for before anything else of a request is read."""

    authentication: TokenAuthentication
    database: Database
    find: ListCustomers
    add_customer: AddCustomer
    change_customer: ChangeCustomer
    delete_customer: DeleteCustomer
    anonymise_customer: AnonymiseCustomer
    merge_customers: MergeCustomers

    def list(self, request: Request) -> Response:
        self.authentication.token_for_any(request, READERS)
        asked = read(request, CustomerSearch)
        page = self.find(asked.search, limit=asked.limit, after=asked.cursor)
        return answered(sales_wire.CustomerPage.of(page))

    def show(self, request: Request) -> Response:
        self.authentication.token_for_any(request, READERS)
        with self.database.reading() as records:
            customer = customer_of(records, read(request, OneCustomer).customer_id)
        return answered(sales_wire.Customer.of(customer))

    async def add(self, request: Request) -> Response:
        token = await self._seller(request)
        key = read(request, NewCustomer).idempotency_key
        body = await read_body(request, CustomerBody)
        known = body.model_dump(exclude={"contacts"})
        contacts = [one.details() for one in body.contacts]
        once = once_of(token, "customer.add", key, body.model_dump())
        customer = await run_in_threadpool(
            self.add_customer, CustomerDetails(**known), contacts, who=token.who, once=once
        )
        location = f"/v1/customers/{customer.customer_id}"
        return answered(sales_wire.Customer.of(customer), HTTPStatus.CREATED, Location=location)

    async def change(self, request: Request) -> Response:
        token = await self._seller(request)
        asked = read(request, CustomerToChange)
        body = await read_body(request, CustomerChangeBody)
        changes: dict[str, object] = body.model_dump(exclude_unset=True, exclude={"contacts"})
        if "contacts" in body.model_fields_set:
            changes["contacts"] = [one.details() for one in body.contacts]
        once = _once(token, "customer.change", asked, body.model_dump(exclude_unset=True))
        changed = await run_in_threadpool(self.change_customer, asked.customer_id, changes, who=token.who, once=once)
        return answered(sales_wire.Customer.of(changed))

    async def delete(self, request: Request) -> Response:
        token = await self._seller(request)
        asked = read(request, CustomerToChange)
        once = _once(token, "customer.delete", asked, {})
        reason = "asked for over the API"
        await run_in_threadpool(self.delete_customer, asked.customer_id, reason=reason, who=token.who, once=once)
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=dict(PRIVATE))

    async def anonymise(self, request: Request) -> Response:
        token = await self._seller(request)
        asked = read(request, CustomerToChange)
        body = await read_body(request, ReasonBody)
        once = _once(token, "customer.anonymise", asked, body.model_dump())
        customer = await run_in_threadpool(
            self.anonymise_customer, asked.customer_id, reason=body.reason, who=token.who, once=once
        )
        return answered(sales_wire.Customer.of(customer))

    async def merge(self, request: Request) -> Response:
        token = await self._seller(request)
        asked = read(request, CustomerToChange)
        body = await read_body(request, MergeBody)
        whole = await run_in_threadpool(
            self.merge_customers,
            asked.customer_id,
            body.customer_id,
            reason=body.reason,
            who=token.who,
            despite_differences=body.despite_differences,
            once=_once(token, "customer.merge", asked, body.model_dump()),
        )
        return answered(sales_wire.Customer.of(whole))

    async def _seller(self, request: Request) -> ApiToken:
        return await run_in_threadpool(self.authentication.token, request, Scope.SALES)


def _once(token: ApiToken, operation: str, asked: CustomerToChange, body: Mapping[str, object]) -> Once | None:
    """The customer in the address is part of the request."""
    return once_of(token, operation, asked.idempotency_key, {"customer": asked.customer_id, **body})


PRIVATE = {"Cache-Control": "no-store", "Vary": "Authorization"}
"""What is answered to a token is for its holder only."""


def answered(answer: Answer, status: HTTPStatus = HTTPStatus.OK, **headers: str) -> Response:
    return Response(answer.model_dump_json(), status, {**PRIVATE, **headers}, media_type="application/json")
