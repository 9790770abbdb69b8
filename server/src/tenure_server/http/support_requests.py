"""``/v1/support-requests``: the queue, threads and who calls. Read with any of the scopes read, support and sales;
written with support."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tenure_server.domain.api_tokens import ApiToken, Scope
from tenure_server.domain.support_messages import MAX_BODY_CHARACTERS
from tenure_server.domain.support_requests import (
    IN_WORK,
    Category,
    Priority,
    QueuePlace,
    RequestChannel,
    RequestContact,
    RequestFilter,
    RequestStatus,
    parse_place,
    place_text,
)
from tenure_server.http import support_wire
from tenure_server.http.authentication import TokenAuthentication
from tenure_server.http.bodies import BodyModel, read_body
from tenure_server.http.cursors import DEFAULT_PAGE, Limit
from tenure_server.http.customers import MAX_ID_CHARACTERS, READERS, Text, answered
from tenure_server.http.endpoint import Access, Endpoint, Operation
from tenure_server.http.idempotency import IdempotencyKey, once_of
from tenure_server.http.reading import IN_PATH, RequestModel, read
from tenure_server.http.refusals import CHANGE_REFUSALS, ONCE_REFUSALS, ONE_REFUSALS, TOKEN_REFUSALS
from tenure_server.use_cases.support_glance import WhoCalls
from tenure_server.use_cases.support_queue import ListRequests, ShowRequest
from tenure_server.use_cases.support_requests import (
    ChangeRequest,
    CloseRequest,
    NewRequest,
    OpenRequest,
    ReopenRequest,
    RequestChanges,
)
from tenure_server.use_cases.support_threads import HearCustomer, NoteOnRequest, ReplyToRequest
from tenure_signing.names import ProductName, parse_product

MOST_CALLERS = 20

RequestId = Annotated[
    str, Field(max_length=MAX_ID_CHARACTERS, description="its number or id", json_schema_extra=IN_PATH)
]
Words = Annotated[str, Field(max_length=MAX_BODY_CHARACTERS, description="plain text")]
Revision = Annotated[int, Field(ge=1, description="refuse unless the request still has this revision")]


def _parse_statuses(text: object) -> tuple[RequestStatus, ...]:
    if text == "all":
        return ()
    words = str(text).split(",")
    if not all(word in tuple(RequestStatus) for word in words):
        raise ValueError(f"is all, or some of {', '.join(RequestStatus)} with commas")
    return tuple(RequestStatus(word) for word in words)


def _parse_category(text: object) -> Category:
    if text not in tuple(Category):
        raise ValueError(f"is one of {', '.join(Category)}")
    return Category(str(text))


def _parse_product(text: object) -> ProductName:
    return parse_product(str(text))


def _parse_given_place(text: object) -> QueuePlace:
    return parse_place(str(text))


def _string(**more: object) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **more})


_Said = Annotated[str | None, _string()]


class RequestSearch(RequestModel):
    search: str = Field(
        default="",
        description="what a caller says: name, e-mail, order or request number, a few characters of the key",
    )
    status: Annotated[tuple[RequestStatus, ...], PlainValidator(_parse_statuses), _string()] = Field(
        default=IN_WORK, description=f"all, or some of {', '.join(RequestStatus)} with commas; default: all in work"
    )
    assignee: _Said = Field(default=None, description="of this person; empty: of nobody")
    category: Annotated[Category | None, PlainValidator(_parse_category), _string(enum=list(Category))] = Field(
        default=None, description="only about this"
    )
    product: Annotated[ProductName | None, PlainValidator(_parse_product), _string()] = Field(
        default=None, description="only of this product"
    )
    customer_id: _Said = Field(default=None, description="only of this customer")
    licence_id: _Said = Field(default=None, description="only of this licence")
    limit: Limit = DEFAULT_PAGE
    cursor: Annotated[
        QueuePlace | None,
        PlainValidator(_parse_given_place),
        _string(),
        Field(description="`next_cursor` of the page before, unchanged"),
    ] = None

    def filter(self) -> RequestFilter:
        return RequestFilter(
            self.search, self.status, self.assignee, self.category, self.product, self.customer_id, self.licence_id
        )


class OneRequest(RequestModel):
    request_id: RequestId


class WriteToRequest(OneRequest):
    idempotency_key: IdempotencyKey = None


class OpenOne(RequestModel):
    idempotency_key: IdempotencyKey = None


class CallerSearch(RequestModel):
    search: str = Field(description="what a caller says")


class ContactBody(BodyModel):
    name: Text
    email: Text | None = None
    phone: Text | None = None

    def contact(self) -> RequestContact:
        return RequestContact(self.name, self.email, self.phone)


class NewRequestBody(BodyModel):
    """One of ``licence_id`` and ``customer_id`` is needed."""

    category: Category
    subject: Text
    body: Words
    channel: RequestChannel = RequestChannel.TELEPHONE
    licence_id: Text | None = None
    customer_id: Text | None = None
    contact: ContactBody | None = Field(default=None, description="default: the customer's own name and address")
    priority: Priority = Priority.NORMAL
    installed_version: Text | None = Field(default=None, description="default: what an install last reported")
    assignee: Text | None = None

    def request(self) -> NewRequest:
        return NewRequest(
            category=self.category,
            subject=self.subject,
            body=self.body,
            channel=self.channel,
            licence_id=self.licence_id,
            customer_id=self.customer_id,
            contact=self.contact.contact() if self.contact is not None else None,
            priority=self.priority,
            installed_version=self.installed_version,
            assignee=self.assignee,
        )


class RequestChangesBody(BodyModel):
    """Members that are left out, or null, stay as they are; an empty ``assignee`` is nobody, an empty
    ``installed_version`` unknown."""

    priority: Priority | None = None
    category: Category | None = None
    status: RequestStatus | None = None
    assignee: Text | None = None
    licence_id: Text | None = Field(default=None, description="brings its terms of the day the request was opened")
    subject: Text | None = None
    installed_version: Text | None = None
    contact: ContactBody | None = None
    revision: Revision | None = None

    def changes(self) -> RequestChanges:
        return RequestChanges(
            self.priority,
            self.category,
            self.status,
            self.assignee,
            self.licence_id,
            self.subject,
            self.installed_version,
            self.contact.contact() if self.contact is not None else None,
        )


class ReplyBody(BodyModel):
    body: Words
    by_mail: bool = Field(default=True, description="false: it was said on the telephone")
    status: RequestStatus = Field(
        default=RequestStatus.WAITING_FOR_CUSTOMER, description="open, waiting_for_customer or resolved"
    )
    revision: Revision | None = None


class NoteBody(BodyModel):
    body: Words


class HeardBody(BodyModel):
    body: Words
    name: Text | None = Field(default=None, description="whose words they are; default: the request's contact")


class CloseBody(BodyModel):
    revision: Revision | None = None


LIST = Operation(
    summary="The queue of support requests: priority incidents first, then what is due first",
    request=RequestSearch, answer=support_wire.SupportRequestPage, access=Access.TOKEN, refusals=TOKEN_REFUSALS,
)  # fmt: skip
OPEN = Operation(
    summary="Open a support request, with the terms that the licence has today",
    method="POST", request=OpenOne, body=NewRequestBody, answer=support_wire.SupportRequestAnswer,
    status=HTTPStatus.CREATED, access=Access.TOKEN, refusals=ONCE_REFUSALS,
)  # fmt: skip
SHOW = Operation(
    summary="A support request with everything that was said",
    request=OneRequest, answer=support_wire.SupportRequestDetails, access=Access.TOKEN, refusals=ONE_REFUSALS,
)  # fmt: skip
CHANGE = Operation(
    summary="Change priority, category, status, assignee, licence or contact of a support request",
    method="PATCH", request=OneRequest, body=RequestChangesBody, answer=support_wire.SupportRequestAnswer,
    access=Access.TOKEN, refusals=CHANGE_REFUSALS,
)  # fmt: skip
REPLY = Operation(
    summary="Answer the customer, by mail or on the telephone",
    method="POST", request=WriteToRequest, body=ReplyBody, answer=support_wire.WrittenAnswer,
    status=HTTPStatus.CREATED, access=Access.TOKEN, refusals=ONCE_REFUSALS,
)  # fmt: skip
NOTE = Operation(
    summary="Note something for operators",
    method="POST", request=WriteToRequest, body=NoteBody, answer=support_wire.WrittenAnswer,
    status=HTTPStatus.CREATED, access=Access.TOKEN, refusals=ONCE_REFUSALS,
)  # fmt: skip
HEARD = Operation(
    summary="Write down what the customer said; what was over is open again",
    method="POST", request=WriteToRequest, body=HeardBody, answer=support_wire.WrittenAnswer,
    status=HTTPStatus.CREATED, access=Access.TOKEN, refusals=ONCE_REFUSALS,
)  # fmt: skip
CLOSE = Operation(
    summary="Close a support request; a repeat changes nothing",
    method="POST", request=OneRequest, body=CloseBody, answer=support_wire.SupportRequestAnswer,
    access=Access.TOKEN, refusals=CHANGE_REFUSALS,
)  # fmt: skip
REOPEN = Operation(
    summary="Open a support request again; a repeat changes nothing",
    method="POST", request=OneRequest, answer=support_wire.SupportRequestAnswer,
    access=Access.TOKEN, refusals=CHANGE_REFUSALS,
)  # fmt: skip
CALLERS = Operation(
    summary="Who is on the telephone: SMP, plan, versions and open requests of whoever the words fit",
    request=CallerSearch, answer=support_wire.CallersAnswer, access=Access.TOKEN, refusals=TOKEN_REFUSALS,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportParts:
    """What the addresses of support need."""

    list_requests: ListRequests
    show_request: ShowRequest
    open_request: OpenRequest
    change_request: ChangeRequest
    close_request: CloseRequest
    reopen_request: ReopenRequest
    reply_to_request: ReplyToRequest
    note_on_request: NoteOnRequest
    hear_customer: HearCustomer
    who_calls: WhoCalls


@dataclass(frozen=True, slots=True)
class SupportRequestEndpoints:
    """The token is asked for before anything else of a request is read."""

    authentication: TokenAuthentication
    parts: SupportParts

    def endpoints(self) -> Iterator[Endpoint]:
        yield Endpoint("/v1/support-requests", self.list, LIST)
        yield Endpoint("/v1/support-requests", self.open, OPEN)
        yield Endpoint("/v1/support-requests/{request_id}", self.show, SHOW)
        yield Endpoint("/v1/support-requests/{request_id}", self.change, CHANGE)
        yield Endpoint("/v1/support-requests/{request_id}/replies", self.reply, REPLY)
        yield Endpoint("/v1/support-requests/{request_id}/notes", self.note, NOTE)
        yield Endpoint("/v1/support-requests/{request_id}/customer-messages", self.heard, HEARD)
        yield Endpoint("/v1/support-requests/{request_id}/close", self.close, CLOSE)
        yield Endpoint("/v1/support-requests/{request_id}/reopen", self.reopen, REOPEN)
        yield Endpoint("/v1/support-callers", self.callers, CALLERS)

    def list(self, request: Request) -> Response:
        self.authentication.token_for_any(request, READERS)
        asked = read(request, RequestSearch)
        page = self.parts.list_requests(asked.filter(), limit=asked.limit, after=asked.cursor)
        return answered(
            support_wire.SupportRequestPage(
                requests=[support_wire.QueuedRequest.of(line) for line in page.entries],
                next_cursor=place_text(page.after) if page.after is not None else None,
            )
        )

    def show(self, request: Request) -> Response:
        self.authentication.token_for_any(request, READERS)
        shown = self.parts.show_request(read(request, OneRequest).request_id)
        return answered(support_wire.SupportRequestDetails.of(shown))

    def callers(self, request: Request) -> Response:
        self.authentication.token_for_any(request, READERS)
        found = self.parts.who_calls(read(request, CallerSearch).search, limit=MOST_CALLERS)
        return answered(support_wire.CallersAnswer(callers=[support_wire.CallerAnswer.of(one) for one in found]))

    async def open(self, request: Request) -> Response:
        token = await self._operator(request)
        key = read(request, OpenOne).idempotency_key
        body = await read_body(request, NewRequestBody)
        once = once_of(token, "support.open", key, body.model_dump())
        opened = await run_in_threadpool(self.parts.open_request, body.request(), who=token.who, once=once)
        location = f"/v1/support-requests/{opened.request_id}"
        return answered(support_wire.SupportRequestAnswer.of(opened), HTTPStatus.CREATED, Location=location)

    async def change(self, request: Request) -> Response:
        token = await self._operator(request)
        request_id = read(request, OneRequest).request_id
        body = await read_body(request, RequestChangesBody)
        changed = await run_in_threadpool(
            self.parts.change_request, request_id, body.changes(), who=token.who, revision=body.revision
        )
        return answered(support_wire.SupportRequestAnswer.of(changed))

    async def reply(self, request: Request) -> Response:
        token = await self._operator(request)
        asked = read(request, WriteToRequest)
        body = await read_body(request, ReplyBody)
        written = await run_in_threadpool(
            self.parts.reply_to_request,
            asked.request_id,
            body.body,
            who=token.who,
            by_mail=body.by_mail,
            status=body.status,
            revision=body.revision,
            once=once_of(token, f"support.reply {asked.request_id}", asked.idempotency_key, body.model_dump()),
        )
        return answered(support_wire.WrittenAnswer.of(written), HTTPStatus.CREATED)

    async def note(self, request: Request) -> Response:
        token = await self._operator(request)
        asked = read(request, WriteToRequest)
        body = await read_body(request, NoteBody)
        once = once_of(token, f"support.note {asked.request_id}", asked.idempotency_key, body.model_dump())
        note = self.parts.note_on_request
        written = await run_in_threadpool(note, asked.request_id, body.body, who=token.who, once=once)
        return answered(support_wire.WrittenAnswer.of(written), HTTPStatus.CREATED)

    async def heard(self, request: Request) -> Response:
        token = await self._operator(request)
        asked = read(request, WriteToRequest)
        body = await read_body(request, HeardBody)
        once = once_of(token, f"support.heard {asked.request_id}", asked.idempotency_key, body.model_dump())
        written = await run_in_threadpool(
            self.parts.hear_customer, asked.request_id, body.body, who=token.who, name=body.name, once=once
        )
        return answered(support_wire.WrittenAnswer.of(written), HTTPStatus.CREATED)

    async def close(self, request: Request) -> Response:
        token = await self._operator(request)
        request_id = read(request, OneRequest).request_id
        revision = (await read_body(request, CloseBody)).revision
        closed = await run_in_threadpool(self.parts.close_request, request_id, who=token.who, revision=revision)
        return answered(support_wire.SupportRequestAnswer.of(closed))

    async def reopen(self, request: Request) -> Response:
        token = await self._operator(request)
        request_id = read(request, OneRequest).request_id
        reopened = await run_in_threadpool(self.parts.reopen_request, request_id, who=token.who)
        return answered(support_wire.SupportRequestAnswer.of(reopened))

    async def _operator(self, request: Request) -> ApiToken:
        return await run_in_threadpool(self.authentication.token, request, Scope.SUPPORT)
