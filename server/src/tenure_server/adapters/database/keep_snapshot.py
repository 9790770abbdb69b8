"""The snapshot follows the database: what was published, the licences seen, and every change to those it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tenure_server.adapters.database.database import SqlDatabase
from tenure_server.adapters.database.snapshot import Snapshot, SnapshotState, published_rows
from tenure_server.domain.licence_facts import FoundKey
from tenure_server.use_cases.ports import Clock

MOST_SEEN = 500
"""Licences that are copied in one round. A process that meets a million of them does not spend its time on this."""

MOST_EVENTS = 1_000
MOST_READ_AGAIN = 20
"""Licences that are read again in each round, whatever happened: no change is overlooked for ever."""


@dataclass(frozen=True, slots=True)
class KeepSnapshot:
    """One round, to be called every second or so. Several processes may share the file."""

    database: SqlDatabase
    snapshot: Snapshot
    seen: Callable[[int], list[str]]  # takes some of those that wait to be copied
    clock: Clock
    is_away: Callable[[], bool]

    def __call__(self) -> None:
        """Raises ``DatabaseUnavailable``; the snapshot then stays as it is. Nothing happens while it stands in."""
        if self.is_away():
            return
        before = self.snapshot.state()
        if before is None:
            self.snapshot.make()
        now = self.clock()
        if before is None or self.database.quick.publication_counter() != self.snapshot.publication_counter():
            with self.database.reading_session() as session:
                rows = published_rows(session)
            self.snapshot.keep_published(rows)
        changed, audit_number = self._changed(before)
        again = self.snapshot.oldest(MOST_READ_AGAIN)
        digests = {*self.seen(MOST_SEEN), *self.snapshot.digests_of(changed), *again}
        self.snapshot.keep(SnapshotState(now, audit_number), found=self._read(digests))

    def _changed(self, before: SnapshotState | None) -> tuple[set[str], int]:
        """The subjects of what happened since: licences among them."""
        with self.database.reading() as records:
            if before is None:
                return set(), records.audit.head().number
            events = records.audit.following(before.audit_number, limit=MOST_EVENTS)
        subjects = {each.event.subject for each in events}
        return subjects, events[-1].number if events else before.audit_number

    def _read(self, digests: Iterable[str]) -> dict[str, FoundKey | None]:
        return {digest: self.database.quick.licence_key(digest) for digest in digests}
