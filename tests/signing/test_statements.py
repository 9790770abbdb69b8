"""Signed statements: one spelling, one purpose, one algorithm, and a distinct refusal for each fault."""

from __future__ import annotations

import json
import warnings
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OKPKey

from tenure_signing.errors import (
    InvalidClaims,
    InvalidStatement,
    MalformedStatement,
    RetiredKey,
    StatementTooLarge,
    UnknownKey,
)
from tenure_signing.key_sets import KeySet, Purpose
from tenure_signing.key_sources import new_key
from tenure_signing.statements import ALGORITHM, MAX_CHARACTERS, sign_statement, verify_statement
from tenure_signing.strict_text import from_base64url, json_object, to_base64url

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
IAT = int(NOW.timestamp())
KEY = new_key()
KEYS = KeySet((KEY.verification_key(Purpose.LICENCE_KEY, Purpose.CERTIFICATE),))
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15) + 1, 10**15 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(Purpose), st.dictionaries(st.text(max_size=8), json_values, max_size=4))
def test_what_was_signed_is_what_is_read(purpose: Purpose, claims: dict[str, object]) -> None:
    text = sign_statement(purpose, claims | {"iat": IAT}, KEY)
    statement = verify_statement(text, purpose, KEYS, NOW)
    assert statement.claims.values == claims | {"iat": IAT}
    assert statement.issued_at == NOW
    assert statement.key_id == KEY.kid


def test_a_change_of_any_one_character_to_any_other_is_refused() -> None:
    text = sign_statement(Purpose.LICENCE_KEY, {"iat": IAT}, KEY)
    for place in range(len(text)):
        for other in ALPHABET + ".= +/":
            if other != text[place]:
                with pytest.raises(InvalidStatement):
                    verify_statement(text[:place] + other + text[place + 1 :], Purpose.LICENCE_KEY, KEYS, NOW)


@given(st.data())
def test_leaving_out_or_putting_in_any_character_is_refused(data: st.DataObject) -> None:
    text = sign_statement(Purpose.CERTIFICATE, {"iat": IAT}, KEY)
    place = data.draw(st.integers(0, len(text) - 1))
    added = data.draw(st.characters())
    for changed in (text[:place] + text[place + 1 :], text[:place] + added + text[place:], text + added):
        with pytest.raises(InvalidStatement):
            verify_statement(changed, Purpose.CERTIFICATE, KEYS, NOW)


@given(st.text() | st.text(ALPHABET + ".", max_size=80), st.sampled_from(Purpose))
@example("\ud800.\ud800.\ud800", Purpose.LICENCE_KEY)
@example("..", Purpose.LICENCE_KEY)
def test_any_text_at_all_is_refused_with_a_reason(text: str, purpose: Purpose) -> None:
    with pytest.raises(InvalidStatement):
        verify_statement(text, purpose, KEYS, NOW)


@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=70))
def test_any_three_parts_at_all_are_refused_with_a_reason(header: bytes, payload: bytes, signature: bytes) -> None:
    text = ".".join(map(to_base64url, (header, payload, signature)))
    with pytest.raises(InvalidStatement):
        verify_statement(text, Purpose.LICENCE_KEY, KEYS, NOW)


@given(st.binary(max_size=200))
def test_any_signed_bytes_are_read_or_refused_with_a_reason(payload: bytes) -> None:
    header = {"typ": Purpose.LICENCE_KEY.value, "alg": "Ed25519", "kid": KEY.kid}
    head = to_base64url(json.dumps(header | {"alg": ALGORITHM}).encode())
    body = f"{head}.{to_base64url(payload)}"
    text = f"{body}.{to_base64url(KEY.private_key.sign(body.encode()))}"
    with pytest.raises((MalformedStatement, InvalidClaims)):
        verify_statement(text, Purpose.LICENCE_KEY, KEYS, NOW)


def test_a_refusal_never_repeats_the_text() -> None:
    text = sign_statement(Purpose.LICENCE_KEY, {"iat": IAT, "secret": "hunter2"}, KEY)
    for changed in (text[:-1], text[:-4] + "AAAA", text.replace(".", "!"), text[4:], text * 9, "hunter2"):
        with pytest.raises(InvalidStatement) as refusal:
            verify_statement(changed, Purpose.LICENCE_KEY, KEYS, NOW)
        for part in (*changed.split("."), "hunter2", KEY.kid):
            assert part not in str(refusal.value)


def test_a_text_too_long_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenure_signing.statements.json_object", None)
    monkeypatch.setattr("tenure_signing.statements.from_base64url", None)
    text = sign_statement(Purpose.CERTIFICATE, {"iat": IAT, "note": "x" * 3000}, KEY)
    with pytest.raises(StatementTooLarge):
        verify_statement(text, Purpose.LICENCE_KEY, KEYS, NOW)


def test_what_no_verifier_would_accept_is_not_signed() -> None:
    with pytest.raises(StatementTooLarge):
        sign_statement(Purpose.LICENCE_KEY, {"note": "x" * MAX_CHARACTERS[Purpose.LICENCE_KEY]}, KEY)
    with pytest.raises(ValueError, match="JSON compliant"):
        sign_statement(Purpose.LICENCE_KEY, {"iat": float("nan")}, KEY)


@pytest.mark.parametrize("purpose", Purpose)
def test_a_key_verifies_only_what_it_is_for(purpose: Purpose) -> None:
    others = set(Purpose) - {purpose}
    if purpose is Purpose.ACTIVATION:
        others.remove(Purpose.CERTIFICATE)  # includes it
    text = sign_statement(purpose, {"iat": IAT}, KEY)
    verify_statement(text, purpose, KeySet((KEY.verification_key(purpose),)), NOW)
    for other in others:
        with pytest.raises(UnknownKey):
            verify_statement(text, purpose, KeySet((KEY.verification_key(other),)), NOW)


def test_a_retired_key_still_verifies_what_it_signed_before() -> None:
    text = sign_statement(Purpose.LICENCE_KEY, {"iat": IAT}, KEY)
    verify_statement(text, Purpose.LICENCE_KEY, KEYS.retiring(KEY.kid, NOW), NOW)
    with pytest.raises(RetiredKey):
        verify_statement(text, Purpose.LICENCE_KEY, KEYS.retiring(KEY.kid, NOW - timedelta(seconds=1)), NOW)


def test_a_forged_date_under_a_retired_key_is_a_bad_signature_and_not_a_date() -> None:
    text = sign_statement(Purpose.LICENCE_KEY, {"iat": IAT + 9}, KEY)
    head, _, signature = text.split(".")
    forged = f"{head}.{to_base64url(json.dumps({'iat': IAT}).encode())}.{signature}"
    with pytest.raises(InvalidStatement) as refusal:
        verify_statement(forged, Purpose.LICENCE_KEY, KEYS.retiring(KEY.kid, NOW), NOW)
    assert refusal.value.code == "bad_signature"


@pytest.mark.parametrize("number", ["1e9", "1000000000.0", "1.5", "9" * 5000, "-0.0", "1e999"])
def test_an_instant_that_is_not_written_as_a_whole_number_is_refused(number: str) -> None:
    head = to_base64url(json.dumps({"typ": Purpose.CERTIFICATE.value, "alg": "EdDSA", "kid": KEY.kid}).encode())
    payload = f'{{"iat":{number}}}'.encode()
    body = f"{head}.{to_base64url(payload)}"
    text = f"{body}.{to_base64url(KEY.private_key.sign(body.encode()))}"
    with pytest.raises(InvalidClaims):
        verify_statement(text, Purpose.CERTIFICATE, KEYS, NOW)


def test_a_clock_without_a_time_zone_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="time zone"):
        verify_statement("", Purpose.LICENCE_KEY, KEYS, datetime(2026, 11, 23))  # noqa: DTZ001


def test_another_library_can_verify_a_statement() -> None:
    text = sign_statement(Purpose.CERTIFICATE, {"iat": IAT}, KEY)
    public = OKPKey.import_key(KEY.private_key.public_key())
    with warnings.catch_warnings(action="ignore"):  # joserfc calls the name EdDSA deprecated
        read = jws.deserialize_compact(text, public, algorithms=["EdDSA"])
    assert json.loads(read.payload) == {"iat": IAT}
    assert read.protected == {"typ": "tenure-smp-certificate+jws", "alg": "EdDSA", "kid": KEY.kid}


@given(st.binary())
def test_base64url_has_one_spelling(data: bytes) -> None:
    text = to_base64url(data)
    assert from_base64url(text) == data
    assert "=" not in text


@given(st.text(ALPHABET + "+/= \n", max_size=12))
def test_other_spellings_of_base64url_are_refused(text: str) -> None:
    try:
        data = from_base64url(text)
    except ValueError:
        return
    assert to_base64url(data) == text


@given(st.dictionaries(st.text(), json_values))
def test_strict_json_reads_what_json_writes(members: dict[str, object]) -> None:
    assert json_object(json.dumps(members).encode()) == members


@given(st.binary(max_size=50) | st.text('[]{}",:\\u01eE.-+ntf\n', max_size=50).map(str.encode))
def test_strict_json_refuses_with_a_value_error_only(data: bytes) -> None:
    try:
        assert isinstance(json_object(data), dict)
    except ValueError:
        return


@pytest.mark.parametrize("text", ['{"a":"' + '\\"' * 30_000, "[" * 60_000, '{"a":' * 20_000, '"' * 60_000])
def test_long_and_hostile_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (any message will do)
        json_object(text.encode())


def test_brackets_inside_strings_do_not_count_as_depth() -> None:
    assert json_object(b'{"a":"[[[[[[[[[[[[\\"{{{{{{{{{{{{"}') == {"a": '[[[[[[[[[[[["{{{{{{{{{{{{'}
