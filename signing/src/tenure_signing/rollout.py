"""Which installs a partly rolled out release reaches. RULES.md, Rollout."""

from __future__ import annotations

import hashlib
from typing import assert_never

from tenure_signing.entitlement import Turn
from tenure_signing.releases import Release, Rollout

BASIS_POINTS = 10_000


class PlaceSalt:
    """The places of installs for one release, for those who ask about many."""

    __slots__ = ("_after",)

    def __init__(self, release: Release) -> None:
        self._after = f"\n{release.product}\n{release.version}\n"

    def place(self, install_id: str) -> int:
        """The install's place from 0 to 9 999: fixed, and different for each release.

        The first 8 bytes, read as a big-endian number modulo 10 000, of the SHA-256 of the UTF-8 lines
        ``tenure-rollout``, install id, product and version, each ended by a line feed.
        """
        text = f"tenure-rollout\n{install_id}{self._after}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % BASIS_POINTS


def place_of(install_id: str, release: Release) -> int:
    """The install's place for this release."""
    return PlaceSalt(release).place(install_id)


def place_in_turn(place: int, turn: Turn) -> int:
    """The place of an install that asked to go first or last: ``early`` places are halved into 0 to 4 999, ``late``
    ones into 5 000 to 9 999. The order among those of one turn stays."""
    match turn:
        case Turn.EARLY:
            return place // 2
        case Turn.NORMAL:
            return place
        case Turn.LATE:
            return BASIS_POINTS // 2 + place // 2
        case unexpected:
            assert_never(unexpected)


def reaches(
    rollout: Rollout, release: Release, install_id: str | None, *, is_manual: bool, turn: Turn = Turn.NORMAL
) -> bool:
    """Whether the install may be offered the release.

    A halted release reaches no one. Checking by hand ignores the share. An install without an id is reached only
    by releases rolled out to everyone.
    """
    if rollout.is_halted:
        return False
    if is_manual or rollout.share_basis_points >= BASIS_POINTS:
        return True
    if install_id is None:
        return False
    return place_in_turn(place_of(install_id, release), turn) < rollout.share_basis_points
