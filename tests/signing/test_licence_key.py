"""Licence keys as customers paste them."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure_signing.errors import InvalidClaims, MalformedStatement, WrongPurpose
from tenure_signing.issuing import issue_licence_key
from tenure_signing.key_sets import KeySet, Purpose
from tenure_signing.key_sources import new_key
from tenure_signing.licence_key import (
    LicenceKey,
    display_hint,
    licence_key_digest,
    normalise_pasted,
    verify_licence_key,
)
from tenure_signing.names import EditionName, ProductName
from tenure_signing.statements import sign_statement

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY = new_key()
KEYS = KeySet((KEY.verification_key(Purpose.LICENCE_KEY),))
TEXT = issue_licence_key(
    licence_id="L-1",
    product=ProductName("cad"),
    edition=EditionName("pro"),
    purchased_on=date(2026, 11, 23),
    seats=3,
    now=NOW,
    key=KEY,
)


def test_a_licence_key_says_what_was_bought() -> None:
    assert verify_licence_key(TEXT, KEYS, NOW) == LicenceKey(
        licence_id="L-1",
        product=ProductName("cad"),
        edition=EditionName("pro"),
        purchased_on=date(2026, 11, 23),
        seats=3,
        issued_at=NOW,
        key_id=KEY.kid,
    )


def test_a_licence_key_never_goes_stale() -> None:
    assert verify_licence_key(TEXT, KEYS, NOW + timedelta(days=36_500)).licence_id == "L-1"


def test_a_licence_key_is_short_enough_to_paste_and_begins_with_its_purpose() -> None:
    assert len(TEXT) < 450
    assert TEXT.startswith("eyJ0eXAiOiJ0ZW51cmUtbGljZW5jZS1rZXkrandz")


def test_a_certificate_with_the_claims_of_a_licence_key_is_no_licence_key() -> None:
    claims = dict(verify_claims())
    text = sign_statement(Purpose.CERTIFICATE, claims, KEY)
    with pytest.raises(WrongPurpose):
        verify_licence_key(text, KEYS, NOW)


def test_a_signed_key_with_one_claim_too_many_is_refused() -> None:
    text = sign_statement(Purpose.LICENCE_KEY, verify_claims() | {"admin": True}, KEY)
    with pytest.raises(InvalidClaims, match="does not belong"):
        verify_licence_key(text, KEYS, NOW)


def verify_claims() -> dict[str, object]:
    return {
        "sub": "L-1",
        "product": "cad",
        "edition": "pro",
        "purchased_on": "2026-11-23",
        "seats": 3,
        "iat": int(NOW.timestamp()),
    }


@given(st.lists(st.tuples(st.integers(0, len(TEXT)), st.text(" \t\r\n\u00a0\u200b\u2028\ufeff\0", max_size=5))))
def test_what_mail_programs_put_in_is_taken_out(insertions: list[tuple[int, str]]) -> None:
    pasted = TEXT
    for place, noise in insertions:
        pasted = pasted[:place] + noise + pasted[place:]
    assert normalise_pasted(pasted) == TEXT


@given(st.text())
def test_cleaning_twice_changes_no_more_than_cleaning_once(text: str) -> None:
    assert normalise_pasted(normalise_pasted(text)) == normalise_pasted(text)


def test_a_key_with_white_space_is_refused_until_it_is_cleaned() -> None:
    pasted = f"{TEXT[:70]}\r\n{TEXT[70:]} "
    with pytest.raises(MalformedStatement):
        verify_licence_key(pasted, KEYS, NOW)
    assert verify_licence_key(normalise_pasted(pasted), KEYS, NOW)


def test_the_digest_is_sha256_of_the_text() -> None:
    assert licence_key_digest(TEXT) == hashlib.sha256(TEXT.encode()).hexdigest()
    assert licence_key_digest(TEXT) != licence_key_digest(TEXT + "\n")


@given(st.text())
def test_any_text_has_a_digest_and_a_hint_that_shows_none_of_it(text: str) -> None:
    assert len(licence_key_digest(text)) == 64
    assert display_hint(text) == "…"


def test_the_hint_shows_the_last_six_characters_and_no_more() -> None:
    assert display_hint(TEXT) == "…" + TEXT[-6:]
    assert display_hint(f" {TEXT}\n") == "…" + TEXT[-6:]
    assert display_hint(TEXT[:-1]) == "…"
    assert display_hint("\ud800") == "…"
