"""The rows of ``scale_rows`` for people and programs."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_BEGIN, _END = "<!-- scale rows -->", "<!-- end of scale rows -->"
FILE = "results-scale.json"


@dataclass(frozen=True, slots=True)
class Row:
    """``shown`` is for people, ``values`` for programs; ``is_met`` is None where issue 5 sets no bound."""

    name: str
    shown: str
    values: dict[str, float] = field(default_factory=dict)
    bound: str = ""
    is_met: bool | None = None

    @property
    def verdict(self) -> str:
        return {None: "", True: "met", False: "missed"}[self.is_met]


def write(rows: Sequence[Row], docs: Path, *, licences: int) -> None:
    """``results-scale.json`` and the table in ``README.md``; rows that were not measured this time stay."""
    path = docs / FILE
    before: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"rows": []}
    now = datetime.now(UTC).isoformat(timespec="seconds")
    new = {row.name: {"at": now, "licences": licences, **_rounded(row)} for row in rows}
    kept = {row["name"]: row for row in before["rows"]} | new
    results = {"machine": {"kernel": platform.release(), "python": platform.python_version()}, "rows": [*kept.values()]}
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    readme = docs / "README.md"
    text = readme.read_text(encoding="utf-8")
    head, _, rest = text.partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    readme.write_text(f"{head}{_BEGIN}\n{_table(results['rows'])}\n{_END}{tail}", encoding="utf-8")


def _rounded(row: Row) -> dict[str, Any]:
    return {**asdict(row), "values": {name: round(value, 3) for name, value in row.values.items()}}


def _table(rows: Any) -> str:
    lines = ["| work | found | bound |  |", "|---|---|---|---|"]
    for found in rows:
        row = Row(**{name: found[name] for name in ("name", "shown", "values", "bound", "is_met")})
        lines.append(f"| {row.name} | {row.shown} | {row.bound} | {row.verdict} |")
    return "\n".join(lines)
