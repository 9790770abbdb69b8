"""Names that come from outside, parsed once: products, editions, channels, platforms, file names.

Each parser returns its argument as a distinct type or raises ``InvalidName`` with a sentence for people. The
alphabets are safe in URLs, TUF target paths and store keys: no name can leave its place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NewType

from tenure_signing.errors import InvalidName

ProductName = NewType("ProductName", str)
EditionName = NewType("EditionName", str)
ChannelName = NewType("ChannelName", str)
FileName = NewType("FileName", str)

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?", re.ASCII)
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}", re.ASCII)
_ARCHITECTURE = re.compile(r"[a-z0-9][a-z0-9_]{0,30}", re.ASCII)

_WINDOWS_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL"} | {f"{port}{n}" for port in ("COM", "LPT") for n in range(10)}
)

# TUF's top-level roles; a product's role bears the product's name (update-framework specification, section 4).
_RESERVED_PRODUCTS = frozenset({"root", "targets", "snapshot", "timestamp"})

OPERATING_SYSTEMS = ("windows", "macos", "linux", "linux-musl", "freebsd", "any")

_OS_ALIASES = {"win": "windows", "win32": "windows", "darwin": "macos", "osx": "macos", "mac": "macos"}
_ARCHITECTURE_ALIASES = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64", "i386": "x86", "i686": "x86"}

# Builds that run on more than one architecture, and the architectures they run on.
_FAT_ARCHITECTURES = {
    ("macos", "universal2"): frozenset({"x86_64", "aarch64"}),
    ("macos", "intel"): frozenset({"x86_64", "x86"}),
}


def _slug(text: str, what: str) -> str:
    if not _SLUG.fullmatch(text):
        raise InvalidName(f"a {what} is 1 to 64 of a-z, 0-9 and -, beginning and ending with a letter or digit")
    return text


def parse_product(text: str) -> ProductName:
    """A product's name, which is also its TUF role and the first segment of its target paths."""
    if _slug(text, "product name") in _RESERVED_PRODUCTS:
        raise InvalidName(f"{text!r} is the name of a TUF role and cannot name a product")
    return ProductName(text)


def parse_edition(text: str) -> EditionName:
    """An edition of a product."""
    return EditionName(_slug(text, "edition name"))


def parse_channel(text: str) -> ChannelName:
    """A release channel. Whether the product has it is for the caller to ask."""
    return ChannelName(_slug(text, "channel name"))


def parse_file_name(text: str) -> FileName:
    """The file name of a build: 1 to 200 of A-Z a-z 0-9 . _ -, without dot or dash first or dot last, and no name that
    Windows keeps for a device (``CON``, ``NUL.zip``, …)."""
    if not _FILE_NAME.fullmatch(text) or text.endswith("."):
        raise InvalidName("a file name is 1 to 200 of A-Z, a-z, 0-9, '.', '_' and '-', without . or - first or . last")
    if text.partition(".")[0].upper() in _WINDOWS_DEVICES:
        raise InvalidName(f"{text} names a device on Windows and cannot name a file")
    return FileName(text)


@dataclass(frozen=True, slots=True, order=True)
class Platform:
    """An operating system and an architecture, in normal form; ``any`` where it does not matter."""

    os: str
    arch: str

    def __str__(self) -> str:
        return f"{self.os}-{self.arch}"

    def machines(self) -> frozenset[Platform]:
        """The machines a build for this platform is made for: several for ``universal2``, itself otherwise."""
        architectures = _FAT_ARCHITECTURES.get((self.os, self.arch), frozenset({self.arch}))
        return frozenset(Platform(self.os, arch) for arch in architectures)

    def runs_on(self, machine: Platform) -> bool:
        """Whether a build for this platform runs on that machine."""
        if self.os not in ("any", machine.os):
            return False
        return self.arch in ("any", machine.arch) or machine.arch in _FAT_ARCHITECTURES.get(
            (self.os, self.arch), frozenset()
        )


def platform_of(os: str, arch: str) -> Platform:
    """The normal form of an operating system and architecture: ``darwin``, ``arm64`` become ``macos``, ``aarch64``."""
    if not (os.isascii() and arch.isascii()):
        raise InvalidName("an operating system and an architecture are written in ASCII")
    os, arch = os.lower(), arch.lower()
    os, arch = _OS_ALIASES.get(os, os), _ARCHITECTURE_ALIASES.get(arch, arch)
    if os not in OPERATING_SYSTEMS:
        raise InvalidName(f"an operating system is one of {', '.join(OPERATING_SYSTEMS)}")
    if not _ARCHITECTURE.fullmatch(arch):
        raise InvalidName("an architecture is 1 to 31 of a-z, 0-9 and _, such as x86_64, aarch64 or any")
    return Platform(os, arch)


def parse_platform(text: str) -> Platform:
    """``linux-x86_64``, ``windows-amd64``, ``macos-universal2``, ``any-any``; ``any`` alone is ``any-any``."""
    if text == "any":
        return Platform("any", "any")
    os, dash, arch = text.rpartition("-")
    if not dash or text in OPERATING_SYSTEMS:
        raise InvalidName("a platform is an operating system and an architecture, such as linux-x86_64")
    return platform_of(os, arch)
