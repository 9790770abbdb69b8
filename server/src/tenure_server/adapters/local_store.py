"""The object store in a directory of this machine: the embedded default, on POSIX systems.

Objects are files named by their key, readable by the server's user only, unless the directory is for everyone: a
mirror. A writer works in ``.incoming`` on the same file system, then renames: an object is always complete, whatever
kills the writer. Folders are opened one by one without following symbolic links, so no key and nothing planted in the
directory leads outside.
"""

from __future__ import annotations

import errno
import math
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Protocol

from tenure_server.adapters.local_file import LocalFile
from tenure_server.adapters.signed_links import LinkSigner, check_link_seconds, content_disposition
from tenure_server.adapters.store_keys import check_key, check_prefix, is_key
from tenure_server.errors import InvalidKey, NotFound, ObjectNotFound, StoreUnavailable
from tenure_server.use_cases.ports import Clock, Progress, StoredObject

INCOMING = ".incoming"
LEFTOVER_SECONDS = 86_400  # a writer that has written nothing for a day is dead

_PIECE_BYTES = 1024 * 1024
_FOLDER_ATTEMPTS = 10
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OBJECT = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # not blocking: somebody may have put a pipe there
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class Readable(Protocol):
    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""
        ...


class LocalStore:
    """An ``ObjectStore`` over a directory, made with its parents if missing.

    ``base_url`` is where customers reach this server, or a function that says so at the time of asking; ``link_key``
    signs the links, 32 secret bytes or more. ``is_public``: anyone on this machine may read what is put here. No key
    can be the folder of another: the second one raises ``InvalidKey``. Raises ``StoreUnavailable`` if the directory
    cannot be made.
    """

    def __init__(
        self,
        directory: Path,
        *,
        base_url: Callable[[], str] | str,
        link_key: bytes,
        clock: Clock,
        is_public: bool = False,
    ) -> None:
        self._links = LinkSigner(link_key)
        self._base_url = base_url
        self._clock = clock
        self._is_public = is_public
        self._directory = directory.resolve()
        with self._translated("make the directory"):
            self._directory.mkdir(mode=0o755 if is_public else 0o700, parents=True, exist_ok=True)

    def put_file(self, key: str, source: Path, *, progress: Progress | None = None) -> StoredObject:
        """Store the file under the key, all of it or nothing, durable when this returns.

        Raises ``OSError`` when the source cannot be read.
        """
        with source.open("rb") as body:
            return self.put_stream(key, body, progress=progress)

    def put_stream(self, key: str, body: Readable, *, progress: Progress | None = None) -> StoredObject:
        """The same from something that is read to its end. What reading it raises is passed on."""
        check_key(key)
        with self._incoming() as incoming:
            _remove_leftovers(incoming)
            temporary = secrets.token_hex(16)
            try:
                length = self._write(incoming, temporary, body, progress)
                with self._translated("store an object"):
                    self._publish(incoming, temporary, key)
            finally:
                with suppress(OSError):
                    os.unlink(temporary, dir_fd=incoming)
        return StoredObject(key, length)

    def stat(self, key: str) -> StoredObject | None:
        """What is stored under the key, or None."""
        *folders, name = check_key(key).split("/")
        try:
            with self._translated("look up an object"), _missing_is_not_found(), self._folder(folders) as folder:
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except ObjectNotFound:
            return None
        return StoredObject(key, found.st_size) if stat.S_ISREG(found.st_mode) else None

    def read(self, key: str) -> Iterator[bytes]:
        """The object's bytes in pieces of at most 1 MiB: all of them, or ``StoreUnavailable``."""
        return self._pieces(check_key(key))

    def delete(self, key: str) -> None:
        """Remove the object and the folders it leaves empty; nothing happens if there is none."""
        if self.stat(key) is None:
            return
        *folders, name = key.split("/")
        with (
            suppress(ObjectNotFound),
            self._translated("delete an object"),
            _missing_is_not_found(),
            self._folder(folders) as folder,
        ):
            os.unlink(name, dir_fd=folder)
            os.fsync(folder)
        with suppress(OSError):  # a folder that is not empty stays
            while folders:
                emptied = folders.pop()
                with self._folder(folders) as folder:
                    os.rmdir(emptied, dir_fd=folder)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys of complete objects that begin with the prefix, ordered as S3 orders them: by character code."""
        return self._walk([], check_prefix(prefix))

    def signed_url(self, key: str, *, file_name: str, seconds: int) -> str:
        """A URL of this server that anyone can GET and HEAD for that many seconds (1 to 604 800).

        Raises ``InvalidName`` for an unsafe file name and ``ValueError`` for another lifetime.
        """
        expires = math.ceil(self._clock().timestamp()) + check_link_seconds(seconds)
        base_url = self._base_url if isinstance(self._base_url, str) else self._base_url()
        return f"{base_url.rstrip('/')}/{self._links.link(key, expires=expires, file_name=file_name)}"

    def open_signed(self, key: str, *, expires: str, name: str, signature: str) -> LocalFile:
        """The object behind a link, opened, for the caller to close.

        Raises ``Forbidden`` with ``link_invalid`` or ``link_expired``, then ``NotFound`` with ``object_not_found``.
        """
        file_name = self._links.verify(key, expires=expires, name=name, signature=signature, now=self._clock())
        try:
            return LocalFile(self._open(key), content_disposition(file_name))
        except ObjectNotFound:
            raise NotFound("This file is no longer on the server.", code="object_not_found") from None

    def check(self) -> None:
        """Write, rename, read and remove a small file; raise ``StoreUnavailable`` unless all of it works."""
        probe, token = f".check-{secrets.token_hex(8)}", secrets.token_bytes(32)
        with self._incoming() as incoming, self._translated("be checked"), self._folder([]) as root:
            try:
                with os.fdopen(os.open(probe, _NEW, 0o600, dir_fd=incoming), "wb") as file:
                    file.write(token)
                os.replace(probe, probe, src_dir_fd=incoming, dst_dir_fd=root)
                with os.fdopen(os.open(probe, _OBJECT, dir_fd=root), "rb") as file:
                    if file.read() != token:
                        raise StoreUnavailable(f"The store in {self._directory} does not give back what was written.")
            finally:
                for folder in (incoming, root):
                    with suppress(OSError):
                        os.unlink(probe, dir_fd=folder)

    def _write(self, incoming: int, temporary: str, body: Readable, progress: Progress | None) -> int:
        """Copy the body into a new file of the folder and force it to the disk. Returns its length in bytes."""
        length = 0
        with self._translated("store an object"):
            file = FileIO(os.open(temporary, _NEW, 0o600, dir_fd=incoming), "wb")
        with file:
            for piece in iter(partial(body.read, _PIECE_BYTES), b""):
                with self._translated("store an object"):
                    _write_all(file.fileno(), piece)
                length += len(piece)
                if progress is not None:
                    progress(len(piece))
            with self._translated("store an object"):
                if self._is_public:
                    os.fchmod(file.fileno(), 0o644)
                os.fsync(file.fileno())
        return length

    def _publish(self, incoming: int, temporary: str, key: str) -> None:
        """Give the complete file its name: the moment from which the object is there."""
        *folders, name = key.split("/")
        for attempt in range(1, _FOLDER_ATTEMPTS + 1):
            try:
                with self._folder(folders, create=True) as folder:
                    os.replace(temporary, name, src_dir_fd=incoming, dst_dir_fd=folder)
                    os.fsync(folder)
                    return
            except OSError as error:
                if error.errno in (errno.EISDIR, errno.ENOTDIR, errno.ELOOP):
                    raise InvalidKey(
                        f"{key!r} cannot be stored: an object cannot lie where a folder is, nor in an object."
                    ) from None
                # A deletion may take away an emptied folder between our opening and our using it: make it again.
                if attempt == _FOLDER_ATTEMPTS or error.errno != errno.ENOENT:
                    raise

    def _pieces(self, key: str) -> Iterator[bytes]:
        file = LocalFile(self._open(key))
        try:
            offset = 0
            while offset < file.length:
                piece = file.read(offset, min(_PIECE_BYTES, file.length - offset))
                yield piece
                offset += len(piece)
        finally:
            file.close()

    def _open(self, key: str) -> FileIO:
        *folders, name = key.split("/")
        with self._translated("read an object"), _missing_is_not_found(), self._folder(folders) as folder:
            descriptor = os.open(name, _OBJECT, dir_fd=folder)
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return FileIO(descriptor, "rb")
            os.close(descriptor)
            raise FileNotFoundError(errno.ENOENT, "no regular file")

    def _walk(self, folders: list[str], prefix: str) -> Iterator[str]:
        try:
            with self._translated("list objects"), _missing_is_not_found(), self._folder(folders) as folder:
                names = _names(folder)
        except ObjectNotFound:
            return
        for name in names:
            key = "/".join((*folders, name))
            if not is_key(key.removesuffix("/")):
                continue
            if not name.endswith("/"):
                if key.startswith(prefix):
                    yield key
            elif key.startswith(prefix) or prefix.startswith(key):
                yield from self._walk([*folders, name[:-1]], prefix)

    @contextmanager
    def _incoming(self) -> Iterator[int]:
        """A descriptor of the folder in which writers work. The caller's own errors are not translated."""
        with ExitStack() as stack:
            with self._translated("make its folder for incoming files"):
                incoming = stack.enter_context(self._folder([INCOMING], create=True))
            yield incoming

    @contextmanager
    def _folder(self, names: Sequence[str], *, create: bool = False) -> Iterator[int]:
        """A descriptor of a folder. Raises ``OSError``; ``StoreUnavailable`` if the store's own directory is gone."""
        with self._translated("open its directory"):
            descriptor = os.open(self._directory, _FOLDER)
        try:
            for name in names:
                if create:
                    with suppress(FileExistsError):
                        os.mkdir(name, 0o700, dir_fd=descriptor)
                        if self._is_public and name != INCOMING:
                            os.chmod(name, 0o755, dir_fd=descriptor)  # noqa: S103 (for everyone)
                        os.fsync(descriptor)
                inner = os.open(name, _FOLDER, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreUnavailable(
                f"The store in {self._directory} could not {doing}: {error.strerror or type(error).__name__}.",
                hint="Check that the directory exists, belongs to the server's user and has free space.",
            ) from error


@contextmanager
def _missing_is_not_found() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NOT_THERE:
            raise ObjectNotFound("There is no object with this key in the store.") from None
        raise


def _names(folder: int) -> list[str]:
    """The files and folders in it, without links; folders with their slash, which orders whole keys: a-b, a/b, ab."""
    with os.scandir(folder) as entries:
        return sorted(
            f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name
            for entry in entries
            if entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)
        )


def _write_all(descriptor: int, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _remove_leftovers(incoming: int) -> None:
    """Remove what killed writers left. A failure is no reason to refuse a new object."""
    oldest = time.time() - LEFTOVER_SECONDS  # compared with the file system's own times, so not the injected clock
    with suppress(OSError), os.scandir(incoming) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.stat(follow_symlinks=False).st_mtime < oldest:
                    os.unlink(entry.name, dir_fd=incoming)
