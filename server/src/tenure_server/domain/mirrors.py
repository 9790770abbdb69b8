"""What a mirror has to hold, in which order it gets there, and what may leave it when.

A client that reads a mirror at any moment between two steps finds a consistent set: what a file refers to is always
there before the file (TUF specification, section 7), and nothing leaves before the new timestamp is there. Root comes
next to last: a new one takes effect as soon as it can be read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from types import MappingProxyType

STATE_KEY = "tenure-mirror.json"
GRACE = timedelta(days=1)
"""How long what nothing refers to any more stays, for clients and caches that are in the middle of something."""

_SCHEMA = 1
_METADATA = re.compile(r"metadata/(?P<version>[1-9][0-9]{0,14})\.(?P<role>[a-z0-9-]{1,64})\.json", re.ASCII)
_TARGET = re.compile(r"downloads/(?:_trust|[a-z0-9-]{1,64}/[^/]+)/[0-9a-f]{64}\.[^/]+", re.ASCII)


class Stage(IntEnum):
    """What is copied in which order."""

    TARGETS_FILES = 1  # builds, and the licence public keys
    PRODUCTS = 2
    TARGETS = 3
    SNAPSHOT = 4
    ROOT = 5
    TIMESTAMP = 6


@dataclass(frozen=True, slots=True, order=True)
class MirroredFile:
    """A file that the mirror has to hold. ``source``: where it is in the store of builds; None if it is at hand."""

    stage: Stage
    version: int  # of metadata; 0 for any other file
    key: str
    length: int  # bytes
    sha256: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class MirrorState:
    """What earlier runs know, kept in the mirror itself. Nothing is trusted to it but work that need not be done
    again: clients verify everything they read.

    ``verified``: SHA-256 of what was read back, by key. ``unneeded_since``: of what waits for its removal.
    """

    verified: Mapping[str, str] = field(default_factory=dict)
    unneeded_since: Mapping[str, datetime] = field(default_factory=dict)
    is_public: bool | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "verified", MappingProxyType(dict(self.verified)))
        object.__setattr__(self, "unneeded_since", MappingProxyType(dict(self.unneeded_since)))

    def to_json(self) -> bytes:
        document = {
            "schema": _SCHEMA,
            "public": self.is_public,
            "verified": dict(sorted(self.verified.items())),
            "unneeded_since": {key: at.isoformat() for key, at in sorted(self.unneeded_since.items())},
        }
        return (json.dumps(document, indent=1) + "\n").encode("ascii")

    @classmethod
    def from_json(cls, data: bytes) -> MirrorState:
        """An empty state for anything that was not written by ``to_json``: then everything is read back again."""
        try:
            document = json.loads(data)
            if document["schema"] != _SCHEMA:
                return cls()
            since = {str(key): datetime.fromisoformat(at) for key, at in document["unneeded_since"].items()}
            if any(at.tzinfo is None for at in since.values()):
                return cls()
            verified = {str(key): str(digest) for key, digest in document["verified"].items()}
            is_public = document["public"]
            return cls(verified, since, is_public if isinstance(is_public, bool) else None)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return cls()


@dataclass(frozen=True, slots=True)
class MirrorPlan:
    """``check``: there already, but not known to be right: read back first, and sent if they are wrong. ``send``: in
    this order. ``remove``: after the new timestamp. ``later``: unneeded, and since when; removed after the grace."""

    check: tuple[MirroredFile, ...]
    send: tuple[MirroredFile, ...]
    remove: tuple[str, ...]
    later: Mapping[str, datetime]

    @property
    def changes_anything(self) -> bool:
        return bool(self.send or self.remove)

    @property
    def bytes_to_send(self) -> int:
        return sum(file.length for file in self.send)


def plan_mirror(
    wanted: Sequence[MirroredFile],
    withheld: frozenset[str],
    present: Mapping[str, int],
    state: MirrorState,
    now: datetime,
    *,
    grace: timedelta = GRACE,
    trust_nothing: bool = False,
) -> MirrorPlan:
    """What to do. ``present``: lengths by key. ``withheld``: keys of builds that nobody may have: they go at once.

    ``trust_nothing``: what is there is read back, whatever an earlier run found. Keys that are not of a mirror are
    left alone, and so is every root: clients need all of them.
    """
    in_order = sorted(wanted)
    check, send = [], []
    for file in in_order:
        if present.get(file.key) != file.length:
            send.append(file)
        elif trust_nothing or file.key not in state.verified:
            check.append(file)
        elif state.verified[file.key] != file.sha256:
            send.append(file)
    needed = {file.key for file in in_order}
    unneeded = [key for key in sorted(present) if key not in needed and _is_removable(key)]
    remove = [key for key in unneeded if key in withheld]
    later: dict[str, datetime] = {}
    for key in unneeded:
        if key in withheld:
            continue
        since = min(state.unneeded_since.get(key, now), now)
        if now - since >= grace:
            remove.append(key)
        else:
            later[key] = since
    return MirrorPlan(tuple(check), tuple(send), tuple(remove), MappingProxyType(later))


def mirrored_metadata_key(name: str) -> str:
    """Where a metadata file lies in a mirror."""
    return f"metadata/{name}"


def mirrored_target_key(path: str, sha256: str) -> str:
    """Where a target lies in a mirror: as TUF clients ask for it (specification, section 7.1, consistent snapshots)."""
    folder, _, name = path.rpartition("/")
    return f"downloads/{folder}/{sha256}.{name}"


def _is_removable(key: str) -> bool:
    metadata = _METADATA.fullmatch(key)
    if metadata is not None:
        return metadata["role"] != "root"
    return _TARGET.fullmatch(key) is not None
