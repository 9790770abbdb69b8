"""The short way to a verified signature accepts and refuses as the long one does."""

from __future__ import annotations

import string
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenure_signing import quick_verification
from tenure_signing.certificate import verify_certificate
from tenure_signing.errors import InvalidClaims, InvalidStatement, MalformedStatement, NotYetValid, RetiredKey
from tenure_signing.key_sets import KeySet, Purpose
from tenure_signing.key_sources import new_key
from tenure_signing.licence_key import verify_licence_key
from tenure_signing.quick_verification import QuickVerification
from tenure_signing.statements import sign_statement
from tests.signing.test_licence_key import KEY, KEYS, NOW, TEXT
from tests.signing.test_statement_vectors import CERTIFICATES, LICENCE_KEYS, Json, instant, key_set, named

OF_THE_CLAIMS = (InvalidClaims, RetiredKey, NotYetValid)
"""Judged by whoever knows the issued key, not by its signature."""

ALPHABET = string.ascii_letters + string.digits + "-_.=! é"


def verification() -> QuickVerification:
    return QuickVerification(KEYS)


def outcome_of(verify: object, *arguments: object) -> tuple[type, str] | None:
    try:
        verify(*arguments)  # type: ignore[operator]
    except InvalidStatement as error:
        return type(error), str(error)
    return None


def test_the_signer_is_named_each_time() -> None:
    quick = verification()
    assert quick.signed_by(TEXT, NOW).key == KEYS.keys[0]
    assert quick.signed_by(TEXT, NOW) == quick.signed_by(TEXT, NOW)


@given(st.integers(0, len(TEXT) - 1), st.sampled_from(ALPHABET), st.sampled_from(["replace", "insert", "cut"]))
@settings(max_examples=600, deadline=None)
def test_a_changed_key_is_refused_in_the_words_of_the_judge(place: int, letter: str, how: str) -> None:
    rest = {"replace": letter + TEXT[place + 1 :], "insert": letter + TEXT[place:], "cut": ""}[how]
    text = TEXT[:place] + rest
    assert outcome_of(verification().signed_by, text, NOW) == outcome_of(verify_licence_key, text, KEYS, NOW)


@given(st.text(ALPHABET, max_size=80))
@settings(max_examples=300, deadline=None)
def test_any_text_after_a_good_header_is_refused_in_the_words_of_the_judge(text: str) -> None:
    whole = f"{TEXT.partition('.')[0]}.{text}"
    assert outcome_of(verification().signed_by, whole, NOW) == outcome_of(verify_licence_key, whole, KEYS, NOW)


def test_a_forged_key_is_refused_at_no_more_than_its_verification_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also by a process that has seen no genuine key yet."""
    quick = QuickVerification(KEYS)
    head, _, signature = TEXT.rpartition(".")
    forged = f"{head}.{'A' * 20}{signature[20:]}"
    expected = outcome_of(verify_licence_key, forged, KEYS, NOW)
    monkeypatch.setattr(quick_verification, "verify_licence_key", None)
    assert outcome_of(quick.signed_by, forged, NOW) == expected
    assert quick.signed_by(TEXT, NOW).key == KEYS.keys[0]


def test_every_bit_of_the_signature_counts() -> None:
    quick = verification()
    head, _, signature = TEXT.rpartition(".")
    for place, letter in enumerate(signature):
        other = "A" if letter != "A" else "Q"
        with pytest.raises(InvalidStatement):
            quick.signed_by(f"{head}.{signature[:place]}{other}{signature[place + 1 :]}", NOW)


@named(LICENCE_KEYS["cases"])
def test_the_vectors_are_accepted_and_refused_alike(case: Json) -> None:
    keys, now = key_set(LICENCE_KEYS, case["key_set"]), instant(case["now"])
    expected = outcome_of(verify_licence_key, case["text"], keys, now)
    found = outcome_of(QuickVerification(keys).signed_by, case["text"], now)
    assert found == expected or (
        found is None and expected is not None and issubclass(expected[0], (*OF_THE_CLAIMS, MalformedStatement))
    )


def test_a_key_that_was_taken_out_of_the_set_verifies_nothing_any_more() -> None:
    quick = QuickVerification(KeySet((new_key().verification_key(Purpose.LICENCE_KEY),)))
    assert outcome_of(quick.signed_by, TEXT, NOW) == outcome_of(verify_licence_key, TEXT, quick.keys, NOW)


def test_a_retired_key_and_a_future_date_are_told_by_the_instant_of_issue() -> None:
    retired = KEYS.retiring(KEY.kid, NOW)
    signed_by = QuickVerification(retired).signed_by(TEXT, NOW)
    assert signed_by.allows(NOW, NOW)
    assert not signed_by.allows(NOW + timedelta(seconds=1), NOW + timedelta(days=1))
    assert verification().signed_by(TEXT, NOW).allows(NOW + timedelta(minutes=5), NOW)
    assert not verification().signed_by(TEXT, NOW).allows(NOW + timedelta(minutes=5, seconds=1), NOW)


def test_a_certificate_with_the_same_key_is_no_licence_key() -> None:
    keys = KeySet((KEY.verification_key(Purpose.LICENCE_KEY, Purpose.CERTIFICATE),))
    quick = QuickVerification(keys)
    quick.signed_by(TEXT, NOW)
    certificate = sign_statement(Purpose.CERTIFICATE, {"iat": int(NOW.timestamp())}, KEY)
    assert outcome_of(quick.signed_by, certificate, NOW) == outcome_of(verify_licence_key, certificate, keys, NOW)


def said_by(verify: object, *arguments: object) -> object:
    """What is read, or the refusal."""
    try:
        return verify(*arguments)  # type: ignore[operator]
    except InvalidStatement as error:
        return type(error), str(error)


@named(LICENCE_KEYS["cases"])
def test_licence_keys_are_read_as_the_judge_reads_them(case: Json) -> None:
    keys, now = key_set(LICENCE_KEYS, case["key_set"]), instant(case["now"])
    expected = said_by(verify_licence_key, case["text"], keys, now)
    assert said_by(QuickVerification(keys).licence_key, case["text"], now) == expected


@named(CERTIFICATES["cases"])
def test_certificates_are_read_as_the_judge_reads_them(case: Json) -> None:
    keys, now = key_set(CERTIFICATES, case["key_set"]), instant(case["now"])
    expected = said_by(verify_certificate, case["text"], keys, now)
    assert said_by(QuickVerification(keys).certificate, case["text"], now) == expected


@given(st.integers(0, len(TEXT) - 1), st.sampled_from(ALPHABET))
@settings(max_examples=200, deadline=None)
def test_a_changed_key_is_read_and_refused_as_by_the_judge(place: int, letter: str) -> None:
    text = TEXT[:place] + letter + TEXT[place + 1 :]
    assert said_by(verification().licence_key, text, NOW) == said_by(verify_licence_key, text, KEYS, NOW)
