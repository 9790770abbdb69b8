"""Keys that were made to follow come into use in this process, once the metadata that names them is published."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol

from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.ports import Database
from tenure_server.use_cases.statement_keys import licence_keys_in
from tenure_server.use_cases.submit_draft import OnlineKeyRing

_log = logging.getLogger(__name__)


class FollowingKeys(OnlineKeyRing, Protocol):
    def has_next(self) -> bool:
        """Whether keys wait that were made to follow; cheap."""
        ...


@dataclass(frozen=True, slots=True)
class TakeUpKeys:
    """``tenure trust submit`` does it too. Here it is done where somebody else submitted, or died in between."""

    database: Database
    key_ring: FollowingKeys

    def __call__(self) -> tuple[str, ...]:
        """The names of the keys that came into use."""
        if not self.key_ring.has_next():
            return ()
        with self.database.reading() as records:
            published, licence_keys = read_repository(records), licence_keys_in(records)
        taken_up = self.key_ring.take_up(published, licence_keys) if published.roots else ()
        if taken_up:
            _log.info("now in use: the new %s keys", ", ".join(taken_up))
        return taken_up
