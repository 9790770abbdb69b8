"""``/v1/exports`` and ``/v1/imports``: whole tables between servers and programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.app import create_app
from tenure_server.domain.api_tokens import Scope
from tests.server.http.asking import answer, problem
from tests.server.http.conftest import Shop
from tests.server.http.office import Office
from tests.server.http.test_customers import bearer
from tests.server.world import CAM, World

TABLES = ("customers", "contacts", "licences")
CSV = {"Content-Type": "text/csv; charset=utf-8"}


@pytest.fixture
def sales(own_shop: Shop) -> dict[str, str]:
    return bearer(own_shop, Scope.SALES)


@pytest.fixture
def empty(tmp_path: Path) -> Office:
    directory = tmp_path / "other"
    directory.mkdir()
    world = World(directory, MemoryDatabase())
    world.add_product()
    world.add_product(CAM)
    return Office(world, TestClient(create_app(world.installation)))


@pytest.mark.parametrize(("form", "media_type"), [("csv", "text/csv"), ("json", "application/json")])
def test_a_vendor_moves_to_another_server(
    own_shop: Shop, sales: dict[str, str], empty: Office, form: str, media_type: str
) -> None:
    there = empty.bearer(Scope.SALES)
    own_shop.client.patch(
        *(f"/v1/customers/{own_shop.ada.licence.customer_id}",), json={"contacts": [{"name": "Bo"}]}, headers=sales
    )
    exported = {
        table: own_shop.client.get(f"/v1/exports/{table}", params={"form": form}, headers=sales) for table in TABLES
    }
    for table, response in exported.items():
        assert response.headers["content-type"].startswith(media_type)
        assert response.headers["content-disposition"] == f'attachment; filename="{table}.{form}"'
        assert response.headers["cache-control"] == "no-store"
        headers = there | {"Content-Type": media_type}
        tried = empty.client.post(f"/v1/imports/{table}?dry_run=true", content=response.content, headers=headers)
        done = answer(empty.client.post(f"/v1/imports/{table}", content=response.content, headers=headers))
        assert answer(tried) == done | {"changed": False}
        assert (done["known"], done["bad"], done["changed"]) == (0, [], True)
    for table, response in exported.items():
        found = empty.client.get(f"/v1/exports/{table}", params={"form": form}, headers=there)
        assert found.content == response.content


def test_bad_rows_are_all_named_and_nothing_is_imported(own_shop: Shop, sales: dict[str, str]) -> None:
    rows = "customer_id,name,country\n1,Bo,MY\n2,,MY\n3,Cyn,Malaysia\n"
    tried = own_shop.client.post("/v1/imports/customers?dry_run=true", content=rows, headers=sales | CSV)
    assert [one["row"] for one in answer(tried)["bad"]] == [2, 3]
    refused = problem(own_shop.client.post("/v1/imports/customers", content=rows, headers=sales | CSV), 400)
    assert refused["code"] == "bad_rows"
    assert [one["where"] for one in refused["errors"]] == ["row.2", "row.3"]
    found = own_shop.client.get("/v1/customers", params={"search": "bo cyn"}, headers=sales)
    assert answer(found)["customers"] == []


def test_orders_are_exported_and_not_imported(own_shop: Shop, sales: dict[str, str]) -> None:
    found = own_shop.client.get("/v1/exports/orders", headers=sales)
    assert found.text.startswith("order,state,kind,customer_id,")
    assert len(found.text.splitlines()) > 5
    refused = own_shop.client.post("/v1/imports/orders", content=found.text, headers=sales | CSV)
    assert problem(refused, 400)["code"] == "invalid_request"


def test_what_is_no_table_or_no_file_is_refused(own_shop: Shop, sales: dict[str, str]) -> None:
    def post(content: str, media_type: str) -> str:
        headers = sales | {"Content-Type": media_type}
        refused = own_shop.client.post("/v1/imports/customers", content=content, headers=headers)
        code: str = problem(refused, 400)["code"]
        return code

    assert post("{", "application/json") == post('a\n"b', "text/csv") == "invalid_file"
    assert post("a", "text/plain") == "invalid_request"
    for address in ("/v1/exports/tokens", "/v1/exports/customers?form=xml"):
        assert problem(own_shop.client.get(address, headers=sales), 400)["code"] == "invalid_request"
    large = own_shop.client.post("/v1/imports/customers", content="a" * (4 * 1024**2 + 1), headers=sales | CSV)
    assert problem(large, 413)["code"] == "body_too_large"


def test_tables_are_for_the_scope_sales(own_shop: Shop) -> None:
    for scope in (Scope.READ, Scope.SUPPORT):
        headers = bearer(own_shop, scope)
        assert problem(own_shop.client.get("/v1/exports/customers", headers=headers), 403)["code"] == "token_scope"
        refused = own_shop.client.post("/v1/imports/customers", content="", headers=headers | CSV)
        assert problem(refused, 403)["code"] == "token_scope"
    assert problem(own_shop.client.get("/v1/exports/customers"), 401)["code"] == "token_missing"
