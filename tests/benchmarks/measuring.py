"""One run: a server on one core, wrk on the other, and the CPU time that the server's processes used meanwhile."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SERVER_CORE, LOAD_CORE = "0", "1"
CONNECTIONS = 32
START_SECONDS = 60.0
_LUA = Path(__file__).with_name("wrk_requests.lua")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class BrokenMeasurement(Exception):
    """The figure would say nothing: answers of another kind than expected, broken connections, too few requests."""


Load = dict[str, dict[str, float]]
"""What ``steady_load`` found of each kind of request."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one run. Latencies in microseconds."""

    requests: int
    cpu_us: float  # of the server's processes, per request
    per_second: float
    p50: int
    p99: int
    p999: int
    resident_mb: float


@contextmanager
def running_server(
    command: Sequence[str], port: int, log: Path, *, cores: str = SERVER_CORE, environ: Mapping[str, str] | None = None
) -> Iterator[int]:
    """The process id of the command, which listens on the port, on a core of its own; ended with its children."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["taskset", "-c", cores, *command],
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, **(environ or {})},
        )
    try:
        _wait_for(port, process, log)
        yield process.pid
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up_at:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise BrokenMeasurement(f"the server did not start:\n{log.read_text(errors='replace')[-2000:]}")


def measure(pid: int, port: int, requests: Path, *, seconds: float, once: bool, refused: bool) -> Figures:
    """Send the requests for so many seconds, or each of them once. ``refused``: every answer is a 4xx, else none.

    Raises ``BrokenMeasurement``.
    """
    before = cpu_seconds(pid)
    found = wrk(port, requests, seconds=seconds, once=once)
    cpu = cpu_seconds(pid) - before
    count = found["requests"]
    if count < 100 or found["broken"] or found["refused"] != (count if refused else 0):
        raise BrokenMeasurement(f"{requests.stem}: {found}")
    if cpu <= 0:
        raise BrokenMeasurement(f"{requests.stem}: the server used no CPU time")
    per_second = count / (found["microseconds"] / 1e6)
    return Figures(count, cpu / count * 1e6, per_second, found["p50"], found["p99"], found["p999"], resident_mb(pid))


def wrk(port: int, requests: Path, *, seconds: float, once: bool, connections: int = CONNECTIONS) -> dict[str, int]:
    """wrk's own figures."""
    command = [
        *("taskset", "-c", LOAD_CORE, "wrk", "--threads", "1", "--connections", str(connections)),
        *("--duration", f"{max(seconds, 1):.0f}s", "--timeout", "20s", "--script", str(_LUA)),
        *(f"http://127.0.0.1:{port}", "--", str(requests), "once" if once else "again"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()  # the end of the list, or of the program
        if said == "sent all\n":
            process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    line = next((line for line in output.splitlines() if line.startswith("{")), None)
    if process.returncode != 0 or line is None:
        raise BrokenMeasurement(f"wrk failed: {output[-500:]}{said}{errors[-500:]}")
    found: dict[str, int] = json.loads(line)
    return found


def steady_load(
    port: int,
    streams: Mapping[str, tuple[float, Path]],
    *,
    seconds: float,
    connections: int = 256,
    settling: float = 0.5,
) -> Load:
    """Requests of several kinds, each at so many a second, whatever the answers: ``tests.benchmarks.steady_load``."""
    command = [
        *("taskset", "-c", LOAD_CORE, sys.executable, "-m", "tests.benchmarks.steady_load"),
        *(str(port), str(seconds), str(connections), str(settling)),
        *(f"{name}={rate}={path}" for name, (rate, path) in streams.items()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BrokenMeasurement(f"steady load failed: {done.stderr[-500:]}")
    found: Load = json.loads(done.stdout)
    for name, figures in found.items():
        if figures["answered"] + figures["refused"] < 100:
            raise BrokenMeasurement(f"{name}: {figures}")
    return found


def memory_mb(pid: int) -> dict[str, float]:
    """Of one process: resident, its share of what others use too, and what it alone has (proc(5), smaps_rollup)."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])

    def mb(*names: str) -> float:
        return round(sum(int(fields[name].split()[0]) for name in names) * 1024 / 1e6, 1)

    return {"resident": mb("Rss"), "proportional": mb("Pss"), "own": mb("Private_Clean", "Private_Dirty")}


def cpu_seconds(pid: int) -> float:
    """User and system time of the process and its living descendants (proc(5), stat, fields 14 and 15)."""
    ticks = 0
    for one in family(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS_PER_SECOND


def resident_mb(pid: int) -> float:
    pages = sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in family(pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def family(pid: int) -> list[int]:
    """The process and its living descendants, itself first."""
    found = [pid]
    for one in found:
        children = Path(f"/proc/{one}/task/{one}/children").read_text().split()
        found += [int(child) for child in children]
    return found
