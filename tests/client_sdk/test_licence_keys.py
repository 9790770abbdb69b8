"""Licence keys: pasted, verified, kept, replaced, and never sent or shown unless they are genuine."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tenure_client import Client, UpdateStatus
from tenure_client.errors import (
    LicenceKeyInvalid,
    LicenceMissing,
    LicenceRejected,
    OfflineAndNothingKnown,
    TenureClientError,
)
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.key_sets import KeySet, Purpose
from tenure_signing.key_sources import new_key
from tenure_signing.names import ProductName
from tests.client_sdk.loopback import Reply, Request
from tests.client_sdk.vendor import BOUGHT_ON, SUPPORT, Site, problem

NOWHERE = "http://127.0.0.1:9"


def keyless(site: Site, state: Path, **options: Any) -> Client:
    return site.client(state, licence_key=None, **options)


def nobody_was_told(site: Site, key: str) -> bool:
    return not any(key in value for request in site.server.requests for value in request.headers.values())


def test_a_pasted_key_is_verified_kept_and_used_from_then_on(site: Site, state: Path) -> None:
    key = site.vendor.licence_key()
    pasted = f"  {key[:40]}\r\n\t{key[40:90]}\n\u200b{key[90:]}\ufeff \n"
    info = keyless(site, state).set_licence_key(pasted)
    assert (info.licence_id, info.product, info.edition, info.seats) == ("L-1", "cad", "pro", 5)
    assert info.purchased_on == BOUGHT_ON
    assert info.hint == f"…{key[-6:]}"
    assert (info.status, info.periods, info.certificate_as_of) == (None, (), None)
    assert nobody_was_told(site, key)
    assert keyless(site, state).check().status is UpdateStatus.UPDATE_AVAILABLE


def test_keys_and_certificates_are_for_their_owners_eyes_only(site: Site, state: Path) -> None:
    site.client(state).check()
    for name in ("licence-key", "certificate"):
        assert stat.S_IMODE((state / name).stat().st_mode) == 0o600


def test_the_licence_shows_what_the_certificate_says(site: Site, state: Path) -> None:
    client = site.client(state)
    client.check()
    info = client.licence
    assert info is not None
    assert info.status is LicenceStatus.ACTIVE
    assert info.periods == (SUPPORT,)
    assert info.certificate_as_of == site.vendor.now


def test_there_is_no_licence_before_one_was_given(site: Site, state: Path) -> None:
    assert keyless(site, state).licence is None


def test_a_given_key_cannot_be_judged_before_any_contact(site: Site, state: Path) -> None:
    with pytest.raises(OfflineAndNothingKnown):
        _ = site.client(state).licence


@pytest.mark.parametrize("with_seed", [False, True])
def test_a_forged_key_is_refused_before_anything_of_it_is_sent(
    site: Site, state: Path, tmp_path: Path, with_seed: bool
) -> None:
    site.client(tmp_path / "seed").check()
    forged = site.vendor.licence_key(by=new_key())
    options: dict[str, Any] = {"seed_directory": tmp_path / "seed"} if with_seed else {}
    for refused in (
        lambda: keyless(site, state, **options).set_licence_key(forged),
        lambda: site.client(state, licence_key=forged, **options).check(),
        lambda: site.client(state, licence_key=forged, **options).download_release("2.6.0", tmp_path),
    ):
        with pytest.raises(LicenceKeyInvalid) as refusal:
            refused()
        assert forged not in str(refusal.value)
    assert nobody_was_told(site, forged)
    assert not (state / "licence-key").exists()


def test_another_products_key_is_refused_before_anything_of_it_is_sent(site: Site, state: Path) -> None:
    foreign = site.vendor.licence_key(ProductName("viewer"))
    with pytest.raises(LicenceKeyInvalid, match="for viewer, not for cad"):
        site.client(state, licence_key=foreign).check()
    assert nobody_was_told(site, foreign)


@pytest.mark.parametrize("text", ["", " \n", "abc", "a.b.c", "ключ", "x" * 5_000, "eyJhbGciOiJub25lIn0.e30."])
def test_text_that_is_no_key_is_refused(site: Site, state: Path, text: str) -> None:
    with pytest.raises(LicenceKeyInvalid):
        keyless(site, state).set_licence_key(text)


def test_a_certificate_is_no_licence_key(site: Site, state: Path) -> None:
    with pytest.raises(LicenceKeyInvalid):
        keyless(site, state).set_licence_key(site.vendor.certificate())


def test_a_refused_key_leaves_the_kept_one(site: Site, state: Path) -> None:
    site.client(state).check()
    with pytest.raises(LicenceKeyInvalid):
        keyless(site, state).set_licence_key(site.vendor.licence_key(by=new_key()))
    assert keyless(site, state).check().status is UpdateStatus.UPDATE_AVAILABLE


def test_another_licence_takes_nothing_over_from_the_last_one(site: Site, state: Path) -> None:
    site.client(state).check()
    info = keyless(site, state).set_licence_key(site.vendor.licence_key(licence_id="L-2"))
    assert (info.licence_id, info.certificate_as_of) == ("L-2", None)
    assert not (state / "certificate").exists()
    with pytest.raises(LicenceRejected):  # this server does not know L-2
        keyless(site, state).check()


def test_a_key_signed_with_a_new_key_of_the_vendor_is_accepted(site: Site, state: Path) -> None:
    site.client(state).check()
    new, old = new_key(), site.vendor.key_set
    site.vendor.rotate_licence_keys(KeySet((*old.keys, new.verification_key(Purpose.LICENCE_KEY))))
    info = keyless(site, state).set_licence_key(site.vendor.licence_key(by=new, licence_id="L-3"))
    assert info.licence_id == "L-3"


def test_a_retired_key_of_the_vendor_still_verifies_what_it_signed(site: Site, state: Path) -> None:
    site.client(state).check()
    retired = site.vendor.key_set.retiring(site.vendor.licence_signer.kid, site.vendor.now - timedelta(days=1))
    site.vendor.rotate_licence_keys(retired)
    assert site.client(state).check().status is UpdateStatus.UPDATE_AVAILABLE


def test_a_removed_key_of_the_vendor_verifies_nothing_any_more(site: Site, state: Path) -> None:
    client = site.client(state)
    client.check()
    site.vendor.rotate_licence_keys(site.vendor.key_set.removing(site.vendor.licence_signer.kid))
    with pytest.raises(LicenceKeyInvalid):
        client.check()


def test_a_new_key_cannot_be_judged_offline_and_says_so(site: Site, state: Path) -> None:
    with pytest.raises(TenureClientError):
        keyless(site, state, server_url=NOWHERE).set_licence_key(site.vendor.licence_key())


def test_a_kept_key_that_was_damaged_asks_to_be_pasted_again(site: Site, state: Path) -> None:
    site.client(state).check()
    (state / "licence-key").write_bytes(b"\xff\xfe")
    with pytest.raises(LicenceMissing):
        keyless(site, state).check()
    (state / "licence-key").write_text("damaged")
    with pytest.raises(LicenceKeyInvalid):
        keyless(site, state).check()
    keyless(site, state).set_licence_key(site.vendor.licence_key())
    assert keyless(site, state).check()


def test_metadata_that_is_kept_from_strangers_is_shown_to_a_licence(site: Site, state: Path) -> None:
    def gate(request: Request) -> Reply | None:
        is_metadata = request.path.startswith("/metadata/")
        return problem(401, "licence_needed") if is_metadata and "authorization" not in request.headers else None

    site.on_server = gate
    assert site.client(state).check().status is UpdateStatus.UPDATE_AVAILABLE
    site.on_server = lambda request: problem(401, "unknown_licence")
    with pytest.raises(LicenceRejected):
        site.client(state).check()
