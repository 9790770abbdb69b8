"""``GET /downloads/…``: who gets which file."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from urllib.parse import urlsplit

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from tenure_server.app import create_app, server_metrics
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.names import Platform
from tenure_signing.releases import Rollout
from tenure_signing.tuf_roles import LICENCE_KEYS_PATH
from tests.server.http.asking import answer, check, faults, problem
from tests.server.http.conftest import Shop
from tests.server.world import LINUX, basic_header, body_of, license_header

FILE = "cad-1.2-linux-x86_64.zip"
DIGEST = hashlib.sha256(body_of(FILE)).hexdigest()
PATH = f"/downloads/cad/1.2/{FILE}"


def download(shop: Shop, path: str = PATH, name: str = "ada") -> Response:
    return shop.client.get(path, headers=license_header(shop.licences[name].key))


def bytes_behind(shop: Shop, response: Response) -> bytes:
    """Follow the redirect as an updater does: without the key."""
    assert response.status_code == 302, response.text
    link = urlsplit(response.headers["location"])
    assert link.netloc == "updates.example.com"
    stored = shop.client.get(f"{link.path}?{link.query}")
    assert stored.status_code == 200
    return stored.content


@pytest.mark.parametrize("path", [PATH, f"/downloads/cad/1.2/{DIGEST}.{FILE}", f"/downloads/cad/1.2.0/{FILE}"])
def test_a_covered_build_comes_from_the_store_by_a_short_lived_link(shop: Shop, path: str) -> None:
    response = download(shop, path)
    assert bytes_behind(shop, response) == body_of(FILE)
    assert response.content == b""
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"


def test_the_link_stops_working_after_some_minutes(own_shop: Shop) -> None:
    link = urlsplit(download(own_shop).headers["location"])
    own_shop.world.today = date(2026, 11, 24)
    expired = own_shop.client.get(f"{link.path}?{link.query}")
    assert problem(expired, 403)["code"] == "link_expired"


def test_many_ranges_of_one_download_are_authorised_and_counted_once(own_shop: Shop) -> None:
    metrics = server_metrics(own_shop.world.installation)
    shop = replace(
        own_shop, client=TestClient(create_app(own_shop.world.installation, metrics), follow_redirects=False)
    )
    link = urlsplit(download(shop).headers["location"])
    body = body_of(FILE)
    several = shop.client.get(f"{link.path}?{link.query}", headers={"Range": "bytes=0-1,3-4,6-7"})
    assert several.headers["content-type"].startswith("multipart/byteranges")
    shop.world.change_status(shop.ada.licence, LicenceStatus.SUSPENDED)  # nobody is asked about licences again
    received = b""
    for first in range(0, len(body), 3):
        part = shop.client.get(f"{link.path}?{link.query}", headers={"Range": f"bytes={first}-{first + 2}"})
        assert part.status_code == 206
        received += part.content
    assert received == body
    counted = {(name, outcome): count for name, outcome, count in metrics.counts.items()}
    assert counted == {("downloads", "3xx"): 1, ("store", "2xx"): 1 + -(-len(body) // 3)}


def test_an_updater_with_user_name_and_password_downloads_too(shop: Shop) -> None:
    assert bytes_behind(shop, shop.client.get(PATH, headers=basic_header(shop.ada.key))) == body_of(FILE)
    challenge = shop.client.get(PATH)
    assert problem(challenge, 401)["code"] == "licence_key_missing"
    assert any(value.startswith("Basic") for value in challenge.headers.get_list("www-authenticate"))


@pytest.mark.parametrize(
    ("name", "path", "status", "code"),
    [
        ("ada", "cad/2.0/cad-2.0-linux-x86_64.zip", 403, "after_support"),
        ("ada", "cad/3.0/cad-3.0-linux-x86_64.zip", 403, "upgrade_payment_due"),
        ("ada", "cad/1.1.5/cad-1.1.5-linux-x86_64.zip", 403, "wrong_edition"),
        ("cyn", "cad/1.2/cad-1.2-linux-x86_64.zip", 403, "never_supported"),
        ("dee", "cad/1.2/cad-1.2-linux-x86_64.zip", 403, "wrong_product"),
        ("eve", "cad/1.2/cad-1.2-linux-x86_64.zip", 403, "licence_suspended"),
        ("fay", "cad/1.0/cad-1.0-linux-x86_64.zip", 403, "licence_revoked"),
        ("ada", "cad/1.4/cad-1.4-linux-x86_64.zip", 403, "halted"),
        ("ada", "cad/1.3/cad-1.3-linux-x86_64.zip", 410, "withdrawn"),
        ("eve", "cad/1.3/cad-1.3-linux-x86_64.zip", 403, "licence_suspended"),
        ("bo", "cad/4.0/cad-4.0-linux-x86_64.zip", 404, "unknown_release"),
        ("bo", "cad/9.9/cad-9.9-linux-x86_64.zip", 404, "unknown_release"),
        ("bo", "cad/2.0/cad-2.0-linux-aarch64.zip", 404, "unknown_file"),
        ("bo", "cad/2.0/cad-1.2-linux-x86_64.zip", 404, "unknown_file"),
        ("bo", "pdm/2.0/pdm-2.0-linux-x86_64.zip", 404, "unknown_product"),
        ("ada", f"cad/1.2/{'0' * 64}.{FILE}", 404, "unknown_file"),
        ("ada", f"cad/1.2/{DIGEST}.cad-1.2-windows-x86_64.zip", 404, "unknown_file"),
        ("ada", f"cad/1.2/{DIGEST.upper()}.{FILE}", 404, "unknown_file"),
        ("ada", f"cad/1.2/{DIGEST}.{DIGEST}.{FILE}", 404, "unknown_file"),
    ],
)
def test_every_refusal_says_why(shop: Shop, name: str, path: str, status: int, code: str) -> None:
    response = download(shop, f"/downloads/{path}", name)
    assert problem(response, status)["code"] == code
    assert "location" not in response.headers


def test_a_withdrawn_release_names_its_replacement(shop: Shop) -> None:
    found = problem(download(shop, "/downloads/cad/1.3/cad-1.3-linux-x86_64.zip"), 410)
    assert "it loses drawings" in found["detail"]
    assert "1.2" in found["hint"]


def test_a_refusal_says_the_days_and_where_to_renew(shop: Shop) -> None:
    found = problem(download(shop, "/downloads/cad/2.0/cad-2.0-linux-x86_64.zip"), 403)
    assert found["detail"] == "cad 2.0 was released on 2025-06-01, after support ended on 2025-02-28."
    assert found["hint"] == "renew at https://updates.example.com/portal"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("CAD/1.2/a.zip", "path.product"),
        ("cad/one/a.zip", "path.version"),
        ("cad/../a.zip", None),
        ("cad/%2e%2e/a.zip", None),
        ("cad/1.2/.hidden", "path.file"),
        ("cad/1.2/%2e%2e", None),
        ("cad/1.2/a%20b.zip", "path.file"),
        ("cad/1.2/..%5c..%5cx", "path.file"),
        ("cad/1.2/" + "a" * 201, "path.file"),
        (f"cad/1.2/{DIGEST}.", "path.file"),
        (f"cad/1.2/{DIGEST}..hidden", "path.file"),
        ("cad/1.2/ä.zip", "path.file"),
        ("cad/1.2/..%2f..%2f..%2fetc%2fpasswd", None),
        ("cad/1.2/", None),
    ],
)
def test_hostile_names_go_nowhere(shop: Shop, path: str, place: str | None) -> None:
    response = download(shop, f"/downloads/{path}")
    if place is None:
        assert response.status_code in (400, 404)
    else:
        assert list(faults(response)) == [place]


def test_a_build_whose_name_looks_like_a_hash_can_be_downloaded(own_shop: Shop) -> None:
    name = f"{'0' * 64}.zip"
    own_shop.world.publish("1.2.1", date(2024, 12, 2), platforms=(LINUX,), file_name=name)
    digest = hashlib.sha256(body_of(name)).hexdigest()
    installation = own_shop.world.reopened()
    client = TestClient(create_app(installation), follow_redirects=False)
    for path in (name, f"{digest}.{name}"):
        response = client.get(f"/downloads/cad/1.2.1/{path}", headers=license_header(own_shop.ada.key))
        assert bytes_behind(own_shop, response) == body_of(name)


def test_a_link_that_was_given_out_opens_nothing_that_was_withdrawn_or_halted_since(own_shop: Shop) -> None:
    """RULES.md: one predicate serves the redemption of signed links too; nobody can download what was withdrawn."""
    shop, world = own_shop, own_shop.world
    links = [
        urlsplit(download(shop, f"/downloads/cad/{version}/cad-{version}-linux-x86_64.zip").headers["location"])
        for version in ("1.0", "1.2")
    ]
    paths = [f"{link.path}?{link.query}" for link in links]
    assert [shop.client.get(path).status_code for path in paths] == [200, 200]
    world.withdraw("1.0", "it loses layers")
    world.roll_out("1.2", Rollout(is_halted=True))
    client = TestClient(create_app(world.reopened()), follow_redirects=False)  # as everybody sees it within a second
    assert problem(client.get(paths[0]), 410)["code"] == "withdrawn"
    assert problem(client.get(paths[1], headers={"Range": "bytes=0-1"}), 403)["code"] == "halted"
    assert client.head(paths[1]).status_code == 403


def test_a_suspension_stops_the_next_download(own_shop: Shop) -> None:
    assert download(own_shop).status_code == 302
    own_shop.world.change_status(own_shop.ada.licence, LicenceStatus.SUSPENDED)
    assert problem(download(own_shop), 403)["code"] == "licence_suspended"


@pytest.mark.parametrize("name", ["ada", "bo", "cyn", "dee", "eve", "fay"])
def test_a_file_can_be_downloaded_exactly_when_it_is_listed_so(shop: Shop, name: str) -> None:
    key = shop.licences[name].key
    listed = answer(shop.client.get("/v1/releases", headers=license_header(key)))["releases"]
    assert listed
    for release in listed:
        for build in release["builds"]:
            path = urlsplit(build["url"]).path
            response = download(shop, path, name)
            assert (response.status_code == 302) == release["downloadable"], (release["version"], response.text)
            if response.status_code == 403:
                assert response.json()["code"] == release["reason"]


@pytest.mark.parametrize("name", ["ada", "bo", "cyn"])
@pytest.mark.parametrize("machine", [LINUX, Platform("windows", "x86_64")])
def test_whatever_a_check_offers_can_be_downloaded(shop: Shop, name: str, machine: Platform) -> None:
    for channel in ("stable", "beta"):
        for version in ("0.1", "1.0", "1.2", "1.3", "1.4", "2.0"):
            asked = {"version": version, "os": machine.os, "arch": machine.arch, "channel": channel, "manual": "true"}
            offer = answer(check(shop.client, shop.licences[name].key, **asked))["offer"]
            for build in offer["builds"] if offer is not None else ():
                response = download(shop, urlsplit(build["url"]).path, name)
                body = bytes_behind(shop, response)
                assert hashlib.sha256(body).hexdigest() == build["sha256"]
                assert len(body) == build["length"]


# Trusted targets


def test_anyone_may_have_the_licence_public_keys(shop: Shop) -> None:
    with shop.world.database.reading() as records:
        body = records.signed_files.trusted_target(LICENCE_KEYS_PATH)
    assert body is not None
    digest = hashlib.sha256(body).hexdigest()
    plain = shop.client.get(f"/downloads/{LICENCE_KEYS_PATH}")
    hashed = shop.client.get(f"/downloads/_trust/{digest}.licence-keys.json")
    assert plain.content == hashed.content == body
    assert plain.headers["cache-control"] == "public, no-cache"
    assert "immutable" in hashed.headers["cache-control"]
    again = shop.client.get(f"/downloads/{LICENCE_KEYS_PATH}", headers={"If-None-Match": plain.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("file", ["other.json", f"{'0' * 64}.licence-keys.json"])
def test_a_trusted_target_that_is_not_there_is_404(shop: Shop, file: str) -> None:
    assert problem(shop.client.get(f"/downloads/_trust/{file}"), 404)["code"] == "unknown_file"


def test_builds_are_not_to_be_had_by_the_way_of_the_trusted_targets(shop: Shop) -> None:
    assert shop.client.get(f"/downloads/_trust/..%2fcad%2f1.2%2f{FILE}").status_code == 404
    assert faults(shop.client.get("/downloads/_trust/%2e%2e%5ccad")) == {
        "path.file": "a file name is 1 to 200 of A-Z, a-z, 0-9, '.', '_' and '-', without . or - first or . last"
    }
