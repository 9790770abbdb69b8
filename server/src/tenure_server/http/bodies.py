"""Reads a JSON body into a model, with every fault listed at once. As in ``reading.py``, no fault repeats a value."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request

from tenure_server.http.problems import FaultyRequest
from tenure_server.http.wire import Fault
from tenure_signing.draft_files import MAX_DRAFT_BYTES

B = TypeVar("B", bound="BodyModel")

_KIB = 1024
_MIB = 1024 * _KIB
MAX_BODY_BYTES = 64 * _KIB
LARGER_BODIES = {
    "/v1/publishing/": 12 * _MIB,
    "/v1/trust/push": MAX_DRAFT_BYTES,
    "/portal/requests": 256 * _KIB,
    "/v1/imports/": 4 * _MIB,
    "/uploads/": 5 * 1024 * _MIB,
    "/v1/support-requests": 1 * _MIB,
}
"""By the beginning of the path: a product's signed role, a ceremony's draft, a customer's message of 20,000 characters
as a form writes them, some ten thousand rows, a part of a build, and an operator's message. Anything else takes forms
at most."""


def max_body_bytes(path: str) -> int:
    """The largest body that an address takes."""
    return next((most for prefix, most in LARGER_BODIES.items() if path.startswith(prefix)), MAX_BODY_BYTES)


class BodyModel(BaseModel):
    """What a JSON body says. Unknown members are refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


async def read_body(request: Request, model: type[B]) -> B:
    """The body as the model has it. Raises ``FaultyRequest`` (``invalid_request``)."""
    data = await read_json(request)
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False, include_context=True)
        raise FaultyRequest(tuple(_fault(one["loc"], one["type"], one["msg"]) for one in details)) from None


async def read_json(request: Request) -> bytes:
    """The body as it is, if it is said to be JSON. Raises ``FaultyRequest`` (``invalid_request``)."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise FaultyRequest((Fault(where="header.Content-Type", problem="is not application/json"),))
    return await request.body()


def _fault(location: tuple[int | str, ...], kind: str, message: str) -> Fault:
    # A member's name may be anything when it is not one of ours.
    known = location[:-1] if kind == "extra_forbidden" else location
    where = ".".join(("body", *map(str, known)))
    problem = {"missing": "is required", "extra_forbidden": "has a member that is not known here"}.get(kind, message)
    return Fault(where=where, problem=problem.removeprefix("Value error, "))
