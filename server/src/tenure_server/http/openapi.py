"""The OpenAPI 3.1 description, made from the types that parse requests and render answers.

Nothing in it is written by hand that a type says already.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import Response

from tenure_server import __version__
from tenure_server.errors import InvalidRequest
from tenure_server.http.endpoint import Access, Endpoint, Operation
from tenure_server.http.etags import conditional
from tenure_server.http.parameters import NoParameters
from tenure_server.http.problems import MEDIA_TYPE as PROBLEM
from tenure_server.http.problems import STATUS_OF
from tenure_server.http.reading import RequestModel, fields_by_name, place_of, read
from tenure_server.http.wire import Problem

PATH = "/openapi.json"
OPERATION = Operation(
    summary="This description", answer="application/json", is_conditional=True, refusals=(InvalidRequest,)
)

JSON = "application/json"

_SECURITY_SCHEMES = {
    "license": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Authorization: License <key>`",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "the licence key as the token"},
    "basic": {"type": "http", "scheme": "basic", "description": "any user name, the licence key as the password"},
    "api_token": {"type": "http", "scheme": "bearer", "description": "an API token, `tenure_…`"},
}
_ACCEPTED = {Access.LICENCE: ("license", "bearer", "basic"), Access.TOKEN: ("api_token",)}


def describe(operations: Sequence[tuple[str, Operation]]) -> dict[str, Any]:
    """The whole document, of the operations with their paths; a path may have several."""
    answers = [operation.answer for _, operation in operations if isinstance(operation.answer, type)]
    models: list[type[BaseModel]] = [*dict.fromkeys(answers), Problem]
    bodies = dict.fromkeys(operation.body for _, operation in operations if isinstance(operation.body, type))
    _, definitions = models_json_schema(
        [*((model, "serialization") for model in models), *((body, "validation") for body in bodies)],
        ref_template="#/components/schemas/{model}",
    )
    paths: dict[str, dict[str, Any]] = {}
    for path, operation in operations:
        paths.setdefault(_template(path), {}).update(_path_item(_template(path), operation))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tenure",
            "version": __version__,
            "summary": "Licences, support periods and updates",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": definitions["$defs"], "securitySchemes": _SECURITY_SCHEMES},
    }


def _template(path: str) -> str:
    """Starlette's path without its convertors: ``{key:path}`` becomes ``{key}``."""
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", path)


def _path_item(path: str, operation: Operation) -> dict[str, Any]:
    content = _content(operation.body) if operation.body is not None else None
    return {
        method: {
            "operationId": method + "".join(part.capitalize() for part in re.findall(r"\w+", path)),
            "summary": operation.summary,
            "parameters": _parameters(operation.request),
            **({"requestBody": {"required": True, "content": content}} if content is not None else {}),
            "responses": _responses(operation),
            "security": [{name: []} for name in _ACCEPTED.get(operation.access, ())],
        }
        for method in (("get", "head") if operation.method == "GET" else (operation.method.lower(),))
    }


def _parameters(model: type[RequestModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema()
    parameters = []
    for name, field in fields_by_name(model).items():
        stated = {key: value for key, value in schema["properties"][name].items() if key not in ("in", "title")}
        description = stated.pop("description", "")
        if stated.get("default", "") is None:
            del stated["default"]
        required = field.is_required()
        parameters.append(
            {"name": name, "in": place_of(field), "required": required, "description": description, "schema": stated}
        )
    return parameters


def _responses(operation: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {str(int(operation.status)): _success(operation)}
    if operation.is_conditional:
        responses[str(int(HTTPStatus.NOT_MODIFIED))] = {"description": "the client has it already (If-None-Match)"}
    statuses = {STATUS_OF[refusal] for refusal in operation.refusals} | {HTTPStatus.INTERNAL_SERVER_ERROR}
    problem = {PROBLEM: {"schema": _reference(Problem)}}
    for status in sorted(statuses):
        responses[str(int(status))] = {"description": status.phrase, "content": problem}
    return responses


def _success(operation: Operation) -> Mapping[str, Any]:
    match operation.answer:
        case None if operation.status is HTTPStatus.NO_CONTENT:
            return {"description": operation.status.phrase}
        case None:
            location = {"Location": {"schema": {"type": "string", "format": "uri"}, "required": True}}
            return {"description": operation.status.phrase, "headers": location}
        case answer:
            return {"description": operation.status.phrase, "content": _content(answer)}


def _content(body: type[BaseModel] | str) -> dict[str, Any]:
    return {body: {}} if isinstance(body, str) else {JSON: {"schema": _reference(body)}}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


@dataclass(frozen=True, slots=True)
class DescriptionEndpoint:
    document: bytes

    @classmethod
    def of(cls, endpoints: Iterable[Endpoint]) -> DescriptionEndpoint:
        """Describes these addresses and its own."""
        operations = [*((endpoint.path, endpoint.operation) for endpoint in endpoints), (PATH, OPERATION)]
        return cls(json.dumps(describe(operations), indent=1, ensure_ascii=False).encode())

    async def get(self, request: Request) -> Response:
        read(request, NoParameters)
        return conditional(request, self.document, media_type=JSON, headers={"Cache-Control": "public, max-age=300"})
