"""Which installs a partly rolled out release reaches. RULES.md, Rollout."""

from __future__ import annotations

import hashlib

from tenure_signing.releases import Release, Rollout

BASIS_POINTS = 10_000


def place_of(install_id: str, release: Release) -> int:
    """The install's place from 0 to 9 999 for this release: fixed, and different for each release.

    The first 8 bytes, read as a big-endian number modulo 10 000, of the SHA-256 of the UTF-8 lines
    ``tenure-rollout``, install id, product and version, each ended by a line feed.
    """
    text = f"tenure-rollout\n{install_id}\n{release.product}\n{release.version}\n"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % BASIS_POINTS


def reaches(rollout: Rollout, release: Release, install_id: str | None, *, is_manual: bool) -> bool:
    """Whether the install may be offered the release.

    A halted release reaches no one. Checking by hand ignores the share. An install without an id is reached only
    by releases rolled out to everyone.
    """
    if rollout.is_halted:
        return False
    if is_manual or rollout.share_basis_points >= BASIS_POINTS:
        return True
    return install_id is not None and place_of(install_id, release) < rollout.share_basis_points
