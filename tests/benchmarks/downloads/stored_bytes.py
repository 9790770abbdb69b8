"""Bytes of a stored build to a client: CPU seconds of the server per gigabyte, beside nginx and ``FileResponse``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.downloads.shop import Served, on_load_core
from tests.benchmarks.measuring import BrokenMeasurement, cpu_seconds, resident_mb, running_server
from tests.services.ports import free_port


@dataclass(frozen=True, slots=True)
class Bytes:
    """One download. Seconds per gigabyte of 10^9 bytes."""

    cpu: float
    wall: float
    resident_mb: float


def nginx_configuration(directory: Path, servers: str) -> list[str]:
    """The command of an nginx with one worker and no log, for these server blocks."""
    directory.mkdir(exist_ok=True)
    configuration = directory / "nginx.conf"
    configuration.write_text(
        f"""
        user root;
        daemon off;
        worker_processes 1;
        pid {directory}/pid;
        error_log {directory}/error.log;
        events {{ worker_connections 256; }}
        http {{
            access_log off;
            sendfile on;
            tcp_nopush on;
            client_body_temp_path {directory}/body;
            proxy_temp_path {directory}/proxy;
            {servers}
        }}
        """,
        encoding="utf-8",
    )
    return ["nginx", "-p", str(directory), "-c", str(configuration), "-e", str(directory / "error.log")]


@contextmanager
def nginx_alone(directory: Path, file: Path) -> Iterator[tuple[list[int], str]]:
    """The process ids that count, and the file's address."""
    port = free_port()
    servers = f"server {{ listen 127.0.0.1:{port}; root {file.parent}; }}"
    with running_server(nginx_configuration(directory / "alone", servers), port, directory / "log") as pid:
        yield [pid], f"http://127.0.0.1:{port}/{file.name}"


@contextmanager
def file_response(directory: Path, file: Path) -> Iterator[tuple[list[int], str]]:
    """Starlette's, on uvicorn."""
    port = free_port()
    command = [sys.executable, "-m", "tests.benchmarks.downloads.file_response", str(port), str(file)]
    with running_server(command, port, directory / "log") as pid:
        yield [pid], f"http://127.0.0.1:{port}/"


def downloaded(pids: list[int], url: str, length: int, *headers: str) -> Bytes:
    """By curl, which throws the bytes away. Raises ``BrokenMeasurement``."""
    options = [option for header in headers for option in ("--header", header)]
    before = sum(cpu_seconds(pid) for pid in pids)
    said = subprocess.run(
        on_load_core(
            *("curl", "--silent", "--show-error", "--location", "--output", "/dev/null", *options),
            *("--write-out", "%{http_code} %{size_download} %{time_total}", url),
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    cpu = sum(cpu_seconds(pid) for pid in pids) - before
    status, _, rest = said.stdout.partition(" ")
    size, _, seconds = rest.partition(" ")
    if said.returncode != 0 or status not in ("200", "206") or int(size) != length:
        raise BrokenMeasurement(f"curl: {said.stdout} {said.stderr[:300]}")
    gigabytes = length / 1e9
    return Bytes(cpu / gigabytes, float(seconds) / gigabytes, sum(resident_mb(pid) for pid in pids))


Address = Callable[[], str]


def of_ours(served: Served, length: int) -> Bytes:
    """By a fresh signed link of ``tenure serve``."""
    return downloaded([served.server.process.pid], served.link(), length)
