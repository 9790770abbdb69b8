"""Tables as files: CSV (RFC 4180) and JSON (a list of objects), both ways, with the same texts in both.

A cell that a spreadsheet would take for a formula is written with an apostrophe before it, which reading takes away.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

Row = Mapping[str, str]

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_BEYOND = "beyond the last column"


class RowForm(StrEnum):
    CSV = "csv"
    JSON = "json"


def written_rows(columns: Sequence[str], rows: Iterable[Row], form: RowForm) -> str:
    """The rows, in the order of the columns."""
    if form is RowForm.JSON:
        return json.dumps([{name: row[name] for name in columns} for row in rows], ensure_ascii=False, indent=1) + "\n"
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_guarded(row[name]) for name in columns] for row in rows)
    return out.getvalue()


def read_rows(data: bytes, form: RowForm) -> list[dict[str, str]]:
    """What a file says, with or without a byte order mark; numbers of JSON as text, null as nothing.

    Raises ``ValueError`` with what is wrong with the file as a whole.
    """
    try:
        text = data.decode("utf-8-sig")
        if form is RowForm.CSV:
            lines = csv.DictReader(io.StringIO(text, newline=""), strict=True)
            return [{name: _unguarded(value) for name, value in _texts(row).items()} for row in lines]
        rows = json.loads(text)
    except (ValueError, RecursionError, csv.Error) as error:
        raise ValueError(f"cannot be read as {form.upper()} in UTF-8") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("is not a list of objects")
    return [_texts(row) for row in rows]


def _texts(row: Mapping[object, object]) -> dict[str, str]:
    """What CSV has beyond its columns shows as a column that there is not."""
    return {_BEYOND if name is None else str(name): "" if value is None else str(value) for name, value in row.items()}


def _guarded(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
