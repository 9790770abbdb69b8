"""``make bench``: every contender in turn, several rounds, medians and spread. docs/performance/README.md says more."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks import report
from tests.benchmarks.contenders import CONTENDERS, Contender, started
from tests.benchmarks.dataset import Dataset, dataset
from tests.benchmarks.measuring import BrokenMeasurement, Figures, measure, wrk
from tests.benchmarks.postgres_copy import running_copy
from tests.benchmarks.servers import ANSWER_FILE
from tests.benchmarks.work import Work
from tests.services.ports import free_port

CHECKOUT = Path(__file__).resolve().parents[2]
DOCS = CHECKOUT / "docs" / "performance"
MISSING_PROGRAM = 3


@dataclass
class Run:
    """All rounds of one invocation."""

    made: Dataset
    seconds: float
    count: int
    directory: Path
    database_url: str | None
    found: dict[str, list[Figures]] = field(default_factory=dict)

    def round(self, contenders: Sequence[Contender], seed: int) -> None:
        """Every contender once, each by a fresh process."""
        work = Work(self.made, self.directory, seed)
        for contender in contenders:
            port = free_port()
            with started(contender, port, self.made.data_dir, self.database_url, self.directory) as pid:
                requests = contender.requests(work, self.count, port)
                if contender.once:
                    self._wake(contender, work, port)
                    figures = measure(pid, port, requests, seconds=60, once=True, refused=contender.refused)
                else:
                    wrk(port, requests, seconds=60, once=True)  # all of them: seen lately means seen
                    figures = measure(pid, port, requests, seconds=self.seconds, once=False, refused=contender.refused)
            self.found.setdefault(contender.name, []).append(figures)
            print(
                f"  {contender.name:40} {figures.cpu_us:8.1f} us  {figures.per_second:8.0f}/s"
                f"  p50 {figures.p50} us  p99 {figures.p99} us  {figures.resident_mb:.0f} MB",
                flush=True,
            )

    def _wake(self, contender: Contender, work: Work, port: int) -> None:
        """Licences of another product, so that what is measured is the work and not the imports."""
        others = work.certified(500, of_studio=True) if contender.server == "tenure-edge" else work.feed(500)
        wrk(port, others, seconds=30, once=True)


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers are ended on the way out
    if missing := [name for name in ("wrk", "taskset", "nginx") if shutil.which(name) is None]:
        packages = {"wrk": "wrk", "taskset": "util-linux", "nginx": "nginx-light"}
        print(f"error: missing: {', '.join(missing)}", file=sys.stderr)
        print(f"hint: apt-get install {' '.join(packages[name] for name in missing)}", file=sys.stderr)
        return MISSING_PROGRAM
    if len(os.sched_getaffinity(0)) < 2:
        print("left out: the benchmark needs two processors, one for the load", file=sys.stderr)
        return 0 if options.short else MISSING_PROGRAM
    contenders = [one for one in CONTENDERS if not options.only or any(word in one.name for word in options.only)]
    catalogue = catalogue_folder() / "ruff.json"
    if not catalogue.exists():
        print(
            f"error: there is no release history at {catalogue}; TENURE_TEST_CATALOGUES names another folder",
            file=sys.stderr,
        )
        return MISSING_PROGRAM
    made = dataset(options.cache, catalogue, options.licences)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tenure-bench-")))
        _write_answer(made)
        needs_copy = any(one.on_postgres for one in contenders)
        url = stack.enter_context(running_copy(made)) if needs_copy else None
        if needs_copy and url is None:
            print("left out: PostgreSQL is not installed (apt-get install postgresql)", file=sys.stderr)
            contenders = [one for one in contenders if not one.on_postgres]
        run = Run(made, options.seconds, options.requests, directory, url)
        try:
            for number in range(1, options.rounds + 1):
                print(f"round {number} of {options.rounds}", flush=True)
                run.round(contenders, seed=options.seed + number)
        except BrokenMeasurement as error:
            print(f"error: broken measurement: {error}", file=sys.stderr)
            return 1
    results = report.results_of(contenders, run.found, made, options)
    print()
    print(report.text_table(results))
    if options.write:
        report.write(results, DOCS)
        print(f"written to {DOCS.relative_to(CHECKOUT)}")
    return 0


def catalogue_folder() -> Path:
    """As ``tests.services.catalogues`` has it, which leaves tests out where it is missing."""
    return Path(os.environ.get("TENURE_TEST_CATALOGUES") or CHECKOUT.parent / "shared" / "catalogs")


def _write_answer(made: Dataset) -> None:
    """One of Tenure's own answers: what the other servers answer with."""
    path = made.data_dir / ANSWER_FILE
    if not path.exists():
        path.write_bytes(report.typical_answer(made))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--licences", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each run")
    parser.add_argument("--requests", type=int, default=20_000, help="length of the lists")
    parser.add_argument("--seed", type=int, default=20_261_123)
    parser.add_argument("--only", action="append", help="contenders whose name contains this; may be repeated")
    parser.add_argument("--short", action="store_true", help="20 000 licences, one round of a second: for CI")
    parser.add_argument("--write", action="store_true", help="write docs/performance")
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "tenure-benchmarks", help="keeps the datasets"
    )
    options = parser.parse_args()
    if options.short:
        options.licences, options.rounds, options.seconds, options.requests = 20_000, 1, 1.0, 1_000
    return options


if __name__ == "__main__":
    sys.exit(main())
