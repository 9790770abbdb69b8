"""The simulation held against wrk and a real server on this machine, and what wrk alone cannot tell measured.

What goes in: CPU time of a request at the server and at wrk, how long others had their cores, and one connection's
latencies. What has to come out: requests per second, median and 99th percentile.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from tests.benchmarks.contenders import CONTENDERS, Contender, started
from tests.benchmarks.dataset import Dataset
from tests.benchmarks.measuring import LOAD_CORE, cpu_seconds, running_server, wrk
from tests.benchmarks.postgres_copy import running_copy
from tests.benchmarks.simulation.costs import NEVER_SEEN, SEEN_LATELY
from tests.benchmarks.simulation.queueing import closed_loop
from tests.benchmarks.work import Work
from tests.services.certificates import self_signed
from tests.services.ports import free_port

NEVER_SEEN_HERE = "check, licence never seen, SQLite"
WARM_LOADS, COLD_LOADS = (1, 2, 4, 8, 16, 32, 64), (1, 4, 8, 16, 32)
SIMULATED_REQUESTS = 60_000
_PINNED = ("taskset", "-c", LOAD_CORE, "openssl")
TOLERANCE = {"per_second": 0.25, "p50": 0.25, "p99": 0.6}
"""By how much of the measured figure the simulated one may be off; the 99th percentile is the neighbours' too."""


@dataclass(frozen=True, slots=True)
class Load:
    """Of the quietest round. CPU in microseconds per request, latencies in microseconds."""

    connections: int
    per_second: float
    p50: float
    p99: float
    cpu: float
    client_cpu: float
    waits: float  # seconds for which the server wanted its core and others had it, for each second of its CPU time
    client_put_off: float  # how often, for a request, others were given the client's core


@dataclass(frozen=True, slots=True)
class Compared:
    work: str
    connections: int
    measured: Mapping[str, float]
    simulated: Mapping[str, float]

    @property
    def errors(self) -> dict[str, float]:
        """Of the measured figure."""
        return {name: self.simulated[name] / self.measured[name] - 1 for name in self.measured}

    @property
    def holds(self) -> bool:
        return all(abs(error) <= TOLERANCE[name] for name, error in self.errors.items())


def validate(made: Dataset, *, rounds: int, seconds: float, requests: int) -> dict[str, object]:
    """Everything that ``simulation.json`` holds. Takes some minutes."""
    with tempfile.TemporaryDirectory(prefix="tenure-simulation-") as folder:
        directory = Path(folder)
        work = Work(made, directory, seed=20_261_124)
        warm = _loads(_named(SEEN_LATELY), WARM_LOADS, made, work, directory, rounds, seconds, requests)
        cold = _loads(_named(NEVER_SEEN_HERE), COLD_LOADS, made, work, directory, rounds, seconds, requests)
        alone = next(load for load in warm if load.connections == 1)
        turn = max(1e-6, (alone.p99 - alone.p50) / 1e6)
        compared = [*_compared(SEEN_LATELY, warm, turn), *_compared(NEVER_SEEN_HERE, cold, turn)]
        return {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "rounds": rounds,
            "loads": {SEEN_LATELY: [asdict(one) for one in warm], NEVER_SEEN_HERE: [asdict(one) for one in cold]},
            "compared": [asdict(one) for one in compared],
            "slow_us": round(turn * 1e6, 1),
            "database_cpu_us": round(_database_cpu(made, work, directory, requests) * 1e6, 1),
            "handshake_cpu_us": round(min(_handshake_cpu(directory) for _ in range(rounds)) * 1e6, 1),
        }


def simulated(load: Load, alone: Load, turn: float, seed: int = 1) -> dict[str, float]:
    """What the queues make of the load's CPU times and of what others took, with the way there and back from one
    connection's latencies. ``turn``: for how long a neighbour has a core, seconds."""
    chance = random.Random(seed)
    pause = max(0.0, (alone.p50 - alone.cpu) / 1e6)

    def held_up(seconds: float, often: float) -> Callable[[], float]:
        return lambda: seconds + (turn if chance.random() < often else 0.0)

    service = held_up(load.cpu / 1e6, min(0.5, load.cpu / 1e6 * load.waits / turn))
    client = held_up(load.client_cpu / 1e6, min(0.5, load.client_put_off))
    answers = closed_loop(load.connections, service, client, pause, SIMULATED_REQUESTS)
    return {
        "per_second": round(answers.per_second, 1),
        "p50": round(answers.percentile(50) * 1e6, 1),
        "p99": round(answers.percentile(99) * 1e6, 1),
    }


def _compared(work: str, loads: Sequence[Load], turn: float) -> list[Compared]:
    alone = next(load for load in loads if load.connections == 1)
    return [
        Compared(
            work,
            load.connections,
            {"per_second": load.per_second, "p50": load.p50, "p99": load.p99},
            simulated(load, alone, turn),
        )
        for load in loads
    ]


def _named(name: str) -> Contender:
    return next(one for one in CONTENDERS if one.name == name)


def _loads(
    contender: Contender,
    connections: Sequence[int],
    made: Dataset,
    work: Work,
    directory: Path,
    rounds: int,
    seconds: float,
    requests: int,
) -> list[Load]:
    found: dict[int, list[Load]] = {}
    for _ in range(rounds):
        if contender.once:
            for count in connections:
                port = free_port()
                with started(contender, port, made.data_dir, None, directory) as pid:
                    wrk(port, work.feed(500), seconds=30, once=True)
                    asked = work.cold(min(requests, 6_000))
                    found.setdefault(count, []).append(_load(pid, port, asked, count, seconds=60, once=True))
        else:
            port = free_port()
            with started(contender, port, made.data_dir, None, directory) as pid:
                asked = contender.requests(work, requests, port)
                wrk(port, asked, seconds=60, once=True)
                for count in connections:
                    found.setdefault(count, []).append(_load(pid, port, asked, count, seconds=seconds, once=False))
    return [max(found[count], key=lambda load: load.per_second) for count in connections]


def _load(pid: int, port: int, asked: Path, connections: int, *, seconds: float, once: bool) -> Load:
    before, (client_before, put_off), waited = cpu_seconds(pid), _children(), _waited(pid)
    said = wrk(port, asked, seconds=seconds, once=once, connections=connections)
    client_after, put_off_after = _children()
    cpu, client = cpu_seconds(pid) - before, client_after - client_before
    waits = (_waited(pid) - waited) / cpu
    took, count = said["microseconds"] / 1e6, said["requests"]
    waits_text = f"p50 {said['p50']} p99 {said['p99']} us, waits {waits:.2f}"
    print(f"  {asked.stem:8} {connections:3} connections {count / took:8.0f}/s {waits_text}", flush=True)
    return Load(
        connections=connections,
        per_second=count / took,
        p50=said["p50"],
        p99=said["p99"],
        cpu=cpu / count * 1e6,
        client_cpu=client / count * 1e6,
        waits=waits,
        client_put_off=(put_off_after - put_off) / count,
    )


def _children() -> tuple[float, int]:
    """CPU seconds of the programs that were run and have ended, and how often somebody else was given their core."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime, used.ru_nivcsw


def _waited(pid: int) -> float:
    """Seconds on a run queue (Documentation/scheduler/sched-stats.rst) of the process that answers."""
    return sum(int(task.read_text().split()[1]) for task in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def _database_cpu(made: Dataset, work: Work, directory: Path, requests: int) -> float:
    """Of PostgreSQL's processes, for a licence that is read."""
    contender = _named(NEVER_SEEN)
    with running_copy(made) as url:
        if url is None:
            raise SystemExit("error: PostgreSQL is not installed")
        with psycopg.connect(url.replace("postgresql+psycopg", "postgresql")) as connection:
            (backend,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (0,)
            server = int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])
            port = free_port()
            with started(contender, port, made.data_dir, url, directory):
                wrk(port, work.feed(500), seconds=30, once=True)
                asked = work.cold(requests)
                before = cpu_seconds(server)
                said = wrk(port, asked, seconds=60, once=True)
                return (cpu_seconds(server) - before) / said["requests"]


def _handshake_cpu(directory: Path) -> float:
    """Of nginx, for a new TLS 1.3 connection with one small request; P-256 certificate, no resumption."""
    if shutil.which("openssl") is None or shutil.which("nginx") is None:
        raise SystemExit("error: openssl and nginx are needed")
    port, folder = free_port(), directory / "tls"
    folder.mkdir(exist_ok=True)
    pem = self_signed(folder / "server.pem", "localhost")
    (folder / "nginx.conf").write_text(
        f"""user root; daemon off; worker_processes 1; pid {folder}/pid; events {{ worker_connections 256; }}
        http {{ access_log off; server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {pem}; ssl_certificate_key {pem};
        ssl_protocols TLSv1.3; ssl_session_tickets off; location / {{ return 204; }} }} }}""",
        encoding="utf-8",
    )
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with running_server(command, port, folder / "log") as pid:
        before = cpu_seconds(pid)
        ran = subprocess.run(
            [*_PINNED, "s_time", "-new", "-time", "4", "-connect", f"127.0.0.1:{port}", "-www", "/healthz"],
            capture_output=True,
            text=True,
            check=True,
        )
        used = cpu_seconds(pid) - before
    count = next(int(line.split()[0]) for line in ran.stdout.splitlines() if " connections in " in line)
    return used / count


def write(found: Mapping[str, object], path: Path) -> None:
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
