"""What every request reads, without session, pool and thread: one prepared statement each on a connection kept open.

A connection that fails is dropped and opened anew at the next read.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import URL

from tenure_server.domain.licence_facts import FoundKey, LicenceFacts
from tenure_server.errors import DatabaseUnavailable
from tenure_signing.entitlement import (
    Grant,
    LicenceStatus,
    LineGrant,
    Pin,
    SupportPeriod,
    Turn,
    UpdateRules,
    VersionGrant,
)
from tenure_signing.names import ChannelName, EditionName, ProductName
from tenure_signing.releases import Money
from tenure_signing.versions import Version

if TYPE_CHECKING:
    import psycopg

LOOK_SECONDS = 0.1
"""How often to look for commits of other processes on SQLite."""

BELIEVE_SECONDS = 0.5
"""For how long nothing is taken to have changed on PostgreSQL, which cannot be asked for that cheaply."""

_WAIT_SECONDS = 5
_CACHE_KIB = 4_096  # of SQLite's pages: the upper ones of the indexes; the system keeps the others, for all workers

_COUNTER = "SELECT counter FROM publication WHERE only_row = 1"

# Lines, periods and grants come as one text each: 3 rows for a licence would cost more than the joining.
_LICENCE = """
SELECT {issued_at}, l.licence_id, l.product, l.edition, l.purchased_on, l.status, l.currency,
  l.update_channels, l.update_pin, l.update_turn,
  (SELECT {join}(o.seats || ' ' || o.minor_units || ' ' || o.currency, ',')
   FROM order_line o WHERE o.licence_id = l.licence_id),
  (SELECT {join}(p.starts_on || ' ' || p.ends_on, ',') FROM support_period p WHERE p.licence_id = l.licence_id),
  (SELECT {join}(g.number || ' ' || coalesce('v' || g.version, 'l' || g.line), ',')
   FROM licence_grant g WHERE g.licence_id = l.licence_id)
FROM {source}
"""
_BY_KEY = {
    "issued_at": "k.issued_at",
    "source": "licence_key k JOIN licence l ON l.licence_id = k.licence_id WHERE k.digest = {mark}",
}
_BY_KEYS = {
    "issued_at": "k.digest, k.issued_at",
    "source": "licence_key k JOIN licence l ON l.licence_id = k.licence_id WHERE k.digest = ANY({mark})",
}
_BY_FEED_TOKEN = {"issued_at": "NULL", "source": "licence l WHERE l.feed_token_digest = {mark}"}


def _on_sqlite(found_by: Mapping[str, str]) -> str:
    return _LICENCE.format(join="group_concat", **found_by).format(mark="?")


def _on_postgresql(found_by: Mapping[str, str]) -> str:
    return _LICENCE.format(join="string_agg", **found_by).format(mark="%s")


_KEY_ON_SQLITE, _TOKEN_ON_SQLITE = _on_sqlite(_BY_KEY), _on_sqlite(_BY_FEED_TOKEN)
_KEY_ON_POSTGRESQL, _TOKEN_ON_POSTGRESQL = _on_postgresql(_BY_KEY), _on_postgresql(_BY_FEED_TOKEN)
_KEYS_ON_POSTGRESQL = _on_postgresql(_BY_KEYS)

_STATUS = {status.value: status for status in LicenceStatus}
_NAMES: dict[str, str] = {}  # one object for each of the few products, editions and currencies
_MAX_NAMES = 1_000

_NO_RULES = UpdateRules()


class SqliteQuickReads:
    """``commits`` counts what this process committed."""

    is_inline = True

    def __init__(self, url: URL, commits: Callable[[], int]) -> None:
        self._path = Path(str(url.database)).absolute()
        self._commits = commits
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._generation = 0  # data_version begins anew with each connection
        self._looked_at = 0.0
        self._looked_at_commits = -1
        self._version = 0

    def version(self) -> int:
        commits = self._commits()
        if commits == self._looked_at_commits and time.monotonic() - self._looked_at < LOOK_SECONDS:
            return self._version
        now = time.monotonic()
        ((found,),) = self._rows("PRAGMA data_version")
        self._version = self._generation << 32 | found
        self._looked_at, self._looked_at_commits = now, commits
        return self._version

    def publication_counter(self) -> int:
        ((counter,),) = self._rows(_COUNTER)
        return int(counter)

    def licence_key(self, digest: str) -> FoundKey | None:
        rows = self._rows(_KEY_ON_SQLITE, (digest,))
        if not rows:
            return None
        return FoundKey(datetime.fromisoformat(rows[0][0]).replace(tzinfo=UTC), _facts_of_text(rows[0]))

    def licence_keys(self, digests: Sequence[str]) -> Mapping[str, FoundKey]:
        found = ((digest, self.licence_key(digest)) for digest in digests)
        return {digest: key for digest, key in found if key is not None}

    def licence_of_feed_token(self, digest: str) -> LicenceFacts | None:
        rows = self._rows(_TOKEN_ON_SQLITE, (digest,))
        return _facts_of_text(rows[0]) if rows else None

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _rows(self, statement: str, arguments: tuple[str, ...] = ()) -> list[Any]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._opened()
                return self._connection.execute(statement, arguments).fetchall()
            except sqlite3.Error as error:
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None
                raise DatabaseUnavailable(f"The database does not answer ({type(error).__name__}).") from error

    def _opened(self) -> sqlite3.Connection:
        self._generation += 1
        connection = sqlite3.connect(
            f"file:{quote(str(self._path))}?mode=rw",
            uri=True,
            timeout=_WAIT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA query_only = ON")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        return connection


class PostgresQuickReads:
    """A read waits for the network, so it belongs into a thread."""

    is_inline = False

    def __init__(self, url: URL, commits: Callable[[], int]) -> None:
        self._url = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._commits = commits
        self._lock = threading.Lock()
        import psycopg  # here: it takes 9 MB, and SQLite needs none of it

        self._psycopg = psycopg
        self._connection: psycopg.Connection[Any] | None = None

    def version(self) -> int:
        return int(time.monotonic() / BELIEVE_SECONDS) + (self._commits() << 40)

    def publication_counter(self) -> int:
        ((counter,),) = self._rows(_COUNTER)
        return int(counter)

    def licence_key(self, digest: str) -> FoundKey | None:
        rows = self._rows(_KEY_ON_POSTGRESQL, (digest,))
        return FoundKey(rows[0][0], _facts(*rows[0][1:])) if rows else None

    def licence_keys(self, digests: Sequence[str]) -> Mapping[str, FoundKey]:
        rows = self._rows(_KEYS_ON_POSTGRESQL, (list(digests),))
        return {row[0]: FoundKey(row[1], _facts(*row[2:])) for row in rows}

    def licence_of_feed_token(self, digest: str) -> LicenceFacts | None:
        rows = self._rows(_TOKEN_ON_POSTGRESQL, (digest,))
        return _facts(*rows[0][1:]) if rows else None

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _rows(self, statement: str, arguments: tuple[object, ...] = ()) -> Sequence[Any]:
        with self._lock:
            for attempt in (1, 2):  # a connection that lay idle may have been cut
                try:
                    if self._connection is None:
                        self._connection = self._opened()
                        attempt = 2
                    return self._connection.execute(statement, arguments or None, prepare=True).fetchall()
                except self._psycopg.Error as error:
                    if self._connection is not None:
                        with suppress(self._psycopg.Error):
                            self._connection.close()
                        self._connection = None
                    if attempt == 2:
                        raise DatabaseUnavailable(f"The database does not answer ({type(error).__name__}).") from error
        raise AssertionError("the second attempt returns or raises")

    def _opened(self) -> psycopg.Connection[Any]:
        return self._psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=_WAIT_SECONDS,
            options=f"-c statement_timeout={_WAIT_SECONDS}s -c default_transaction_read_only=on -c timezone=UTC",
        )


def _facts_of_text(row: Sequence[Any]) -> LicenceFacts:
    """SQLite gives days as text."""
    _, licence_id, product, edition, purchased_on, *rest = row
    return _facts(licence_id, product, edition, date.fromisoformat(purchased_on), *rest)


def _facts(
    licence_id: str,
    product: str,
    edition: str,
    purchased_on: date,
    status: str,
    currency: str,
    channels: Any,
    pin: str | None,
    turn: str | None,
    lines: str | None,
    periods: str | None,
    grants: str | None,
) -> LicenceFacts:
    seats, minor_units = 0, 0
    for line in lines.split(",") if lines else ():
        of_line, amount, of_currency = line.split(" ")
        if of_currency != currency:
            raise ValueError(f"an amount in {of_currency} cannot be added to a total in {currency}")
        seats, minor_units = seats + int(of_line), minor_units + int(amount)
    return LicenceFacts(
        licence_id=licence_id,
        product=ProductName(_shared(product)),
        edition=EditionName(_shared(edition)),
        purchased_on=purchased_on,
        status=_STATUS[status],
        seats=seats,
        total_purchase_price=Money(minor_units, _shared(currency)),
        support_periods=_periods(periods) if periods else (),
        grants=_grants(grants) if grants else (),
        updates=_NO_RULES if channels is pin is turn is None else _updates(channels, pin, turn),
    )


def _updates(channels: Any, pin: str | None, turn: str | None) -> UpdateRules:
    """As ``licence_rows.update_rules``. SQLite gives JSON as text."""
    names = json.loads(channels) if isinstance(channels, str) else channels
    major, _, minor = (pin or "").partition(".")
    return UpdateRules(
        channels=frozenset(ChannelName(name) for name in names) if names is not None else None,
        pin=Pin(int(major), int(minor) if minor else None) if pin is not None else None,
        turn=Turn(turn) if turn is not None else Turn.NORMAL,
    )


def _periods(text: str) -> tuple[SupportPeriod, ...]:
    return tuple(
        SupportPeriod(date.fromisoformat(one[:10]), date.fromisoformat(one[11:])) for one in sorted(text.split(","))
    )


def _grants(text: str) -> tuple[Grant, ...]:
    numbered = sorted((int(number), what) for number, _, what in (one.partition(" ") for one in text.split(",")))
    return tuple(_grant(what) for _, what in numbered)


def _grant(text: str) -> Grant:
    if text.startswith("v"):
        return VersionGrant(Version(text[1:]))
    major, _, minor = text[1:].partition(".")
    return LineGrant(int(major), int(minor))


def _shared(name: str) -> str:
    if len(_NAMES) >= _MAX_NAMES:
        _NAMES.clear()
    return _NAMES.setdefault(name, name)
