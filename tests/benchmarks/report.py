"""The results as a table for people, JSON for programs and a plot."""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from tenure_server.app import create_app
from tests.benchmarks.contenders import YARDSTICK, Contender
from tests.benchmarks.dataset import RUFF, Dataset, installation_at
from tests.benchmarks.measuring import Figures
from tests.benchmarks.plot import draw

_BEGIN, _END = "<!-- results -->", "<!-- end of results -->"
_PACKAGES = ("uvicorn", "uvloop", "httptools", "starlette", "pydantic", "sqlalchemy", "cryptography", "psycopg")


@dataclass(frozen=True, slots=True)
class Result:
    """Medians over the rounds; ``lowest`` and ``highest`` are the spread of ``cpu_us``. Ratios are to the yardstick."""

    name: str
    is_ours: bool
    cpu_us: float
    lowest: float
    highest: float
    ratio: float
    at_most: float | None
    stretch: float | None
    per_second: float
    p50: float
    p99: float
    resident_mb: float

    @property
    def verdict(self) -> str:
        if self.at_most is None or not self.is_ours:
            return ""
        if self.ratio > self.at_most:
            return "missed"
        return "stretch met" if self.stretch is not None and self.ratio <= self.stretch else "met"


def results_of(
    contenders: Sequence[Contender], found: Mapping[str, list[Figures]], made: Dataset, options: argparse.Namespace
) -> dict[str, Any]:
    """Everything that is written down. The ratio of a round is to the yardstick of the same round."""
    yardstick = [figures.cpu_us for figures in found.get(YARDSTICK, [])]
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "licences": made.licences,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "results": [asdict(_result(one, found[one.name], yardstick)) for one in contenders],
    }


def _result(contender: Contender, rounds: list[Figures], yardstick: list[float]) -> Result:
    cpu = [figures.cpu_us for figures in rounds]
    ratios = [own / bare for own, bare in zip(cpu, yardstick, strict=False)]

    def median(name: str) -> float:
        return round(float(statistics.median(getattr(figures, name) for figures in rounds)), 1)

    return Result(
        name=contender.name,
        is_ours=contender.is_ours,
        cpu_us=median("cpu_us"),
        lowest=round(min(cpu), 1),
        highest=round(max(cpu), 1),
        ratio=round(statistics.median(ratios), 2) if ratios else 0.0,
        at_most=contender.at_most,
        stretch=contender.stretch,
        per_second=round(median("per_second")),
        p50=median("p50"),
        p99=median("p99"),
        resident_mb=median("resident_mb"),
    )


def machine() -> dict[str, str]:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    nginx = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=False).stderr.strip()
    return {
        "processor": f"{len(models)} x {models[0].partition(':')[2].strip()}" if models else platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "nginx": nginx.rpartition("/")[2],
        **{name: version(name) for name in _PACKAGES},
    }


def _rows(results: Mapping[str, Any]) -> list[list[str]]:
    rows = []
    for one in results["results"]:
        result = Result(**one)
        rows.append(
            [
                result.name,
                f"{result.cpu_us:.1f}",
                f"{result.lowest:.1f} to {result.highest:.1f}",
                f"{result.ratio:.2f}",
                "" if result.at_most is None or not result.is_ours else f"{result.at_most:g}",
                "" if result.stretch is None else f"{result.stretch:g}",
                result.verdict,
                f"{result.per_second:,.0f}",
                f"{result.p50 / 1000:.2f}",
                f"{result.p99 / 1000:.2f}",
                f"{result.resident_mb:.0f}",
            ]
        )
    return rows


_HEAD = ["work", "CPU µs", "spread", "× bare", "at most", "stretch", "", "req/s", "p50 ms", "p99 ms", "RSS MB"]


def text_table(results: Mapping[str, Any]) -> str:
    rows = [_HEAD, *_rows(results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def markdown_table(results: Mapping[str, Any]) -> str:
    machine = results["machine"]
    lines = ["| " + " | ".join(_HEAD) + " |", "|---|" + "---:|" * (len(_HEAD) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in _rows(results)]
    lines += [
        "",
        f"{results['licences']:,} licences; median of {results['rounds']} rounds of {results['seconds']:g} s; "
        f"{results['at'][:10]}; " + ", ".join(f"{name} {value}" for name, value in machine.items()) + ".",
    ]
    return "\n".join(lines)


def write(results: Mapping[str, Any], docs: Path) -> None:
    """``results.json``, the plots, and the table between its marks in ``README.md``."""
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    readme = docs / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    readme.write_text(f"{before}{_BEGIN}\n{markdown_table(results)}\n{_END}{after}", encoding="utf-8")
    draw(results, docs)


def typical_answer(made: Dataset) -> bytes:
    """The body of a check for Linux with an offer."""
    app = create_app(installation_at(made.data_dir))
    with TestClient(app) as client:
        for product, _, _, key in made.lines():
            if product == RUFF:
                query = {"product": RUFF, "version": "0.0.200", "os": "linux", "arch": "x86_64"}
                response = client.get("/v1/update-check", params=query, headers={"Authorization": f"License {key}"})
                if response.json().get("offer"):
                    return response.content
    raise SystemExit("no licence of the dataset has an update")
