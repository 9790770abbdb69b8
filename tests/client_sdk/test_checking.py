"""What a product sees when it checks for updates with an honest server."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tenure_client import Source, UpdateStatus
from tenure_client.errors import ConfigurationError, LicenceMissing, UnknownRelease
from tenure_signing.coverage import CoverageReason, RefusalReason
from tenure_signing.entitlement import LicenceStatus, SupportPeriod
from tenure_signing.names import parse_platform
from tenure_signing.releases import Money, PaidUpgrade
from tenure_signing.versions import Kind, Version
from tests.client_sdk.loopback import Reply, Request
from tests.client_sdk.vendor import ENTITLEMENT, SUPPORT, Site


def test_the_answer_has_everything_a_dialog_needs(site: Site, state: Path) -> None:
    answer = site.client(state).check()
    assert answer.status is UpdateStatus.UPDATE_AVAILABLE
    assert (answer.product, answer.edition, answer.channel) == ("cad", "pro", "stable")
    assert answer.machine == parse_platform("linux-x86_64")
    assert answer.installed.version == Version("2.4.1")
    assert answer.installed.withdrawal is None
    offer = answer.offer
    assert offer is not None
    assert (offer.version, offer.kind, offer.released_on) == (Version("2.6.0"), Kind.MINOR, date(2026, 10, 1))
    assert offer.reason is CoverageReason.SUPPORT_PERIOD
    assert offer.notes == "Faster hidden-line removal."
    assert not offer.is_downgrade
    assert not offer.more_steps_follow
    assert [build.file_name for build in offer.builds] == ["cad-2.6.0-linux-x86_64.bin"]
    assert answer.newest is not None
    assert answer.newest.version == Version("2.6.0")
    assert answer.newest.is_covered
    assert answer.support.periods == (SUPPORT,)
    assert (answer.support.last_covered_day, answer.support.days_left) == (date(2027, 3, 31), 129)
    assert answer.renewal is not None
    assert answer.renewal.opens_on == date(2026, 12, 31)
    assert answer.renewal.options[0].price == Money(18_000, "MYR")
    assert answer.licence_status is LicenceStatus.ACTIVE
    assert answer.source is Source.SERVER
    assert answer.kept_reason is None
    assert answer.as_of == answer.certificate_as_of == site.vendor.now


def test_the_newest_version_has_no_update(site: Site, state: Path) -> None:
    answer = site.client(state, version="2.6.0").check()
    assert answer.status is UpdateStatus.UP_TO_DATE
    assert answer.offer is None


def test_an_installed_version_nobody_knows_gets_an_answer_too(site: Site, state: Path) -> None:
    assert site.client(state, version="1.0").check().status is UpdateStatus.UPDATE_AVAILABLE


def test_a_release_after_support_is_shown_with_the_reason_but_not_offered(site: Site, state: Path) -> None:
    site.vendor.now = site.vendor.now.replace(year=2027, month=5)
    site.vendor.take(site.vendor.repository)
    site.vendor.publish("2.7.0", "2027-05-01")
    answer = site.client(state, version="2.6.0").check()
    assert answer.status is UpdateStatus.UPDATE_NOT_COVERED
    assert answer.offer is None
    assert answer.newest is not None
    assert not answer.newest.is_covered
    assert answer.newest.reason is RefusalReason.AFTER_SUPPORT


def test_a_paid_upgrade_comes_with_its_price(site: Site, state: Path) -> None:
    prices = PaidUpgrade(Money(5_000, "MYR"), Money(9_000, "MYR"))
    site.vendor.publish("3.0.0", "2026-11-01", paid_upgrade=prices)
    newest = site.client(state, version="2.6.0").check().newest
    assert newest is not None
    assert (newest.reason, newest.price) == (RefusalReason.UPGRADE_PAYMENT_DUE, Money(5_000, "MYR"))


def test_an_offer_says_that_more_steps_follow(site: Site, state: Path) -> None:
    site.vendor.publish("3.0.0", "2026-11-01", upgrade_from="2.6.0")
    offer = site.client(state).check().offer
    assert offer is not None
    assert (offer.version, offer.last_step) == (Version("2.6.0"), Version("3.0.0"))
    assert offer.more_steps_follow


def test_a_withdrawn_installed_version_is_offered_an_older_one(site: Site, state: Path) -> None:
    site.vendor.withdraw("2.6.0", "2.5.0")
    answer = site.client(state, version="2.6.0").check()
    assert answer.status is UpdateStatus.INSTALLED_WITHDRAWN
    assert answer.installed.withdrawal is not None
    assert answer.installed.withdrawal.reason == "It lost work."
    assert answer.offer is not None
    assert answer.offer.version == Version("2.5.0")
    assert answer.offer.is_downgrade


def test_beta_versions_are_offered_to_who_asks_for_them(site: Site, state: Path) -> None:
    site.vendor.publish("2.7b1", "2026-11-01", channel="beta")
    stable, beta = (site.client(state, channel=name).check().offer for name in ("stable", "beta"))
    assert stable is not None
    assert beta is not None
    assert (stable.version, beta.version) == (Version("2.6.0"), Version("2.7b1"))


def test_a_second_check_asks_for_no_certificate_and_fetches_only_what_changed(site: Site, state: Path) -> None:
    site.client(state).check()
    first = len(site.server.requests)
    site.client(state).check()
    again = site.server.requests[first:]
    assert [request.path.partition("?")[0] for request in again] == [
        "/metadata/2.root.json",
        "/metadata/timestamp.json",
        "/v1/update-check",
    ]
    assert "tenure-certificate" not in again[-1].headers


def test_a_certificate_is_renewed_when_half_its_time_is_over(site: Site, state: Path) -> None:
    site.client(state).check()
    site.vendor.now += timedelta(days=8)
    site.vendor.take(site.vendor.repository)
    assert site.client(state).check().certificate_as_of == site.vendor.now


def test_a_renewal_is_noticed_at_once(site: Site, state: Path) -> None:
    site.client(state).check()
    renewed = SupportPeriod(date(2027, 4, 1), date(2028, 3, 31))
    site.vendor.entitlement = replace(ENTITLEMENT, periods=(SUPPORT, renewed))
    site.vendor.now += timedelta(hours=1)
    answer = site.client(state).check()
    assert answer.certificate_as_of == site.vendor.now
    assert answer.support.periods == (SUPPORT, renewed)


def test_a_suspension_is_noticed_at_once(site: Site, state: Path) -> None:
    site.client(state).check()
    site.vendor.with_status(LicenceStatus.SUSPENDED)
    site.vendor.now += timedelta(hours=1)
    answer = site.client(state).check()
    assert answer.licence_status is LicenceStatus.SUSPENDED
    assert answer.status is UpdateStatus.UPDATE_NOT_COVERED
    assert answer.newest is not None
    assert answer.newest.reason is RefusalReason.LICENCE_SUSPENDED


def test_the_next_check_is_suggested_for_about_a_day_later_and_not_for_everyone_at_once(
    site: Site, state: Path
) -> None:
    client = site.client(state)
    waits = {client.check().next_check_after - site.vendor.now for _ in range(5)}
    assert all(timedelta(hours=18) <= wait <= timedelta(hours=30) for wait in waits)
    assert len(waits) > 1


def test_the_install_is_known_by_a_random_id_that_stays(site: Site, state: Path, tmp_path: Path) -> None:
    for folder in (state, state, tmp_path / "other"):
        site.client(folder).check()
    ids = [path.partition("install_id=")[2].partition("&")[0] for path in site.server.paths() if "install_id" in path]
    assert ids[0] == ids[1] != ids[2]


def test_rotated_keys_are_followed_from_the_embedded_root_and_known_offline(site: Site, state: Path) -> None:
    embedded = site.vendor.root
    client = site.client(state, root=embedded)
    client.check()
    for _ in range(2):
        site.vendor.rotate_keys()
        site.vendor.rotate_product_key()
    assert client.kept_answer().offer is not None
    site.vendor.publish("2.7.0", "2026-11-01")
    for answer in (client.check(), client.kept_answer()):
        assert answer.offer is not None
        assert answer.offer.version == Version("2.7.0")


def test_an_address_below_a_path_works(site: Site, state: Path) -> None:
    serve = site.server.answer

    def below(request: Request) -> Reply:
        assert request.path.startswith("/tenure/")
        return serve(Request(request.path.removeprefix("/tenure"), request.headers))

    site.server.answer = below
    answer = site.client(state, server_url=f"{site.server.url}/tenure/").check()
    assert answer.status is UpdateStatus.UPDATE_AVAILABLE


def test_a_product_the_vendor_does_not_have_is_named(site: Site, state: Path) -> None:
    with pytest.raises(UnknownRelease, match="no product viewer"):
        site.client(state, product="viewer").check()


def test_without_a_licence_key_nothing_is_asked(site: Site, state: Path) -> None:
    with pytest.raises(LicenceMissing):
        site.client(state, licence_key=None).check()
    assert site.server.requests == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"server_url": "http://updates.example.com"},
        {"server_url": "ftp://127.0.0.1"},
        {"server_url": "https://user:secret@updates.example.com"},
        {"server_url": "https://updates.example.com?x=1"},
        {"server_url": "https://updates.example.com:port"},
        {"product": "../cad"},
        {"product": "root"},
        {"version": "1.0+local"},
        {"channel": "Stable!"},
        {"platform": "amiga-68k"},
        {"root": b"{}"},
        {"root": b"not json"},
        {"timeout_seconds": 0},
    ],
)
def test_what_cannot_be_used_is_refused_at_once(site: Site, state: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        site.client(state, **wrong)
    assert "secret" not in str(refusal.value)
    assert not state.exists()


def test_plain_http_needs_to_be_asked_for_by_its_unsafe_name(site: Site, state: Path) -> None:
    site.client(state, server_url="http://updates.example.com", unsafe_plain_http=True)


def test_a_client_shows_no_key(site: Site, state: Path) -> None:
    client = site.client(state)
    assert site.vendor.licence_key() not in repr(client) + repr(client._configuration)
