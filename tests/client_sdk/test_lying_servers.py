"""A server, or whoever holds its keys, that lies: nothing it says beyond the signed facts is believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner

from tenure_client import Client
from tenure_client.errors import (
    CertificateRefused,
    InvalidServerAnswer,
    MetadataExpired,
    NotCovered,
    OfflineAndNothingKnown,
    ServerContradictsSignedFacts,
    TenureClientError,
    TrustError,
    UnknownRelease,
    UntrustedMetadata,
)
from tenure_signing.coverage import RefusalReason
from tenure_signing.entitlement import LicenceStatus, SupportPeriod
from tenure_signing.key_sources import new_key
from tenure_signing.names import EditionName, ProductName
from tenure_signing.tuf_drafts import sign
from tenure_signing.tuf_repository import Repository
from tests.client_sdk.loopback import Reply
from tests.client_sdk.vendor import CAD, ENTITLEMENT, SUPPORT, Document, Site, Vendor

VIEWER = ProductName("viewer")


def claiming(site: Site, release_version: str, product: ProductName = CAD, /, **lies: object) -> None:
    """The server offers that release, with some facts changed."""
    release = next(r for r in site.vendor.releases(product).releases if str(r.version) == release_version)
    offer = site.offer_document(release) | lies
    site.answer_of = lambda document: document | {"status": "update_available", "offer": offer}


def resigned_role(vendor: Vendor, change: Callable[[Document], None], signer: CryptoSigner | None = None) -> bytes:
    """The product role with something changed, as the next version, signed by the engineer or somebody else."""
    document = json.loads(vendor.repository.roles["cad"])
    change(document["signed"])
    document["signed"]["version"] += 1
    document["signatures"] = []
    return sign("cad", json.dumps(document).encode(), signer or vendor.engineer)


def with_role(repository: Repository, role: bytes) -> Repository:
    return Repository(repository.roots, {**repository.roles, "cad": role})


# Offers


def test_an_offer_after_support_is_refused_by_the_client_itself(site: Site, state: Path) -> None:
    site.vendor.now = site.vendor.now.replace(year=2027, month=4, day=1)
    site.vendor.take(site.vendor.repository)
    site.vendor.publish("2.7.0", "2027-04-01")
    claiming(site, "2.7.0")
    with pytest.raises(NotCovered) as refusal:
        site.client(state).check()
    assert refusal.value.reason is RefusalReason.AFTER_SUPPORT
    assert "/v1/licence" not in site.server.paths()  # the certificate was fresh in the answer


def test_before_refusing_an_offer_the_client_asks_once_for_a_fresh_certificate(site: Site, state: Path) -> None:
    site.client(state).check()
    site.vendor.publish("3.0.0", "2026-11-20", editions=frozenset({EditionName("basic")}))
    claiming(site, "3.0.0")
    with pytest.raises(NotCovered) as refusal:
        site.client(state).check()
    assert refusal.value.reason is RefusalReason.WRONG_EDITION
    assert site.server.paths().count("/v1/licence") == 1


@pytest.mark.parametrize(
    "lies",
    [
        {"released_on": "2026-09-30"},
        {"released_on": "2027-10-01"},
        {"kind": "major"},
        {"channel": "beta"},
        {"version": "2.6.1"},
        {"version": "9.0"},
        {"notes": "You must call this number."},
        {"builds": []},
        {"last_step": "9.9"},
    ],
    ids=str,
)
def test_an_offer_that_differs_from_what_was_signed_is_refused(site: Site, state: Path, lies: Document) -> None:
    claiming(site, "2.6.0", **lies)
    with pytest.raises(ServerContradictsSignedFacts):
        site.client(state).check()


@pytest.mark.parametrize(
    "lies",
    [
        {"length": 1},
        {"sha256": "0" * 64},
        {"path": "viewer/1.0/viewer.bin"},
        {"file_name": "other.bin"},
        {"os": "windows"},
    ],
    ids=str,
)
def test_an_offer_of_another_file_is_refused(site: Site, state: Path, lies: Document) -> None:
    build = site.offer_document(site.vendor.releases().releases[-1])["builds"][0]
    claiming(site, "2.6.0", builds=[build | lies])
    with pytest.raises(ServerContradictsSignedFacts):
        site.client(state).check()


def test_another_products_release_is_refused(site: Site, state: Path) -> None:
    site.vendor.add_product(VIEWER)
    site.vendor.publish("7.0", "2026-05-01", product=VIEWER)
    claiming(site, "7.0", VIEWER)
    with pytest.raises(ServerContradictsSignedFacts, match="never signed"):
        site.client(state).check()


@pytest.mark.parametrize(("version", "downgrade"), [("2.5.0", False), ("2.5.0", True), ("2.6.0", False)])
def test_an_older_or_the_same_version_is_no_update(site: Site, state: Path, version: str, downgrade: bool) -> None:
    claiming(site, version, downgrade=downgrade)
    with pytest.raises((ServerContradictsSignedFacts, InvalidServerAnswer)):
        site.client(state, version="2.6.0").check()


def test_an_installed_version_is_not_withdrawn_because_the_server_says_so(site: Site, state: Path) -> None:
    offer = site.offer_document(site.vendor.releases().releases[1]) | {"downgrade": True}
    withdrawn = {"version": "2.6.0", "withdrawn": {"reason": "so", "replacement": None}}
    site.answer_of = lambda document: (
        document | {"status": "installed_withdrawn", "installed": withdrawn, "offer": offer}
    )
    with pytest.raises(ServerContradictsSignedFacts, match="withdrawn"):
        site.client(state, version="2.6.0").check()


def test_a_withdrawal_cannot_be_hidden(site: Site, state: Path) -> None:
    site.vendor.withdraw("2.6.0")
    site.answer_of = lambda document: (
        document | {"status": "up_to_date", "offer": None, "installed": {"version": "2.6.0", "withdrawn": None}}
    )
    with pytest.raises(ServerContradictsSignedFacts, match="withdrawn"):
        site.client(state, version="2.6.0").check()


def test_a_withdrawn_release_is_no_offer(site: Site, state: Path) -> None:
    site.vendor.withdraw("2.6.0")
    claiming(site, "2.6.0")
    with pytest.raises(ServerContradictsSignedFacts, match="withdrawn"):
        site.client(state).check()


def test_a_release_dated_ahead_is_no_offer(site: Site, state: Path) -> None:
    release = site.vendor.publish("2.7.0", "2026-11-26")
    offer = site.offer_document(release)
    site.answer_of = lambda document: document | {"offer": offer}
    with pytest.raises(ServerContradictsSignedFacts, match="dated in the future"):
        site.client(state).check()


def test_a_release_of_a_vendor_who_is_a_day_ahead_is_an_offer(site: Site, state: Path) -> None:
    site.vendor.now = site.vendor.now.replace(hour=17)  # it is tomorrow in Kuala Lumpur
    offer = site.offer_document(site.vendor.publish("2.7.0", "2026-11-24"))
    site.answer_of = lambda document: document | {"offer": offer}
    assert site.client(state).check().offer is not None


def test_a_beta_is_no_offer_on_the_stable_channel(site: Site, state: Path) -> None:
    site.vendor.publish("2.7b1", "2026-11-01", channel="beta")
    claiming(site, "2.7b1")
    with pytest.raises(ServerContradictsSignedFacts, match="less stable"):
        site.client(state).check()


def test_a_step_cannot_be_left_out(site: Site, state: Path) -> None:
    site.vendor.publish("3.0.0", "2026-11-01", upgrade_from="2.6.0")
    claiming(site, "3.0.0")
    with pytest.raises(ServerContradictsSignedFacts, match=r"at least 2\.6\.0"):
        site.client(state).check()


def test_a_release_published_between_metadata_and_answer_is_no_contradiction(site: Site, state: Path) -> None:
    published = False

    def publish_meanwhile(document: Document) -> Document:
        nonlocal published
        if not published:
            published = True
            release = site.vendor.publish("2.7.0", "2026-11-01")
            return document | {"offer": site.offer_document(release)}
        return document

    site.answer_of = publish_meanwhile
    offer = site.client(state).check().offer
    assert offer is not None
    assert str(offer.version) == "2.7.0"


@pytest.mark.parametrize(
    "change", [{"product": "viewer"}, {"edition": "basic"}, {"installed": {"version": "1", "withdrawn": None}}]
)
def test_an_answer_about_something_else_is_refused(site: Site, state: Path, change: Document) -> None:
    site.answer_of = lambda document: document | change
    with pytest.raises(InvalidServerAnswer, match="another product"):
        site.client(state).check()


# Certificates


def test_a_forged_certificate_is_refused_and_not_kept(site: Site, state: Path) -> None:
    site.certificate_of = lambda: site.vendor.certificate(by=new_key())
    with pytest.raises(CertificateRefused):
        site.client(state).check()
    assert not (state / "certificate").exists()


def test_a_certificate_signed_with_the_licence_key_is_refused(site: Site, state: Path) -> None:
    site.certificate_of = lambda: site.vendor.certificate(by=site.vendor.licence_signer)
    with pytest.raises(CertificateRefused):
        site.client(state).check()


def test_a_licence_key_is_no_certificate(site: Site, state: Path) -> None:
    site.certificate_of = site.vendor.licence_key
    with pytest.raises(CertificateRefused):
        site.client(state).check()


def test_somebody_elses_certificate_is_refused(site: Site, state: Path) -> None:
    other = replace(ENTITLEMENT, licence_id="L-2")
    site.certificate_of = lambda: site.vendor.certificate(other)
    with pytest.raises(CertificateRefused, match="another licence"):
        site.client(state).check()


def test_an_old_certificate_cannot_take_the_place_of_a_newer_one(site: Site, state: Path) -> None:
    site.client(state).check()
    kept = (state / "certificate").read_text()
    site.certificate_of = lambda: site.vendor.certificate(now=site.vendor.now - timedelta(hours=1))
    site.vendor.with_status(LicenceStatus.SUSPENDED)
    with pytest.raises(CertificateRefused, match="older"):
        site.client(state).check()
    assert (state / "certificate").read_text() == kept


def test_an_out_of_date_certificate_is_refused_even_by_a_new_install(site: Site, state: Path) -> None:
    site.certificate_of = lambda: site.vendor.certificate(now=site.vendor.now - timedelta(days=30))
    with pytest.raises(CertificateRefused, match="out of date"):
        site.client(state).check()


def test_a_certificate_from_the_future_is_refused(site: Site, state: Path) -> None:
    site.certificate_of = lambda: site.vendor.certificate(now=site.vendor.now + timedelta(days=1))
    with pytest.raises(CertificateRefused):
        site.client(state).check()


def test_periods_that_the_server_invents_cover_nothing(site: Site, state: Path) -> None:
    site.vendor.now = site.vendor.now.replace(year=2027, month=4, day=1)
    site.vendor.take(site.vendor.repository)
    site.vendor.publish("2.7.0", "2027-04-01")
    signed = site.vendor.entitlement
    later = SupportPeriod(date(2027, 4, 1), date(2028, 3, 31))
    site.vendor.entitlement = replace(signed, periods=(SUPPORT, later))
    site.certificate_of = lambda: site.vendor.certificate(signed)
    with pytest.raises(NotCovered):
        site.client(state).check()


# Metadata


def check_fails_and_keeps(client: Client, state: Path, refusal: type[TenureClientError]) -> None:
    """The check is refused, and what was kept before is still what is known."""
    before = client.kept_answer().offer
    with pytest.raises(refusal):
        client.check()
    assert client.kept_answer().offer == before


def test_releases_signed_by_a_stranger_are_refused(site: Site, state: Path) -> None:
    client = site.client(state)
    client.check()
    good = site.vendor.repository
    stranger = CryptoSigner.generate_ed25519()
    forged = resigned_role(site.vendor, lambda signed: None, stranger)
    with pytest.raises(Exception, match="signed by 0"):  # the vendor's own tools refuse to publish it
        site.vendor.take(with_role(good, forged))
    site.on_server = lambda request: Reply(200, forged) if request.path.endswith(".cad.json") else None
    site.vendor.publish("2.7.0", "2026-11-01")
    check_fails_and_keeps(client, state, UntrustedMetadata)


def test_a_stolen_product_key_signs_nothing_after_it_was_replaced(site: Site, state: Path) -> None:
    client = site.client(state)
    stolen = site.vendor.engineer
    site.vendor.rotate_product_key()
    client.check()
    forged = resigned_role(site.vendor, lambda signed: None, stolen)
    site.vendor.publish("2.7.0", "2026-11-01")
    site.on_server = lambda request: Reply(200, forged) if request.path.endswith(".cad.json") else None
    check_fails_and_keeps(client, state, UntrustedMetadata)


def test_kept_releases_that_somebody_changed_are_not_believed(site: Site, state: Path) -> None:
    client = site.client(state)
    client.check()
    forged = resigned_role(site.vendor, lambda signed: None, CryptoSigner.generate_ed25519())
    (state / "metadata" / "cad.json").write_bytes(forged)
    with pytest.raises(OfflineAndNothingKnown):
        client.kept_answer()


def test_a_kept_certificate_that_somebody_forged_is_not_believed(site: Site, state: Path) -> None:
    client = site.client(state)
    client.check()
    (state / "certificate").write_text(site.vendor.certificate(by=new_key()))
    with pytest.raises(OfflineAndNothingKnown):
        client.kept_answer()
    assert client.check().offer is not None


def test_a_rollback_of_the_metadata_is_refused(site: Site, state: Path) -> None:
    old = site.vendor.repository
    site.vendor.publish("2.7.0", "2026-11-01")
    client = site.client(state)
    client.check()
    site.vendor.repository = old
    check_fails_and_keeps(client, state, UntrustedMetadata)


def test_a_seeded_state_protects_even_a_first_check_from_rollback(site: Site, state: Path, tmp_path: Path) -> None:
    old = site.vendor.repository
    site.vendor.publish("2.7.0", "2026-11-01")
    site.client(tmp_path / "seed").check()
    site.vendor.repository = old
    site.client(state).check()  # a newcomer cannot know
    with pytest.raises(UntrustedMetadata):
        site.client(tmp_path / "fresh", seed_directory=tmp_path / "seed").check()


def test_a_vendor_with_another_root_is_refused(site: Site, state: Path) -> None:
    client = site.client(state, root=Vendor().root)
    with pytest.raises(UntrustedMetadata):
        client.check()
    assert not any(path.startswith("/v1/") for path in site.server.paths())


@pytest.mark.parametrize("name", ["timestamp.json", ".snapshot.json", ".targets.json", ".cad.json"])
@pytest.mark.parametrize(
    "change",
    [lambda data: b"", lambda data: data[:-1], lambda data: data.replace(b"2", b"3", 1), lambda data: b"[1,2]"],
    ids=["empty", "truncated", "changed", "other"],
)
def test_damaged_metadata_is_refused(site: Site, state: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    files = site.vendor.repository.files()
    site.on_server = lambda request: (
        Reply(200, change(files[request.path.removeprefix("/metadata/")]))
        if request.path.endswith(name) and "root" not in request.path
        else None
    )
    with pytest.raises(TrustError):
        site.client(state).check()
    assert not any(path.startswith("/v1/") for path in site.server.paths())


@pytest.mark.parametrize("name", ["timestamp.json", ".snapshot.json", ".cad.json"])
def test_endless_metadata_is_cut_off(site: Site, state: Path, name: str) -> None:
    site.on_server = lambda request: Reply(200, is_endless=True) if request.path.endswith(name) else None
    with pytest.raises(TenureClientError):
        site.client(state).check()


def test_a_signer_of_one_product_cannot_speak_for_another(site: Site, state: Path) -> None:
    site.vendor.add_product(VIEWER)
    release = site.vendor.publish("9.0", "2026-05-01", product=VIEWER)
    entry = json.loads(site.vendor.repository.roles["viewer"])["signed"]["targets"][release.builds[0].path]

    def add_foreign(signed: Document) -> None:
        signed["targets"]["cad/9.0/x/cad.bin"] = entry
        signed["targets"]["viewer/9.9/viewer.bin"] = entry

    site.vendor.take(with_role(site.vendor.repository, resigned_role(site.vendor, add_foreign)))
    answer = site.client(state).check()
    assert answer.newest is not None
    assert str(answer.newest.version) == "2.6.0"
    with pytest.raises(UnknownRelease):
        site.client(state).download_release("9.9", state)


def test_a_release_whose_signed_facts_contradict_its_path_is_refused(site: Site, state: Path) -> None:
    def change(signed: Document) -> None:
        signed["targets"]["cad/2.6.0/cad-2.6.0-linux-x86_64.bin"]["custom"]["tenure"]["version"] = "2.5.1"

    site.vendor.take(with_role(site.vendor.repository, resigned_role(site.vendor, change)))
    with pytest.raises(UntrustedMetadata, match="signed facts"):
        site.client(state).check()


def test_expired_metadata_never_serves_a_newcomer(site: Site, state: Path) -> None:
    site.vendor.now += timedelta(days=3)
    with pytest.raises(MetadataExpired, match="timestamp"):
        site.client(state).check()


def test_swapped_licence_public_keys_are_refused(site: Site, state: Path) -> None:
    other = Vendor().key_set.to_json()
    site.on_server = lambda request: Reply(200, other) if request.path.startswith("/downloads/_trust/") else None
    with pytest.raises((UntrustedMetadata, InvalidServerAnswer)):
        site.client(state).check()
    assert not any(path.startswith("/v1/") for path in site.server.paths())


@pytest.mark.parametrize("path", ["/v1/update-check", "/v1/licence", "/metadata/timestamp.json"])
def test_an_endless_or_wrong_page_is_no_answer(site: Site, state: Path, path: str) -> None:
    site.certificate_of = None
    for reply in (Reply(200, is_endless=True), Reply(200, b"<html>log in</html>"), Reply(204)):
        site.on_server = lambda request, reply=reply: reply if request.path.startswith(path) else None  # type: ignore[misc]
        site.answer_of = lambda document: document | {"certificate": None}
        with pytest.raises(TenureClientError):
            site.client(state).check()
