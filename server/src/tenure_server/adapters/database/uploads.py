"""Builds on their way into the store."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.failures import conflict_if_taken
from tenure_server.adapters.database.tables import BuildUploadRow
from tenure_server.errors import Conflict
from tenure_server.use_cases.ports import BuildUpload


class SqlUploads:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, key: str) -> BuildUpload | None:
        row = self._session.get(BuildUploadRow, key, populate_existing=True) if is_storable(key) else None
        return _upload(row) if row is not None else None

    def begin(self, upload: BuildUpload) -> BuildUpload:
        known = self.get(upload.key)
        if known is not None:
            return known
        try:
            with conflict_if_taken(self._session, "There is an upload of this build already.", "upload_exists"):
                self._session.add(_row(upload))
        except Conflict:  # somebody else was quicker
            return self.get(upload.key) or upload
        return upload

    def verified(self, upload: BuildUpload, at: datetime) -> None:
        row = _row(upload)
        row.upload_id, row.verified_at = None, at
        self._session.merge(row)
        self._session.flush()

    def remove(self, upload: BuildUpload) -> bool:
        row = self._session.get(BuildUploadRow, upload.key, populate_existing=True, with_for_update=True)
        if row is None or row.upload_id != upload.upload_id:
            return False
        self._session.delete(row)
        self._session.flush()
        return True


def _row(upload: BuildUpload) -> BuildUploadRow:
    return BuildUploadRow(
        store_key=upload.key,
        upload_id=upload.upload_id,
        length=upload.length,
        part_bytes=upload.part_bytes,
        begun_at=upload.begun_at,
        verified_at=upload.verified_at,
    )


def _upload(row: BuildUploadRow) -> BuildUpload:
    return BuildUpload(row.store_key, row.upload_id, row.length, row.part_bytes, row.begun_at, row.verified_at)
