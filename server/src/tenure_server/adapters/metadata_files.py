"""The names of TUF metadata files (specification, section 7.1): ``3.snapshot.json``, ``timestamp.json``."""

from __future__ import annotations

import re

from tenure_signing.tuf_roles import TIMESTAMP

_VERSIONED = re.compile(r"(?P<version>[1-9][0-9]{0,14})\.(?P<role>[a-z0-9-]{1,64})\.json", re.ASCII)


def role_and_version(name: str) -> tuple[str, int | None]:
    """The role and version that a file name states; timestamp's states none. Raises ``ValueError`` for others."""
    if name == f"{TIMESTAMP}.json":
        return TIMESTAMP, None
    match = _VERSIONED.fullmatch(name)
    if match is None or match["role"] == TIMESTAMP:
        raise ValueError(f"{name!r} is no name of a metadata file")
    return match["role"], int(match["version"])
