"""Builds come into the store from an engineer's or a build server's machine, part by part, and are read back.

Nothing is believed: a build is stored when the server itself has read every byte and found the length and SHA-256 that
were announced. From then on no upload to its place in the store is accepted. Every step can be done again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from tenure_server.domain.publishing import PartLink, UploadState
from tenure_server.errors import Conflict, InvalidRequest, ObjectNotFound
from tenure_server.use_cases.download import store_key
from tenure_server.use_cases.ports import BuildUpload, Clock, Database, ObjectStore, UploadStore
from tenure_signing.releases import ReleaseFile

_MIB = 1024 * 1024
MIN_PART_BYTES = 8 * _MIB
MAX_PARTS = 9_000  # S3 takes 10 000
MAX_BUILD_BYTES = 1024**4  # 1 TiB; S3 takes 5
PARTS_AT_ONCE = 100
LINK_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class UploadBuilds:
    database: Database
    store: ObjectStore
    uploads: UploadStore
    clock: Clock
    part_bytes: int = MIN_PART_BYTES

    def look(self, build: ReleaseFile) -> UploadState:
        """How far the build is. Changes nothing, and reads no object."""
        upload = self._known(build)
        lengths = self._part_lengths(build.length, upload.part_bytes if upload is not None else None)
        if upload is not None and upload.verified_at is not None and self._has_length(build):
            return UploadState(True, len(lengths), 0)
        if upload is None or upload.upload_id is None or upload.length != build.length:
            return UploadState(False, len(lengths), len(lengths))
        there = self.uploads.list_parts(upload.key, upload.upload_id) or {}
        return UploadState(False, len(lengths), len(_missing(lengths, there)))

    def send(self, build: ReleaseFile) -> UploadState:
        """Begin the upload or go on with it. With nothing missing, ``complete`` comes next.

        Raises ``InvalidRequest`` (``build_length``) and ``Conflict`` (``build_mismatch``).
        """
        if not 1 <= build.length <= MAX_BUILD_BYTES:
            raise InvalidRequest(f"A build has 1 to {MAX_BUILD_BYTES} bytes.", code="build_length")
        upload = self._known(build)
        is_open = upload is not None and upload.upload_id is not None and upload.length == build.length
        there = self.uploads.list_parts(upload.key, upload.upload_id or "") if upload is not None and is_open else None
        if there is None:  # none begun, verified, of another length, completed but not read back, or lost by the store
            if self._is_stored(build, upload):
                return UploadState(True, len(self._part_lengths(build.length, None)), 0)
            upload, there = self._begun(build, upload), {}
        assert upload is not None
        if upload.upload_id is None:  # somebody else has just brought it all
            return UploadState(True, len(self._part_lengths(build.length, None)), 0)
        return self._links(build, upload, there)

    def complete(self, build: ReleaseFile) -> None:
        """Make the object and read it back. Nothing happens if the build is stored already.

        Raises ``Conflict``: ``upload_missing``, ``parts_missing``, ``upload_busy`` while somebody else completes it, or
        ``build_mismatch``, after which nothing of it is left.
        """
        upload = self._known(build)
        if self._is_stored(build, upload):
            return
        if upload is None or upload.upload_id is None or upload.length != build.length:
            raise Conflict(f"No upload of {build.file_name} was begun.", code="upload_missing")
        there = self.uploads.list_parts(upload.key, upload.upload_id)
        lengths = self._part_lengths(build.length, upload.part_bytes)
        if there is None:
            raise _busy(build)
        if missing := _missing(lengths, there):
            raise Conflict(f"{len(missing)} parts of {build.file_name} are missing.", code="parts_missing")
        if set(there) == set(lengths):
            try:
                self.uploads.complete_upload(upload.key, upload.upload_id)
            except ObjectNotFound:
                raise _busy(build) from None
            if self._is_stored(build, upload):
                return
        self._forget(upload)
        raise Conflict(
            f"What arrived of {build.file_name} is not what was announced.",
            code="build_mismatch",
            hint="publish again: it will be uploaded anew",
        )

    def require_stored(self, build: ReleaseFile) -> None:
        """Raises ``Conflict`` (``build_missing``) unless the store holds exactly this build. Reads it back if nobody
        has yet."""
        if not self._is_stored(build, self._known(build)):
            raise Conflict(
                f"The build {build.file_name} is not in the store.", code="build_missing", hint="upload it first"
            )

    def _is_stored(self, build: ReleaseFile, upload: BuildUpload | None) -> bool:
        """Whether the store holds this build. An object of its SHA-256 is never given up, whatever is announced.

        Raises ``Conflict`` (``build_mismatch``) if the object has that SHA-256 and another length.
        """
        found = self.store.stat(store_key(build))
        if found is None:
            return False
        is_known = upload is not None and upload.verified_at is not None and upload.length == found.length
        if not is_known and not self._has_hash(build):
            return False
        if found.length != build.length:
            raise Conflict(
                f"{build.file_name} of this SHA-256 has {found.length} bytes, not {build.length}.",
                code="build_mismatch",
            )
        if not is_known:
            self._keep_verified(build, upload)
        return True

    def _has_length(self, build: ReleaseFile) -> bool:
        found = self.store.stat(store_key(build))
        return found is not None and found.length == build.length

    def _has_hash(self, build: ReleaseFile) -> bool:
        """The object is read back, because stores keep no checksums that could be believed."""
        sha256 = hashlib.sha256()
        for piece in self.store.read(store_key(build)):
            sha256.update(piece)
        return sha256.hexdigest() == build.sha256

    def _known(self, build: ReleaseFile) -> BuildUpload | None:
        with self.database.reading() as records:
            return records.uploads.get(store_key(build))

    def _begun(self, build: ReleaseFile, old: BuildUpload | None) -> BuildUpload:
        """A fresh upload, or the one that somebody else began at the same moment."""
        if old is not None:
            self._forget(old)
        key = store_key(build)
        new = BuildUpload(
            key, self.uploads.begin_upload(key), build.length, self._part_size(build.length), self.clock()
        )
        with self.database.writing() as records:
            kept = records.uploads.begin(new)
        if kept != new and new.upload_id is not None:
            self.uploads.abort_upload(key, new.upload_id)
        return kept

    def _forget(self, upload: BuildUpload) -> None:
        """The caller knows that what is stored is not right. If somebody else has gone on meanwhile, what they stored
        stays: the object is deleted while they are held off."""
        with self.database.writing() as records:
            if records.uploads.remove(upload):
                self.store.delete(upload.key)
        if upload.upload_id is not None:
            self.uploads.abort_upload(upload.key, upload.upload_id)

    def _keep_verified(self, build: ReleaseFile, upload: BuildUpload | None) -> None:
        now, key = self.clock(), store_key(build)
        verified = BuildUpload(key, None, build.length, self._part_size(build.length), now)
        with self.database.writing() as records:
            records.uploads.verified(verified, now)
        if upload is not None and upload.upload_id is not None:
            self.uploads.abort_upload(key, upload.upload_id)

    def _links(self, build: ReleaseFile, upload: BuildUpload, there: Mapping[int, int]) -> UploadState:
        assert upload.upload_id is not None
        lengths = self._part_lengths(build.length, upload.part_bytes)
        missing = _missing(lengths, there)
        links = tuple(
            PartLink(
                number,
                (number - 1) * upload.part_bytes,
                lengths[number],
                self.uploads.part_url(
                    upload.key, upload.upload_id, number, length=lengths[number], seconds=LINK_SECONDS
                ),
            )
            for number in missing[:PARTS_AT_ONCE]
        )
        return UploadState(False, len(lengths), len(missing), links)

    def _part_size(self, length: int) -> int:
        """So large that the parts are not too many, in whole MiB."""
        needed = -(-length // MAX_PARTS)
        return max(self.part_bytes, -(-needed // _MIB) * _MIB)

    def _part_lengths(self, length: int, part_bytes: int | None) -> dict[int, int]:
        size = part_bytes or self._part_size(length)
        whole, rest = divmod(length, size)
        lengths = dict.fromkeys(range(1, whole + 1), size)
        return lengths | ({whole + 1: rest} if rest else {})


def _busy(build: ReleaseFile) -> Conflict:
    return Conflict(
        f"{build.file_name} is being put together and read back.", code="upload_busy", hint="ask again in a moment"
    )


def _missing(lengths: Mapping[int, int], there: Mapping[int, int]) -> list[int]:
    return [number for number, length in lengths.items() if there.get(number) != length]
