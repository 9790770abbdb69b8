"""What was measured: ``docs/performance/results.json`` and, for what wrk cannot see, ``simulation.json`` beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PERFORMANCE = Path(__file__).resolve().parents[3] / "docs" / "performance"
RESULTS, VALIDATION = PERFORMANCE / "results.json", PERFORMANCE / "simulation.json"

SEEN_LATELY, METADATA = "check, licence seen lately", "TUF metadata file"
NEVER_SEEN = "check, licence never seen, PostgreSQL"
DOWNLOAD = "download, to S3 by SigV4"


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds of CPU on one core. ``database``: of PostgreSQL's processes for a licence that is read. ``handshake``: of
    nginx for a new TLS connection with one request passed on."""

    seen_lately: float
    never_seen: float
    metadata: float
    download: float
    database: float
    handshake: float
    slow_share: float  # of requests that take ``slow_seconds`` more: collections of garbage, other processes
    slow_seconds: float


def measured(results: Path = RESULTS, validation: Path = VALIDATION) -> Costs:
    """Raises ``KeyError`` where something was not measured."""
    found: dict[str, float] = {one["name"]: one["cpu_us"] / 1e6 for one in _read(results)["results"]}
    beside = _read(validation)
    return Costs(
        seen_lately=found[SEEN_LATELY],
        never_seen=found[NEVER_SEEN],
        metadata=found[METADATA],
        download=found[DOWNLOAD],
        database=beside["database_cpu_us"] / 1e6,
        handshake=beside["handshake_cpu_us"] / 1e6,
        slow_share=0.01,
        slow_seconds=beside["slow_us"] / 1e6,
    )


def _read(path: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
