"""SMP certificates: what others need to decide coverage without asking the server."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tenure_signing.certificate import SmpCertificate, verify_certificate
from tenure_signing.entitlement import (
    Entitlement,
    LicenceStatus,
    LineGrant,
    ServicePacks,
    SupportPeriod,
    VersionGrant,
)
from tenure_signing.errors import InvalidClaims, WrongPurpose
from tenure_signing.issuing import issue_certificate, issue_licence_key
from tenure_signing.key_sets import KeySet, Purpose
from tenure_signing.key_sources import new_key
from tenure_signing.licence_key import verify_licence_key
from tenure_signing.names import EditionName, ProductName
from tenure_signing.versions import parse_version

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FORTNIGHT = timedelta(days=14)
KEY = new_key()
KEYS = KeySet((KEY.verification_key(*Purpose),))
ENTITLEMENT = Entitlement(
    licence_id="L-1",
    product=ProductName("cad"),
    edition=EditionName("pro"),
    purchased_on=date(2024, 2, 29),
    status=LicenceStatus.SUSPENDED,
    periods=(
        SupportPeriod(date(2024, 2, 29), date(2025, 2, 28)),
        SupportPeriod(date(2026, 1, 1), date(2027, 12, 31)),
    ),
    grants=(VersionGrant(parse_version("7.0.1")), LineGrant(6, 2)),
    service_packs=ServicePacks.FOLLOW,
)
LICENCE_KEY = verify_licence_key(
    issue_licence_key(
        licence_id="L-1",
        product=ProductName("cad"),
        edition=EditionName("pro"),
        purchased_on=date(2024, 2, 29),
        seats=1,
        now=NOW,
        key=KEY,
    ),
    KEYS,
    NOW,
)


def certificate(entitlement: Entitlement = ENTITLEMENT) -> SmpCertificate:
    return verify_certificate(issue_certificate(entitlement, 5, NOW, FORTNIGHT, KEY), KEYS, NOW)


def test_a_certificate_carries_the_whole_entitlement() -> None:
    assert certificate() == SmpCertificate(ENTITLEMENT, 5, NOW, NOW + FORTNIGHT, KEY.kid)


def test_a_certificate_is_stale_after_its_refresh_instant_and_still_believed() -> None:
    assert not certificate().is_stale(NOW + FORTNIGHT)
    assert certificate().is_stale(NOW + FORTNIGHT + timedelta(seconds=1))
    text = issue_certificate(ENTITLEMENT, 5, NOW, FORTNIGHT, KEY)
    assert verify_certificate(text, KEYS, NOW + timedelta(days=3650)).entitlement == ENTITLEMENT


def test_a_certificate_matches_its_licence_key_even_with_more_seats() -> None:
    certificate().must_match(LICENCE_KEY)
    certificate().must_match(replace(LICENCE_KEY, seats=99, issued_at=NOW - FORTNIGHT, key_id="another"))


@pytest.mark.parametrize(
    "another",
    [
        replace(ENTITLEMENT, licence_id="L-2"),
        replace(ENTITLEMENT, product=ProductName("cam")),
        replace(ENTITLEMENT, edition=EditionName("lite")),
        replace(ENTITLEMENT, purchased_on=date(2024, 3, 1)),
    ],
    ids=["licence", "product", "edition", "purchase day"],
)
def test_a_certificate_of_another_licence_is_refused(another: Entitlement) -> None:
    with pytest.raises(InvalidClaims, match="another licence"):
        certificate(another).must_match(LICENCE_KEY)


def test_products_verify_without_loading_the_code_that_handles_private_keys() -> None:
    program = "import sys, tenure_signing.certificate; sys.exit('tenure_signing.key_sources' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_a_licence_key_is_no_certificate() -> None:
    text = issue_licence_key(
        licence_id="L-1",
        product=ProductName("cad"),
        edition=EditionName("pro"),
        purchased_on=date(2024, 2, 29),
        seats=1,
        now=NOW,
        key=KEY,
    )
    with pytest.raises(WrongPurpose):
        verify_certificate(text, KEYS, NOW)
