"""Calendar days as text. RULES.md, Calendar: every entitlement date is a calendar day in the vendor's time zone."""

from __future__ import annotations

import re
from datetime import date

from tenure_signing.errors import InvalidDay

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def parse_day(text: str) -> date:
    """A day written YYYY-MM-DD; other ISO 8601 spellings are refused so that a day has one spelling."""
    if not _DAY.fullmatch(text):
        raise InvalidDay("a day is written YYYY-MM-DD")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidDay(f"{text} is not a day of the calendar") from error
