"""Without the network: what is known, and since when."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tenure_client import KeptReason, Source, UpdateStatus
from tenure_client.errors import LicenceRejected, OfflineAndNothingKnown, ServerError, ServerUnavailable
from tenure_signing.coverage import CoverageReason
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.versions import Version
from tests.client_sdk.loopback import Reply, Request
from tests.client_sdk.vendor import SUPPORT, Site, problem

NOWHERE = "http://127.0.0.1:9"  # discard: nothing listens there


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(503), KeptReason.SERVER_UNAVAILABLE),
        (Reply(500), KeptReason.SERVER_UNAVAILABLE),
        (Reply(429), KeptReason.SERVER_UNAVAILABLE),
        (Reply(200, b"x" * 10, cut_after=5), KeptReason.SERVER_UNREACHABLE),
        (Reply(200, b"x" * 1_000, drip_seconds=0.02), KeptReason.SERVER_UNREACHABLE),
    ],
    ids=["503", "500", "429", "broken", "slow"],
)
@pytest.mark.parametrize("path", ["/metadata/2.root.json", "/metadata/timestamp.json", "/v1/update-check"])
def test_a_server_that_cannot_answer_leaves_what_is_known(
    site: Site, state: Path, path: str, reply: Reply, reason: KeptReason
) -> None:
    client = site.client(state)
    asked = client.check()
    since = site.vendor.now
    site.vendor.now += timedelta(hours=3)
    site.on_server = lambda request: reply if request.path.startswith(path) else None
    answer = client.check()
    assert (answer.source, answer.kept_reason) == (Source.KEPT, reason)
    assert answer.status is UpdateStatus.UPDATE_AVAILABLE
    assert answer.offer is not None
    assert asked.offer is not None
    assert answer.offer.version == asked.offer.version
    assert answer.offer.builds == asked.offer.builds
    assert answer.offer.reason is CoverageReason.SUPPORT_PERIOD
    assert answer.newest == asked.newest
    assert answer.certificate_as_of == since
    assert answer.as_of == (since if path.startswith("/metadata") else site.vendor.now)
    assert answer.support.periods == (SUPPORT,)
    assert answer.support.days_left == 129
    assert answer.renewal is None


def test_without_any_network_the_kept_answer_says_since_when(site: Site, state: Path) -> None:
    site.client(state).check()
    since = site.vendor.now
    site.vendor.now += timedelta(days=200)
    answer = site.client(state, server_url=NOWHERE).check()
    assert (answer.source, answer.kept_reason) == (Source.KEPT, KeptReason.SERVER_UNREACHABLE)
    assert answer.as_of == since
    assert answer.offer is not None
    assert answer.support.last_covered_day == date(2027, 3, 31)
    assert answer.support.days_left == 0
    assert not answer.support.is_supported_today


def test_the_kept_answer_can_be_had_without_trying_the_network(site: Site, state: Path) -> None:
    client = site.client(state)
    client.check()
    asked = len(site.server.requests)
    assert client.kept_answer().kept_reason is KeptReason.ASKED_FOR
    assert len(site.server.requests) == asked


def test_a_first_start_without_network_says_that_nothing_is_known(site: Site, state: Path) -> None:
    with pytest.raises(OfflineAndNothingKnown, match="failed"):
        site.client(state, server_url=NOWHERE).check()


def test_a_seed_knows_releases_but_no_certificate(site: Site, state: Path, tmp_path: Path) -> None:
    site.client(tmp_path / "seed").check()
    with pytest.raises(OfflineAndNothingKnown):
        site.client(state, server_url=NOWHERE, seed_directory=tmp_path / "seed").check()
    assert site.client(state, server_url=NOWHERE, seed_directory=tmp_path / "seed").set_licence_key(
        site.vendor.licence_key()
    )


def test_expired_metadata_leaves_what_is_known(site: Site, state: Path) -> None:
    client = site.client(state)
    client.check()
    since = site.vendor.now
    site.vendor.now += timedelta(days=3)
    answer = client.check()
    assert (answer.source, answer.kept_reason) == (Source.KEPT, KeptReason.METADATA_EXPIRED)
    assert answer.as_of == since
    assert answer.offer is not None


def test_a_refusal_is_not_taken_for_being_offline(site: Site, state: Path) -> None:
    client = site.client(state)
    client.check()
    site.on_server = lambda request: problem(401, "unknown_licence") if request.path.startswith("/v1/") else None
    with pytest.raises(LicenceRejected):
        client.check()


def test_a_kept_suspension_holds_offline(site: Site, state: Path) -> None:
    site.vendor.with_status(LicenceStatus.SUSPENDED)
    site.client(state).check()
    answer = site.client(state, server_url=NOWHERE).check()
    assert answer.licence_status is LicenceStatus.SUSPENDED
    assert answer.offer is None


def test_a_kept_answer_for_a_withdrawn_version_offers_a_downgrade(site: Site, state: Path) -> None:
    site.vendor.withdraw("2.6.0", "2.5.0")
    site.client(state).check()
    answer = site.client(state, version="2.6.0", server_url=NOWHERE).check()
    assert answer.status is UpdateStatus.INSTALLED_WITHDRAWN
    assert answer.offer is not None
    assert answer.offer.version == Version("2.5.0")
    assert answer.offer.is_downgrade


def test_a_channel_of_the_vendors_own_is_answered_offline_too(site: Site, state: Path) -> None:
    site.vendor.publish("2.6.5", "2026-11-01", channel="lts")
    site.client(state).check()
    answer = site.client(state, channel="lts", server_url=NOWHERE).check()
    assert answer.offer is not None
    assert answer.offer.version == Version("2.6.5")


@pytest.mark.parametrize("as_date", [False, True])
def test_a_server_that_asks_to_wait_is_left_alone(site: Site, state: Path, as_date: bool) -> None:
    client = site.client(state)
    client.check()
    wait = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True) if as_date else "7200"

    def overloaded(request: Request) -> Reply | None:
        return Reply(429, headers={"Retry-After": wait}) if request.path.startswith("/v1/") else None

    site.on_server = overloaded
    assert client.check().next_check_after > site.vendor.now
    asked = len(site.server.requests)
    answer = client.check()
    assert answer.kept_reason is KeptReason.SERVER_ASKED_TO_WAIT
    assert len(site.server.requests) == asked
    assert client.check(manual=True).kept_reason is KeptReason.SERVER_UNAVAILABLE
    site.on_server = lambda request: None
    site.vendor.now += timedelta(hours=3)
    assert client.check().source is Source.SERVER


@pytest.mark.parametrize("text", ["", "soon", "-5", "9" * 400, "Mon, 99 Nov 2026 99:99:99 GMT"])
def test_an_unreadable_wish_to_wait_does_no_harm(site: Site, state: Path, text: str) -> None:
    client = site.client(state)
    client.check()
    site.on_server = lambda request: Reply(503, headers={"Retry-After": text})
    assert client.check().source is Source.KEPT
    site.on_server = lambda request: None
    assert client.check(manual=True).source is Source.SERVER


def test_a_download_needs_the_server(site: Site, state: Path, folder: Path) -> None:
    client = site.client(state)
    client.check()
    site.on_server = lambda request: Reply(503)
    with pytest.raises(ServerUnavailable):
        client.download_release("2.6.0", folder)
    with pytest.raises(ServerError):
        site.client(state, server_url=NOWHERE).download_release("2.6.0", folder)
