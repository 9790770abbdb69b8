"""Where the passphrases of offline keys come from: never from an argument."""

from __future__ import annotations

import os
import sys
from getpass import getpass
from pathlib import Path

from tenure_server.errors import TenureError
from tenure_signing.key_sources import MIN_PASSPHRASE_CHARACTERS

MAX_FILE_BYTES = 2048


class NoPassphrase(TenureError):
    """There is no passphrase, and nobody to ask for one."""

    hint = "set TENURE_PASSPHRASE_FILE to a file that holds it, or TENURE_PASSPHRASE, or use a terminal"


def ask_passphrase(what: str, *, is_new: bool = False) -> bytes:
    """The passphrase from the file named by TENURE_PASSPHRASE_FILE, from TENURE_PASSPHRASE, or from the terminal."""
    if file := os.environ.get("TENURE_PASSPHRASE_FILE"):
        return _from_file(Path(file))
    if given := os.environ.get("TENURE_PASSPHRASE"):
        return given.encode()
    if not sys.stdin.isatty():
        raise NoPassphrase(f"A passphrase for {what} is needed.")
    length = f" ({MIN_PASSPHRASE_CHARACTERS} characters or more)" if is_new else ""
    passphrase = getpass(f"Passphrase for {what}{length}: ")
    if is_new and getpass("The same once more: ") != passphrase:
        raise NoPassphrase("The two passphrases differ.", hint="try again")
    return passphrase.encode()


def _from_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise NoPassphrase(f"The passphrase file {path} cannot be read: {error.strerror}.") from error
    if len(text) > MAX_FILE_BYTES:
        raise NoPassphrase(
            f"The passphrase file {path} is too large.",
            hint=f"it holds the passphrase alone, {MAX_FILE_BYTES} bytes at most",
        )
    return text.removesuffix(b"\n").removesuffix(b"\r")
