"""``GET /v1/events``: everything that happened, by cursor. docs/integration.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema
from starlette.requests import Request
from starlette.responses import Response

from tenure_server.domain.api_tokens import Scope
from tenure_server.domain.events import EventFilter, EventType, NumberedEvent, event_facts
from tenure_server.http.authentication import TokenAuthentication
from tenure_server.http.endpoint import Access, Operation
from tenure_server.http.reading import RequestModel, read
from tenure_server.http.refusals import TOKEN_REFUSALS
from tenure_server.http.wire import Answer
from tenure_server.use_cases.read_events import ReadEvents

MAX_EVENTS = 1000
DEFAULT_EVENTS = 100

_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)


class EventAnswer(Answer):
    """Something that happened. Webhooks carry the same members, without the cursor."""

    cursor: str = Field(description="`after` of a request that goes on behind this event")
    id: str = Field(description="the same wherever the event is told; in webhooks the `webhook-id`")
    type: EventType
    timestamp: datetime
    subject: str = Field(description="what it happened to: a licence's id, or `<product> <version>`")
    product: str | None
    customer: str | None = Field(description="the customer's id")
    data: dict[str, Any] = Field(description="depends on the type")

    @classmethod
    def of(cls, one: NumberedEvent) -> EventAnswer:
        return cls.model_validate({"cursor": str(one.number), **event_facts(one.event)})


class EventList(Answer):
    """A page of events, oldest first."""

    events: list[EventAnswer]
    next_cursor: str = Field(description="`after` of the next request, now or later")
    has_more: bool = Field(description="whether there are further events already")


def parse_cursor(text: str) -> int:
    """A place in the feed. Raises ``ValueError``."""
    if not _NUMBER.fullmatch(text):
        raise ValueError("a cursor is the `next_cursor` of an answer, or 0 for the beginning")
    return int(text)


def _parse_filter(text: str) -> EventFilter:
    return EventFilter(tuple(text.split(",")))


def _parse_limit(text: str) -> int:
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= MAX_EVENTS:
        raise ValueError(f"a limit is a whole number from 1 to {MAX_EVENTS}")
    return int(text)


class EventsRequest(RequestModel):
    after: Annotated[
        int,
        PlainValidator(parse_cursor),
        WithJsonSchema({"type": "string", "description": "`next_cursor` of the page before; default: the beginning"}),
    ] = 0
    type: Annotated[
        EventFilter,
        PlainValidator(_parse_filter),
        WithJsonSchema(
            {
                "type": "string",
                "description": "only these, separated by commas: `licence.revoked`, or `licence` for all of licences",
            }
        ),
    ] = EventFilter()
    subject: Annotated[
        str | None, PlainValidator(str), WithJsonSchema({"type": "string", "description": "only what happened to this"})
    ] = None
    limit: Annotated[
        int,
        PlainValidator(_parse_limit),
        WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_EVENTS, "description": "events on a page"}),
    ] = DEFAULT_EVENTS


OPERATION = Operation(
    summary="Everything that happened, oldest first, by cursor",
    request=EventsRequest,
    answer=EventList,
    access=Access.TOKEN,
    refusals=TOKEN_REFUSALS,
)


@dataclass(frozen=True, slots=True)
class EventsEndpoint:
    authentication: TokenAuthentication
    read_events: ReadEvents

    def get(self, request: Request) -> Response:
        self.authentication.token(request, Scope.READ)
        asked = read(request, EventsRequest)
        page = self.read_events(asked.after, wanted=asked.type, subject=asked.subject, limit=asked.limit)
        answer = EventList(
            events=[EventAnswer.of(one) for one in page.events],
            next_cursor=str(page.cursor),
            has_more=page.has_more,
        )
        headers = {"Cache-Control": "no-store", "Vary": "Authorization"}
        return Response(answer.model_dump_json(), headers=headers, media_type="application/json")
