"""What the file name of a build says of its product, version and platform.

Nothing is guessed: what a name says twice in different words, or not at all, is a doubt for people to settle. Wheels
are read by PEP 427 and PEP 425, ``.deb`` and ``.rpm`` by their own rules (a packaging revision is no part of the
version), everything else by the words that are common in file names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from tenure_signing.errors import InvalidName, InvalidVersion
from tenure_signing.names import Platform, platform_of
from tenure_signing.versions import Version, parse_version

ANY = "any"

_EXTENSIONS: dict[str, tuple[str, ...]] = {
    # the longest first; the operating systems that the extension alone can mean, the usual one first
    ".pkg.tar.zst": ("linux", "linux-musl"),
    ".pkg.tar.xz": ("linux", "linux-musl"),
    ".tar.bz2": (), ".tar.zst": (), ".tar.gz": (), ".tar.xz": (),
    ".appimage": ("linux", "linux-musl"), ".flatpak": ("linux",), ".snap": ("linux",),
    ".deb": ("linux",), ".rpm": ("linux", "linux-musl"),
    ".msix": ("windows",), ".msi": ("windows",), ".exe": ("windows",),
    ".dmg": ("macos",), ".pkg": ("macos", "freebsd"),
    ".nupkg": (), ".jar": (), ".run": (), ".tgz": (), ".txz": (), ".zip": (), ".whl": (), ".7z": (),
}  # fmt: skip
_SYSTEMS = {
    "windows": "windows", "win": "windows", "win32": "windows", "win64": "windows",
    "macos": "macos", "macosx": "macos", "osx": "macos", "mac": "macos", "darwin": "macos",
    "linux": "linux", "linux32": "linux", "linux64": "linux", "musl": "linux-musl", "alpine": "linux-musl",
    "freebsd": "freebsd",
}  # fmt: skip
_ARCHITECTURES = {
    "x86_64": "x86_64", "x86-64": "x86_64", "amd64": "x86_64", "x64": "x86_64",
    "arm64": "aarch64", "aarch64": "aarch64", "armv7": "armv7l", "armv7l": "armv7l", "armhf": "armv7l",
    "i386": "x86", "i686": "x86", "x86": "x86", "ia32": "x86",
    "universal2": "universal2", "universal": "universal2",
    "ppc64le": "ppc64le", "ppc64": "ppc64", "s390x": "s390x", "riscv64": "riscv64",
}  # fmt: skip
_SAID_WITH_THE_SYSTEM = {"win32": "x86", "win64": "x86_64", "linux32": "x86", "linux64": "x86_64"}
_EVERY_ARCHITECTURE = {".deb": "all", ".rpm": "noarch"}

_WORD = r"(?i)(?<![a-z0-9]){}(?![a-z0-9])"
_PLATFORM_WORD = re.compile(
    _WORD.format(f"({'|'.join(sorted({*_SYSTEMS, *_ARCHITECTURES, ANY, 'all', 'noarch'}, key=len, reverse=True))})")
)
_VERSION = re.compile(
    r"(?i)(?<![a-z0-9.])v?(\d+(?:\.\d+)*(?:[-_.]?(?:alpha|beta|preview|pre|post|dev|rc|a|b|c)(?:[-_.]?\d+)?)*)(?![a-z0-9])"
)
_LEADING = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_.][A-Za-z][A-Za-z0-9]*)*")
_BESIDE_A_BUILD = (
    ".asc",
    ".sig",
    ".minisig",
    ".sha1",
    ".sha256",
    ".sha512",
    ".md5",
    ".json",
    ".xml",
    ".spdx",
    ".txt",
    ".md",
)
_NO_PRODUCT = frozenset({"setup", "installer", "install", "portable", "full", "release"})


@dataclass(frozen=True, slots=True)
class NameFacts:
    """What one file name says. A fact is None where it is not said, or ``doubts`` tells why it is not clear."""

    product: str | None = None  # as a product's name would be written
    version: Version | None = None
    platform: Platform | None = None
    version_doubt: str | None = None  # "two versions, 2026 and 2.6.0"
    platform_doubt: str | None = None  # "Windows, but no architecture"

    def understood(self) -> str:
        """The facts in one line, for people: ``cad, 2.6.0, linux-x86_64``, or ``nothing``."""
        known = [str(fact) for fact in (self.product, self.version, self.platform) if fact is not None]
        return ", ".join(known) or "nothing"


def read_build_name(name: str, product: str | None = None) -> NameFacts:
    """What the file name says. Words of ``product``, where it is known, are not taken for a platform or version."""
    if name.lower().endswith(".whl"):
        return _wheel(name)
    if name.lower().endswith(_BESIDE_A_BUILD):
        doubt = "what lies beside builds, not a build"
        return NameFacts(version_doubt=doubt, platform_doubt=doubt)
    extension = next((each for each in _EXTENSIONS if name.lower().endswith(each)), "")
    stem = name[: len(name) - len(extension)]
    rest = _without_product(stem, product)
    stated = _packaged_version(rest, extension)
    words = [match[1].lower() for match in _PLATFORM_WORD.finditer(rest)]
    platform, platform_doubt = _platform(words, extension)
    version, version_doubt = _version(stated if stated is not None else _PLATFORM_WORD.sub(" ", rest))
    return NameFacts(
        product=product or _leading_product(rest),
        version=version,
        platform=platform,
        version_doubt=version_doubt,
        platform_doubt=platform_doubt,
    )


def platform_of_tags(tags: Iterable[str]) -> Platform | None:
    """The one platform that PEP 425 platform tags mean together, or None."""
    platforms = {_platform_of_tag(tag) for tag in tags}
    known = {platform for platform in platforms if platform is not None}
    if not known or len(known) != len(platforms):
        return None
    machines = frozenset[Platform]().union(*(platform.machines() for platform in known))
    for platform in (*sorted(known), Platform("macos", "universal2")):
        if platform.machines() == machines:
            return platform
    return None


def _wheel(name: str) -> NameFacts:
    try:
        distribution, version, _, tags = parse_wheel_filename(name)
        parsed = parse_version(str(version))
    except (InvalidWheelFilename, InvalidVersion):
        doubt = "no name of a wheel as PEP 427 has it"
        return NameFacts(version_doubt=doubt, platform_doubt=doubt)
    written = sorted({tag.platform for tag in tags})
    platform = platform_of_tags(written)
    unclear = None if platform is not None else f"platform tags {', '.join(written)}, which mean no single platform"
    return NameFacts(product=str(distribution), version=parsed, platform=platform, platform_doubt=unclear)


def _platform_of_tag(tag: str) -> Platform | None:
    fixed = {ANY: (ANY, ANY), "win32": ("windows", "x86"), "win_amd64": ("windows", "x86_64")}
    found = fixed.get(tag)
    if found is None:
        match = re.fullmatch(
            r"(manylinux|musllinux|macosx|linux|win)(?:\d{0,4}|_\d+_\d+)_([a-z][a-z0-9]*(?:_64)?)", tag, re.ASCII
        )
        if match is None:
            return None
        system = {"musllinux": "linux-musl", "macosx": "macos", "win": "windows"}.get(match[1], "linux")
        found = system, match[2]
    try:
        return platform_of(*found)
    except InvalidName:
        return None


def _without_product(stem: str, product: str | None) -> str:
    if product is None:
        return stem
    written = "[-_.]?".join(map(re.escape, re.split(r"[-_.]", product)))
    return re.sub(rf"(?i)^{written}(?![a-z0-9])", "", stem)


def _packaged_version(stem: str, extension: str) -> str | None:
    """Of a ``name_VERSION-1_amd64.deb`` or ``name-VERSION-1.x86_64.rpm``: the version without the revision."""
    if extension == ".deb":
        parts = stem.split("_", 2)
        return re.sub(r"-\d[A-Za-z0-9.]*$", "", parts[1]) if len(parts) == 3 else None
    if extension == ".rpm":
        match = re.search(r"-(\d[^-]*)-\d[^-]*\.[A-Za-z0-9_]+$", stem)
        return match[1] if match else None
    return None


def _platform(words: list[str], extension: str) -> tuple[Platform | None, str | None]:
    anywhere = {ANY, _EVERY_ARCHITECTURE.get(extension, ANY)}
    systems = {_SYSTEMS[word] for word in words if word in _SYSTEMS}
    if systems == {"linux", "linux-musl"}:
        systems = {"linux-musl"}
    possible = _EXTENSIONS.get(extension, ())
    if not systems and possible:
        systems = {possible[0]}
    architectures = {_ARCHITECTURES[word] for word in words if word in _ARCHITECTURES}
    if any(word in anywhere for word in words):
        architectures.add(ANY)
        systems = systems or {ANY}
    if not architectures:
        architectures = {_SAID_WITH_THE_SYSTEM[word] for word in words if word in _SAID_WITH_THE_SYSTEM}
    if len(systems) > 1:
        return None, f"several operating systems, {' and '.join(sorted(systems))}"
    if len(architectures) > 1:
        return None, f"several architectures, {' and '.join(sorted(architectures))}"
    system, architecture = next(iter(systems), None), next(iter(architectures), None)
    if system is None:
        return None, "no operating system" if architecture is not None else "no platform"
    if possible and system not in possible:
        return None, f"{system}, and {extension} is not for {system}"
    if architecture is None:
        return None, f"{system}, but no architecture"
    if architecture == "universal2" and system != "macos":
        return None, f"{system} and {architecture}, which is of macOS"
    return platform_of(system, architecture), None


def _version(text: str) -> tuple[Version | None, str | None]:
    found: dict[Version, str] = {}
    for match in _VERSION.finditer(text):
        try:
            found.setdefault(parse_version(match[1]), match[1])
        except InvalidVersion:
            return None, f"{match[1]}, which is no version"
    if len(found) > 1:
        return None, f"several versions, {' and '.join(map(str, sorted(found)))}"
    return (next(iter(found)), None) if found else (None, "no version")


def _leading_product(stem: str) -> str | None:
    """The words before the first that says a version or a platform."""
    ends = [match.start() for match in (_VERSION.search(stem), _PLATFORM_WORD.search(stem)) if match is not None]
    match = _LEADING.match(stem[: min(ends, default=len(stem))])
    if match is None:
        return None
    words = [word for word in re.split(r"[-_.]", match[0].lower()) if word and word not in _NO_PRODUCT and word != "v"]
    return canonicalize_name("-".join(words)) if words else None
