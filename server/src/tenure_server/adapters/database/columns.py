"""Columns that keep a value exactly, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, String, Text, TypeDecorator

DIGEST = String(64)
"""SHA-256 in lower-case hexadecimal."""

NUMBER = BigInteger().with_variant(Integer(), "sqlite")
"""Given by the database, in the order of adding. SQLite gives them only where the type is its own 64-bit INTEGER."""


WORD = Text().with_variant(Text(collation="C"), "postgresql")
"""Compared byte by byte on both databases, so that an index finds what begins with something."""


class Instant(TypeDecorator[datetime]):
    """An aware instant, stored in UTC and read back in UTC to the microsecond; SQLite itself knows no time zones.
    Raises ``ValueError`` for a naive one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.utcoffset() is None:
            raise ValueError("an instant has a time zone")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        assert isinstance(value, datetime)
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def is_storable(text: str) -> bool:
    """Whether both databases can hold the text. What they cannot hold, no row has: look-ups need not ask for it."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
