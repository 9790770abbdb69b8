"""Which of a release's builds are Velopack packages, and what their names say.

``vpk pack`` names a full package ``<id>-<version>[-<channel>]-full.nupkg``. Velopack's clients order by SemVer 2 and
silently pass over a version that is none, so the version is told as it was packed: ``1.1.0-beta.1``, where the signed
record has its normal spelling ``1.1.0b1``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tenure_signing.errors import InvalidVersion
from tenure_signing.releases import Build, Release
from tenure_signing.versions import Version, parse_version

FULL = "-full.nupkg"

_NUMBER = r"(?:0|[1-9]\d*)"
_SEMVER = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-[0-9A-Za-z.-]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Package:
    """A full Velopack package. ``sha1`` is there because Velopack's feeds demand it."""

    build: Build
    package_id: str
    version: str  # SemVer 2, as packed
    sha1: str  # lower-case hexadecimal


def packages_among(builds: Iterable[Build], release: Release) -> tuple[Package, ...]:
    """The builds of the release that are full packages of exactly its version."""
    found = (_package(build, release.version) for build in builds)
    return tuple(package for package in found if package is not None)


def _package(build: Build, version: Version) -> Package | None:
    if not build.file_name.lower().endswith(FULL) or build.sha1 is None:
        return None
    parts = build.file_name[: -len(FULL)].split("-")
    for start in range(1, len(parts)):
        for end in range(len(parts), start, -1):
            packed = "-".join(parts[start:end])
            if _SEMVER.fullmatch(packed) and _is(packed, version):
                return Package(build, "-".join(parts[:start]), packed, build.sha1)
    return None


def _is(text: str, version: Version) -> bool:
    try:
        return parse_version(text) == version
    except InvalidVersion:
        return False
