"""``GET /v1/update-check`` as an installed product sees it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from tenure_server.http.parameters import NO_CERTIFICATE
from tenure_signing.certificate import verify_certificate
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.releases import Rollout
from tests.server.http.asking import answer, check, faults, problem
from tests.server.http.conftest import Shop
from tests.server.world import basic_header, body_of, license_header

CERTIFICATE = {"Tenure-Certificate": NO_CERTIFICATE}


def test_a_supported_copy_is_told_everything_a_dialog_needs(shop: Shop) -> None:
    found = answer(check(shop.client, shop.bo.key))
    assert found["status"] == "update_available"
    assert (found["product"], found["edition"], found["channel"]) == ("cad", "pro", "stable")
    assert found["installed"] == {"version": "1.0", "withdrawn": None}
    offer = found["offer"]
    assert offer.pop("builds") == [
        {
            "file_name": "cad-2.0-linux-x86_64.zip",
            "os": "linux",
            "arch": "x86_64",
            "length": 3800,
            "sha256": hashlib.sha256(body_of("cad-2.0-linux-x86_64.zip")).hexdigest(),
            "path": "cad/2.0/cad-2.0-linux-x86_64.zip",
            "url": "https://updates.example.com/downloads/cad/2.0/cad-2.0-linux-x86_64.zip",
        }
    ]
    assert offer == {
        "version": "2.0",
        "kind": "major",
        "released_on": "2025-06-01",
        "channel": "stable",
        "reason": "purchased",
        "downgrade": False,
        "more_steps_follow": False,
        "last_step": None,
        "notes": "# New\n\nFaster *hidden-line* removal.\n",
    }
    assert found["newest"] == {
        "version": "3.0",
        "kind": "major",
        "released_on": "2026-01-10",
        "channel": "stable",
        "covered": False,
        "reason": "upgrade_payment_due",
        "price": {"minor_units": 20_000, "currency": "MYR"},
    }
    assert found["support"] == {
        "supported_today": True,
        "last_covered_day": "2027-11-30",
        "days_left": 373,
        "periods": [{"starts_on": "2025-12-01", "ends_on": "2027-11-30"}],
    }
    assert found["renewal"] == {
        "can_be_ordered": False,
        "state": "too_early",
        "last_call": False,
        "opens_on": "2027-09-01",
        "closes_on": "2027-11-30",
        "options": [
            {
                "years": 1,
                "starts_on": "2027-12-01",
                "ends_on": "2028-11-30",
                "price": {"minor_units": 15_000, "currency": "MYR"},
            },
            {
                "years": 2,
                "starts_on": "2027-12-01",
                "ends_on": "2029-11-30",
                "price": {"minor_units": 20_000, "currency": "MYR"},
            },
        ],
        "url": "https://updates.example.com/portal",
    }
    assert found["certificate"] is None


def test_what_was_released_after_support_ended_is_not_offered(shop: Shop) -> None:
    found = answer(check(shop.client, shop.ada.key, version="1.2"))
    assert found["status"] == "update_not_covered"
    assert found["offer"] is None
    assert found["newest"]["reason"] == "upgrade_payment_due"
    assert found["newest"]["price"] == {"minor_units": 40_000, "currency": "MYR"}
    assert found["support"]["days_left"] == 0
    assert found["renewal"]["state"] == "lapsed_closed"


def test_the_best_covered_release_is_offered_even_if_newer_ones_are_not_covered(shop: Shop) -> None:
    found = answer(check(shop.client, shop.ada.key))
    assert (found["status"], found["offer"]["version"]) == ("update_available", "1.2")
    assert found["offer"]["reason"] == "support_period"


def test_a_copy_with_the_newest_version_is_up_to_date(shop: Shop) -> None:
    found = answer(check(shop.client, shop.ada.key, version="3.0"))
    assert (found["status"], found["offer"]) == ("up_to_date", None)


def test_a_withdrawn_copy_is_told_why_and_offered_an_older_release(shop: Shop) -> None:
    found = answer(check(shop.client, shop.ada.key, version="1.3"))
    assert found["status"] == "installed_withdrawn"
    assert found["installed"]["withdrawn"] == {"reason": "it loses drawings", "replacement": "1.2"}
    assert (found["offer"]["version"], found["offer"]["downgrade"]) == ("1.2", True)


def test_the_beta_channel_is_asked_for_by_name(shop: Shop) -> None:
    found = answer(check(shop.client, shop.ada.key, channel="beta"))
    assert found["offer"]["version"] == "1.5b1"
    assert found["channel"] == "beta"


@pytest.mark.parametrize("version", ["0.0.1", "1.0.5.7", "2026.11", "1.0.dev3", "v1.0"])
def test_a_version_that_was_never_published_gets_an_answer(shop: Shop, version: str) -> None:
    assert answer(check(shop.client, shop.bo.key, version=version))["status"]


def test_a_release_dated_in_the_future_is_invisible_until_its_day(own_shop: Shop) -> None:
    assert answer(check(own_shop.client, own_shop.bo.key))["newest"]["version"] == "3.0"
    own_shop.world.today = date(2027, 1, 1)
    found = answer(check(own_shop.client, own_shop.bo.key))
    assert (found["newest"]["version"], found["offer"]["version"]) == ("4.0", "4.0")


@pytest.mark.parametrize(
    ("os", "arch", "name"),
    [("Linux", "AMD64", "linux-x86_64"), ("win32", "x64", "windows-x86_64"), ("win", "amd64", "windows-x86_64")],
)
def test_common_names_of_machines_are_understood(shop: Shop, os: str, arch: str, name: str) -> None:
    found = answer(check(shop.client, shop.bo.key, os=os, arch=arch))
    assert [build["file_name"] for build in found["offer"]["builds"]] == [f"cad-2.0-{name}.zip"]


def test_a_machine_without_builds_is_up_to_date(shop: Shop) -> None:
    found = answer(check(shop.client, shop.bo.key, os="macos", arch="arm64"))
    assert (found["status"], found["newest"]) == ("up_to_date", None)


def test_checking_by_hand_goes_past_a_partial_rollout(own_shop: Shop) -> None:
    own_shop.world.roll_out("2.0", Rollout(share_basis_points=0))
    install = {"install_id": "install-0001"}
    assert answer(check(own_shop.client, own_shop.bo.key, **install))["offer"]["version"] == "1.2"
    assert answer(check(own_shop.client, own_shop.bo.key, manual="true", **install))["offer"]["version"] == "2.0"


@pytest.mark.parametrize(("name", "reason"), [("eve", "licence_suspended"), ("fay", "licence_revoked")])
def test_a_suspended_or_revoked_licence_is_offered_nothing_and_told_why(shop: Shop, name: str, reason: str) -> None:
    found = answer(check(shop.client, shop.licences[name].key))
    assert (found["status"], found["offer"]) == ("update_not_covered", None)
    assert found["newest"]["reason"] == reason


def test_a_suspension_holds_at_the_next_check(own_shop: Shop) -> None:
    assert answer(check(own_shop.client, own_shop.bo.key))["offer"] is not None
    own_shop.world.change_status(own_shop.bo.licence, LicenceStatus.SUSPENDED)
    assert answer(check(own_shop.client, own_shop.bo.key))["offer"] is None


def test_a_licence_of_another_product_is_refused(shop: Shop) -> None:
    assert problem(check(shop.client, shop.dee.key), 403)["code"] == "wrong_product"


def test_a_licence_asks_in_vain_for_a_product_that_is_not_there(shop: Shop) -> None:
    assert problem(check(shop.client, shop.bo.key, product="pdm"), 404)["code"] == "unknown_product"


def test_a_channel_the_product_does_not_have_is_named_as_such(shop: Shop) -> None:
    found = problem(check(shop.client, shop.bo.key, channel="nightly"), 400)
    assert found["code"] == "unknown_channel"
    assert "stable" in found["detail"]


# Certificates


def test_a_copy_without_certificate_gets_its_first(shop: Shop) -> None:
    response = check(shop.client, shop.bo.key, CERTIFICATE)
    keys = shop.world.installation.catalogue.current().licence_keys
    certificate = verify_certificate(answer(response)["certificate"], keys, shop.world.now())
    assert certificate.entitlement.licence_id == shop.bo.licence.licence_id
    assert certificate.entitlement.periods == shop.bo.licence.support_periods
    assert certificate.refresh_by - certificate.issued_at == timedelta(days=30)
    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers


def test_an_old_certificate_is_exchanged_for_a_fresh_one(own_shop: Shop) -> None:
    old = answer(check(own_shop.client, own_shop.bo.key, CERTIFICATE))["certificate"]
    own_shop.world.today += timedelta(days=20)
    fresh = answer(check(own_shop.client, own_shop.bo.key, {"Tenure-Certificate": old}))["certificate"]
    keys = own_shop.world.installation.catalogue.current().licence_keys
    assert verify_certificate(fresh, keys, own_shop.world.now()).issued_at == own_shop.world.now()


@pytest.mark.parametrize("name", ["eve", "fay"])
def test_the_certificate_of_a_suspended_or_revoked_licence_says_so(shop: Shop, name: str) -> None:
    certificate = answer(check(shop.client, shop.licences[name].key, CERTIFICATE))["certificate"]
    keys = shop.world.installation.catalogue.current().licence_keys
    status = verify_certificate(certificate, keys, shop.world.now()).entitlement.status
    assert status == {"eve": LicenceStatus.SUSPENDED, "fay": LicenceStatus.REVOKED}[name]


@pytest.mark.parametrize(
    "certificate", ["", "None", "a.b", "a.b.c.d", "a b", "a" * 9000 + "." + "b" * 9000 + ".c", "x" * 20_000]
)
def test_a_certificate_header_of_another_form_is_refused(shop: Shop, certificate: str) -> None:
    response = check(shop.client, shop.bo.key, {"Tenure-Certificate": certificate})
    assert list(faults(response)) == ["header.Tenure-Certificate"]


def test_two_certificates_at_once_are_refused(shop: Shop) -> None:
    headers = [
        ("Authorization", f"License {shop.bo.key}"),
        ("Tenure-Certificate", "none"),
        ("Tenure-Certificate", "a.b.c"),
    ]
    url = "/v1/update-check?product=cad&version=1.0&os=linux&arch=x86_64"
    assert faults(shop.client.get(url, headers=headers)) == {"header.Tenure-Certificate": "is given more than once"}


# Conditional requests


def test_a_copy_that_has_the_answer_is_told_so_in_a_few_bytes(shop: Shop) -> None:
    first = check(shop.client, shop.bo.key)
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["vary"] == "Authorization, Tenure-Certificate, Accept-Language"
    etag = first.headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = check(shop.client, shop.bo.key, {"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
        assert again.headers["vary"] == first.headers["vary"]
    assert check(shop.client, shop.bo.key, {"If-None-Match": '"other"'}).status_code == 200


def test_the_answer_of_the_next_day_is_another_one(own_shop: Shop) -> None:
    etag = check(own_shop.client, own_shop.bo.key).headers["etag"]
    own_shop.world.today += timedelta(days=1)  # one day less is left
    assert check(own_shop.client, own_shop.bo.key, {"If-None-Match": etag}).status_code == 200


def test_two_licences_have_two_tags(shop: Shop) -> None:
    tags = {check(shop.client, licence.key).headers["etag"] for licence in (shop.ada, shop.bo, shop.eve)}
    assert len(tags) == 3


# Who is asking


def test_the_key_is_read_from_each_spelling_of_the_header(shop: Shop) -> None:
    key = shop.bo.key
    for headers in (license_header(key), {"Authorization": f"bearer {key}"}, basic_header(key), basic_header(key, "")):
        response = shop.client.get(
            "/v1/update-check",
            params={"product": "cad", "version": "1.0", "os": "linux", "arch": "x86_64"},
            headers=headers,
        )
        assert answer(response)["offer"]["version"] == "2.0"


def test_a_check_without_a_key_is_told_how_to_send_one(shop: Shop) -> None:
    response = shop.client.get("/v1/update-check")
    found = problem(response, 401)
    assert found["code"] == "licence_key_missing"
    assert "Authorization: License" in found["hint"]
    assert any(value.startswith("License") for value in response.headers.get_list("www-authenticate"))


@pytest.mark.parametrize("place", ["query", "path"])
def test_a_key_is_not_accepted_anywhere_else_and_not_repeated(shop: Shop, place: str) -> None:
    key = shop.bo.key
    url = f"/v1/licence?{key}={key}" if place == "query" else f"/v1/licence/{key}"
    for headers in ({}, license_header(key)):
        response = shop.client.get(url, headers=headers)
        assert response.status_code in (400, 401, 404)
        assert key not in response.text
        assert key.partition(".")[0] not in response.text


def test_two_keys_at_once_are_refused(shop: Shop) -> None:
    headers = [("Authorization", f"License {shop.bo.key}"), ("Authorization", f"License {shop.ada.key}")]
    response = shop.client.get("/v1/licence", headers=headers)
    assert problem(response, 400)["code"] == "repeated_authorization"


def _tampered(key: str) -> str:
    head, claims, signature = key.split(".")
    return f"{head}.{claims}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_tampered, "licence_key_bad_signature"),
        (lambda key: key[:-9], "licence_key_malformed_statement"),
        (lambda key: key + "AAAA", "licence_key_malformed_statement"),
        (lambda key: "x" * 3000, "licence_key_statement_too_large"),
        (lambda key: "nonsense", "licence_key_malformed_statement"),
        (lambda key: key + "é", "licence_key_malformed_statement"),
    ],
)
def test_a_key_that_is_not_genuine_is_refused_without_repeating_it(
    shop: Shop, change: Callable[[str], str], code: str
) -> None:
    key = change(shop.bo.key)
    response = shop.client.get("/v1/licence", headers={b"Authorization": f"License {key}".encode("latin-1")})
    found = problem(response, 401)
    assert found["code"] == code
    assert key not in response.text


def test_a_certificate_is_no_licence_key(shop: Shop) -> None:
    certificate = answer(check(shop.client, shop.bo.key, CERTIFICATE))["certificate"]
    response = shop.client.get("/v1/licence", headers=license_header(certificate))
    assert problem(response, 401)["code"] == "licence_key_wrong_purpose"


def test_the_key_of_another_vendor_is_refused(shop: Shop, own_shop: Shop) -> None:
    assert problem(check(shop.client, own_shop.bo.key), 401)["code"] == "licence_key_unknown_key"


# Malformed requests


def test_every_fault_of_a_request_is_named_at_once(shop: Shop) -> None:
    response = shop.client.get(
        "/v1/update-check?product=CAD&version=one&os=beos&arch=vax!&channel=&install_id=short&manual=yes&verison=1",
        headers=license_header(shop.bo.key) | {"Tenure-Certificate": "?"},
    )
    found = faults(response)
    assert found["query.product"].startswith("a product name is")
    assert found["query.version"].startswith("a version looks like")
    assert found["query.os"].startswith("an operating system is one of")
    assert found["query.arch"].startswith("an architecture is")
    assert found["query.channel"].startswith("a channel name is")
    assert found["query.install_id"].startswith("an install id is")
    assert found["query.manual"] == "is either true or false"
    assert found["query.verison"].startswith("is not a parameter of this address; it knows product, version")
    assert "SMP certificate" in found["header.Tenure-Certificate"]
    assert len(found) == 9


def test_missing_parameters_are_named(shop: Shop) -> None:
    response = shop.client.get("/v1/update-check", headers=license_header(shop.bo.key))
    assert faults(response) == dict.fromkeys(
        ["query.product", "query.version", "query.os", "query.arch"], "is required"
    )


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("", "a version looks like"),
        ("1.0+local", "has no '+' part"),
        ("1!2.0", "has no epoch"),
        ("1." * 40 + "0", "at most 64 characters"),
        ("१.२", "written in ASCII"),
        ("1.0\x00", "a version looks like"),
        ("1.0\n", "without spaces"),
        ("../../etc/passwd", "a version looks like"),
        ("x" * 301, "more than 300 characters"),
    ],
)
def test_each_bad_version_gets_a_sentence_of_its_own(shop: Shop, version: str, words: str) -> None:
    assert words in faults(check(shop.client, shop.bo.key, version=version))["query.version"]


@pytest.mark.parametrize(
    ("query", "place", "words"),
    [
        ("product=cad&product=cam&version=1.0&os=linux&arch=x86_64", "query.product", "more than once"),
        ("product=cad&version=1.0&os=linux&arch=x86_64&version=2.0", "query.version", "more than once"),
        ("product=%ff&version=1.0&os=linux&arch=x86_64", "query", "not UTF-8"),
        ("product=cad%00&version=1.0&os=linux&arch=x86_64", "query.product", "a product name is"),
        ("product=%zz&version=1.0&os=linux&arch=x86_64", "query.product", "a product name is"),
        ("product=snapshot&version=1.0&os=linux&arch=x86_64", "query.product", "name of a TUF role"),
        ("&".join(f"p{n}=1" for n in range(50)), "query", "more than 20 parameters"),
        ("%3Cscript%3E=1&product=cad&version=1.0&os=linux&arch=x86_64", "query", "is not a parameter"),
    ],
)
def test_a_query_that_could_be_read_in_two_ways_is_refused(shop: Shop, query: str, place: str, words: str) -> None:
    response = shop.client.get(f"/v1/update-check?{query}", headers=license_header(shop.bo.key))
    found = faults(response)
    assert words in found[place]
    assert "script" not in response.text


def test_other_methods_are_refused_and_head_has_no_body_of_its_own(shop: Shop) -> None:
    refused = shop.client.post("/v1/update-check", headers=license_header(shop.bo.key))
    assert problem(refused, 405)["code"] == "method_not_allowed"
    assert refused.headers["allow"] == "GET, HEAD"
    head = shop.client.head(
        "/v1/update-check?product=cad&version=1.0&os=linux&arch=x86_64", headers=license_header(shop.bo.key)
    )
    assert head.status_code == 200
    assert head.headers["etag"] == check(shop.client, shop.bo.key).headers["etag"]
