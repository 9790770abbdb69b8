"""Arithmetic on edwards25519 (RFC 8032, section 5.1), to make signatures that no ordinary signer makes. Slow."""

from __future__ import annotations

import hashlib

Point = tuple[int, int]

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, P) % P
IDENTITY: Point = (0, 1)


def decode(encoded: bytes) -> Point | None:
    number = int.from_bytes(encoded, "little")
    y, is_odd = (number & (1 << 255) - 1) % P, number >> 255
    square = (y * y - 1) * pow(_D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square:
        return None
    return (P - x if x & 1 != is_odd else x, y)


def encode(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def add(one: Point, other: Point) -> Point:
    (x1, y1), (x2, y2) = one, other
    k = _D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P


def times(number: int, point: Point) -> Point:
    found = IDENTITY
    while number:
        if number & 1:
            found = add(found, point)
        point, number = add(point, point), number >> 1
    return found


def _base() -> Point:
    found = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    assert found is not None
    return found


BASE = _base()
OF_ORDER_EIGHT = decode(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")) or IDENTITY
SMALL = tuple(times(n, OF_ORDER_EIGHT) for n in range(8))


def signature(
    message: bytes, secret: int, nonce: int, key: bytes, *, point: Point = IDENTITY, spelled: bytes | None = None
) -> bytes:
    """By that secret and nonce for the public key as it is spelled; ``point`` is added to its own, which may
    be spelled otherwise."""
    commitment = spelled or encode(add(times(nonce, BASE), point))
    challenge = int.from_bytes(hashlib.sha512(commitment + key + message).digest(), "little")
    return commitment + ((nonce + challenge * secret) % ORDER).to_bytes(32, "little")
