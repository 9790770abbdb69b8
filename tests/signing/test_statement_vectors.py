"""Runs the conformance vectors of all signed statements and of key sets against this implementation."""

from __future__ import annotations

import base64
import json
import runpy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tenure_signing.activation import machine_digest, verify_activation
from tenure_signing.certificate import SmpCertificate, verify_certificate
from tenure_signing.entitlement import VersionGrant
from tenure_signing.errors import InvalidKeySet, InvalidStatement
from tenure_signing.key_sets import KeySet, Purpose
from tenure_signing.licence_key import (
    LicenceKey,
    display_hint,
    licence_key_digest,
    normalise_pasted,
    verify_licence_key,
)

VECTORS = Path(__file__).parent.parent / "vectors"

Json = dict[str, Any]


def load(name: str) -> Json:
    content: Json = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    return content


LICENCE_KEYS, CERTIFICATES = load("licence_keys.json"), load("certificates.json")
ACTIVATIONS, KEY_SETS = load("activations.json"), load("key_sets.json")
STATEMENTS = {"licence keys": LICENCE_KEYS, "certificates": CERTIFICATES, "activations": ACTIVATIONS}


def named(cases: list[Json]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=[case["name"] for case in cases])


def key_set(file: Json, name: str) -> KeySet:
    return KeySet.from_json(json.dumps(file["key_sets"][name]).encode())


def instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def licence_claims(key: LicenceKey) -> Json:
    return {
        "sub": key.licence_id,
        "product": key.product,
        "edition": key.edition,
        "purchased_on": key.purchased_on.isoformat(),
        "seats": key.seats,
        "iat": int(key.issued_at.timestamp()),
    }


def certificate_claims(certificate: SmpCertificate) -> Json:
    facts = certificate.entitlement
    return {
        "sub": facts.licence_id,
        "product": facts.product,
        "edition": facts.edition,
        "purchased_on": facts.purchased_on.isoformat(),
        "seats": certificate.seats,
        "iat": int(certificate.issued_at.timestamp()),
        "status": facts.status.value,
        "periods": [[period.starts_on.isoformat(), period.ends_on.isoformat()] for period in facts.periods],
        "grants": [
            {"version": str(grant.version)}
            if isinstance(grant, VersionGrant)
            else {"line": f"{grant.major}.{grant.minor}"}
            for grant in facts.grants
        ],
        "service_packs": facts.service_packs.value,
        "refresh_by": int(certificate.refresh_by.timestamp()),
    }


def verify_licence_key_case(case: Json) -> Json:
    key = verify_licence_key(case["text"], key_set(LICENCE_KEYS, case["key_set"]), instant(case["now"]))
    facts = {"sha256": licence_key_digest(case["text"]), "display_hint": display_hint(case["text"])}
    return {"key_id": key.key_id, "claims": licence_claims(key)} | facts


def verify_certificate_case(case: Json) -> Json:
    now = instant(case["now"])
    certificate = verify_certificate(case["text"], key_set(CERTIFICATES, case["key_set"]), now)
    claims = certificate_claims(certificate)
    return {"key_id": certificate.key_id, "claims": claims, "is_stale": certificate.is_stale(now)}


def seconds(instant: datetime | None) -> int | None:
    return int(instant.timestamp()) if instant is not None else None


def verify_activation_case(case: Json) -> Json:
    now = instant(case["now"])
    said = verify_activation(case["text"], key_set(ACTIVATIONS, case["key_set"]), now)
    claims = {
        "sub": said.licence_id,
        "product": said.product,
        "machine": said.machine,
        "activated_at": seconds(said.activated_at),
        "valid_until": seconds(said.valid_until),
        "iat": seconds(said.issued_at),
    }
    return {"key_id": said.key_id, "claims": claims, "is_over": said.is_over(now)}


def outcome(verify: Any, case: Json) -> Json:
    try:
        return {"ok": verify(case)}
    except (InvalidStatement, InvalidKeySet) as error:
        return {"error": error.code}


@named(LICENCE_KEYS["cases"])
def test_a_licence_key_is_judged_as_the_vector_says(case: Json) -> None:
    assert outcome(verify_licence_key_case, case) == case["expect"]


@named(LICENCE_KEYS["pasted"])
def test_a_pasted_licence_key_is_cleaned_as_the_vector_says(case: Json) -> None:
    assert normalise_pasted(case["pasted"]) == case["text"]


@named(CERTIFICATES["cases"])
def test_a_certificate_is_judged_as_the_vector_says(case: Json) -> None:
    assert outcome(verify_certificate_case, case) == case["expect"]


@named(CERTIFICATES["pairs"])
def test_a_certificate_and_a_licence_key_belong_together_as_the_vector_says(case: Json) -> None:
    keys, now = key_set(CERTIFICATES, case["key_set"]), instant(case["now"])

    def pair(case: Json) -> Json:
        licence_key = verify_licence_key(case["licence_key"], keys, now)
        verify_certificate(case["certificate"], keys, now).must_match(licence_key)
        return {}

    assert outcome(pair, case) == case["expect"]


@named(ACTIVATIONS["cases"])
def test_an_activation_is_judged_as_the_vector_says(case: Json) -> None:
    assert outcome(verify_activation_case, case) == case["expect"]


@pytest.mark.parametrize("case", ACTIVATIONS["machines"])
def test_a_machine_has_the_digest_that_the_vector_says(case: Json) -> None:
    assert machine_digest(case["licence_id"], case["machine_id"]) == case["machine"]


@named(ACTIVATIONS["pairs"])
def test_an_activation_is_this_machines_as_the_vector_says(case: Json) -> None:
    keys, now = key_set(ACTIVATIONS, case["key_set"]), instant(case["now"])

    def pair(case: Json) -> Json:
        key = verify_licence_key(case["licence_key"], keys, now)
        machine = machine_digest(key.licence_id, case["machine_id"])
        verify_activation(case["activation"], keys, now).must_match(key.licence_id, key.product, machine)
        return {}

    assert outcome(pair, case) == case["expect"]


@named(KEY_SETS["cases"])
def test_a_key_set_is_judged_as_the_vector_says(case: Json) -> None:
    def read(case: Json) -> list[Json]:
        keys = KeySet.from_json(base64.b64decode(case["base64"])).keys
        return [
            {
                "kid": key.kid,
                "purposes": sorted(key.purposes),
                "retired_at": int(key.retired_at.timestamp()) if key.retired_at else None,
            }
            for key in keys
        ]

    assert outcome(read, case) == case["expect"]


@pytest.mark.parametrize("file", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_the_vectors_reach_every_reason_for_refusal(file: Json) -> None:
    reached = {case["expect"].get("error") for case in file["cases"]} - {None}
    assert reached == {error.code for error in InvalidStatement.__subclasses__()}


@pytest.mark.parametrize("cases", [file["cases"] for file in (*STATEMENTS.values(), KEY_SETS)])
def test_no_two_vectors_have_the_same_name(cases: list[Json]) -> None:
    assert len({case["name"] for case in cases}) == len(cases)


def test_the_vectors_use_all_the_purposes_there_are() -> None:
    assert {file["purpose"] for file in STATEMENTS.values()} == set(Purpose)


def test_making_the_vectors_again_gives_the_same_bytes() -> None:
    made = runpy.run_path(str(VECTORS / "make_statement_vectors.py"))["files"]()
    for name, text in made.items():
        assert (VECTORS / name).read_text(encoding="ascii") == text, f"run make_statement_vectors.py: {name} differs"
