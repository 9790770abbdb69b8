"""``GET /v1/licence``: where the licence stands."""

from __future__ import annotations

from tenure_server.use_cases.feed_tokens import token_digest
from tenure_server.use_cases.signers import LicenceKeyClaims
from tenure_signing.certificate import verify_certificate
from tests.server.http.asking import answer, faults, problem
from tests.server.http.conftest import Shop
from tests.server.world import license_header


def test_a_customer_sees_everything_about_the_licence(shop: Shop) -> None:
    response = shop.client.get("/v1/licence", headers=license_header(shop.bo.key))
    found = answer(response)
    certificate = found.pop("certificate")
    feeds = found.pop("feeds")
    assert found.pop("renewal")["state"] == "too_early"
    assert found == {
        "licence_id": shop.bo.licence.licence_id,
        "product": "cad",
        "edition": "pro",
        "customer": "Ada Tan",
        "seats": 1,
        "status": "active",
        "status_reason": None,
        "purchased_on": "2025-12-01",
        "support": {
            "supported_today": True,
            "last_covered_day": "2027-11-30",
            "days_left": 373,
            "periods": [{"starts_on": "2025-12-01", "ends_on": "2027-11-30"}],
        },
    }
    keys = shop.world.installation.catalogue.current().licence_keys
    assert verify_certificate(certificate, keys, shop.world.now()).seats == 1
    assert response.headers["cache-control"] == "no-store"
    prefix, token, rest = feeds["velopack"].partition(feeds["velopack"].split("/")[4])
    assert (prefix, rest) == ("https://updates.example.com/feeds/", "/velopack/cad")
    with shop.world.database.reading() as records:
        of_token = records.licences.by_feed_token_digest(token_digest(token))
    assert of_token is not None
    assert of_token.licence_id == shop.bo.licence.licence_id


def test_a_suspended_licence_is_told_why(shop: Shop) -> None:
    found = answer(shop.client.get("/v1/licence", headers=license_header(shop.eve.key)))
    assert (found["status"], found["status_reason"]) == ("suspended", "invoice unpaid")


def test_a_parameter_is_refused(shop: Shop) -> None:
    response = shop.client.get("/v1/licence?licence=1", headers=license_header(shop.bo.key))
    assert faults(response) == {"query.licence": "this address has no parameters"}


def test_a_genuine_key_of_a_licence_that_this_server_does_not_know_is_refused(shop: Shop) -> None:
    known = shop.bo.licence
    claims = LicenceKeyClaims("nobody", known.product, known.edition, known.purchased_on, 1, shop.world.now())
    key = shop.world.installation.issue_licence.selling.key_signer.sign(claims)
    response = shop.client.get("/v1/licence", headers=license_header(key))
    assert problem(response, 401)["code"] == "unknown_licence"
