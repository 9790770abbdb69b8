"""Fetches one signed build into a folder: resumed, bounded, verified, and there as a whole or not at all."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
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
from tenure_client.part_file import PartFile
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
            with PartFile(part) as file:
                self._fill(file)
            if final.is_dir():
                raise StateError(f"{final} is a folder")
            part.replace(final)
            for stale in self.directory.glob(f".{self.build.file_name}.{'[0-9a-f]' * 16}.part"):
                stale.unlink(missing_ok=True)
        return final

    def _fill(self, file: PartFile) -> None:
        """Completes the part and verifies it; removes it if it is not what was signed, or nothing arrived at all."""
        try:
            had_bytes_before = self._complete(file)
            if not self._is_signed(file) and had_bytes_before:
                file.cut(0)  # what an earlier run left may be damaged: once more from the start
                self._complete(file)
            if not self._is_signed(file):
                raise FileMismatch(f"{self.build.file_name} has another SHA-256 than was signed")
        except BaseException as error:
            if isinstance(error, FileMismatch) or file.length == 0:
                with suppress(OSError):
                    file.path.unlink()
            raise
        file.keep()

    def _complete(self, file: PartFile) -> bool:
        """Fetches until the part has its length; whether it had bytes before.

        After some breaks in a row that brought nothing new, raises ``DownloadInterrupted``.
        """
        if file.length > self.build.length:
            file.cut(0)
        had_bytes_before, failures = file.length > 0, 0
        while (before := file.length) < self.build.length:
            try:
                self._fetch_from(before, file)
            except TransferTooSlow:  # of the next kind, but not to be tried again
                raise
            except ServerUnreachable as error:
                ahead = min(_AHEAD_BYTES, self.build.length - before)
                failures = 0 if file.length - before >= ahead else failures + 1
                if failures >= self.limits.attempts:
                    raise DownloadInterrupted(
                        f"the download of {self.build.file_name} broke off at {file.length} of {self.build.length} "
                        f"bytes: {error}"
                    ) from error
                time.sleep(self.limits.pause_seconds * 2 ** max(0, failures - 1))
        return had_bytes_before

    def _fetch_from(self, start: int, file: PartFile) -> None:
        folder, _, name = self.build.path.rpartition("/")
        path = f"/downloads/{folder}/{self.build.sha256}.{name}"
        headers = {"Range": f"bytes={start}-"} if start else {}
        with self.source.get(path, headers=headers, licence_key=self.licence_key) as response:
            if response.status == 416 and start:
                file.cut(0)
                return
            response.require_success()
            file.cut(self._start_of(response, start))
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

    def _append(self, chunks: Iterator[bytes], file: PartFile) -> None:
        for chunk in chunks:
            if file.length + len(chunk) > self.build.length:
                raise FileMismatch(f"{self.build.file_name} is longer than was signed")
            file.append(chunk)
            self._tell(file.length)
        if file.length < self.build.length:
            raise ServerUnreachable("the answer ended early")

    def _is_signed(self, file: PartFile) -> bool:
        return file.sha256() == self.build.sha256

    def _tell(self, done: int) -> None:
        if self.on_progress is not None:
            self.on_progress(done, self.build.length)


@contextmanager
def _disk_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateError(f"{directory} cannot be written: {error.strerror or type(error).__name__}") from error
