"""Conditions that indexes answer: what begins with a word, what comes after a place in a list."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from tenure_server.domain.paging import Place

_LAST_CHARACTER = "\U0010ffff"


def begins(column: Any, word: str) -> ColumnElement[bool]:
    """Of a column that is compared byte by byte (``WORD``). Words of a search are storable by their nature."""
    return and_(column >= word, column < word + _LAST_CHARACTER)


def behind(at: Any, identity: Any, place: Place) -> ColumnElement[bool]:
    """In a list that has the newest first and then the highest id."""
    return or_(at < place.at, and_(at == place.at, identity < place.id))
