"""A report as CSV, as JSON values, and as a picture that can be read aloud."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from xml.sax.saxutils import escape, quoteattr

from tenure_server.domain.reports import Cell, Chart, Report

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LEFT, _TOP, _PLOT_HEIGHT, _LABELS = 76, 76, 240, 84
_BAR, _GAP, _LEAST_WIDTH = 18, 16, 420
_COLOURS = (("#1f5fbf", "#8ab4f8"), ("#c2570c", "#f6a860"), ("#4d7c0f", "#a3d65c"), ("#7a1fa2", "#d6a3f0"),
            ("#0f766e", "#6fd6cb"), ("#9f1239", "#f79ab0"))  # fmt: skip


def as_csv(report: Report) -> str:
    """RFC 4180, with a header. What a spreadsheet would take for a formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(report.columns)
    writer.writerows([_csv_cell(cell) for cell in row] for row in report.rows)
    return out.getvalue()


def as_json(report: Report) -> dict[str, object]:
    """Amounts and percentages are texts, so that no program makes binary fractions of them."""
    rows = [dict(zip(report.columns, map(_json_cell, row), strict=True)) for row in report.rows]
    return {"report": report.name.value, "title": report.title, "columns": list(report.columns), "rows": rows}


def as_svg(report: Report) -> str:
    """Bars, in the colours of the reader's light or dark screen. Every number is also in words, in the description and
    on each bar, so nothing depends on seeing or telling colours apart."""
    chart = report.chart
    names = list(chart.series)
    group = max(1, len(names)) * _BAR + _GAP
    width = max(_LEAST_WIDTH, _LEFT + group * len(chart.labels) + 24)
    legend = 22 * max(0, len(names) - 1)
    height = _TOP + legend + _PLOT_HEIGHT + _LABELS
    top = max((number for numbers in chart.series.values() for number in numbers), default=Decimal(0))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
        ' aria-labelledby="title description">',
        f'<title id="title">{escape(report.title)}</title>',
        f'<desc id="description">{escape(_in_words(chart))}</desc>',
        f"<style>{_style(len(names))}</style>",
        f'<rect class="ground" width="{width}" height="{height}"/>',
        f'<text class="head" x="16" y="28">{escape(report.title)}</text>',
        *_legend(names),
        *_plot(chart, _step(top), _TOP + legend, width, group),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _legend(names: Sequence[str]) -> list[str]:
    if len(names) < 2:
        return []
    drawn = []
    for number, name in enumerate(names):
        y = 52 + 22 * number
        drawn.append(f'<rect class="s{number % len(_COLOURS)}" x="16" y="{y - 11}" width="12" height="12"/>')
        drawn.append(f'<text x="36" y="{y}">{escape(name)}</text>')
    return drawn


def _plot(chart: Chart, step: Decimal, top: int, width: int, group: int) -> list[str]:
    base = top + _PLOT_HEIGHT
    if not chart.labels or not chart.series:
        return [f'<text x="16" y="{top + 24}">There is nothing to show.</text>']
    highest = step * 4
    drawn = []
    for line in range(5):
        y = base - _PLOT_HEIGHT * line // 4
        drawn.append(f'<line class="rule" x1="{_LEFT}" x2="{width - 12}" y1="{y}" y2="{y}"/>')
        drawn.append(f'<text class="tick" x="{_LEFT - 8}" y="{y + 4}">{_shown(step * line)}</text>')
    for place, label in enumerate(chart.labels):
        left = _LEFT + _GAP // 2 + place * group
        for number, (name, numbers) in enumerate(chart.series.items()):
            tall = int(_PLOT_HEIGHT * numbers[place] / highest)
            told = quoteattr(f"{label}, {name}: {_shown(numbers[place])}")[1:-1]
            drawn.append(
                f'<rect class="s{number % len(_COLOURS)}" x="{left + number * _BAR}" y="{base - tall}"'
                f' width="{_BAR - 3}" height="{tall}"><title>{told}</title></rect>'
            )
        x, y = left + (group - _GAP) // 2, base + 14
        drawn.append(f'<text class="label" x="{x}" y="{y}" transform="rotate(-40 {x} {y})">{escape(label)}</text>')
    return drawn


def _in_words(chart: Chart) -> str:
    told = [
        f"{label}: " + ", ".join(f"{name} {_shown(numbers[place])}" for name, numbers in chart.series.items())
        for place, label in enumerate(chart.labels)
        if chart.series
    ]
    return f"Bars, in {chart.unit or 'numbers'}. " + ("; ".join(told) or "There is nothing to show.")


def _step(top: Decimal) -> Decimal:
    """A quarter of the axis: 1, 2 or 5 with noughts, so that four of them reach the top."""
    step = Decimal(1)
    while True:
        for factor in (1, 2, 5):
            if step * factor * 4 >= top:
                return step * factor
        step *= 10


def _style(series: int) -> str:
    light = "".join(f".s{number}{{fill:{_COLOURS[number][0]}}}" for number in range(min(series, len(_COLOURS))))
    dark = "".join(f".s{number}{{fill:{_COLOURS[number][1]}}}" for number in range(min(series, len(_COLOURS))))
    return (
        "text{font:13px system-ui,sans-serif;fill:#1c2430}.head{font-size:16px;font-weight:600}"
        ".tick,.label{font-size:12px;text-anchor:end}.ground{fill:#ffffff}.rule{stroke:#d9dee6}" + light +
        "@media(prefers-color-scheme:dark){text{fill:#e6eaf0}.ground{fill:#12161c}.rule{stroke:#36404d}" + dark + "}"
    )  # fmt: skip


def _shown(number: Decimal) -> str:
    return f"{number:,.2f}".removesuffix(".00")


def _csv_cell(cell: Cell) -> str:
    text = "" if cell is None else str(cell)
    return f"'{text}" if isinstance(cell, str) and text.startswith(_FORMULA) else text


def _json_cell(cell: Cell) -> str | int | None:
    return str(cell) if isinstance(cell, Decimal) else cell
