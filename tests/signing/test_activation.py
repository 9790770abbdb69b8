"""Activations: what a machine may believe of a kept statement."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tenure_signing.activation import machine_digest, verify_activation
from tenure_signing.certificate import verify_certificate
from tenure_signing.errors import BadSignature, InvalidClaims, InvalidStatement, NotYetValid, UnknownKey, WrongPurpose
from tenure_signing.issuing import issue_activation
from tenure_signing.key_sets import KeySet, Purpose
from tenure_signing.key_sources import new_key
from tenure_signing.names import ProductName
from tenure_signing.statements import sign_statement

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY = new_key()
KEYS = KeySet((KEY.verification_key(Purpose.CERTIFICATE),))
CAD = ProductName("cad")
MACHINE = machine_digest("7k2m", "4c4c4544")
CLAIMS: dict[str, Any] = {
    "sub": "7k2m",
    "product": "cad",
    "machine": MACHINE,
    "activated_at": int(NOW.timestamp()),
    "valid_until": None,
    "iat": int(NOW.timestamp()),
}


def issued(valid_until: datetime | None = None) -> str:
    return issue_activation(
        licence_id="7k2m",
        product=CAD,
        machine=MACHINE,
        activated_at=NOW,
        valid_until=valid_until,
        now=NOW,
        key=KEY,
    )


def test_what_is_issued_verifies_with_a_key_set_that_was_signed_before_there_were_activations() -> None:
    activation = verify_activation(issued(), KEYS, NOW)
    activation.must_match("7k2m", CAD, MACHINE)
    assert (activation.activated_at, activation.valid_until, activation.key_id) == (NOW, None, KEY.kid)
    assert not activation.is_over(NOW + timedelta(days=36500))


def test_an_activation_is_over_after_its_last_instant() -> None:
    activation = verify_activation(issued(NOW + timedelta(days=30)), KEYS, NOW)
    assert not activation.is_over(NOW + timedelta(days=30))
    assert activation.is_over(NOW + timedelta(days=30, seconds=1))


def test_a_machine_looks_different_to_every_licence_and_the_same_to_one() -> None:
    assert machine_digest("7k2m", "4c4c4544") == MACHINE
    assert len({MACHINE, machine_digest("other", "4c4c4544"), machine_digest("7k2m", "4c4c4545")}) == 3
    assert "4c4c4544" not in MACHINE


@pytest.mark.parametrize(
    ("licence_id", "product", "machine"),
    [("other", CAD, MACHINE), ("7k2m", ProductName("cam"), MACHINE), ("7k2m", CAD, "0" * 64)],
)
def test_an_activation_of_another_licence_product_or_machine_does_not_match(
    licence_id: str, product: ProductName, machine: str
) -> None:
    with pytest.raises(InvalidClaims, match="another"):
        verify_activation(issued(), KEYS, NOW).must_match(licence_id, product, machine)


def test_a_certificate_is_no_activation_and_an_activation_no_certificate() -> None:
    with pytest.raises(WrongPurpose):
        verify_activation(sign_statement(Purpose.CERTIFICATE, CLAIMS, KEY), KEYS, NOW)
    with pytest.raises(WrongPurpose):
        verify_certificate(issued(), KEYS, NOW)


def test_only_keys_for_certificates_or_activations_vouch_for_one() -> None:
    own = KeySet((KEY.verification_key(Purpose.ACTIVATION),))
    assert verify_activation(issued(), own, NOW).machine == MACHINE
    for keys in (KeySet(), KeySet((KEY.verification_key(Purpose.LICENCE_KEY),)), KeySet((new_verification(),))):
        with pytest.raises(UnknownKey):
            verify_activation(issued(), keys, NOW)
    assert own.find(KEY.kid, Purpose.CERTIFICATE) is None


def new_verification() -> Any:
    return new_key().verification_key(Purpose.CERTIFICATE)


def test_a_changed_signature_and_a_date_ahead_are_refused() -> None:
    head, body, signature = issued().split(".")
    other = sign_statement(Purpose.ACTIVATION, CLAIMS | {"machine": "0" * 64}, KEY).split(".")[1]
    with pytest.raises(BadSignature):
        verify_activation(f"{head}.{other}.{signature}", KEYS, NOW)
    with pytest.raises(NotYetValid):
        verify_activation(f"{head}.{body}.{signature}", KEYS, NOW - timedelta(hours=1))


CHANGES: list[Callable[[dict[str, Any]], object]] = [
    lambda claims: claims.pop("machine"),
    lambda claims: claims.pop("valid_until"),
    lambda claims: claims.update(admin=True),
    lambda claims: claims.update(machine="A" * 64),
    lambda claims: claims.update(sub=""),
    lambda claims: claims.update(valid_until="never"),
    lambda claims: claims.update(valid_until=claims["iat"] - 1),
    lambda claims: claims.update(activated_at=claims["iat"] + 1),
]


@pytest.mark.parametrize("change", CHANGES)
def test_claims_outside_their_form_are_refused_even_if_they_are_signed(
    change: Callable[[dict[str, Any]], object],
) -> None:
    claims = dict(CLAIMS)
    change(claims)
    with pytest.raises(InvalidStatement):
        verify_activation(sign_statement(Purpose.ACTIVATION, claims, KEY), KEYS, NOW)


def test_what_no_verifier_would_accept_is_not_signed() -> None:
    with pytest.raises(InvalidClaims):
        issued(NOW - timedelta(days=1))
