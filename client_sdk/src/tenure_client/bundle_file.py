"""A bundle as a file: a ZIP archive without compression, read by name and never unpacked by its own paths.

Nothing here is trusted: names that no bundle has, names that occur twice, links, compression and encryption are refused
before anything is read, and so is a list of files too long to be one of ours.
"""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from tenure_client.errors import BundleInvalid, FileMismatch, StateError
from tenure_client.transport import Response

MAX_LIST_BYTES = 4_000_000
"""Of the archive's list of files: room for some 15,000."""

_NAME = re.compile(
    r"certificate\.txt"
    r"|roots/(?:air-gap|[1-9][0-9]{0,14}\.root)\.json"
    r"|metadata/(?:timestamp|[1-9][0-9]{0,14}\.[a-z0-9-]{1,64})\.json"
    r"|downloads/_trust/[0-9a-f]{64}\.[A-Za-z0-9_][A-Za-z0-9._-]{0,199}"
    r"|downloads/[a-z0-9-]{1,64}/[A-Za-z0-9.]{1,64}/[0-9a-f]{64}\.[A-Za-z0-9_][A-Za-z0-9._-]{0,199}",
    re.ASCII,
)
_PIECE_BYTES = 1024 * 1024
_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_ENCRYPTED = 0x1
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, struct.error)


@dataclass(frozen=True, slots=True)
class BundleFile:
    """An opened bundle; ``lengths`` of its files in bytes, by name."""

    lengths: Mapping[str, int]
    _archive: zipfile.ZipFile = field(repr=False)

    def pieces(self, name: str) -> Iterator[bytes] | None:
        """The file's bytes; None if the bundle has no such file. Raises ``FileMismatch`` where it is damaged."""
        return self._read(name) if name in self.lengths else None

    def whole(self, name: str, max_bytes: int) -> bytes | None:
        """The file's bytes, or None if there is none or it is larger."""
        if self.lengths.get(name, max_bytes + 1) > max_bytes:
            return None
        return b"".join(self._read(name))

    @contextmanager
    def get(
        self, path: str, *, headers: Mapping[str, str] | None = None, licence_key: str | None = None
    ) -> Iterator[Response]:
        """As ``Transport.get`` answers for a build, so that a build is taken from a bundle as it is downloaded."""
        name = path.removeprefix("/")
        pieces = self.pieces(name)
        if pieces is None:
            raise BundleInvalid(f"the bundle has no file {name.rpartition('/')[2]}")
        yield Response(200, {"content-length": str(self.lengths[name])}, True, pieces)

    def _read(self, name: str) -> Iterator[bytes]:
        try:
            with self._archive.open(name) as file:
                while piece := file.read(_PIECE_BYTES):
                    yield piece
        except (*_BROKEN, OSError) as error:
            raise FileMismatch(f"the bundle is damaged at {name.rpartition('/')[2]}") from error


@contextmanager
def opened_bundle(path: Path) -> Iterator[BundleFile]:
    """Raises ``BundleInvalid`` for what is no bundle, and ``StateError`` if the file cannot be read."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror or type(error).__name__}") from error
    with file:
        try:
            _require_short_list(file)
            archive = zipfile.ZipFile(file)
        except (*_BROKEN, OSError) as error:
            raise BundleInvalid(f"{path.name} is no bundle, or a part of it is missing") from error
        with archive:
            yield BundleFile(_lengths(archive), archive)


def _require_short_list(file: BinaryIO) -> None:
    """Python reads an archive's list of files as a whole: no longer one than ours is let near it (APPNOTE, 4.3.16).

    Ours has no comment, so that its end is where it has to be.
    """
    size = file.seek(0, 2)
    tail = _END.size + _LOCATOR.size + _END_64.size
    file.seek(max(0, size - tail))
    data = file.read(tail)
    end = _END.unpack(data[-_END.size :])
    if end[0] != b"PK\x05\x06" or end[7] != 0:
        raise zipfile.BadZipFile("no end of an archive")
    listed = end[5]
    if len(data) == tail and data[_END_64.size :].startswith(b"PK\x06\x07"):
        listed = max(listed if listed != 0xFFFFFFFF else 0, _END_64.unpack(data[: _END_64.size])[8])
    if listed > MAX_LIST_BYTES:
        raise zipfile.BadZipFile("a list of files that is too long")


def _lengths(archive: zipfile.ZipFile) -> dict[str, int]:
    lengths: dict[str, int] = {}
    for entry in archive.infolist():
        if not _NAME.fullmatch(entry.orig_filename):
            raise BundleInvalid(f"the bundle holds {entry.orig_filename[:80]!a}, which belongs in no bundle")
        if entry.filename in lengths:
            raise BundleInvalid(f"the bundle holds {entry.filename[:80]} twice")
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise BundleInvalid("the bundle is compressed, which no genuine one is")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG) or entry.flag_bits & _ENCRYPTED:
            raise BundleInvalid(f"the bundle holds {entry.filename[:80]} as something else than a plain file")
        lengths[entry.filename] = entry.file_size
    return lengths
