"""Reads a request into a model, with every fault of it listed at once.

Unknown and repeated parameters are refused, so that a misspelt one is noticed. No fault repeats a value: somebody may
have put a licence key in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo
from starlette.requests import Request

from tenure_server.http.problems import FaultyRequest
from tenure_server.http.wire import Fault

MAX_VALUE_CHARACTERS = 300
MAX_HEADER_CHARACTERS = 16_384
MAX_PARAMETERS = 20

Place = Literal["query", "path", "header"]

IN_PATH: JsonDict = {"in": "path"}
IN_HEADER: JsonDict = {"in": "header"}
"""For a field's ``json_schema_extra``: where it is read from. The default is the query."""

_SAFE_TO_SHOW = re.compile(r"[A-Za-z][A-Za-z_-]{0,31}", re.ASCII)

M = TypeVar("M", bound="RequestModel")


class RequestModel(BaseModel):
    """What an endpoint wants to know. A field is read by its alias, where it has one, from the place it names."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


def place_of(field: FieldInfo) -> Place:
    extra = field.json_schema_extra
    place = extra.get("in") if isinstance(extra, dict) else None
    match place:
        case "path" | "header":
            return place
        case _:
            return "query"


def fields_by_name(model: type[RequestModel]) -> dict[str, FieldInfo]:
    """The fields by the names that requests use."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def read(request: Request, model: type[M]) -> M:
    """The request as the model has it. Raises ``FaultyRequest`` (``invalid_request``)."""
    fields = fields_by_name(model)
    given = {"query": _query(request), "path": _path(request), "header": _headers(request, fields)}
    values: dict[str, str] = {}
    faults: dict[str, Fault] = {}
    for place, values_by_name in given.items():
        for name, found in values_by_name.items():
            problem = _problem_with(place, name, found, fields)
            if problem is None:
                values[name] = found[0]
            else:
                faults.setdefault(name, Fault(where=_where(place, name), problem=problem))
    try:
        parsed = model.model_validate(values)
    except ValidationError as error:
        for fault_name, fault in _faults_of(error, fields):
            faults.setdefault(fault_name, fault)
    else:
        if not faults:
            return parsed
    raise FaultyRequest(tuple(faults.values()))


def _query(request: Request) -> dict[str, list[str]]:
    try:
        text = request.scope["query_string"].decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except UnicodeDecodeError:
        raise FaultyRequest((Fault(where="query", problem="is not UTF-8, percent-encoded"),)) from None
    except ValueError:
        raise FaultyRequest((Fault(where="query", problem=f"has more than {MAX_PARAMETERS} parameters"),)) from None
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def _path(request: Request) -> dict[str, list[str]]:
    return {name: [str(value)] for name, value in request.path_params.items()}


def _headers(request: Request, fields: Mapping[str, FieldInfo]) -> dict[str, list[str]]:
    names = [name for name, field in fields.items() if place_of(field) == "header"]
    return {name: found for name in names if (found := request.headers.getlist(name))}


def _problem_with(place: str, name: str, found: list[str], fields: Mapping[str, FieldInfo]) -> str | None:
    """What is wrong with a parameter before its value is looked at."""
    if name not in fields or place_of(fields[name]) != place:
        known = ", ".join(known for known, field in fields.items() if place_of(field) == "query")
        return f"is not a parameter of this address; it knows {known}" if known else "this address has no parameters"
    if len(found) > 1:
        return "is given more than once"
    longest = MAX_HEADER_CHARACTERS if place == "header" else MAX_VALUE_CHARACTERS
    if len(found[0]) > longest:
        return f"has more than {longest} characters"
    return None


def _faults_of(error: ValidationError, fields: Mapping[str, FieldInfo]) -> Iterator[tuple[str, Fault]]:
    """Name of the parameter, empty for a fault of several together, and what is wrong with it."""
    for details in error.errors(include_url=False, include_input=False):
        match details["type"]:
            case "missing":
                problem = "is required"
            case "value_error":
                problem = str(details["ctx"]["error"])
            case _:
                problem = details["msg"]
        name = str(details["loc"][0]) if details["loc"] else ""
        where = _where(place_of(fields[name]), name) if name else "query"
        yield name, Fault(where=where, problem=problem)


def _where(place: str, name: str) -> str:
    return f"{place}.{name}" if _SAFE_TO_SHOW.fullmatch(name) else place
