"""``/v1/webhooks``: where events are sent, and what became of them. docs/integration.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tenure_server.domain.api_tokens import ApiToken, Scope
from tenure_server.domain.events import EventType
from tenure_server.domain.webhooks import Delivery, DeliveryState, WebhookEndpoint, shown_url
from tenure_server.http.authentication import TokenAuthentication
from tenure_server.http.bodies import BodyModel, read_body
from tenure_server.http.endpoint import Access, Endpoint, Operation
from tenure_server.http.parameters import NoParameters
from tenure_server.http.reading import IN_PATH, RequestModel, read
from tenure_server.http.refusals import CHANGE_REFUSALS
from tenure_server.http.wire import Answer
from tenure_server.use_cases.manage_webhooks import MAX_OVERLAP_HOURS, ManageWebhooks, WebhookWish
from tenure_server.use_cases.show_webhooks import ShowWebhooks

MAX_DELIVERIES = 200


class WebhookAnswer(Answer):
    """An endpoint to which events are sent."""

    id: str
    url: str = Field(description="without its query, which may hold a secret of the receiver's")
    events: list[str] = Field(description="types and things that are sent there; none: all")
    description: str
    allows_private: bool
    created_at: datetime
    failing_since: datetime | None = Field(description="when the first of the failures was that no success followed")
    disabled_at: datetime | None
    disabled_reason: str | None

    @classmethod
    def of(cls, endpoint: WebhookEndpoint) -> WebhookAnswer:
        return cls(
            id=endpoint.endpoint_id,
            url=shown_url(endpoint.url),
            events=list(endpoint.wanted.words),
            description=endpoint.description,
            allows_private=endpoint.allows_private,
            created_at=endpoint.created_at,
            failing_since=endpoint.failing_since,
            disabled_at=endpoint.disabled_at,
            disabled_reason=endpoint.disabled_reason,
        )


class WebhookList(Answer):
    webhooks: list[WebhookAnswer]


class WebhookSecret(Answer):
    """The secret is shown this once."""

    webhook: WebhookAnswer
    secret: str = Field(description="`whsec_…`, for a library of Standard Webhooks")


class DeliveryAnswer(Answer):
    """An event on its way to an endpoint, or arrived there."""

    id: str
    event: str
    type: EventType
    state: DeliveryState
    attempts: int
    status: int | None = Field(description="of the last answer")
    problem: str | None = Field(description="of the last attempt, if it failed")
    next_at: datetime | None = Field(description="when it is sent again")
    ended_at: datetime | None

    @classmethod
    def of(cls, delivery: Delivery) -> DeliveryAnswer:
        return cls(
            id=delivery.delivery_id,
            event=delivery.event_id,
            type=delivery.event_type,
            state=delivery.state,
            attempts=delivery.attempts,
            status=delivery.status,
            problem=delivery.problem,
            next_at=delivery.next_at if delivery.state is DeliveryState.PENDING else None,
            ended_at=delivery.ended_at,
        )


class DeliveryList(Answer):
    """Those of the newest events first."""

    deliveries: list[DeliveryAnswer]


class TestedWebhook(Answer):
    __test__ = False  # no test of pytest's

    taken: bool = Field(description="whether it was answered with success")
    status: int | None
    problem: str | None
    milliseconds: int


class WebhookBody(BodyModel):
    url: Annotated[str, Field(max_length=2000)]
    events: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=100)] = Field(
        default=[], description="types (`licence.revoked`) and things (`licence`); none: all"
    )
    description: Annotated[str, Field(max_length=200)] = ""


class RotationBody(BodyModel):
    overlap_hours: Annotated[int, Field(ge=0, le=MAX_OVERLAP_HOURS)] = Field(
        default=24, description="for so long the old secret signs too"
    )


_ID = WithJsonSchema({"type": "string", "description": "the webhook's id"})


class WebhookRequest(RequestModel):
    webhook: Annotated[str, PlainValidator(str), _ID] = Field(json_schema_extra=IN_PATH)


class DeliveryRequest(WebhookRequest):
    delivery: Annotated[
        str, PlainValidator(str), WithJsonSchema({"type": "string", "description": "the delivery's id"})
    ] = Field(json_schema_extra=IN_PATH)


LIST = Operation(
    summary="The endpoints to which events are sent", answer=WebhookList, access=Access.TOKEN, refusals=CHANGE_REFUSALS
)
ADD = Operation(
    summary="Send events to an address from now on; the answer shows the secret, this once",
    method="POST", body=WebhookBody, answer=WebhookSecret, access=Access.TOKEN, status=HTTPStatus.CREATED,
    refusals=CHANGE_REFUSALS,
)  # fmt: skip
REMOVE = Operation(
    summary="Send nothing there any more, and forget its log",
    method="DELETE", request=WebhookRequest, answer=None, access=Access.TOKEN, status=HTTPStatus.NO_CONTENT,
    refusals=CHANGE_REFUSALS,
)  # fmt: skip
TEST = Operation(
    summary="Send a test message now and say how it went",
    method="POST", request=WebhookRequest, answer=TestedWebhook, access=Access.TOKEN, refusals=CHANGE_REFUSALS,
)  # fmt: skip
ROTATE = Operation(
    summary="A new secret; the old one signs beside it for a while",
    method="POST", request=WebhookRequest, body=RotationBody, answer=WebhookSecret, access=Access.TOKEN,
    refusals=CHANGE_REFUSALS,
)  # fmt: skip
ENABLE = Operation(
    summary="Send to a disabled endpoint again, beginning with what it missed",
    method="POST", request=WebhookRequest, answer=WebhookAnswer, access=Access.TOKEN, refusals=CHANGE_REFUSALS,
)  # fmt: skip
LOG = Operation(
    summary="What became of the newest events for the endpoint",
    request=WebhookRequest, answer=DeliveryList, access=Access.TOKEN, refusals=CHANGE_REFUSALS,
)  # fmt: skip
REDELIVER = Operation(
    summary="Send an event once more, whether or not it arrived",
    method="POST", request=DeliveryRequest, answer=DeliveryAnswer, access=Access.TOKEN, refusals=CHANGE_REFUSALS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class WebhookEndpoints:
    """All of them want a token with the scope ``admin``: who names an endpoint is told everything that happens.

    Private addresses are an operator's to allow, on the command line: a stolen token does not reach into the network.
    """

    authentication: TokenAuthentication
    manage: ManageWebhooks
    show: ShowWebhooks

    def list_all(self, request: Request) -> Response:
        self._token(request)
        read(request, NoParameters)
        return _answer(WebhookList(webhooks=[WebhookAnswer.of(one) for one in self.show.all()]))

    async def add(self, request: Request) -> Response:
        token = await run_in_threadpool(self._token, request)
        body = await read_body(request, WebhookBody)
        wish = WebhookWish(body.url, tuple(body.events), body.description)
        made = await run_in_threadpool(self.manage.add, wish, who=token.who)
        answer = WebhookSecret(webhook=WebhookAnswer.of(made.endpoint), secret=made.secret)
        return _answer(answer, HTTPStatus.CREATED)

    def remove(self, request: Request) -> Response:
        token = self._token(request)
        self.manage.remove(read(request, WebhookRequest).webhook, who=token.who)
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=_HEADERS)

    def test(self, request: Request) -> Response:
        self._token(request)
        sent = self.manage.test(read(request, WebhookRequest).webhook)
        return _answer(
            TestedWebhook(taken=sent.is_taken, status=sent.status, problem=sent.problem, milliseconds=sent.milliseconds)
        )

    async def rotate(self, request: Request) -> Response:
        token = await run_in_threadpool(self._token, request)
        asked = read(request, WebhookRequest)
        body = await read_body(request, RotationBody)
        made = await run_in_threadpool(
            self.manage.rotate_secret, asked.webhook, overlap_hours=body.overlap_hours, who=token.who
        )
        return _answer(WebhookSecret(webhook=WebhookAnswer.of(made.endpoint), secret=made.secret))

    def enable(self, request: Request) -> Response:
        token = self._token(request)
        return _answer(WebhookAnswer.of(self.manage.enable(read(request, WebhookRequest).webhook, who=token.who)))

    def log(self, request: Request) -> Response:
        self._token(request)
        found = self.show.deliveries(read(request, WebhookRequest).webhook, limit=MAX_DELIVERIES)
        return _answer(DeliveryList(deliveries=[DeliveryAnswer.of(one) for one in found]))

    def redeliver(self, request: Request) -> Response:
        token = self._token(request)
        asked = read(request, DeliveryRequest)
        self.show.delivery(asked.webhook, asked.delivery)
        return _answer(DeliveryAnswer.of(self.manage.redeliver(asked.delivery, who=token.who)))

    def _token(self, request: Request) -> ApiToken:
        return self.authentication.token(request, Scope.ADMIN)


def webhook_endpoints(
    authentication: TokenAuthentication, manage: ManageWebhooks, show: ShowWebhooks
) -> Iterator[Endpoint]:
    serves = WebhookEndpoints(authentication, manage, show)
    one = "/v1/webhooks/{webhook}"
    yield Endpoint("/v1/webhooks", serves.list_all, LIST)
    yield Endpoint("/v1/webhooks", serves.add, ADD)
    yield Endpoint(one, serves.remove, REMOVE)
    yield Endpoint(f"{one}/test", serves.test, TEST)
    yield Endpoint(f"{one}/secret", serves.rotate, ROTATE)
    yield Endpoint(f"{one}/enable", serves.enable, ENABLE)
    yield Endpoint(f"{one}/deliveries", serves.log, LOG)
    yield Endpoint(one + "/deliveries/{delivery}/redeliver", serves.redeliver, REDELIVER)


_HEADERS = {"Cache-Control": "no-store", "Vary": "Authorization"}


def _answer(answer: Answer, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(answer.model_dump_json(), status, _HEADERS, "application/json")
