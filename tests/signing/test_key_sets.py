"""Public keys that verify licence keys and certificates."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure_signing.errors import InvalidKeySet
from tenure_signing.key_sets import MAX_KEY_SET_BYTES, KeySet, Purpose, VerificationKey, thumbprint
from tenure_signing.strict_text import from_base64url

PURPOSES = frozenset(Purpose)
RETIRED = datetime(2027, 1, 1, tzinfo=UTC)

verification_keys = st.builds(
    VerificationKey,
    st.binary(min_size=32, max_size=32),
    st.sets(st.sampled_from(Purpose), min_size=1).map(frozenset),
    st.none() | st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
)


def key(number: int) -> VerificationKey:
    return VerificationKey(bytes([number]) * 32, PURPOSES)


@given(st.lists(verification_keys, max_size=5, unique_by=lambda key: key.kid))
def test_a_key_set_survives_its_file(keys: list[VerificationKey]) -> None:
    key_set = KeySet(tuple(keys))
    assert KeySet.from_json(key_set.to_json()) == key_set


def test_a_key_id_is_the_thumbprint_of_rfc_8037() -> None:
    public_key = from_base64url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
    assert thumbprint(public_key) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert VerificationKey(public_key, PURPOSES).kid == thumbprint(public_key)


def test_the_file_holds_plain_json_web_keys_in_their_order() -> None:
    keys = KeySet((key(2), key(1))).retiring(key(1).kid, RETIRED)
    document = json.loads(keys.to_json())
    assert document["schema"] == 1
    assert [jwk["kid"] for jwk in document["keys"]] == [key(2).kid, key(1).kid]
    assert document["keys"][1] == {
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "EdDSA",
        "use": "sig",
        "kid": key(1).kid,
        "x": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
        "purposes": ["tenure-activation+jws", "tenure-licence-key+jws", "tenure-smp-certificate+jws"],
        "retired_at": 1798761600,
    }


def test_keys_are_added_retired_and_removed_without_changing_the_set_that_was() -> None:
    before = KeySet((key(1),))
    after = before.adding(key(2)).retiring(key(1).kid, RETIRED)
    assert before == KeySet((key(1),))
    assert [one.retired_at for one in after.keys] == [RETIRED, None]
    assert after.removing(key(1).kid) == KeySet((key(2),))


def test_a_set_refuses_the_same_key_twice_and_a_key_it_lacks() -> None:
    with pytest.raises(InvalidKeySet, match="twice"):
        KeySet((key(1),)).adding(VerificationKey(key(1).public_key, frozenset({Purpose.CERTIFICATE})))
    with pytest.raises(InvalidKeySet, match="no key"):
        KeySet((key(1),)).removing("x")
    with pytest.raises(InvalidKeySet, match="no key"):
        KeySet((key(1),)).retiring("x", RETIRED)


def test_the_instant_of_retirement_is_kept_in_utc_and_whole_seconds() -> None:
    local = datetime(2027, 1, 1, 8, 0, 0, 999, tzinfo=timezone(timedelta(hours=8)))
    retired = VerificationKey(bytes(32), PURPOSES, local)
    assert retired.retired_at == RETIRED
    assert not retired.is_retired_for(RETIRED)
    assert retired.is_retired_for(RETIRED + timedelta(seconds=1))


def test_keys_that_cannot_be_are_refused() -> None:
    with pytest.raises(InvalidKeySet, match="32 bytes"):
        VerificationKey(bytes(31), PURPOSES)
    with pytest.raises(InvalidKeySet, match="purpose"):
        VerificationKey(bytes(32), frozenset())
    with pytest.raises(InvalidKeySet, match="time zone"):
        VerificationKey(bytes(32), PURPOSES, datetime(2027, 1, 1))  # noqa: DTZ001


def test_a_set_too_large_is_neither_written_nor_read() -> None:
    many = KeySet(tuple(VerificationKey(number.to_bytes(32, "big"), PURPOSES) for number in range(300)))
    with pytest.raises(InvalidKeySet, match="bytes"):
        many.to_json()
    with pytest.raises(InvalidKeySet, match="bytes"):
        KeySet.from_json(b" " * (MAX_KEY_SET_BYTES + 1))


@given(
    st.binary() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_any_bytes_at_all_are_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(InvalidKeySet):
        KeySet.from_json(data)


@given(
    st.dictionaries(
        st.sampled_from(["kty", "crv", "alg", "use", "kid", "x", "purposes", "retired_at", "d"]),
        st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=2),
    )
)
def test_a_hostile_member_makes_the_set_refused_or_the_key_passed_over(changes: dict[str, object]) -> None:
    document = json.loads(KeySet((key(1),)).to_json())
    document["keys"][0] |= changes
    try:
        read = KeySet.from_json(json.dumps(document).encode())
    except InvalidKeySet:
        return
    assert {one.kid for one in read.keys} <= {key(1).kid}
