"""Builds come into the embedded store part by part, through signed links of this server.

Each part is a file of its own under ``.uploads``, written aside and renamed: it is there whole or not at all.
Completing copies the parts into one object, so that a link that is still in somebody's hands cannot touch what was
verified.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlencode

from tenure_server.adapters.local_store import LEFTOVER_SECONDS, LocalStore
from tenure_server.adapters.signed_links import MIN_LINK_KEY_BYTES, check_link_seconds
from tenure_server.adapters.store_keys import check_key
from tenure_server.errors import Forbidden, InvalidRequest, NotFound, ObjectNotFound, StoreUnavailable
from tenure_server.use_cases.ports import Clock

UPLOADS = ".uploads"

_PURPOSE = "tenure store part v1"
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_NUMBER = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
_AMOUNT = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)
_PART = re.compile(r"part-([1-9][0-9]{0,4})", re.ASCII)
_KEY_FILE = "key"


class LocalUploads:
    """The ``UploadStore`` beside a ``LocalStore`` in the same directory, and the other end of its links."""

    def __init__(
        self, store: LocalStore, directory: Path, *, base_url: Callable[[], str] | str, link_key: bytes, clock: Clock
    ) -> None:
        if len(link_key) < MIN_LINK_KEY_BYTES:
            raise ValueError(f"the key that signs links has {len(link_key)} bytes, it needs {MIN_LINK_KEY_BYTES}")
        self._store = store
        self._directory = directory.resolve() / UPLOADS
        self._base_url = base_url
        self._link_key = link_key
        self._clock = clock

    def begin_upload(self, key: str) -> str:
        check_key(key)
        upload_id = secrets.token_hex(16)
        with _translated("begin an upload"):
            self._remove_leftovers()
            folder = self._directory / upload_id
            folder.mkdir(mode=0o700, parents=True)
            (folder / _KEY_FILE).write_text(key, encoding="ascii")
        return upload_id

    def part_url(self, key: str, upload_id: str, number: int, *, length: int, seconds: int) -> str:
        check_key(key)
        expires = str(math.ceil(self._clock().timestamp()) + check_link_seconds(seconds))
        query = {"expires": expires, "length": str(length)}
        query["signature"] = self._signature(upload_id, str(number), str(length), expires)
        base_url = self._base_url if isinstance(self._base_url, str) else self._base_url()
        return f"{base_url.rstrip('/')}/uploads/{upload_id}/{number}?{urlencode(query)}"

    def list_parts(self, key: str, upload_id: str) -> Mapping[int, int] | None:
        folder = self._folder(key, upload_id)
        if folder is None:
            return None
        with _translated("list the parts of an upload"):
            try:
                return _parts_in(folder)
            except FileNotFoundError:
                return None

    def complete_upload(self, key: str, upload_id: str) -> None:
        folder = self._folder(key, upload_id)
        if folder is None:
            raise ObjectNotFound("There is no such upload in the store.")
        taken = folder.with_name(f"{upload_id}.completing")
        with _translated("complete an upload"):
            try:
                folder.rename(taken)  # from here on no link leads to it, and nobody else can complete it
            except FileNotFoundError:
                raise ObjectNotFound("There is no such upload in the store any more.") from None
            try:
                body = _Parts([taken / f"part-{number}" for number in sorted(_parts_in(taken))])
                with closing(body):
                    self._store.put_stream(key, body)
            except BaseException:
                taken.rename(folder)
                raise
        shutil.rmtree(taken, ignore_errors=True)

    def abort_upload(self, key: str, upload_id: str) -> None:
        folder = self._folder(key, upload_id)
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def open_part(self, upload_id: str, number: str, *, expires: str, length: str, signature: str) -> LocalPart:
        """What a link lets its holder write, opened.

        Raises ``Forbidden`` (``link_invalid``, ``link_expired``) and ``NotFound`` (``unknown_upload``).
        """
        patterns = ((_ID, upload_id), (_NUMBER, number), (_AMOUNT, expires), (_AMOUNT, length))
        is_signed = all(pattern.fullmatch(text) for pattern, text in patterns) and hmac.compare_digest(
            self._signature(upload_id, number, length, expires).encode(), signature.encode("utf-8", "replace")
        )
        if not is_signed:
            raise Forbidden("This upload link is not one that this server made.", code="link_invalid")
        if self._clock().timestamp() >= int(expires):
            raise Forbidden("This upload link has expired.", code="link_expired", hint="ask for the upload again")
        folder = self._directory / upload_id
        if not folder.is_dir():
            raise NotFound("There is no such upload.", code="unknown_upload", hint="begin it again")
        return LocalPart(folder, int(number), int(length))

    def _folder(self, key: str, upload_id: str) -> Path | None:
        """The upload's folder, if it is one of this key."""
        if not _ID.fullmatch(upload_id):
            return None
        folder = self._directory / upload_id
        with _translated("look up an upload"):
            try:
                return folder if (folder / _KEY_FILE).read_text(encoding="ascii") == key else None
            except (FileNotFoundError, NotADirectoryError):
                return None

    def _remove_leftovers(self) -> None:
        """Uploads in which nothing was written for a day. A failure is no reason to refuse a new one."""
        oldest = time.time() - LEFTOVER_SECONDS
        with suppress(OSError):
            for entry in os.scandir(self._directory):
                if entry.stat(follow_symlinks=False).st_mtime < oldest:
                    shutil.rmtree(entry.path, ignore_errors=True)

    def _signature(self, upload_id: str, number: str, length: str, expires: str) -> str:
        text = "\n".join((_PURPOSE, upload_id, number, length, expires)).encode("ascii")
        return hmac.new(self._link_key, text, hashlib.sha256).hexdigest()


class LocalPart:
    """One part while it is written: of exactly ``length`` bytes, there when ``finish`` returns and not before."""

    def __init__(self, folder: Path, number: int, length: int) -> None:
        self.length = length
        self._final = folder / f"part-{number}"
        self._temporary = folder / f"incoming-{secrets.token_hex(8)}"
        self._written = 0
        with _translated("write a part"):
            descriptor = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            self._file: BinaryIO = os.fdopen(descriptor, "wb")

    def write(self, piece: bytes) -> None:
        """Raises ``InvalidRequest`` (``part_length``) for more than ``length`` bytes in all."""
        self._written += len(piece)
        if self._written > self.length:
            raise self._wrong_length()
        with _translated("write a part"):
            self._file.write(piece)

    def finish(self) -> None:
        """Raises ``InvalidRequest`` (``part_length``) if bytes are missing; ``NotFound`` if the upload is gone."""
        if self._written != self.length:
            raise self._wrong_length()
        with _translated("write a part"):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            try:
                self._temporary.replace(self._final)
            except FileNotFoundError:
                raise NotFound("There is no such upload any more.", code="unknown_upload") from None

    def close(self) -> None:
        """Take away what was not finished."""
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._temporary.unlink()

    def _wrong_length(self) -> InvalidRequest:
        return InvalidRequest(f"This part has exactly {self.length} bytes.", code="part_length")


class _Parts:
    """The files one after the other."""

    def __init__(self, paths: list[Path]) -> None:
        self._paths = iter(paths)
        self._file: BinaryIO | None = None

    def read(self, size: int, /) -> bytes:
        while True:
            if self._file is None:
                path = next(self._paths, None)
                if path is None:
                    return b""
                self._file = path.open("rb")
            piece = self._file.read(size)
            if piece:
                return piece
            self.close()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _parts_in(folder: Path) -> dict[int, int]:
    """The lengths of the parts, by number."""
    found = ((_PART.fullmatch(entry.name), entry) for entry in folder.iterdir())
    return {int(name[1]): entry.stat().st_size for name, entry in found if name}


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f"The store could not {doing}: {error.strerror or type(error).__name__}.") from error
