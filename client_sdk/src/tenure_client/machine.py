"""Which machine this is: the system's own id, which survives updates and reinstalling the product.

It never leaves the machine: ``tenure_signing.activation.machine_digest`` makes of it what one licence sees.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tenure_client.state import State, read_at_most

LINUX_FILES = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
"""machine-id(5): 32 lower-case hexadecimal digits, to be hashed before anybody else sees them."""

_LINUX_ID = re.compile(r"(?!0{32})[0-9a-f]{32}", re.ASCII)
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_IOREG = ("/usr/sbin/ioreg", "-rd1", "-c", "IOPlatformExpertDevice")
_IOREG_TIMEOUT_SECONDS = 5.0
_MAX_BYTES = 4_096


def machine_id(state: State) -> str:
    """The system's id, or a random one that is kept where the system has none. Raises ``StateError``."""
    return system_machine_id() or f"kept:{state.machine_id()}"


def system_machine_id() -> str | None:
    """The id that the operating system gives this machine, or None if it gives none that can be read."""
    if sys.platform == "win32":
        found = _windows_id()
    elif sys.platform == "darwin":
        found = _macos_id()
    else:
        found = next(filter(None, map(_linux_id, LINUX_FILES)), None)
    return f"{sys.platform}:{found}" if found is not None else None


def _linux_id(path: Path) -> str | None:
    """None for what is no id, such as ``uninitialized``."""
    text = (read_at_most(path, _MAX_BYTES) or b"").decode("ascii", "replace").strip()
    return text if _LINUX_ID.fullmatch(text) else None


def _windows_id() -> str | None:
    """The MachineGuid that Windows makes when it is installed; 32-bit programs see the same."""
    if sys.platform != "win32":
        return None
    import winreg

    try:
        access = winreg.KEY_READ | winreg.KEY_WOW64_64KEY
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SOFTWARE\Microsoft\Cryptography", 0, access) as key:
            value, _ = winreg.QueryValueEx(key, "MachineGuid")
    except OSError:
        return None
    return _uuid_in(str(value))


def _macos_id() -> str | None:
    """The hardware's IOPlatformUUID."""
    try:
        done = subprocess.run(  # noqa: S603 (a fixed command by its full path)
            _IOREG, capture_output=True, timeout=_IOREG_TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    return next((_uuid_in(line) for line in lines if '"IOPlatformUUID"' in line), None)


def _uuid_in(text: str) -> str | None:
    match = _UUID.search(text)
    return match[0].lower() if match is not None else None
