"""Rows of a file are imported: all in one transaction or, if one is bad or it is only to be tried, none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tenure_server.errors import Refusal
from tenure_server.use_cases.ports import Database, Records
from tenure_signing.errors import SigningError

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BadRow:
    """``number`` counts from 1, without a heading."""

    number: int
    problem: str


@dataclass(frozen=True, slots=True)
class Imported:
    """Nothing was changed if there is a bad row, or in a dry run."""

    new: int
    known: int
    bad: tuple[BadRow, ...]
    is_changed: bool


class _Undone(Exception):
    """Ends a transaction that is not to be kept."""


def import_rows(
    database: Database, rows: Sequence[Row], import_one: Callable[[Records, Row], bool], *, dry_run: bool
) -> Imported:
    """``import_one`` says whether the row is new, and raises for one that makes no sense."""
    new = known = 0
    bad: list[BadRow] = []
    try:
        with database.writing() as records:
            for number, row in enumerate(rows, 1):
                try:
                    if import_one(records, row):
                        new += 1
                    else:
                        known += 1
                except (Refusal, SigningError, ValueError) as error:
                    bad.append(BadRow(number, str(error)))
            if bad or dry_run:
                raise _Undone
    except _Undone:
        pass
    return Imported(new, known, tuple(bad), is_changed=not (bad or dry_run))


def require_columns(row: Row, columns: Sequence[str], required: Sequence[str]) -> None:
    """Raises ``ValueError`` for a column that there is not, and for a missing value."""
    unknown = sorted(set(row) - set(columns))
    if unknown:
        raise ValueError(f"there is no column {', '.join(map(repr, unknown))}")
    missing = [name for name in required if not row.get(name)]
    if missing:
        raise ValueError(f"{', '.join(missing)} is missing")
