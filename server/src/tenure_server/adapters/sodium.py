"""Ed25519 verification by libsodium, which takes two thirds of the time that OpenSSL does.

It must say exactly what ``cryptography`` says, by which everything else is verified, the products' own checks
included. Both verify without a cofactor and refuse a number that is not below the group's order. libsodium also
refuses points of small order: public keys that are not of the main group are therefore left to ``cryptography``, and so
is the last word on a signature whose point is of small order, which only the key's owner can make. Should a later
libsodium verify with the cofactor, as libsodium's authors have considered, it is not used at all.
"""

from __future__ import annotations

from functools import cache

from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_open
from nacl.exceptions import BadSignatureError

from tenure_signing.key_sets import VerificationKey
from tenure_signing.quick_verification import Verify, by_cryptography

SMALL_ORDER = frozenset(
    bytes.fromhex(y)
    for y in (
        "00" * 32,
        "01" + "00" * 31,
        "ec" + "ff" * 30 + "7f",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    )
)
"""The five y of the eight points of small order, as they are encoded for an even x."""

# Valid with the cofactor, not without it: a point of order eight was added to the signature's.
_KEY = bytes.fromhex("28073ae9acdd9162606785b44a81e5e2e310057264a7eecd1bee964dcca8b83f")
_ONLY_WITH_COFACTOR = bytes.fromhex(
    "7362cde457d783d2ea3b6ef46737b73bdc8be7e9c45e0d73bb2ac6e31b1d5a96"
    "f5f65d3c504086f1a5ead84114e872a2b498136c924fd06d743d25b1229e000e"
)


def by_sodium(key: VerificationKey) -> Verify:
    """The quickest way to verify by that key."""
    certain = by_cryptography(key)
    public_key = key.public_key
    if not _is_without_cofactor() or not crypto_core_ed25519_is_valid_point(public_key):
        return certain

    def verify(signature: bytes, signed: bytes) -> bool:
        try:
            crypto_sign_open(signature + signed, public_key)
        except BadSignatureError:
            return _is_of_small_order(signature[:32]) and certain(signature, signed)
        return True

    return verify


def _is_of_small_order(point: bytes) -> bool:
    return point[:31] + bytes((point[31] & 0x7F,)) in SMALL_ORDER


@cache
def _is_without_cofactor() -> bool:
    try:
        crypto_sign_open(_ONLY_WITH_COFACTOR, _KEY)
    except BadSignatureError:
        return True
    return False
