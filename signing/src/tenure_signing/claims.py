"""Reads the claims of a signed statement: each present, of its type and in its range, and no others.

The statement's signature is good by then, so a refusal here means that the issuer erred. Errors name the claim and
never its value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from tenure_signing.days import parse_day
from tenure_signing.errors import InvalidClaims, InvalidName, SigningError
from tenure_signing.key_sets import MAX_INSTANT

MAX_SEATS = 1_000_000

_LICENCE_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,63})", re.ASCII)
_LATEST_ZONE = timedelta(days=1)  # the day can be one later than in UTC, up to UTC+14

T = TypeVar("T")


def parse_licence_id(text: str) -> str:
    """A licence id: 1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit; else ``InvalidName``."""
    if not _LICENCE_ID.fullmatch(text):
        raise InvalidName(
            "a licence id is 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-', and begins with a letter or digit"
        )
    return text


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of one statement. Every method raises ``InvalidClaims``."""

    values: Mapping[str, object]

    def require_exactly(self, names: Collection[str]) -> None:
        for name in names:
            self._get(name)
        if len(self.values) != len(names):
            raise InvalidClaims("there is a claim that does not belong in this kind of statement")

    def text(self, name: str, parse: Callable[[str], T]) -> T:
        """A string that ``parse`` accepts."""
        value = self._get(name)
        if not isinstance(value, str):
            raise InvalidClaims(f"the claim {name} is not a string")
        try:
            return parse(value)
        except (SigningError, ValueError) as error:
            raise InvalidClaims(f"the claim {name} has a value outside its form") from error

    def whole_number(self, name: str, lowest: int, highest: int) -> int:
        value = self._get(name)
        if type(value) is not int or not lowest <= value <= highest:  # True is an int too
            raise InvalidClaims(f"the claim {name} is not a whole number from {lowest} to {highest}")
        return value

    def instant(self, name: str) -> datetime:
        """A NumericDate in whole seconds (RFC 7519, section 2), from 1970 to 9999."""
        return datetime.fromtimestamp(self.whole_number(name, 0, MAX_INSTANT), UTC)

    def seats(self) -> int:
        return self.whole_number("seats", 1, MAX_SEATS)

    def purchased_on(self, issued_at: datetime) -> date:
        """The purchase day, which is not after the day the statement was made, wherever in the world that was."""
        day = self.text("purchased_on", parse_day)
        if day - issued_at.date() > _LATEST_ZONE:
            raise InvalidClaims("the claim purchased_on is later than the statement itself")
        return day

    def items(self, name: str) -> list[object]:
        value = self._get(name)
        if not isinstance(value, list):
            raise InvalidClaims(f"the claim {name} is not a list")
        return value

    def _get(self, name: str) -> object:
        try:
            return self.values[name]
        except KeyError:
            raise InvalidClaims(f"the claim {name} is missing") from None


def numeric_date(instant: datetime) -> int:
    """Whole seconds since 1970 in UTC, rounded down. Raises ``ValueError`` for an instant without a zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
