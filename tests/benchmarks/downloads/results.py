"""What was found: rows with bounds, as a table for a terminal and for ``docs/performance/downloads.md``."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.report import machine

_BEGIN, _END = "<!-- results -->", "<!-- end of results -->"
_HEAD = ("work", "figure", "spread", "at most", "")


@dataclass(frozen=True, slots=True)
class Row:
    """One measured thing over the rounds. ``at_most``, or ``at_least``, bounds the median."""

    work: str
    figures: Sequence[float]
    at_most: float | None = None
    at_least: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.figures)

    @property
    def verdict(self) -> str:
        if self.at_most is not None:
            return "met" if self.median <= self.at_most else "missed"
        if self.at_least is not None:
            return "met" if self.median >= self.at_least else "missed"
        return ""

    def cells(self) -> tuple[str, ...]:
        bound = "" if self.at_most is None else f"{self.at_most:g}"
        if self.at_least is not None:
            bound = f"at least {self.at_least:g}"
        spread = f"{_short(min(self.figures))} to {_short(max(self.figures))}"
        return self.work, _short(self.median), spread, bound, self.verdict


@dataclass
class Found:
    """By section, in the order in which they were measured."""

    sections: dict[str, list[Row]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def text(self) -> str:
        lines = []
        for title, rows in self.sections.items():
            lines += ["", title]
            table = [row.cells() for row in rows]
            widths = [max(len(row[column]) for row in [_HEAD, *table]) for column in range(len(_HEAD))]
            lines += ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in [_HEAD, *table]]
        return "\n".join([*lines, "", *(f"left out: {what}" for what in self.left_out)])

    def markdown(self, options: Mapping[str, object]) -> str:
        lines = []
        for title, rows in self.sections.items():
            lines += [f"### {title}", "", f"| {' | '.join(_HEAD)} |", "|---|---:|---:|---:|---|"]
            lines += [f"| {' | '.join(row.cells())} |" for row in rows] + [""]
        lines += [f"Left out: {what}." for what in self.left_out]
        how = ", ".join(f"{name} {value}" for name, value in {**options, **machine()}.items())
        return "\n".join([*lines, f"{datetime.now(UTC):%Y-%m-%d}: {how}."])


def write(found: Found, page: Path, options: Mapping[str, object]) -> None:
    """Between the page's marks."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    page.write_text(f"{before}{_BEGIN}\n{found.markdown(options)}\n{_END}{after}", encoding="utf-8")


def _short(figure: float) -> str:
    return f"{figure:.0f}" if figure >= 20 else f"{figure:.1f}" if figure >= 5 else f"{figure:.2f}"
