"""Snapshot and timestamp are signed anew when half of their life is spent."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.publication import locked_repository, publish_roles
from tenure_server.use_cases.signers import OnlineSigners
from tenure_signing.tuf_publishing import Digests, roles_to_resign
from tenure_signing.tuf_repository import Repository
from tenure_signing.tuf_roles import ONLINE_ROLES

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeepMetadataFresh:
    database: Database
    signing_clock: Clock
    online: Callable[[Repository], OnlineSigners]
    """The signers whose keys the published root names, asked for anew each time: a ceremony may have changed them."""

    digests: Digests = field(default_factory=Digests, repr=False)

    def __call__(self) -> bool:
        """Whether anything was signed. Several processes may do this at once: the later ones find nothing to do."""
        if not self._is_due():
            return False
        with self.database.writing() as records:
            before = locked_repository(records)
            now = self.signing_clock()
            if not set(roles_to_resign(before, now)) & set(ONLINE_ROLES):
                return False
            publish_roles(records, before, {}, self.online(before), now, digests=self.digests)
        _log.info("signed snapshot and timestamp anew")
        return True

    def _is_due(self) -> bool:
        with self.database.reading() as records:
            repository = read_repository(records)
        if not repository.roots:
            return False
        return bool(set(roles_to_resign(repository, self.signing_clock())) & set(ONLINE_ROLES))
