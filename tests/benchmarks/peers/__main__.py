"""See the package's own words. docs/scale.md, Peers, says what it needs."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.__main__ import DOCS, catalogue_folder
from tests.benchmarks.contenders import CONTENDERS, YARDSTICK, started
from tests.benchmarks.dataset import Dataset, dataset
from tests.benchmarks.measuring import BrokenMeasurement, cpu_seconds, wrk
from tests.benchmarks.peers.balrog import Balrog
from tests.benchmarks.peers.electron_release_server import ElectronReleaseServer
from tests.benchmarks.postgres_copy import running_copy
from tests.benchmarks.servers import ANSWER_FILE
from tests.benchmarks.simulation.costs import NEVER_SEEN, SEEN_LATELY
from tests.benchmarks.simulation.report import write as write_between_marks
from tests.benchmarks.work import Work
from tests.services.ports import free_port
from tests.services.postgres import running_postgres

RESULTS, PAGE = DOCS / "peers.json", DOCS.parent / "scale.md"
BALROG, ELECTRON = "Balrog, public check", "electron-release-server, check"
AT_LEAST = {BALROG: 30.0, ELECTRON: 100.0}
"""How many times the CPU of our check issue 5 says they take."""

WARM_REQUESTS, COLD_REQUESTS = 20_000, 6_000
FIRST_ANSWER_SECONDS = 60.0
FEWEST = 30  # requests of a run: CPU time is counted in hundredths of a second


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians over the rounds. ``times_ours`` and ``times_ours_cold``: how often the CPU of a check of ours goes into
    it, licence seen lately and never seen."""

    name: str
    cpu_us: float
    lowest: float
    highest: float
    per_second: float
    times_bare: float
    times_ours: float
    times_ours_cold: float


@dataclass
class Run:
    made: Dataset
    directory: Path
    seconds: float
    database_url: str | None
    found: dict[str, list[tuple[float, float]]]

    def ours(self, name: str, seed: int) -> None:
        contender = next(one for one in CONTENDERS if one.name == name)
        work, port = Work(self.made, self.directory, seed), free_port()
        with started(contender, port, self.made.data_dir, self.database_url, self.directory) as pid:
            if contender.once:
                wrk(port, work.feed(500), seconds=30, once=True)
                self._count(
                    name, port, contender.requests(work, COLD_REQUESTS, port), lambda: cpu_seconds(pid), once=True
                )
            else:
                requests = contender.requests(work, WARM_REQUESTS, port)
                wrk(port, requests, seconds=60, once=True)
                self._count(name, port, requests, lambda: cpu_seconds(pid))

    def theirs(self, name: str, peer: Balrog | ElectronReleaseServer) -> None:
        port = free_port()
        folder = Path(tempfile.mkdtemp(dir=self.directory))
        with peer.running(folder, port) as pid:
            _require_offer(peer, port)
            requests = folder / "requests"
            requests.write_text(peer.request() + "\n===\n", encoding="ascii", newline="")
            database = peer.database_process() if isinstance(peer, ElectronReleaseServer) else None
            wrk(port, requests, seconds=2, once=False, connections=8)
            self._count(
                name,
                port,
                requests,
                lambda: cpu_seconds(pid) + (cpu_seconds(database) if database is not None else 0.0),
            )

    def _count(self, name: str, port: int, requests: Path, cpu: Callable[[], float], *, once: bool = False) -> None:
        before = cpu()
        said = wrk(port, requests, seconds=60 if once else self.seconds, once=once)
        used = cpu() - before
        if said["broken"] or said["refused"] or said["requests"] < FEWEST:
            raise BrokenMeasurement(f"{name}: {said}")
        rate = said["requests"] / (said["microseconds"] / 1e6)
        self.found.setdefault(name, []).append((used / said["requests"] * 1e6, rate))
        print(f"  {name:40} {used / said['requests'] * 1e6:9.1f} us {rate:9.0f}/s", flush=True)


def _require_offer(peer: Balrog | ElectronReleaseServer, port: int) -> None:
    """The answer is an update, not an empty one."""
    path = peer.request().split(" ")[1]
    give_up_at = time.monotonic() + FIRST_ANSWER_SECONDS
    while time.monotonic() < give_up_at:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                if peer.is_offer(answer.read()):
                    return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.3)
    raise BrokenMeasurement(f"{type(peer).__name__} offers nothing")


def medians(found: dict[str, list[tuple[float, float]]]) -> list[Measured]:
    middle = {name: statistics.median(cpu for cpu, _ in rounds) for name, rounds in found.items()}
    return [
        Measured(
            name,
            round(middle[name], 1),
            round(min(cpu for cpu, _ in rounds), 1),
            round(max(cpu for cpu, _ in rounds), 1),
            round(statistics.median(rate for _, rate in rounds)),
            round(middle[name] / middle[YARDSTICK], 2),
            round(middle[name] / middle[SEEN_LATELY], 1),
            round(middle[name] / middle[NEVER_SEEN], 1),
        )
        for name, rounds in found.items()
    ]


def table(measured: Sequence[Measured], seen_at: str, rounds: int) -> str:
    lines = ["| server | CPU µs | spread | req/s | × bare | × our check, seen lately | × never seen | bound |"]
    lines.append("|---|---:|---:|---:|---:|---:|---:|---|")
    for one in measured:
        least = AT_LEAST.get(one.name)
        verdict = "" if least is None else f"at least {least:g}: {'met' if one.times_ours >= least else 'missed'}"
        lines.append(
            f"| {one.name} | {one.cpu_us:,.1f} | {one.lowest:,.1f} to {one.highest:,.1f} | {one.per_second:,.0f} "
            f"| {one.times_bare:,.2f} | {one.times_ours:,.1f} | {one.times_ours_cold:,.1f} | {verdict} |"
        )
    return "\n".join([*lines, "", f"{seen_at[:10]}, medians of {rounds} rounds, 1,000,000 licences of ours."])


@contextmanager
def _peers(options: argparse.Namespace) -> Iterator[dict[str, Balrog | ElectronReleaseServer]]:
    with ExitStack() as stack:
        found: dict[str, Balrog | ElectronReleaseServer] = {}
        if options.balrog is not None:
            found[BALROG] = Balrog(options.balrog.resolve(), options.balrog_environment.absolute())
        if options.electron_release_server is not None:
            postgres = stack.enter_context(running_postgres())
            found[ELECTRON] = ElectronReleaseServer(options.electron_release_server.resolve(), postgres)
        yield found


def main() -> int:
    options = _options()
    made = dataset(options.cache, catalogue_folder() / "ruff.json", options.licences)
    if not (made.data_dir / ANSWER_FILE).exists():
        print("error: make bench has not run here yet\nhint: python -m tests.benchmarks --short", file=sys.stderr)
        return 1
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tenure-peers-")))
        peers = stack.enter_context(_peers(options))
        run = Run(made, directory, options.seconds, stack.enter_context(running_copy(made)), {})
        try:
            for number in range(1, options.rounds + 1):
                print(f"round {number} of {options.rounds}", flush=True)
                for name in (YARDSTICK, SEEN_LATELY, NEVER_SEEN):
                    run.ours(name, options.seed + number)
                for name, peer in peers.items():
                    run.theirs(name, peer)
        except BrokenMeasurement as error:
            print(f"error: broken measurement: {error}", file=sys.stderr)
            return 1
    measured, at = medians(run.found), datetime.now(UTC).isoformat(timespec="seconds")
    text = table(measured, at, options.rounds)
    print(f"\n{text}")
    if options.write:
        facts = {"at": at, "rounds": options.rounds, "results": [asdict(one) for one in measured]}
        RESULTS.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        write_between_marks({"peers": text}, PAGE)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.peers", description=__doc__)
    parser.add_argument("--balrog", type=Path, help="a checkout of mozilla-releng/balrog")
    parser.add_argument("--balrog-environment", type=Path, help="a virtual environment of Python 3.13 for it")
    parser.add_argument(
        "--electron-release-server", type=Path, help="a checkout of ArekSredzki/electron-release-server"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each run")
    parser.add_argument("--licences", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=20_261_124)
    parser.add_argument("--write", action="store_true", help="write docs/performance/peers.json and docs/scale.md")
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "tenure-benchmarks", help="keeps the datasets"
    )
    options = parser.parse_args()
    if (options.balrog is None) != (options.balrog_environment is None):
        parser.error("--balrog and --balrog-environment go together")
    return options


if __name__ == "__main__":
    sys.exit(main())
