"""Where mirrors lie: a directory that a web server or CDN reads, or a bucket in any S3-compatible service."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import urllib3
from urllib3.exceptions import HTTPError

from tenure_server.adapters.local_store import LocalStore
from tenure_server.adapters.s3_store import S3Settings, S3Store, s3_store
from tenure_server.adapters.store_keys import check_key
from tenure_server.errors import ObjectNotFound, SettingsError, StoreUnavailable
from tenure_server.use_cases.ports import Progress, StoredObject
from tenure_server.use_cases.ports_mirror import MirrorTarget

S3_SCHEME = "s3://"

_READABLE_BY_OTHERS = 0o004
_JSON = "application/json"
_BYTES = "application/octet-stream"


class DirectoryMirror:
    """``is_public``: files and folders are made readable by everyone on this machine, as a web server needs it."""

    def __init__(self, directory: Path, *, is_public: bool) -> None:
        self._directory = directory.resolve()
        self._is_public = is_public

    @cached_property
    def _store(self) -> LocalStore:
        """Makes the directory: only what writes needs it. The link key is nobody's: a mirror hands out no links."""
        return LocalStore(
            self._directory,
            base_url="",
            link_key=secrets.token_bytes(32),
            clock=lambda: datetime.now(UTC),
            is_public=self._is_public,
        )

    @property
    def name(self) -> str:
        return str(self._directory)

    def put(self, key: str, source: Path, *, cache_control: str, progress: Progress | None = None) -> None:
        self._store.put_file(key, source, progress=progress)

    def objects(self) -> Iterator[StoredObject]:
        if self._directory.is_dir():
            for key in iter(self._store.keys()):
                if (found := self._store.stat(key)) is not None:
                    yield found

    def read(self, key: str) -> Iterator[bytes]:
        if not self._directory.is_dir():
            raise ObjectNotFound("There is no object with this key in the mirror.")
        return self._store.read(key)

    def delete(self, key: str) -> None:
        self._store.delete(key)

    def is_readable_by_strangers(self, key: str) -> bool:
        """By other accounts of this machine; what a web server under this account hands out cannot be seen here."""
        path = self._directory / check_key(key)
        try:
            return bool(path.stat().st_mode & _READABLE_BY_OTHERS)
        except OSError:
            return False


class S3Mirror:
    """A bucket, or what lies below a prefix of it."""

    def __init__(self, store: S3Store, name: str) -> None:
        self._store = store
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def put(self, key: str, source: Path, *, cache_control: str, progress: Progress | None = None) -> None:
        media_type = _JSON if key.endswith(".json") else _BYTES
        self._store.put_file(key, source, progress=progress, media_type=media_type, cache_control=cache_control)

    def objects(self) -> Iterator[StoredObject]:
        return self._store.objects()

    def read(self, key: str) -> Iterator[bytes]:
        return self._store.read(key)

    def delete(self, key: str) -> None:
        self._store.delete(key)

    def is_readable_by_strangers(self, key: str) -> bool:
        url = self._store.public_url(key)
        try:
            with urllib3.PoolManager() as pool:
                answer = pool.request("HEAD", url, redirect=False, retries=False, timeout=10)
        except HTTPError:
            raise StoreUnavailable(f"Nobody answers where {self._name} would be read without credentials.") from None
        return answer.status < 400


def mirror_target(url: str, settings: S3Settings, *, is_public: bool) -> MirrorTarget:
    """The target that the operator named: ``s3://bucket/prefix`` or a directory. ``settings`` say how to reach a
    bucket; their own bucket and prefix do not count. Raises ``SettingsError``."""
    if not url.startswith(S3_SCHEME):
        if "://" in url:
            raise SettingsError(
                "A mirror is a directory or s3://BUCKET/PREFIX.",
                hint="for another kind of host, mirror into a directory and copy that: timestamp.json last",
            )
        return DirectoryMirror(Path(url), is_public=is_public)
    bucket, _, prefix = url.removeprefix(S3_SCHEME).partition("/")
    store = s3_store(
        S3Settings(
            bucket=bucket,
            prefix=prefix.rstrip("/"),
            endpoint_url=settings.endpoint_url,
            region=settings.region,
            addressing_style=settings.addressing_style,
            access_key_id=settings.access_key_id,
            secret_access_key=settings.secret_access_key,
            checksum_mode=settings.checksum_mode,
        )
    )
    return S3Mirror(store, url.rstrip("/"))
