"""The database, with its snapshot standing in for update checks while it does not answer.

What is asked of it while it is away is not tried again and again: a thread looks every second whether it is back.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime

from tenure_server.adapters.database.snapshot import Snapshot
from tenure_server.domain.licence_facts import FoundKey, LicenceFacts
from tenure_server.errors import DatabaseUnavailable
from tenure_server.use_cases.ports import Database, QuickReads, Records

LOOK_SECONDS = 1.0

_log = logging.getLogger(__name__)


class DatabaseWithSnapshot:
    """``Database``. Only what is published and the licences seen are read from the snapshot; all else waits for the
    database, and nothing is ever written to the copy through here."""

    def __init__(self, live: Database, snapshot: Snapshot, prepare: Callable[[], None] = lambda: None) -> None:
        """``prepare`` makes a database usable that comes back; it raises ``DatabaseUnavailable`` while it is away."""
        self.live = live
        self.snapshot = snapshot
        self._prepare = prepare
        self.quick: QuickReads = _QuickReadsWithSnapshot(self)
        self._as_of: datetime | None = None
        self._lock = threading.Lock()
        self._closing = threading.Event()

    @property
    def as_of(self) -> datetime | None:
        return self._as_of

    def is_away(self) -> bool:
        """Whether the snapshot stands in, found out now. Raises ``DatabaseUnavailable`` if there is none yet."""
        if self._as_of is None:
            try:
                self.live.check()
            except DatabaseUnavailable as error:
                self.stand_in(error)
        return self._as_of is not None

    def reading(self) -> AbstractContextManager[Records]:
        return self.live.reading()

    def writing(self) -> AbstractContextManager[Records]:
        return self.live.writing()

    def check(self) -> None:
        self.live.check()

    @contextmanager
    def reading_published(self) -> Iterator[Records]:
        if self._as_of is None:
            with ExitStack() as stack:
                try:
                    records = stack.enter_context(self.live.reading())
                    records.publication_counter()  # a connection may break at the first word only
                except DatabaseUnavailable as error:
                    self.stand_in(error)
                else:
                    yield records
                    return
        with self.snapshot.reading() as records:
            yield records

    def stand_in(self, error: DatabaseUnavailable) -> None:
        """The snapshot answers from now on. Raises the error if there is none."""
        with self._lock:
            if self._as_of is not None:
                return
            state = self.snapshot.state()
            if state is None:
                raise error
            self._as_of = state.as_of
        as_of = f"{state.as_of:%Y-%m-%dT%H:%M:%SZ}"
        _log.error("the database does not answer (%s); update checks are answered as of %s", error, as_of)
        threading.Thread(target=self._wait_for_it, name="database", daemon=True).start()

    def _wait_for_it(self) -> None:
        while not self._closing.wait(LOOK_SECONDS):
            try:
                self._prepare()
                self.live.check()
            except DatabaseUnavailable:
                continue
            except Exception:  # nothing else looks for it
                _log.exception("could not find out whether the database is back")
                continue
            self._as_of = None
            _log.info("the database answers again")
            return

    def close(self) -> None:
        self._closing.set()
        self.snapshot.close()


class _QuickReadsWithSnapshot:
    """While the database is away, version and counter stand still: what this process knows, it goes on knowing."""

    def __init__(self, database: DatabaseWithSnapshot) -> None:
        self._database = database
        self._live = database.live.quick
        self._version = 0
        self._counter: int | None = None

    @property
    def is_inline(self) -> bool:
        return self._database.as_of is not None or self._live.is_inline

    def version(self) -> int:
        if self._database.as_of is None:
            try:
                self._version = self._live.version()
            except DatabaseUnavailable as error:
                self._database.stand_in(error)
        return self._version

    def publication_counter(self) -> int:
        if self._database.as_of is None:
            try:
                self._counter = self._live.publication_counter()
            except DatabaseUnavailable as error:
                self._database.stand_in(error)
            else:
                return self._counter
        return self._counter if self._counter is not None else self._database.snapshot.publication_counter()

    def licence_key(self, digest: str) -> FoundKey | None:
        if self._database.as_of is None:
            try:
                return self._live.licence_key(digest)
            except DatabaseUnavailable as error:
                self._database.stand_in(error)
        found = self._database.snapshot.licence_key(digest)
        if found is None:
            raise DatabaseUnavailable("The database does not answer, and this licence was not seen lately.")
        return found

    def licence_keys(self, digests: Sequence[str]) -> Mapping[str, FoundKey]:
        """From the snapshot all of them or none: which of them were not seen lately has to be asked one by one."""
        if self._database.as_of is None:
            try:
                return self._live.licence_keys(digests)
            except DatabaseUnavailable as error:
                self._database.stand_in(error)
        found = ((digest, self.licence_key(digest)) for digest in digests)
        return {digest: key for digest, key in found if key is not None}

    def licence_of_feed_token(self, digest: str) -> LicenceFacts | None:
        """Feeds wait for the database."""
        return self._live.licence_of_feed_token(digest)
