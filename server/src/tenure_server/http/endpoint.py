"""An address and what it promises: from one list of these come the routes and ``/openapi.json``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Literal

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tenure_server.errors import TenureError
from tenure_server.http.parameters import NoParameters
from tenure_server.http.reading import RequestModel


class Access(Enum):
    ANYONE = "anyone"
    LICENCE = "licence"  # the key in the Authorization header
    TOKEN = "token"  # noqa: S105 (an API token in the Authorization header)
    SIGNATURE = "signature"  # a shop that signs what it says
    LINK = "link"  # whoever holds a signed link or a feed token


@dataclass(frozen=True, slots=True)
class Operation:
    """What a method of an address does, in the words of OpenAPI; HEAD goes with GET. An address with
    several methods has an endpoint for each.

    ``answer`` is the model of a JSON answer, or the media type of any other; None where there is no body.
    """

    summary: str
    answer: type[BaseModel] | str | None
    request: type[RequestModel] = NoParameters
    access: Access = Access.ANYONE
    status: HTTPStatus = HTTPStatus.OK
    is_conditional: bool = False  # has an ETag and answers 304
    refusals: tuple[type[TenureError], ...] = ()
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    body: type[BaseModel] | str | None = None  # the model of a JSON body, or the media type of any other


@dataclass(frozen=True, slots=True)
class Endpoint:
    path: str
    answer: Callable[[Request], Response] | Callable[[Request], Awaitable[Response]]
    operation: Operation

    def route(self) -> Route:
        """The method of the path, HEAD with GET. Functions that are no coroutines run in Starlette's thread pool."""
        return Route(self.path, self.answer, methods=[self.operation.method])
