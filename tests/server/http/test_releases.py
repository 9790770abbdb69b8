"""``GET /v1/releases``: what a customer's page and scripts list."""

from __future__ import annotations

from typing import Any

import pytest
from httpx2 import Response

from tests.server.http.asking import answer, faults, problem
from tests.server.http.conftest import Shop
from tests.server.world import license_header


def listing(shop: Shop, name: str = "ada", query: str = "") -> Response:
    return shop.client.get(f"/v1/releases{query}", headers=license_header(shop.licences[name].key))


def versions(found: dict[str, Any]) -> list[str]:
    return [release["version"] for release in found["releases"]]


def test_every_release_of_the_edition_is_listed_with_its_reason(shop: Shop) -> None:
    found = answer(listing(shop))
    assert (found["product"], found["edition"], found["next_cursor"]) == ("cad", "pro", None)
    assert [(r["version"], r["downloadable"], r["covered"], r["reason"]) for r in found["releases"]] == [
        ("3.0", False, False, "upgrade_payment_due"),
        ("2.0", False, False, "after_support"),
        ("1.5b1", True, True, "support_period"),
        ("1.4", False, True, "halted"),
        ("1.3", False, True, "withdrawn"),
        ("1.2", True, True, "support_period"),
        ("1.1", True, True, "support_period"),
        ("1.0", True, True, "purchased"),
    ]


def test_a_release_is_listed_with_price_notes_withdrawal_and_builds(shop: Shop) -> None:
    by_version = {release["version"]: release for release in answer(listing(shop))["releases"]}
    assert by_version["3.0"]["price"] == {"minor_units": 40_000, "currency": "MYR"}
    assert by_version["2.0"]["notes"].startswith("# New")
    assert by_version["1.3"]["withdrawn"] == {"reason": "it loses drawings", "replacement": "1.2"}
    assert [(build["os"], build["arch"]) for build in by_version["1.2"]["builds"]] == [
        ("linux", "x86_64"),
        ("windows", "x86_64"),
    ]


def test_another_edition_sees_its_own_releases(shop: Shop) -> None:
    found = answer(listing(shop, "cyn"))
    reasons = {release["version"]: release["reason"] for release in found["releases"]}
    assert found["edition"] == "lite"
    assert reasons["1.1.5"] == "never_supported"
    assert reasons["1.0"] == "purchased"


@pytest.mark.parametrize(("name", "reason"), [("eve", "licence_suspended"), ("fay", "licence_revoked")])
def test_a_suspended_or_revoked_licence_sees_the_list_and_may_have_nothing(shop: Shop, name: str, reason: str) -> None:
    releases = answer(listing(shop, name))["releases"]
    assert {(release["downloadable"], release["reason"]) for release in releases} == {(False, reason)}


def test_the_list_can_be_narrowed_to_a_machine_and_a_channel(shop: Shop) -> None:
    assert versions(answer(listing(shop, query="?channel=beta"))) == ["1.5b1"]
    windows = answer(listing(shop, query="?os=win32&arch=amd64"))
    assert "1.5b1" not in versions(windows)
    assert {build["os"] for release in windows["releases"] for build in release["builds"]} == {"windows"}
    assert versions(answer(listing(shop, query="?os=macos&arch=arm64"))) == []


@pytest.mark.parametrize("limit", [1, 3, 8, 500])
def test_the_pages_together_are_the_whole_list(shop: Shop, limit: int) -> None:
    pages, query = [], f"?limit={limit}"
    while True:
        found = answer(listing(shop, query=query))
        assert len(found["releases"]) <= limit
        pages += versions(found)
        if found["next_cursor"] is None:
            break
        query = f"?limit={limit}&cursor={found['next_cursor']}"
    assert pages == versions(answer(listing(shop)))


def test_a_client_that_has_the_list_is_told_so(shop: Shop) -> None:
    first = listing(shop)
    headers = license_header(shop.ada.key) | {"If-None-Match": first.headers["etag"]}
    again = shop.client.get("/v1/releases", headers=headers)
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["vary"] == "Authorization, Accept-Language"


@pytest.mark.parametrize(
    ("query", "place", "words"),
    [
        ("?os=linux", "query", "os and arch go together"),
        ("?arch=x86_64", "query", "os and arch go together"),
        ("?limit=0", "query.limit", "from 1 to 500"),
        ("?limit=501", "query.limit", "from 1 to 500"),
        ("?limit=-1", "query.limit", "from 1 to 500"),
        ("?limit=1e2", "query.limit", "from 1 to 500"),
        ("?limit=%D9%A1", "query.limit", "from 1 to 500"),
        ("?cursor=next", "query.cursor", "a version looks like"),
        ("?channel=%2e%2e", "query.channel", "a channel name is"),
        ("?page=2", "query.page", "is not a parameter"),
    ],
)
def test_a_malformed_question_is_told_what_is_wrong_with_it(shop: Shop, query: str, place: str, words: str) -> None:
    assert words in faults(listing(shop, query=query))[place]


def test_a_stranger_sees_nothing(shop: Shop) -> None:
    assert problem(shop.client.get("/v1/releases"), 401)["code"] == "licence_key_missing"
