"""``/openapi.json`` says what the server does: every route, every parameter, every answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter
from starlette.applications import Starlette
from starlette.routing import Route

from tenure_server.http import wire
from tests.server.http.asking import answer, check
from tests.server.http.conftest import Shop
from tests.server.world import license_header

# What is for browsers and foreign updaters is described where it is defined.
NOT_DESCRIBED = ("/portal", "/feeds")


@pytest.fixture(scope="session")
def document(shop: Shop) -> dict[str, Any]:
    return answer(shop.client.get("/openapi.json"))


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def test_it_is_openapi_3_1_with_all_that_is_required(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert {"title", "version"} <= document["info"].keys()
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    for _, _, operation in operations(document):
        assert operation["responses"]
        assert all(re.fullmatch("[1-5][0-9]{2}", status) for status in operation["responses"])
        assert all(response["description"] for response in operation["responses"].values())
        for requirement in operation["security"]:
            assert requirement.keys() <= document["components"]["securitySchemes"].keys()


def test_every_route_is_described_with_its_methods(shop: Shop, document: dict[str, Any]) -> None:
    app = shop.client.app
    assert isinstance(app, Starlette)
    served = {
        (re.sub(r":\w+\}", "}", route.path), method.lower())
        for route in app.routes
        if isinstance(route, Route) and not route.path.startswith(NOT_DESCRIBED)
        for method in route.methods or ()
    }
    assert served == {(path, method) for path, method, _ in operations(document)}


def test_every_path_parameter_is_declared_and_no_name_twice(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        declared = [(parameter["in"], parameter["name"]) for parameter in operation["parameters"]]
        assert len(set(declared)) == len(declared)
        in_path = {name for place, name in declared if place == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path))
        for parameter in operation["parameters"]:
            assert parameter["description"]
            assert parameter["schema"]["type"] in ("string", "integer", "boolean")
            assert parameter["required"] or parameter["in"] != "path"


def references(value: object) -> Iterator[str]:
    match value:
        case dict():
            for name, member in value.items():
                if name == "$ref":
                    yield str(member)
                yield from references(member)
        case list():
            for member in value:
                yield from references(member)


def test_every_reference_leads_somewhere_and_every_schema_is_used(document: dict[str, Any]) -> None:
    found = set(references(document))
    assert found == {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


def test_what_needs_a_licence_says_so(document: dict[str, Any]) -> None:
    needing = {path for path, _, operation in operations(document) if {"license": []} in operation["security"]}
    assert needing == {
        "/v1/activations",
        "/v1/update-check",
        "/v1/releases",
        "/v1/licence",
        "/v1/install-reports",
        "/downloads/{product}/{version}/{file}",
    }
    for path in needing:
        for operation in document["paths"][path].values():
            assert {"401", "503"} <= operation["responses"].keys()


def schema_of(document: dict[str, Any], path: str) -> dict[str, Any]:
    content = document["paths"][path]["get"]["responses"]["200"]["content"]
    name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/v1/update-check", wire.UpdateCheck),
        ("/v1/releases", wire.ReleaseList),
        ("/v1/licence", wire.LicenceAnswer),
        ("/readyz", wire.Ready),
    ],
)
def test_a_real_answer_has_exactly_the_members_that_are_described(
    shop: Shop, document: dict[str, Any], path: str, model: type[BaseModel]
) -> None:
    response = (
        check(shop.client, shop.bo.key)
        if path == "/v1/update-check"
        else shop.client.get(path, headers=license_header(shop.bo.key))
        if path.startswith("/v1")
        else shop.client.get(path)
    )
    schema = schema_of(document, path)
    assert set(schema["properties"]) == set(schema["required"]) == answer(response).keys()
    assert TypeAdapter(model).validate_json(response.content)


def test_every_status_of_the_table_of_the_specification_is_described(document: dict[str, Any]) -> None:
    described = document["paths"]["/downloads/{product}/{version}/{file}"]["get"]["responses"]
    assert list(described) == ["302", "400", "401", "403", "404", "410", "500", "503"]
    assert list(document["paths"]["/v1/update-check"]["get"]["responses"]) == [
        "200", "304", "400", "401", "403", "404", "500", "503",
    ]  # fmt: skip


def test_the_description_is_cheap_to_ask_for_again(shop: Shop) -> None:
    etag = shop.client.get("/openapi.json").headers["etag"]
    assert shop.client.get("/openapi.json", headers={"If-None-Match": etag}).status_code == 304
