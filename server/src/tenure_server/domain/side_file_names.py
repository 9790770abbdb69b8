"""Which files beside builds tell by their name what they are."""

from __future__ import annotations

import re

from tenure_signing.releases import SideFileKind

_ENDINGS: tuple[tuple[SideFileKind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.ASCII | re.IGNORECASE))
    for kind, pattern in (
        (SideFileKind.SBOM, r".*\.(cdx|cyclonedx|spdx|sbom|bom)\.(json|xml|yaml|yml)|.*\.spdx|bom\.(json|xml)"),
        (SideFileKind.CHECKSUM, r".*\.(sha1|sha256|sha512|md5)|(sha1|sha256|sha512|md5)sums?(\.txt)?|checksums?\.txt"),
        (SideFileKind.SIGNATURE, r".*\.(asc|sig|minisig|p7s|sigstore(\.json)?)"),
        (SideFileKind.LICENCE, r"(licen[cs]e|copying|notice)([-_.][a-z0-9_-]+)?(\.(txt|md|html|pdf))?"),
        (SideFileKind.SYMBOLS, r".*\.(pdb|debug|dwp)|.*[-_.](symbols|debuginfo|dsym)(\.[a-z0-9.]+)?"),
    )
)


def side_file_kind(file_name: str) -> SideFileKind | None:
    """The kind that the name tells; None for a build, or what does not tell."""
    return next((kind for kind, pattern in _ENDINGS if pattern.fullmatch(file_name)), None)
