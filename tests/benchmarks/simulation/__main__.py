"""See the package's own words."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.__main__ import DOCS, catalogue_folder
from tests.benchmarks.dataset import dataset
from tests.benchmarks.simulation import report
from tests.benchmarks.simulation.costs import VALIDATION
from tests.benchmarks.simulation.validation import validate, write

SCALE = DOCS.parent / "scale.md"


def main() -> int:
    options = _options()
    if options.validate:
        made = dataset(options.cache, catalogue_folder() / "ruff.json", options.licences)
        found = validate(made, rounds=options.rounds, seconds=options.seconds, requests=options.requests)
        if options.write:
            write(found, VALIDATION)
        else:
            print(json.dumps(found, indent=1))
    parts = report.parts(options.seed)
    for name, text in parts.items():
        print(f"\n{name}\n\n{text}")
    if options.write:
        report.write(parts, SCALE)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.simulation", description=__doc__)
    parser.add_argument("--validate", action="store_true", help="measure on this machine first: some minutes")
    parser.add_argument("--write", action="store_true", help="write docs/scale.md and docs/performance/simulation.json")
    parser.add_argument("--seed", type=int, default=20_261_124)
    parser.add_argument("--licences", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "tenure-benchmarks", help="keeps the datasets"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
