"""Licence facts from the row that the database's own triggers keep of them: ``tables_facts.py``.

Many licences share their terms, and the days on which they were bought and are supported: such texts are read once,
and what they say is one object for all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any, Generic, NamedTuple, TypeVar

from tenure_server.domain.licence_facts import LicenceFacts
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

MAX_TERMS = 4_096
MAX_DAYS = 16_384
"""How many different texts are remembered."""

# Lines, periods and grants come as one text each: 3 rows for a licence would cost more than the joining.
_LICENCE = """
SELECT l.licence_id,
  (SELECT {join}(o.seats || ' ' || o.minor_units || ' ' || o.currency, ',')
   FROM order_line o WHERE o.licence_id = l.licence_id),
  {day}(l.purchased_on{iso}) || '|' || coalesce(
    (SELECT {join}({day}(p.starts_on{iso}) || ' ' || {day}(p.ends_on{iso}), ',')
     FROM support_period p WHERE p.licence_id = l.licence_id), ''),
  l.product || '|' || l.edition || '|' || l.currency || '|' || l.status
    || '|' || coalesce(CAST(l.update_channels AS TEXT), '') || '|' || coalesce(l.update_pin, '')
    || '|' || coalesce(l.update_turn, '') || '|' || coalesce(
    (SELECT {join}(g.number || ' ' || coalesce('v' || g.version, 'l' || g.line), ',')
     FROM licence_grant g WHERE g.licence_id = l.licence_id), '')
FROM licence l WHERE l.feed_token_digest = {mark}
"""
BY_FEED_TOKEN_ON_SQLITE = _LICENCE.format(join="group_concat", day="date", iso="", mark="?")
BY_FEED_TOKEN_ON_POSTGRESQL = _LICENCE.format(join="string_agg", day="to_char", iso=", 'YYYY-MM-DD'", mark="%s")
"""A row as that of the table, for a licence that is found otherwise than by a key."""

_NO_RULES = UpdateRules()
_STATUS = {status.value: status for status in LicenceStatus}

T = TypeVar("T")


class _Days(NamedTuple):
    purchased_on: date
    support_periods: tuple[SupportPeriod, ...]


class _Terms(NamedTuple):
    product: ProductName
    edition: EditionName
    currency: str
    status: LicenceStatus
    grants: tuple[Grant, ...]
    updates: UpdateRules


class _ReadOnce(Generic[T]):
    """What texts say, of those that were read lately; for any number of threads."""

    def __init__(self, read: Callable[[str], T], limit: int) -> None:
        self._read = read
        self._limit = limit
        self._known: dict[str, T] = {}

    def __call__(self, text: str) -> T:
        found = self._known.get(text)
        if found is None:
            found = self._read(text)
            if len(self._known) >= self._limit:
                self._known.clear()
            self._known[text] = found
        return found


def facts_of_row(licence_id: str, lines: str | None, days: str, terms: str) -> LicenceFacts:
    """Raises ``ValueError`` for order lines in another currency than the licence's."""
    bought, of = _days(days), _terms(terms)
    seats, minor_units = 0, 0
    for line in lines.split(",") if lines else ():
        of_line, amount, currency = line.split(" ")
        if currency != of.currency:
            raise ValueError(f"an amount in {currency} cannot be added to a total in {of.currency}")
        seats, minor_units = seats + int(of_line), minor_units + int(amount)
    return LicenceFacts(
        licence_id,
        of.product,
        of.edition,
        bought.purchased_on,
        of.status,
        seats,
        Money(minor_units, of.currency),
        bought.support_periods,
        of.grants,
        of.updates,
    )


def _read_days(text: str) -> _Days:
    purchased_on, _, periods = text.partition("|")
    return _Days(
        date.fromisoformat(purchased_on),
        tuple(
            SupportPeriod(date.fromisoformat(one[:10]), date.fromisoformat(one[11:]))
            for one in sorted(periods.split(",") if periods else ())
        ),
    )


def _read_terms(text: str) -> _Terms:
    product, edition, currency, status, channels, pin, turn, grants = text.split("|")
    return _Terms(
        ProductName(product),
        EditionName(edition),
        currency,
        _STATUS[status],
        _grants(grants) if grants else (),
        _updates(channels, pin, turn) if channels or pin or turn else _NO_RULES,
    )


_days = _ReadOnce(_read_days, MAX_DAYS)
_terms = _ReadOnce(_read_terms, MAX_TERMS)


def _updates(channels: str, pin: str, turn: str) -> UpdateRules:
    """As ``licence_rows.update_rules``."""
    names: Any = json.loads(channels) if channels else None
    major, _, minor = pin.partition(".")
    return UpdateRules(
        channels=frozenset(ChannelName(name) for name in names) if names is not None else None,
        pin=Pin(int(major), int(minor) if minor else None) if pin else None,
        turn=Turn(turn) if turn else Turn.NORMAL,
    )


def _grants(text: str) -> tuple[Grant, ...]:
    numbered = sorted((int(number), what) for number, _, what in (one.partition(" ") for one in text.split(",")))
    return tuple(_grant(what) for _, what in numbered)


def _grant(text: str) -> Grant:
    if text.startswith("v"):
        return VersionGrant(Version(text[1:]))
    major, _, minor = text[1:].partition(".")
    return LineGrant(int(major), int(minor))
