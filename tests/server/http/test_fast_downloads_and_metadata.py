"""The fast routes of downloads and metadata answer what the general ones answer.

A question mark with a parameter, or an escape in the path, is enough to come to the general route.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from tenure_server.app import create_app
from tenure_server.use_cases.catalogue import CatalogueSource
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.releases import Rollout
from tests.server.http.conftest import Shop
from tests.server.world import CAD, LINUX, license_header

FILES = [
    *(
        f"cad/{version}/cad-{version}-linux-x86_64.zip"
        for version in ("1.0", "1.1", "1.1.5", "1.3", "1.4", "2.0", "3.0")
    ),
    "cad/1.0.0/cad-1.0-linux-x86_64.zip",
    "cad/4.0/cad-4.0-linux-x86_64.zip",
    "cad/1.0/nothing.zip",
    "cad/9.9/nothing.zip",
    "cad/one/nothing.zip",
    "cam/1.0/cam-1.0-linux-x86_64.zip",
    "nothing/1.0/nothing.zip",
    "root/1.0/nothing.zip",
    "cad/1.0/.hidden",
    f"cad/1.0/{'0' * 64}.cad-1.0-linux-x86_64.zip",
]


def both(client: TestClient, path: str, headers: dict[str, str]) -> tuple[Response, Response]:
    """The answers of the fast route and of the general one."""
    escaped = path[:-1] + f"%{ord(path[-1]):02X}"
    return client.get(path, headers=headers), client.get(escaped, headers=headers)


def assert_same(answers: tuple[Response, Response]) -> Response:
    fast, general = answers
    assert (fast.status_code, fast.content) == (general.status_code, general.content)
    assert sorted(fast.headers.items()) == sorted(general.headers.items())
    return fast


@pytest.mark.parametrize("name", ["ada", "bo", "cyn", "dee", "eve", "fay"])
def test_downloads_are_linked_and_refused_alike(shop: Shop, name: str) -> None:
    headers = license_header(shop.licences[name].key)
    for file in FILES:
        assert_same(both(shop.client, f"/downloads/{file}", headers))


def test_a_link_names_the_file_asked_for_by_its_hash(shop: Shop) -> None:
    build = shop.world.installation.catalogue.current().product(CAD).releases[0].builds_for(LINUX)[0]
    directory, _, name = build.path.rpartition("/")
    path = f"/downloads/{directory}/{build.sha256}.{name}"
    answer = assert_same(both(shop.client, path, license_header(shop.bo.key)))
    assert answer.status_code == 302
    assert parse_qs(urlsplit(answer.headers["location"]).query)["name"] == [name]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "License nonsense"}, {"Authorization": "Basic eA=="}])
def test_strangers_are_refused_alike(shop: Shop, headers: dict[str, str]) -> None:
    assert assert_same(both(shop.client, f"/downloads/{FILES[0]}", headers)).status_code == 401


def test_a_suspension_holds_for_the_next_download(own_shop: Shop) -> None:
    path, headers = f"/downloads/{FILES[0]}", license_header(own_shop.bo.key)
    assert assert_same(both(own_shop.client, path, headers)).status_code == 302
    own_shop.world.change_status(own_shop.bo.licence, LicenceStatus.SUSPENDED)
    assert assert_same(both(own_shop.client, path, headers)).status_code == 403
    own_shop.world.change_status(own_shop.bo.licence, LicenceStatus.ACTIVE)


def location(shop: Shop, name: str, file: str = FILES[0]) -> str:
    answer = assert_same(both(shop.client, f"/downloads/{file}", license_header(shop.licences[name].key)))
    assert answer.status_code == 302
    return str(answer.headers["location"])


def expiry(link: str) -> int:
    return int(parse_qs(urlsplit(link).query)["expires"][0])


def test_for_half_a_minute_all_who_may_have_a_build_get_one_link_with_most_of_its_time_left(own_shop: Shop) -> None:
    first = location(own_shop, "ada")
    own_shop.world.past_noon = timedelta(seconds=29)
    assert location(own_shop, "bo") == first
    assert expiry(first) - own_shop.world.now().timestamp() >= 270
    own_shop.world.past_noon = timedelta(seconds=30)
    later = location(own_shop, "ada")
    assert expiry(later) == expiry(first) + 30
    own_shop.world.past_noon = timedelta(seconds=-1)  # a clock that was set back
    assert expiry(location(own_shop, "ada")) == expiry(first) - 1


def test_links_that_live_for_seconds_are_signed_anew_each_second(own_shop: Shop) -> None:
    client = TestClient(create_app(own_shop.world.reopened(download_link_seconds=10)), follow_redirects=False)
    shop = replace(own_shop, client=client)
    first = location(shop, "ada")
    own_shop.world.past_noon = timedelta(seconds=1)
    assert expiry(location(shop, "ada")) == expiry(first) + 1


def test_a_link_given_to_one_opens_nothing_to_another_licence(own_shop: Shop) -> None:
    file = "cad/2.0/cad-2.0-linux-x86_64.zip"
    location(own_shop, "bo", file)
    for name, code in {"ada": "after_support", "cyn": "never_supported", "fay": "licence_revoked"}.items():
        answers = both(own_shop.client, f"/downloads/{file}", license_header(own_shop.licences[name].key))
        assert assert_same(answers).json()["code"] == code


def test_a_withdrawn_or_halted_release_is_refused_though_a_link_was_given_a_moment_ago(own_shop: Shop) -> None:
    second, installation = [0.0], own_shop.world.reopened()
    catalogue = CatalogueSource(own_shop.world.database, monotonic=lambda: second[0])
    vars(installation)["catalogue"] = catalogue
    shop = replace(own_shop, client=TestClient(create_app(installation), follow_redirects=False))
    headers = license_header(shop.bo.key)
    for file in FILES[:2]:
        location(shop, "bo", file)
    shop.world.withdraw("1.0", "it forgets")
    shop.world.roll_out("1.1", Rollout(is_halted=True))
    second[0] = 1.0
    catalogue.current()
    assert assert_same(both(shop.client, f"/downloads/{FILES[0]}", headers)).status_code == 410
    assert assert_same(both(shop.client, f"/downloads/{FILES[1]}", headers)).status_code == 403


@pytest.mark.parametrize(
    "file",
    [
        "timestamp.json",
        "1.root.json",
        "2.snapshot.json",
        "9999.root.json",
        "root.json",
        "0.root.json",
        "x" * 200,
        "1.cad.json",
    ],
)
def test_metadata_is_the_same(shop: Shop, file: str) -> None:
    first = assert_same(both(shop.client, f"/metadata/{file}", {}))
    again = assert_same(both(shop.client, f"/metadata/{file}", {}))
    assert again.content == first.content
    if first.status_code == 200:
        unchanged = assert_same(both(shop.client, f"/metadata/{file}", {"If-None-Match": first.headers["etag"]}))
        assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_a_new_timestamp_shows_at_once(own_shop: Shop) -> None:
    before = own_shop.client.get("/metadata/timestamp.json").json()["signed"]["version"]
    own_shop.world.withdraw("1.0", "it forgets")
    assert own_shop.client.get("/metadata/timestamp.json").json()["signed"]["version"] == before + 1


def test_metadata_that_is_for_licensees_only_stays_so(own_shop: Shop) -> None:
    client = TestClient(create_app(own_shop.world.reopened(metadata_access="any_valid_licence")))
    assert client.get("/metadata/timestamp.json").status_code == 401
    assert client.get("/metadata/timestamp.json", headers=license_header(own_shop.bo.key)).status_code == 200
    assert client.get("/metadata/timestamp.json").status_code == 401
