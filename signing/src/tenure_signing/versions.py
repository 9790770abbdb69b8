"""Versions of products: parsed by ``packaging.version``, compared, never looked up."""

from __future__ import annotations

from enum import StrEnum

from packaging import version as _packaging

from tenure_signing.errors import InvalidVersion

Version = _packaging.Version

MAX_VERSION_CHARACTERS = 64


class Kind(StrEnum):
    """RULES.md, Words: what kind of release a version is."""

    MAJOR = "major"
    MINOR = "minor"
    SERVICE_PACK = "service_pack"


def parse_version(text: str) -> Version:
    """The version, ordered as PEP 440 has it; 4-part and calendar versions included.

    Raises ``InvalidVersion`` for text that does not parse, is over 64 characters, or has a local part (``+``),
    because a ``+`` is read as a space on the way through too many URLs, or an epoch (``!``).
    """
    if len(text) > MAX_VERSION_CHARACTERS:
        raise InvalidVersion(f"a version has at most {MAX_VERSION_CHARACTERS} characters")
    if "+" in text:
        raise InvalidVersion("a version has no '+' part")
    if "!" in text:
        raise InvalidVersion("a version has no epoch ('!')")
    if not text.isascii() or text != text.strip():
        raise InvalidVersion("a version is written in ASCII, without spaces around it")
    try:
        return Version(text)
    except _packaging.InvalidVersion as error:
        raise InvalidVersion("a version looks like 4.2.1, 2026.11, 4.2.0.7 or 4.3b1") from error


def kind_of(version: Version) -> Kind:
    """RULES.md, Which releases are covered: x.0 and x.0.0 are major, x.y and x.y.0 minor, the rest service packs."""
    minor, rest = version.minor, version.release[2:]
    if any(rest) or version.is_postrelease:
        return Kind.SERVICE_PACK
    return Kind.MINOR if minor else Kind.MAJOR


def line_of(version: Version) -> tuple[int, int]:
    """The x.y line a version belongs to."""
    return version.major, version.minor
