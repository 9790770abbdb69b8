"""``GET /metadata/…`` as TUF clients read it."""

from __future__ import annotations

from datetime import date

import pytest
from starlette.testclient import TestClient

from tenure_server.app import create_app
from tenure_signing.tuf_repository import versioned_file_name
from tests.server.http.asking import faults, problem
from tests.server.http.conftest import Shop
from tests.server.world import basic_header, license_header


def test_every_published_file_is_served_byte_for_byte(shop: Shop) -> None:
    with shop.world.database.reading() as records:
        current = dict(records.signed_files.current())
    for role in ("root", "targets", "cad", "cam", "snapshot"):
        response = shop.client.get(f"/metadata/{versioned_file_name(role, current[role])}")
        assert response.content == current[role]
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert shop.client.get("/metadata/1.root.json").content == shop.world.root_json


def test_the_timestamp_is_fresh_within_a_minute_and_cheap_to_ask_for_again(shop: Shop) -> None:
    response = shop.client.get("/metadata/timestamp.json")
    assert response.status_code == 200
    assert response.headers["cache-control"] == "public, max-age=60"
    again = shop.client.get("/metadata/timestamp.json", headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert shop.client.head("/metadata/timestamp.json").headers["etag"] == response.headers["etag"]


def test_a_publication_changes_the_timestamp_at_once(own_shop: Shop) -> None:
    etag = own_shop.client.get("/metadata/timestamp.json").headers["etag"]
    own_shop.world.publish("2.1", date(2026, 11, 23))
    response = own_shop.client.get("/metadata/timestamp.json", headers={"If-None-Match": etag})
    assert response.status_code == 200
    assert response.headers["etag"] != etag


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_search_for_the_next_root_ends_with_404(shop: Shop, method: str) -> None:
    response = shop.client.request(method, "/metadata/2.root.json")
    assert response.status_code == 404
    assert response.headers["cache-control"] == "public, max-age=60"


@pytest.mark.parametrize(
    "name",
    [
        "root.json",
        "0.root.json",
        "01.root.json",
        "-1.root.json",
        "1.timestamp.json",
        "99999999999999999999.root.json",
        "1.CAD.json",
        "1.root.json.",
        "1.root.json%0a",
        "1.root",
        "1..json",
        "timestamp",
        "1.%2e%2e.json",
        "..%2f1.root.json",
        "١.root.json",
        "",
    ],
)
def test_a_name_that_no_file_has_is_404_or_400_and_never_401_or_403(shop: Shop, name: str) -> None:
    assert shop.client.get(f"/metadata/{name}").status_code in (400, 404)


def test_a_parameter_is_refused(shop: Shop) -> None:
    assert list(faults(shop.client.get("/metadata/timestamp.json?v=1"))) == ["query.v"]


@pytest.fixture
def closed(shop: Shop) -> TestClient:
    """The same server where metadata is for licensees only."""
    return TestClient(create_app(shop.world.reopened(metadata_access="any_valid_licence")))


@pytest.mark.parametrize("name", ["timestamp.json", "1.root.json", "2.root.json", "nonsense"])
def test_where_metadata_is_for_licensees_a_stranger_gets_401(closed: TestClient, name: str) -> None:
    assert problem(closed.get(f"/metadata/{name}"), 401)["code"] == "licence_key_missing"
    assert closed.get(f"/metadata/{name}", headers=license_header("x.y.z")).status_code == 401


@pytest.mark.parametrize(("name", "code"), [("eve", "licence_suspended"), ("fay", "licence_revoked")])
def test_where_metadata_is_for_licensees_a_suspended_one_gets_401_too(
    shop: Shop, closed: TestClient, name: str, code: str
) -> None:
    response = closed.get("/metadata/2.root.json", headers=license_header(shop.licences[name].key))
    assert problem(response, 401)["code"] == code


def test_where_metadata_is_for_licensees_they_get_it_and_caches_keep_it_to_themselves(
    shop: Shop, closed: TestClient
) -> None:
    for headers in (license_header(shop.dee.key), basic_header(shop.dee.key)):
        response = closed.get("/metadata/1.root.json", headers=headers)
        assert response.content == shop.world.root_json
        assert response.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert response.headers["vary"] == "Authorization"
    missing = closed.get("/metadata/2.root.json", headers=license_header(shop.dee.key))
    assert missing.status_code == 404
    assert missing.headers["cache-control"] == "private, max-age=60"
