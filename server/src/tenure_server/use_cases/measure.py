"""What the monitoring is told: read from the database as cheaply as it comes, whoever asks however often."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tenure_server.domain.signer_life import SignerMode
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.system_status import SignerStatus, signer_status
from tenure_server.use_cases.trust_status import RoleLife, trust_status
from tenure_signing.tuf_repository import Repository


@dataclass(frozen=True, slots=True)
class Measurements:
    at: datetime
    publication_counter: int
    roles: tuple[RoleLife, ...]
    signer: SignerStatus


@dataclass(slots=True)
class Measure:
    """The roles, whose reading grows with the number of releases, are read once for each publication."""

    database: Database
    clock: Clock
    signer_mode: SignerMode
    _read: tuple[int, Repository] | None = field(default=None, init=False)

    def __call__(self) -> Measurements:
        """Raises ``DatabaseUnavailable``, and ``PublishingError`` for metadata that cannot be read."""
        now = self.clock()
        with self.database.reading() as records:
            counter = records.publication_counter()
            if self._read is None or self._read[0] != counter:
                self._read = counter, read_repository(records)
            repository = self._read[1]
            signer = signer_status(records, repository, now, self.signer_mode)
        return Measurements(now, counter, trust_status(repository, now), signer)
