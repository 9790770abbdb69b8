"""libsodium's verification says what cryptography's says, at the edges too."""

from __future__ import annotations

from itertools import product

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tenure_server.adapters import sodium
from tenure_server.adapters.sodium import SMALL_ORDER, by_sodium
from tenure_signing.key_sets import Purpose, VerificationKey
from tenure_signing.quick_verification import by_cryptography
from tests.server.adapters.edwards import BASE, IDENTITY, ORDER, SMALL, P, add, encode, signature, times

MESSAGE = b"eyJ0eXAi.eyJzdWIi"
SECRET = 0x1F2E3D4C5B6A79889796A5B4C3D2E1F0


def verifies(key: bytes, signed_by: bytes, message: bytes = MESSAGE) -> bool:
    """What both say."""
    public_key = VerificationKey(key, frozenset({Purpose.LICENCE_KEY}))
    said = by_sodium(public_key)(signed_by, message)
    assert said is by_cryptography(public_key)(signed_by, message)
    return said


# RFC 8032, section 7.1, tests 1 to 3
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        "",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        "72",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        "af82",
    ),
]


@pytest.mark.parametrize(("key", "signed_by", "message"), RFC_8032)
def test_the_vectors_of_rfc_8032_are_good(key: str, signed_by: str, message: str) -> None:
    assert verifies(bytes.fromhex(key), bytes.fromhex(signed_by), bytes.fromhex(message))
    assert not verifies(bytes.fromhex(key), bytes.fromhex(signed_by), b"another message")


@pytest.mark.parametrize(("of_key", "of_signature"), list(product(range(8), range(8))))
def test_points_of_small_order_added_to_key_or_signature_change_nothing_between_them(
    of_key: int, of_signature: int
) -> None:
    key = encode(add(times(SECRET, BASE), SMALL[of_key]))
    for nonce in (7, 11):
        said = verifies(key, signature(MESSAGE, SECRET, nonce, key, point=SMALL[of_signature]))
        assert said or (of_key, of_signature) != (0, 0)
        assert not said or of_key or not of_signature


@pytest.mark.parametrize("order", range(8))
def test_a_signature_whose_point_is_of_small_order_is_judged_by_cryptography(order: int) -> None:
    key = encode(times(SECRET, BASE))
    assert verifies(key, signature(MESSAGE, SECRET, 0, key, point=SMALL[order])) is (order == 0)


@pytest.mark.parametrize("order", range(8))
def test_a_public_key_of_small_order_is_judged_by_cryptography(order: int) -> None:
    key = encode(SMALL[order])
    for nonce, point in product((0, 5), SMALL):
        verifies(key, signature(MESSAGE, 0, nonce, key, point=point))


def test_a_public_key_or_point_that_is_not_spelled_canonically_is_judged_by_cryptography() -> None:
    for y in (0, 1):
        other_spelling = (y + P).to_bytes(32, "little")
        verifies(other_spelling, signature(MESSAGE, 0, 5, other_spelling))
        key = encode(times(SECRET, BASE))
        assert not verifies(key, signature(MESSAGE, SECRET, 0, key, spelled=other_spelling))
    minus_zero = encode(IDENTITY)[:31] + b"\x80"
    assert not verifies(encode(times(SECRET, BASE)), minus_zero + bytes(32))


@pytest.mark.parametrize("times_order", range(1, 15))
def test_a_number_that_is_not_below_the_order_is_refused(times_order: int) -> None:
    key = encode(times(SECRET, BASE))
    good = signature(MESSAGE, SECRET, 5, key)
    number = int.from_bytes(good[32:], "little") + times_order * ORDER
    assert verifies(key, good)
    assert not verifies(key, good[:32] + number.to_bytes(32, "little"))


@given(st.binary(min_size=64, max_size=64), st.integers(0, 63), st.integers(1, 255))
@settings(max_examples=200, deadline=None)
def test_random_and_changed_signatures_are_refused(random: bytes, place: int, change: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    key, good = private.public_key().public_bytes_raw(), private.sign(MESSAGE)
    assert verifies(key, good)
    assert not verifies(key, random)
    assert not verifies(key, good[:place] + bytes((good[place] ^ change,)) + good[place + 1 :])


def test_the_eight_points_of_small_order_are_known() -> None:
    assert {encode(point)[:31] + bytes((encode(point)[31] & 0x7F,)) for point in SMALL} == SMALL_ORDER


def test_a_libsodium_that_verifies_with_the_cofactor_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe is good with the cofactor only, so this one would take it."""
    monkeypatch.setattr(sodium, "crypto_sign_open", lambda signed, key: b"")
    sodium._is_without_cofactor.cache_clear()
    try:
        key = encode(times(SECRET, BASE))
        assert not verifies(key, bytes(64))
    finally:
        sodium._is_without_cofactor.cache_clear()


def test_the_probe_is_good_with_the_cofactor_and_not_without() -> None:
    import hashlib

    from tests.server.adapters.edwards import decode

    key, probe = decode(sodium._KEY), sodium._ONLY_WITH_COFACTOR
    point = decode(probe[:32])
    assert key is not None
    assert point is not None
    challenge = int.from_bytes(hashlib.sha512(probe[:32] + sodium._KEY).digest(), "little") % ORDER
    left, right = times(int.from_bytes(probe[32:], "little"), BASE), add(point, times(challenge, key))
    assert left != right
    assert times(8, left) == times(8, right)
