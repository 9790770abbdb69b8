"""Fetches one signed build into a folder: resumed, bounded, verified, and there as a whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedRandom
from pathlib import Path
from typing import Protocol

from tenure_client.configuration import TransferLimits
from tenure_client.errors import (
    DownloadInterrupted,
    FileMismatch,
    InvalidServerAnswer,
    ServerUnreachable,
    StateError,
    TransferTooSlow,
)
from tenure_client.transport import Response
from tenure_signing.releases import ReleaseFile

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all. An exception from it stops the download; what arrived is kept."""

_AHEAD_BYTES = 65_536  # less than this, or the rest of the file, does not count as getting ahead
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII)


def part_file(build: ReleaseFile, directory: Path) -> Path:
    """Where a build grows until it is whole: beside its place, under its hash, so that no other build goes on in it."""
    return directory / f".{build.file_name}.{build.sha256[:16]}.part"


def is_whole(build: ReleaseFile, path: Path) -> bool:
    """Whether the file has the build's signed length and SHA-256."""
    try:
        if not path.is_file() or path.stat().st_size != build.length:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == build.sha256
    except OSError:
        return False


class BuildSource(Protocol):
    """Where a build comes from: ``Transport``, or a bundle."""

    def get(
        self, path: str, *, headers: Mapping[str, str] | None = None, licence_key: str | None = None
    ) -> AbstractContextManager[Response]: ...


@dataclass(frozen=True, slots=True)
class BuildDownload:
    """One download. ``build`` comes from verified metadata: its length and hash are the only ones believed."""

    source: BuildSource
    build: ReleaseFile
    directory: Path
    licence_key: str = field(repr=False)
    limits: TransferLimits
    on_progress: Progress | None = None

    def run(self) -> Path:
        """The whole, verified file in the folder.

        Goes on with what an earlier call left, and tries again when the connection breaks. Raises
        ``DownloadInterrupted`` or ``TransferTooSlow`` (what arrived is kept); ``FileMismatch`` (nothing is kept);
        ``StateError``; or what the server's refusal means.
        """
        final, part = self.directory / self.build.file_name, part_file(self.build, self.directory)
        with _disk_errors(self.directory):
            self.directory.mkdir(parents=True, exist_ok=True)
            if is_whole(self.build, final):
                part.unlink(missing_ok=True)
                self._tell(self.build.length)
                return final
            with _opened(part) as file:
                self._fill(file, part)
            if final.is_dir():
                raise StateError(f"{final} is a folder")
            part.replace(final)
            for stale in self.directory.glob(f".{self.build.file_name}.{'[0-9a-f]' * 16}.part"):
                stale.unlink(missing_ok=True)
        return final

    def _fill(self, file: BufferedRandom, part: Path) -> None:
        """Completes the part and verifies it; removes it if it is not what was signed, or nothing arrived at all."""
        try:
            had_bytes_before = self._complete(file)
            if not self._is_signed(file) and had_bytes_before:
                file.truncate(0)  # what an earlier run left may be damaged: once more from the start
                self._complete(file)
            if not self._is_signed(file):
                raise FileMismatch(f"{self.build.file_name} has another SHA-256 than was signed")
        except BaseException as error:
            if isinstance(error, FileMismatch) or _size(file) == 0:
                with suppress(OSError):
                    part.unlink()
            raise
        os.fsync(file.fileno())

    def _complete(self, file: BufferedRandom) -> bool:
        """Fetches until the part has its length; whether it had bytes before.

        After some breaks in a row that brought nothing new, raises ``DownloadInterrupted``.
        """
        if _size(file) > self.build.length:
            file.truncate(0)
        had_bytes_before, failures = _size(file) > 0, 0
        while (before := _size(file)) < self.build.length:
            try:
                self._fetch_from(before, file)
            except TransferTooSlow:
                file.flush()
                raise
            except ServerUnreachable as error:
                file.flush()
                ahead = min(_AHEAD_BYTES, self.build.length - before)
                failures = 0 if _size(file) - before >= ahead else failures + 1
                if failures >= self.limits.attempts:
                    raise DownloadInterrupted(
                        f"the download of {self.build.file_name} broke off at {_size(file)} of {self.build.length} "
                        f"bytes: {error}"
                    ) from error
                time.sleep(self.limits.pause_seconds * 2 ** max(0, failures - 1))
        return had_bytes_before

    def _fetch_from(self, start: int, file: BufferedRandom) -> None:
        folder, _, name = self.build.path.rpartition("/")
        path = f"/downloads/{folder}/{self.build.sha256}.{name}"
        headers = {"Range": f"bytes={start}-"} if start else {}
        with self.source.get(path, headers=headers, licence_key=self.licence_key) as response:
            if response.status == 416 and start:
                file.truncate(0)
                return
            response.require_success()
            file.seek(self._start_of(response, start))
            file.truncate()
            self._append(response.chunks, file)

    def _start_of(self, response: Response, asked: int) -> int:
        """Where the answer's first byte belongs: servers may ignore a range (RFC 9110, section 14.2)."""
        if response.status == 200:
            self._require_length(response.headers.get("content-length"))
            return 0
        match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        if response.status != 206 or match is None or int(match[1]) != asked:
            raise InvalidServerAnswer(f"the server answered {response.status} with another range than was asked for")
        self._require_length(match[3] if match[3] != "*" else None)
        return asked

    def _require_length(self, stated: str | None) -> None:
        if stated is not None and stated.isascii() and stated.isdigit() and int(stated[:19]) != self.build.length:
            raise FileMismatch(f"{self.build.file_name} has another length than was signed")

    def _append(self, chunks: Iterator[bytes], file: BufferedRandom) -> None:
        done = file.tell()
        for chunk in chunks:
            done += len(chunk)
            if done > self.build.length:
                raise FileMismatch(f"{self.build.file_name} is longer than was signed")
            file.write(chunk)
            self._tell(done)
        if done < self.build.length:
            raise ServerUnreachable("the answer ended early")

    def _is_signed(self, file: BufferedRandom) -> bool:
        file.flush()
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest() == self.build.sha256

    def _tell(self, done: int) -> None:
        if self.on_progress is not None:
            self.on_progress(done, self.build.length)


def _size(file: BufferedRandom) -> int:
    file.flush()
    return os.fstat(file.fileno()).st_size


@contextmanager
def _opened(part: Path) -> Iterator[BufferedRandom]:
    """The part for reading and writing, made if absent; never through a link that someone laid there."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(part, flags, 0o644), "r+b") as file:
        yield file


@contextmanager
def _disk_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateError(f"{directory} cannot be written: {error.strerror or type(error).__name__}") from error
