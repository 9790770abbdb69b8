"""What one figure for each request does not say: ``python -m tests.benchmarks.scale_rows``. docs/performance says more.

Half load and bursts, several processes, growth of the catalogue and of the licences, start, memory, and how soon a
publication, a halt and a revocation hold everywhere. ``--short`` is what CI runs: it fails only on broken measurement.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks import scale_report
from tests.benchmarks.__main__ import DOCS, MISSING_PROGRAM, catalogue_folder
from tests.benchmarks.dataset import dataset
from tests.benchmarks.measuring import BrokenMeasurement
from tests.benchmarks.scale_bench import Bench
from tests.benchmarks.scale_changes import changes_hold, cost_of_looking
from tests.benchmarks.scale_growth import licences_grow, memory, rebuild, releases_grow, start
from tests.benchmarks.scale_load import burst, half_load, half_load_while_publishing, overload, two_workers
from tests.benchmarks.scale_report import Row

MEASUREMENTS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "workers": two_workers,
    "half-load": half_load,
    "publishing": half_load_while_publishing,
    "burst": burst,
    "overload": overload,
    "releases": releases_grow,
    "licences": licences_grow,
    "start": start,
    "rebuild": rebuild,
    "memory": memory,
    "changes": changes_hold,
    "looking": cost_of_looking,
}

SHORT = ("publishing", "overload", "memory", "changes", "looking")
"""Each kind of measurement, and few starts of a server."""


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers are ended on the way out
    if missing := [name for name in ("wrk", "taskset") if shutil.which(name) is None]:
        print(f"error: missing: {', '.join(missing)}", file=sys.stderr)
        print("hint: apt-get install wrk util-linux", file=sys.stderr)
        return MISSING_PROGRAM
    if len(os.sched_getaffinity(0)) < 2:
        print("left out: the benchmark needs two processors, one for the load", file=sys.stderr)
        return 0 if options.short else MISSING_PROGRAM
    catalogue = catalogue_folder() / "ruff.json"
    if not catalogue.exists():
        print(f"error: there is no release history at {catalogue}", file=sys.stderr)
        return MISSING_PROGRAM
    rows: list[Row] = []
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tenure-scale-")))
        made = dataset(options.cache, catalogue, options.licences)
        bench = Bench(made, directory, options.cache, catalogue, is_short=options.short, seed=options.seed, stack=stack)
        for name in options.only or (SHORT if options.short else MEASUREMENTS):
            print(f"{name}:", flush=True)
            try:
                for row in MEASUREMENTS[name](bench):
                    rows.append(row)
                    print(f"  {row.name:64} {row.shown}  {row.verdict}", flush=True)
            except BrokenMeasurement as error:
                print(f"error: broken measurement: {error}", file=sys.stderr)
                return 1
    if options.write:
        scale_report.write(rows, DOCS, licences=made.licences)
        print("written to docs/performance")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scale_rows", description=__doc__)
    parser.add_argument("--licences", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=20_261_123)
    parser.add_argument("--only", action="append", choices=list(MEASUREMENTS), help="may be repeated")
    parser.add_argument("--short", action="store_true", help="20 000 licences, a second each: for CI")
    parser.add_argument("--write", action="store_true", help="write docs/performance")
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "tenure-benchmarks", help="keeps the datasets"
    )
    options = parser.parse_args()
    if options.short:
        options.licences = 20_000
    return options


if __name__ == "__main__":
    sys.exit(main())
