"""The fast route of the Velopack feed answers what the general one answers, byte for byte.

An escape in the path is enough to come to the general route.
"""

from __future__ import annotations

import pytest
from httpx2 import Response

from tenure_server.feeds.fast_velopack import _PATH
from tenure_signing.entitlement import LicenceStatus
from tests.server.feeds.test_velopack_feed import Depot, depot, nupkg, own_depot  # noqa: F401
from tests.server.world import license_header

STAGING = "stagingId=6cfec69c-3989-4454-8f61-3cfa04dcd6bd"
QUERIES = [
    "",
    "localVersion=1.0.0",
    f"localVersion=1.0.0&id=Cad&{STAGING}",
    "localVersion=1.1.0&stagingId=x",
    "localVersion=1.2.0-rc.1",
    "localVersion=9.0.0",
    "localVersion=one",
    "localVersion=1.0.0+build",
    "localVersion=1.0.0&localVersion=9.0.0",
    "localVersion",
    "&&",
    f"localVersion=1.0.0&arch=x64&{'x' * 700}=1",
]


def both(depot: Depot, path: str, headers: dict[str, str] | None = None) -> tuple[Response, Response]:  # noqa: F811
    escaped = path.replace("/velopack/", "/%76elopack/")
    assert _PATH.fullmatch(escaped.partition("?")[0].encode()) is None
    fast, general = (depot.client.get(one, headers=headers or {}) for one in (path, escaped))
    return fast, general


def assert_same(answers: tuple[Response, Response]) -> Response:
    fast, general = answers
    assert (fast.status_code, fast.content) == (general.status_code, general.content)
    assert sorted(fast.headers.items()) == sorted(general.headers.items())
    return fast


@pytest.mark.parametrize("query", QUERIES)
def test_every_question_is_answered_alike_by_token_and_by_key(depot: Depot, query: str) -> None:  # noqa: F811
    for issued in (depot.ada, depot.bo):
        by_token = f"{depot.base(issued)}/releases.linux.json?{query}"
        by_key = f"/feeds/velopack/cad/linux-x86_64/stable/RELEASES.win.json?{query}"
        for path, headers in ((by_token, {}), (by_token, license_header(issued.key))):
            first = assert_same(both(depot, path, headers))
            assert assert_same(both(depot, path, headers)).content == first.content
            if first.status_code == 200:
                unchanged = assert_same(both(depot, path, headers | {"If-None-Match": first.headers["etag"]}))
                assert (unchanged.status_code, unchanged.content) == (304, b"")
        assert_same(both(depot, by_key, license_header(issued.key)))


@pytest.mark.parametrize(
    "place",
    [
        "cam/linux-x86_64/stable/releases.linux.json",
        "nothing/linux-x86_64/stable/releases.linux.json",
        "Cad/linux-x86_64/stable/releases.linux.json",
        "cad/windows-x86_64/stable/releases.linux.json",
        "cad/linux/stable/releases.linux.json",
        "cad/Linux-AMD64/stable/releases.linux.json",
        "cad/linux-x86_64/beta/releases.linux.json",
        "cad/linux-x86_64/nightly/releases.linux.json",
        "cad/linux-x86_64/stable/releases..json",
        f"cad/linux-x86_64/stable/{nupkg('1.1.0')}",
        "cad/linux-x86_64/stable/releases.linux.json/more",
    ],
)
def test_odd_addresses_are_answered_alike(depot: Depot, place: str) -> None:  # noqa: F811
    for issued in (depot.ada, depot.bo):
        token = depot.base(issued).split("/")[2]
        for path, headers in (
            (f"/feeds/{token}/velopack/{place}", {}),
            (f"/feeds/{token.upper()}/velopack/{place}", {}),
            (f"/feeds/velopack/{place}", license_header(issued.key)),
            (f"/feeds/velopack/{place}", {"Authorization": f"Bearer {issued.key}"}),
            (f"/feeds/velopack/{place}", {"Authorization": "License eyJ0.e30.AA"}),
            (f"/feeds/velopack/{place}", {}),
            (f"/feeds/{'a' * 32}/velopack/{place}", {}),
        ):
            fast, general = both(depot, path, headers)
            if fast.status_code == 302:  # links are of their second
                assert general.status_code == 302
            else:
                assert_same((fast, general))


def test_a_change_of_the_licence_holds_for_the_next_request(own_depot: Depot) -> None:  # noqa: F811
    path = f"{own_depot.base(own_depot.ada)}/releases.linux.json?localVersion=1.0.0"
    before = assert_same(both(own_depot, path))
    for status in (LicenceStatus.SUSPENDED, LicenceStatus.REVOKED):
        own_depot.world.change_status(own_depot.ada.licence, status)
        assert assert_same(both(own_depot, path)).status_code == 403
        own_depot.world.change_status(own_depot.ada.licence, LicenceStatus.ACTIVE)
        assert assert_same(both(own_depot, path)).content == before.content


def test_a_licence_key_is_no_feed_token_and_a_token_no_key(depot: Depot) -> None:  # noqa: F811
    token = depot.base(depot.ada).split("/")[2]
    path = "/feeds/velopack/cad/linux-x86_64/stable/releases.linux.json"
    for _ in range(2):
        assert depot.index(depot.ada).status_code == 200
        assert assert_same(both(depot, path, license_header(token))).status_code == 401
