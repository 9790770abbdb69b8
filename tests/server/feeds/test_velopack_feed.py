from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from tenure_server.app import create_app
from tenure_server.use_cases.issue_licence import IssuedLicence
from tenure_server.use_cases.ports import Database
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.releases import Rollout
from tests.server.databases import DATABASES, migrated
from tests.server.world import CAM, LINUX, LITE, WINDOWS, World, basic_header, body_of, license_header

INSTALLED = {"localVersion": "1.0.0", "id": "Cad", "stagingId": "6cfec69c-3989-4454-8f61-3cfa04dcd6bd"}


def nupkg(version: str) -> str:
    return f"Cad-{version}-linux-full.nupkg"


@dataclass(frozen=True, slots=True, repr=False)
class Depot:
    """``ada`` is supported from 2026-01-01 to 2026-12-31; ``bo`` until 2025-12-31; today is 2026-11-23."""

    world: World
    client: TestClient
    ada: IssuedLicence
    bo: IssuedLicence

    def base(self, issued: IssuedLicence, product: str = "cad", platform: str = "linux-x86_64") -> str:
        token = self.world.installation.feed_tokens.token_of(issued.licence.licence_id)
        return f"/feeds/{token}/velopack/{product}/{platform}/stable"

    def index(self, issued: IssuedLicence, **query: str) -> Response:
        return self.client.get(f"{self.base(issued)}/releases.linux.json", params=query or INSTALLED)


def open_depot(directory: Path, database: Database) -> Depot:
    world = World(directory, database)
    world.add_product()
    world.add_product(CAM)
    world.publish("1.0.0", date(2024, 1, 10), platforms=(LINUX,), file_name=nupkg("1.0.0"))
    world.publish("1.1.0", date(2025, 6, 1), platforms=(LINUX,), file_name=nupkg("1.1.0"), notes="- *Faster*\n")
    world.publish("1.2.0", date(2026, 5, 15), platforms=(LINUX,), file_name=nupkg("1.2.0"))
    world.publish("1.9.0", date(2026, 6, 1), platforms=(WINDOWS,))
    world.publish("2.0.0", date(2027, 2, 1), platforms=(LINUX,), file_name=nupkg("2.0.0"))
    return Depot(
        world=world,
        client=TestClient(create_app(world.installation), follow_redirects=False),
        ada=world.issue(date(2026, 1, 1), smp_years=1),
        bo=world.issue(date(2025, 1, 1), smp_years=1),
    )


@pytest.fixture(scope="module", params=DATABASES)
def depot(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Depot]:
    """Not to be changed by tests."""
    directory = tmp_path_factory.mktemp("depot")
    with migrated(request, directory) as database:
        yield open_depot(directory, database)


@pytest.fixture(params=DATABASES)
def own_depot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Depot]:
    """A test's own, to be changed."""
    with migrated(request, tmp_path) as database:
        yield open_depot(tmp_path, database)


def assets(response: Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    (name, found), *rest = response.json().items()
    assert (name, rest) == ("Assets", [])
    assert isinstance(found, list)
    return found


def problem(response: Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    return found


def test_the_feed_lists_what_the_check_offers_as_velopack_reads_it(depot: Depot) -> None:
    body = body_of(nupkg("1.1.0"))
    assert assets(depot.index(depot.bo)) == [
        {
            "PackageId": "Cad",
            "Version": "1.1.0",
            "Type": "Full",
            "FileName": nupkg("1.1.0"),
            "SHA1": hashlib.sha1(body).hexdigest().upper(),
            "SHA256": hashlib.sha256(body).hexdigest().upper(),
            "Size": len(body),
            "NotesMarkdown": "- *Faster*\n",
        }
    ]


def test_a_supported_customer_gets_the_newest_and_no_field_is_ever_null(depot: Depot) -> None:
    (asset,) = assets(depot.index(depot.ada))
    assert asset["Version"] == "1.2.0"
    assert asset["NotesMarkdown"] == ""


@pytest.mark.parametrize("version", ["1.1.0", "1.1.5", "1.2.0", "3.0.0", "1.2.0-rc.1"])
def test_support_that_has_ended_is_an_empty_feed_and_no_error(depot: Depot, version: str) -> None:
    assert assets(depot.index(depot.bo, localVersion=version)) == []


def test_an_installed_copy_that_says_no_version_is_offered_the_best_covered(depot: Depot) -> None:
    assert [asset["Version"] for asset in assets(depot.index(depot.bo, id="Cad"))] == ["1.1.0"]


@pytest.mark.parametrize("version", ["1.0.0+build.7", "1.0.0 build", "1.0.0-beta.1"])
def test_versions_are_understood_as_semver_writes_them(depot: Depot, version: str) -> None:
    assert [asset["Version"] for asset in assets(depot.index(depot.bo, localVersion=version))] == ["1.1.0"]


def test_parameters_of_other_velopack_clients_are_passed_over(depot: Depot) -> None:
    query = {"arch": "x64", "os": "win", "rid": "win-x64", "id": "Other", "localVersion": "1.0.0", "new": "1"}
    assert len(assets(depot.index(depot.ada, **query))) == 1


@pytest.mark.parametrize("name", ["releases.linux.json", "releases.win-x64-stable.json", "RELEASES.LINUX.JSON"])
def test_the_index_goes_by_any_channel_name_of_velopacks_own(depot: Depot, name: str) -> None:
    assert len(assets(depot.client.get(f"{depot.base(depot.ada)}/{name}", params=INSTALLED))) == 1


@pytest.mark.parametrize("headers", [license_header, basic_header, lambda key: {"Authorization": f"Bearer {key}"}])
def test_the_key_in_a_header_opens_the_same_feed(depot: Depot, headers: object) -> None:
    assert callable(headers)
    path = "/feeds/velopack/cad/linux-x86_64/stable"
    response = depot.client.get(f"{path}/releases.linux.json", params=INSTALLED, headers=headers(depot.ada.key))
    assert assets(response) == assets(depot.index(depot.ada))
    package = depot.client.get(f"{path}/{nupkg('1.2.0')}", headers=headers(depot.ada.key))
    assert package.status_code == 302
    assert problem(depot.client.get(f"{path}/releases.linux.json"), 401)["code"] == "licence_key_missing"


def test_a_failed_address_retried_in_lower_case_or_upper_case_still_works(depot: Depot) -> None:
    base = depot.base(depot.ada)
    token = base.split("/")[2]
    shouted = base.replace(token, token.upper())
    assert assets(depot.client.get(f"{shouted}/releases.linux.json", params=INSTALLED)) != []
    assert depot.client.get(f"{base}/{nupkg('1.2.0').lower()}").status_code == 302


@pytest.mark.parametrize("token", ["a" * 32, "x", "%00", "velopack2", "a" * 3000, "%F0%9F%98%80"])
def test_an_unknown_token_is_refused_without_repeating_it(depot: Depot, token: str) -> None:
    response = depot.client.get(f"/feeds/{token}/velopack/cad/linux-x86_64/stable/releases.linux.json")
    if token == "%00":
        assert problem(response, 400)["code"] == "malformed_path"
        return
    assert problem(response, 401)["code"] == "unknown_feed_token"
    assert len(token) < 9 or token not in response.text


@pytest.mark.parametrize(
    ("status", "code"), [(LicenceStatus.SUSPENDED, "licence_suspended"), (LicenceStatus.REVOKED, "licence_revoked")]
)
def test_a_suspended_or_revoked_licence_is_an_error_at_once(own_depot: Depot, status: LicenceStatus, code: str) -> None:
    assert assets(own_depot.index(own_depot.ada)) != []
    own_depot.world.change_status(own_depot.ada.licence, status)
    assert problem(own_depot.index(own_depot.ada), 403)["code"] == code
    package = own_depot.client.get(f"{own_depot.base(own_depot.ada)}/{nupkg('1.0.0')}")
    assert problem(package, 403)["code"] == code


def test_a_package_leads_to_the_store_for_get_and_head(depot: Depot) -> None:
    address = f"{depot.base(depot.ada)}/{nupkg('1.2.0')}"
    for response in (depot.client.get(address), depot.client.head(address)):
        assert response.status_code == 302
        assert response.headers["location"].startswith("https://updates.example.com/store/")
        assert response.headers["cache-control"] == "no-store"
    assert depot.client.get(depot.client.get(address).headers["location"]).content == body_of(nupkg("1.2.0"))


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        (nupkg("1.2.0"), 403, "after_support"),
        (nupkg("2.0.0"), 404, "unknown_release"),
        (nupkg("3.0.0"), 404, "unknown_file"),
        ("cad-1.9.0-windows-x86_64.zip", 404, "unknown_file"),
        ("releases..json", 404, "unknown_file"),
        ("RELEASES", 404, "unknown_file"),
    ],
)
def test_a_package_that_is_not_covered_cannot_be_had_past_the_feed(
    depot: Depot, name: str, status: int, code: str
) -> None:
    assert problem(depot.client.get(f"{depot.base(depot.bo)}/{name}"), status)["code"] == code


def test_a_withdrawn_package_is_gone_and_the_feed_offers_what_is_left(own_depot: Depot) -> None:
    own_depot.world.withdraw("1.2.0", "it loses layers", "1.1.0")
    assert [asset["Version"] for asset in assets(own_depot.index(own_depot.ada))] == ["1.1.0"]
    withdrawn = own_depot.index(own_depot.ada, localVersion="1.2.0")
    assert [asset["Version"] for asset in assets(withdrawn)] == ["1.1.0"]
    package = own_depot.client.get(f"{own_depot.base(own_depot.ada)}/{nupkg('1.2.0')}")
    assert problem(package, 410)["code"] == "withdrawn"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("cad/nonsense/stable", 400, "invalid_platform"),
        ("cad/plan9-x86_64/stable", 400, "invalid_platform"),
        ("CAD!/linux-x86_64/stable", 400, "invalid_product"),
        ("cad/linux-x86_64/nightly", 400, "unknown_channel"),
        ("cad/linux-x86_64/_", 400, "invalid_channel"),
        ("cam/linux-x86_64/stable", 403, "wrong_product"),
        ("cax/linux-x86_64/stable", 404, "unknown_product"),
    ],
)
def test_a_feed_that_does_not_exist_says_what_is_wrong(depot: Depot, path: str, status: int, code: str) -> None:
    token = depot.world.installation.feed_tokens.token_of(depot.ada.licence.licence_id)
    response = depot.client.get(f"/feeds/{token}/velopack/{path}/releases.linux.json", params=INSTALLED)
    assert problem(response, status)["code"] == code


@pytest.mark.parametrize("version", ["one", "1.0.0-foo.bar", "9" * 100, "1!1.0"])
def test_an_installed_version_that_cannot_be_ordered_is_refused(depot: Depot, version: str) -> None:
    assert problem(depot.index(depot.ada, localVersion=version), 400)["code"] == "invalid_localversion"


def test_a_rollout_reaches_installs_by_their_staging_id(own_depot: Depot) -> None:
    own_depot.world.roll_out("1.2.0", Rollout(share_basis_points=5000))
    offered = {
        assets(own_depot.index(own_depot.ada, localVersion="1.0.0", stagingId=f"install-{number}"))[0]["Version"]
        for number in range(40)
    }
    assert offered == {"1.1.0", "1.2.0"}
    for unusable in ("", "short", "x" * 65, "<script>alert(1)</script>"):
        found = own_depot.index(own_depot.ada, localVersion="1.0.0", stagingId=unusable)
        assert [asset["Version"] for asset in assets(found)] == ["1.1.0"]


def test_other_editions_and_other_builds_are_not_in_the_feed(own_depot: Depot) -> None:
    own_depot.world.publish("1.3.0", date(2026, 7, 1), platforms=(LINUX,), editions=(LITE,), file_name=nupkg("1.3.0"))
    assert [asset["Version"] for asset in assets(own_depot.index(own_depot.ada))] == ["1.2.0"]
    package = own_depot.client.get(f"{own_depot.base(own_depot.ada)}/{nupkg('1.3.0')}")
    assert problem(package, 403)["code"] == "wrong_edition"
    windows = own_depot.base(own_depot.ada, platform="windows-x86_64")
    assert assets(own_depot.client.get(f"{windows}/releases.win.json", params=INSTALLED)) == []


def test_an_unchanged_feed_is_not_sent_again(depot: Depot) -> None:
    first = depot.index(depot.ada)
    again = depot.client.get(
        f"{depot.base(depot.ada)}/releases.linux.json",
        params=INSTALLED,
        headers={"If-None-Match": first.headers["etag"]},
    )
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"] == "private, no-cache"
