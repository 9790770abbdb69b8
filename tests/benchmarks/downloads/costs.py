"""What a command costs: its own time on the clock and processor, its memory, and that of servers meanwhile."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.measuring import BrokenMeasurement

_LOOK_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run. ``resident_mb`` is the largest the process ever had."""

    wall: float
    cpu: float
    resident_mb: float


def cost_of(command: Sequence[str], *, environment: Mapping[str, str] | None = None, directory: Path) -> Cost:
    """Runs it to its end. Raises ``BrokenMeasurement`` if it fails."""
    log = directory / "command.log"
    with log.open("wb") as output:
        began = time.monotonic()
        process = subprocess.Popen(
            command, env=environment, cwd=directory, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        largest = 0.0
        while True:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            wall = time.monotonic() - began
            if ended:
                break
            largest = max(largest, _largest_mb(process.pid))
            time.sleep(_LOOK_SECONDS)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise BrokenMeasurement(f"{' '.join(command)[:200]}:\n{log.read_text(errors='replace')[-1500:]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, largest)


def _largest_mb(pid: int) -> float:
    """What the kernel has seen of the program, and not of the process that became it (proc(5), VmHWM)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM")), 0.0)
