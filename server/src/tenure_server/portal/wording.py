"""Days, sizes, platforms and refused keys, said to the customer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from tenure_server.errors import Refusal
from tenure_signing.names import Platform
from tenure_signing.releases import SideFileKind
from tenure_signing.versions import Kind

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

KINDS: Mapping[Kind, str] = {
    Kind.MAJOR: "Major release",
    Kind.MINOR: "Minor release",
    Kind.SERVICE_PACK: "Service pack",
}

SIDE_FILES: Mapping[SideFileKind, str] = {
    SideFileKind.SBOM: "List of components (SBOM)",
    SideFileKind.CHECKSUM: "Checksums",
    SideFileKind.SIGNATURE: "Signature",
    SideFileKind.LICENCE: "Licence text",
    SideFileKind.SYMBOLS: "Debug symbols",
    SideFileKind.OTHER: "Other file",
}

_SYSTEMS = {
    "windows": "Windows",
    "macos": "macOS",
    "linux": "Linux",
    "linux-musl": "Linux (musl)",
    "freebsd": "FreeBSD",
    "any": "Any system",
}
_ARCHITECTURES = {
    "x86_64": "64-bit Intel or AMD",
    "aarch64": "64-bit ARM",
    "x86": "32-bit",
    "universal2": "Intel and Apple silicon",
    "intel": "Intel",
    "any": "",
}

_KEY_PROBLEMS: Mapping[str, str] = {
    "licence_key_missing": "The field is empty. Paste your licence key into it.",
    "licence_key_statement_too_large": "This is longer than any licence key. Paste the key alone,"
    " without the rest of the mail.",
    "licence_key_malformed_statement": "This is not a whole licence key. A key is one long word that begins with “eyJ”"
    " and has two dots in it. Perhaps its beginning or its end was left behind.",
    "licence_key_wrong_algorithm": "This is not one of our licence keys: it is signed in another way than ours are.",
    "licence_key_wrong_purpose": "This looks like a licence key, but it is another document: an SMP certificate, for"
    " example, is much like one. Look for the words “licence key” in our mail.",
    "licence_key_unknown_key": "This licence key was not made for this server. Perhaps it belongs to a product of"
    " another vendor.",
    "licence_key_retired_key": "This licence key was made with a signing key that was no longer in use, so it cannot be"
    " accepted.",
    "licence_key_bad_signature": "This licence key has been changed on its way: some character in it is missing or is"
    " another one. Copy it from the original mail once more.",
    "licence_key_not_yet_valid": "This licence key is dated in the future, so it cannot be accepted yet.",
    "licence_key_invalid_claims": "This licence key contradicts itself, so it cannot be accepted.",
    "licence_key_invalid_statement": "This licence key cannot be accepted.",
    "unknown_licence": "This licence key is genuine, but this server does not know its licence. It may have been issued"
    " elsewhere.",
}


def day(value: date) -> str:
    """``1 April 2026``."""
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 day``, ``2 days``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(length: int) -> str:
    """Bytes as file managers show them: powers of 1000."""
    if length < 1000:
        return counted(length, "byte")
    amount = float(length)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"


def platform(value: Platform) -> str:
    """``Linux, 64-bit ARM``."""
    architecture = _ARCHITECTURES.get(value.arch, value.arch)
    system = _SYSTEMS.get(value.os, value.os)
    return f"{system}, {architecture}" if architecture else system


def key_problem(error: Refusal) -> str:
    """Why a pasted key was not accepted. Never a part of the key."""
    return _KEY_PROBLEMS.get(error.code, "This licence key cannot be accepted.")
