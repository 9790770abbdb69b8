"""Lists that are read page by page, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_PAGE = 500


@dataclass(frozen=True, slots=True)
class Place:
    """An entry's place in such a list, which stays when others are added or removed: when it was made, and its id."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """``after`` is the last entry's place where more follow, else None."""

    entries: Sequence[T]
    after: Place | None
