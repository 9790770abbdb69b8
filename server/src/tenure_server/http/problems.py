"""Every error as a problem detail (RFC 9457): one table from error to status, one shape, no secret and no internals."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from tenure_server.errors import (
    AuthenticationRequired,
    Conflict,
    DatabaseUnavailable,
    Forbidden,
    InvalidRequest,
    NotFound,
    NotInSnapshot,
    ProductUnavailable,
    Refusal,
    SignerSilent,
    StoreUnavailable,
    TenureError,
    TokenRequired,
    UnprocessableRepeat,
)
from tenure_server.http.wire import Fault, Problem
from tenure_server.use_cases.download import ReleaseGone

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5

CHALLENGES = ('License realm="tenure"', 'Basic realm="tenure", charset="UTF-8"')
"""What a 401 offers. Updaters with a user name and password in their URL send them only when asked for ``Basic``."""

TOKEN_CHALLENGES = ('Bearer realm="tenure management"',)
"""The same of management addresses, which take API tokens and nothing else."""

STATUS_OF: Mapping[type[TenureError], HTTPStatus] = {
    InvalidRequest: HTTPStatus.BAD_REQUEST,
    UnprocessableRepeat: HTTPStatus.UNPROCESSABLE_ENTITY,
    AuthenticationRequired: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    ReleaseGone: HTTPStatus.GONE,
    Conflict: HTTPStatus.CONFLICT,
    DatabaseUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    ProductUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    SignerSilent: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""Errors of any other class are ours and answer 500."""

_log = logging.getLogger(__name__)

# Their own words name hosts and directories, which are the log's business.
_PUBLIC_WORDS: Mapping[type[TenureError], tuple[str, str]] = {
    DatabaseUnavailable: ("database_unavailable", "The server's database does not answer at the moment."),
    ProductUnavailable: ("product_unavailable", "What is published of this product cannot be read at the moment."),
    StoreUnavailable: ("store_unavailable", "The server's file store does not answer at the moment."),
    SignerSilent: ("signer_silent", "The signer has not answered yet; what was asked of it is kept."),
}

_ROUTER_WORDS: Mapping[int, tuple[str, str]] = {
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not answer to this method."),
    413: ("body_too_large", "The request's body is too large."),
}


class FaultyRequest(InvalidRequest):
    """The request has one or more faults, all of them listed."""

    def __init__(self, faults: tuple[Fault, ...], *, code: str = "invalid_request") -> None:
        what = "a fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__(f"The request has {what}.", code=code)
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Answerable:
    """What a problem says, before it is a response."""

    status: int
    code: str
    detail: str
    hint: str | None = None
    faults: tuple[Fault, ...] = ()
    incident: str | None = None
    challenges: tuple[str, ...] = CHALLENGES  # of a 401

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        problem = Problem(
            title=_title(self.status),
            status=self.status,
            detail=self.detail,
            code=self.code,
            hint=self.hint,
            errors=list(self.faults) or None,
            incident=self.incident,
        )
        body = problem.model_dump_json(exclude_none=True)
        response = Response(body, self.status, {"Cache-Control": "no-store", **(headers or {})}, MEDIA_TYPE)
        if self.status == HTTPStatus.UNAUTHORIZED:
            for challenge in self.challenges:
                response.headers.append("WWW-Authenticate", challenge)
        if self.status == HTTPStatus.SERVICE_UNAVAILABLE:
            response.headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
        return response


def problem_of(error: TenureError) -> Answerable:
    """What to tell the client of an error. What is not the client's business is logged here."""
    status = next((STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF), None)
    if isinstance(error, Refusal) and status is not None:
        faults = error.faults if isinstance(error, FaultyRequest) else ()
        challenges = TOKEN_CHALLENGES if isinstance(error, TokenRequired) else CHALLENGES
        return Answerable(status, error.code, str(error), error.hint, faults, challenges=challenges)
    if isinstance(error, NotInSnapshot):  # nothing is wrong, so nothing is logged
        return Answerable(HTTPStatus.SERVICE_UNAVAILABLE, "certificate_needed", str(error), error.hint)
    for kind, (code, detail) in _PUBLIC_WORDS.items():
        if isinstance(error, kind):
            _log.error("%s: %s", type(error).__name__, error)
            return Answerable(HTTPStatus.SERVICE_UNAVAILABLE, code, detail, "try again in a moment")
    return incident_of(error)


def incident_of(error: Exception) -> Answerable:
    """An error nobody expected: logged with its traceback under a number, which is all the client is told."""
    incident = secrets.token_hex(6)
    _log.error("incident %s", incident, exc_info=error)
    return Answerable(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal_error",
        "The server failed. This is not your fault.",
        f"tell the vendor the incident number {incident}",
        incident=incident,
    )


def _answer_tenure_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, TenureError)
    return problem_of(error).response()


def _answer_router(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code, detail = _ROUTER_WORDS.get(error.status_code, ("http_error", _title(error.status_code) + "."))
    headers = dict(error.headers or {})
    if "Allow" in headers:
        headers["Allow"] = ", ".join(sorted(_methods_at(request)))
    return Answerable(error.status_code, code, detail).response(headers)


def _methods_at(request: Request) -> set[str]:
    """All that the address answers to: it has a route for each, and the router names those of the first only."""
    routes = (route for route in request.app.routes if isinstance(route, Route))
    return {method for one in routes if one.matches(request.scope)[0] is not Match.NONE for method in one.methods or ()}


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


EXCEPTION_HANDLERS: Mapping[type[Exception], Callable[[Request, Exception], Response]] = {
    TenureError: _answer_tenure_error,
    HTTPException: _answer_router,
}
