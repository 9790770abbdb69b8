"""A product reports how installing went: at once where it can, with a later check where it cannot, never in the way."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tenure_client import Source
from tenure_client.errors import ConfigurationError
from tenure_client.install_reports import MAX_KEPT
from tests.client_sdk.loopback import Reply, Request
from tests.client_sdk.vendor import Site, problem


def is_report(request: Request) -> bool:
    return request.path == "/v1/install-reports"


def taken(site: Site) -> list[dict[str, Any]]:
    """The bodies of the reports that the server saw."""
    return [json.loads(request.body or b"") for request in site.server.requests if is_report(request)]


def taking(request: Request) -> Reply | None:
    return Reply(202) if is_report(request) else None


def down(_: Request) -> Reply:
    return problem(503, "database_unavailable")


def kept(state: Path) -> int:
    path = state / "reports.json"
    return len(json.loads(path.read_text())) if path.exists() else 0


def test_a_report_says_what_was_installed_over_what_and_how_it_went(site: Site, state: Path) -> None:
    site.on_server = taking
    assert site.client(state).report("failed", "2.6.0", detail_code="disk-full")
    install_id = (state / "install-id").read_text().strip()
    assert taken(site) == [
        {
            "product": "cad",
            "from_version": "2.4.1",
            "to_version": "2.6.0",
            "outcome": "failed",
            "install_id": install_id,
            "detail_code": "disk-full",
        }
    ]
    (request,) = [request for request in site.server.requests if is_report(request)]
    assert request.headers["authorization"] == f"License {site.vendor.licence_key()}"
    assert kept(state) == 0


def test_a_product_that_reports_itself_after_its_start_names_no_version_before(site: Site, state: Path) -> None:
    site.on_server = taking
    site.client(state, version="2.6.0").report("installed", "2.6.0")
    site.client(state, version="2.6.0").report("rolled_back", "2.6.0", from_version="2.5.0")
    assert [report["from_version"] for report in taken(site)] == [None, "2.5.0"]


def test_without_a_network_a_report_waits_for_the_next_check(site: Site, state: Path) -> None:
    site.on_server = taking
    client = site.client(state)
    client.check()
    site.on_server = down
    assert not client.report("installed", "2.6.0")
    assert not client.report("failed", "2.5.0")
    assert kept(state) == 2
    site.on_server = taking
    assert client.check().source is Source.SERVER
    assert [report["outcome"] for report in taken(site)] == ["installed", "failed"]
    assert kept(state) == 0


def test_a_report_before_the_first_contact_is_kept_too(site: Site, state: Path) -> None:
    client = site.client(state, server_url="http://127.0.0.1:1")
    assert not client.report("installed", "2.6.0")
    assert kept(state) == 1


def test_a_report_without_a_licence_key_waits_for_one(site: Site, state: Path) -> None:
    site.on_server = taking
    assert not site.client(state, licence_key=None).report("installed", "2.6.0")
    assert (taken(site), kept(state)) == ([], 1)
    site.client(state).check()
    assert (len(taken(site)), kept(state)) == (1, 0)


@pytest.mark.parametrize("status", [400, 403, 404, 405])
def test_a_report_that_the_server_will_never_take_is_given_up(site: Site, state: Path, status: int) -> None:
    """A server older than reports knows no such address."""
    site.on_server = lambda request: problem(status, "no") if is_report(request) else None
    assert site.client(state).report("installed", "2.6.0")
    assert kept(state) == 0
    assert site.client(state).check().source is Source.SERVER


def test_a_check_goes_on_while_reports_cannot_be_taken(site: Site, state: Path) -> None:
    site.on_server = lambda request: problem(503, "no") if is_report(request) else None
    client = site.client(state)
    for _ in range(3):
        assert not client.report("installed", "2.6.0")
    before = len(taken(site))
    assert client.check().source is Source.SERVER
    assert len(taken(site)) == before + 1  # not one after the other
    assert kept(state) == 3


def test_only_the_newest_reports_are_kept(site: Site, state: Path) -> None:
    site.on_server = down
    client = site.client(state)
    for number in range(MAX_KEPT + 5):
        client.report("failed", "2.6.0", detail_code=f"attempt-{number}")
    assert kept(state) == MAX_KEPT
    site.on_server = taking
    client.check()
    assert [report["detail_code"] for report in taken(site)] == [f"attempt-{number}" for number in range(5, 25)]


def test_a_server_that_asked_to_wait_is_not_asked(site: Site, state: Path) -> None:
    client = site.client(state)
    client.check()
    site.on_server = lambda _: problem(503, "no", **{"Retry-After": "600"})
    client.check()
    site.on_server = taking
    asked = len(site.server.requests)
    assert not client.report("installed", "2.6.0")
    assert len(site.server.requests) == asked
    site.vendor.now += timedelta(minutes=13)  # up to a quarter more than asked
    assert client.report("installed", "2.6.0")
    assert len(taken(site)) == 2


def test_reports_that_were_damaged_are_forgotten(site: Site, state: Path) -> None:
    site.on_server = taking
    client = site.client(state)
    client.check()
    for text in ("{", "[1]", '[{"version": "x"}]', "null", "[" * 9_999):
        (state / "reports.json").write_text(text)
        assert client.check().source is Source.SERVER
    assert taken(site) == []


def test_a_redirect_is_not_followed_with_the_key(site: Site, state: Path) -> None:
    elsewhere = Reply(307, headers={"Location": f"{site.store.url}/v1/install-reports"})
    site.on_server = lambda request: elsewhere if is_report(request) else None
    site.client(state).report("installed", "2.6.0")
    assert site.store.requests == []


@pytest.mark.parametrize(
    ("outcome", "version", "options"),
    [
        ("exploded", "2.6.0", {}),
        ("failed", "two", {}),
        ("failed", "2.6.0", {"from_version": "one"}),
        ("failed", "2.6.0", {"detail_code": "Disk full!"}),
        ("failed", "2.6.0", {"detail_code": "x" * 41}),
    ],
)
def test_what_is_no_report_is_refused_at_once(
    site: Site, state: Path, outcome: str, version: str, options: dict[str, str]
) -> None:
    with pytest.raises(ConfigurationError):
        site.client(state).report(outcome, version, **options)
    assert kept(state) == 0
