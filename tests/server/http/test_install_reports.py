"""``POST /v1/install-reports``."""

from __future__ import annotations

from typing import Any

import pytest
from httpx2 import Response

from tenure_server.domain.install_reports import OutcomeCounts
from tenure_signing.versions import Version
from tests.server.http.asking import faults, problem
from tests.server.http.conftest import Shop
from tests.server.world import CAD, license_header

GOOD: dict[str, Any] = {
    "product": "cad",
    "from_version": "1.0",
    "to_version": "1.2",
    "outcome": "failed",
    "install_id": "install-1",
    "detail_code": "disk-full",
}


def post(shop: Shop, body: object = None, key: str | None = None, /, **changes: object) -> Response:
    document = GOOD | changes if body is None else body
    return shop.client.post("/v1/install-reports", json=document, headers=license_header(key or shop.ada.key))


def test_a_report_is_accepted_and_counted(own_shop: Shop) -> None:
    response = post(own_shop)
    assert (response.status_code, response.content) == (202, b"")
    assert response.headers["cache-control"] == "no-store"
    installation = own_shop.world.installation
    assert installation.write_reports() == 1
    assert installation.show_rollout(CAD, Version("1.2")).counts == OutcomeCounts(failed=1)


@pytest.mark.parametrize("left_out", ["from_version", "detail_code"])
def test_what_is_optional_may_be_null_or_left_out(own_shop: Shop, left_out: str) -> None:
    assert post(own_shop, **{left_out: None}).status_code == 202
    assert post(own_shop, {name: value for name, value in GOOD.items() if name != left_out}).status_code == 202


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("product", "Not a product"),
        ("product", None),
        ("to_version", "two"),
        ("to_version", None),
        ("from_version", "1+local"),
        ("outcome", "exploded"),
        ("install_id", "short"),
        ("install_id", "with spaces in it"),
        ("detail_code", "Disk full!"),
        ("detail_code", "x" * 41),
        ("detail_code", 7),
    ],
)
def test_every_fault_of_a_report_is_told(shop: Shop, name: str, value: object) -> None:
    assert f"body.{name}" in faults(post(shop, **{name: value}))


def test_unknown_members_parameters_and_other_bodies_are_refused(shop: Shop) -> None:
    assert problem(post(shop, email="ada@example.com"), 400)["code"] == "invalid_request"
    assert problem(post(shop, ["installed"]), 400)["code"] == "invalid_request"
    key = license_header(shop.ada.key)
    assert problem(shop.client.post("/v1/install-reports?x=1", json=GOOD, headers=key), 400)
    assert problem(shop.client.post("/v1/install-reports", content=b"{}", headers=key), 400)


def test_a_report_takes_a_licence_key_of_the_product_and_a_release(shop: Shop) -> None:
    assert problem(shop.client.post("/v1/install-reports", json=GOOD), 401)["code"] == "licence_key_missing"
    assert problem(post(shop, None, shop.dee.key), 403)["code"] == "wrong_product"
    assert problem(post(shop, to_version="9.9"), 404)["code"] == "unknown_release"
    assert problem(post(shop, to_version="4.0"), 404)["code"] == "unknown_release"  # dated in the future
    assert problem(post(shop, product="cod"), 404)["code"] == "unknown_product"


def test_reports_are_posted_and_never_read(shop: Shop) -> None:
    assert problem(shop.client.get("/v1/install-reports", headers=license_header(shop.ada.key)), 405)
