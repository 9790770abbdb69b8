"""The published TUF metadata, as the exact bytes that were signed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlmodel import Session, col, select

from tenure_server.adapters.database.columns import is_storable
from tenure_server.adapters.database.publication import count_publication
from tenure_server.adapters.database.tables import (
    PublicationRow,
    PublishedRoleRow,
    SignedFileRow,
    TrustedTargetRow,
)
from tenure_server.adapters.metadata_files import role_and_version
from tenure_server.errors import Conflict
from tenure_signing.tuf_roles import ROOT


class SqlSignedFiles:
    def __init__(self, session: Session) -> None:
        self._session = session

    def current(self) -> Mapping[str, bytes]:
        statement = select(PublishedRoleRow.role, SignedFileRow.data).where(
            col(PublishedRoleRow.name) == col(SignedFileRow.name)
        )
        return dict(self._session.exec(statement).all())

    def roots(self) -> tuple[bytes, ...]:
        statement = (
            select(SignedFileRow.data).where(col(SignedFileRow.role) == ROOT).order_by(col(SignedFileRow.version))
        )
        return tuple(self._session.exec(statement).all())

    def file(self, name: str) -> bytes | None:
        if not is_storable(name):
            return None
        return self._session.exec(select(SignedFileRow.data).where(col(SignedFileRow.name) == name)).first()

    def trusted_target(self, path: str) -> bytes | None:
        if not is_storable(path):
            return None
        return self._session.exec(select(TrustedTargetRow.data).where(col(TrustedTargetRow.path) == path)).first()

    def publish(self, files: Mapping[str, bytes], *, trusted_targets: Mapping[str, bytes] | None = None) -> int:
        self.lock()
        with self._session.begin_nested():
            for name, data in files.items():
                self._store(name, data)
            for path, data in (trusted_targets or {}).items():
                self._session.merge(TrustedTargetRow(path=path, data=data))
        return count_publication(self._session)

    def lock(self) -> None:
        """On SQLite a writing transaction has the one write lock from its beginning."""
        self._session.exec(select(PublicationRow).where(col(PublicationRow.only_row) == 1).with_for_update()).one()

    def _store(self, name: str, data: bytes) -> None:
        role, version = role_and_version(name)
        row = self._session.get(SignedFileRow, name, populate_existing=True)
        if row is None or version is None:
            self._session.merge(
                SignedFileRow(
                    name=name,
                    role=role,
                    version=version or 0,
                    data=data,
                    sha256=hashlib.sha256(data).hexdigest(),
                    created_at=datetime.now(UTC),
                )
            )
            self._session.flush()
            self._point_to(name, role, version)
        elif row.data != data:
            raise Conflict(f"{name} was published with other bytes.", code="published_meanwhile")

    def _point_to(self, name: str, role: str, version: int | None) -> None:
        """The file is the role's newest, unless a newer one is there."""
        current = self._session.get(PublishedRoleRow, role, populate_existing=True)
        if current is None:
            self._session.add(PublishedRoleRow(role=role, name=name))
        elif version is not None and version > (role_and_version(current.name)[1] or 0):
            current.name = name
        self._session.flush()
