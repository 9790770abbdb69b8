"""Bytes of a stored build to a client: CPU seconds of the servers per gigabyte, and what checks notice of it."""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks.downloads.shop import MACHINE, Served, on_load_core, sell, serving
from tests.benchmarks.measuring import BrokenMeasurement, cpu_seconds, resident_mb, running_server
from tests.server.cli.at_the_terminal import Operator
from tests.services.ports import free_port

CONTENDERS = ("nginx", "uvicorn, FileResponse", "Tenure", "Tenure, handed to nginx")
YARDSTICK = CONTENDERS[0]
CHECKS = 400
LOCATION = "/stored/"


@dataclass(frozen=True, slots=True)
class Bytes:
    """One download. Seconds per gigabyte of 10^9 bytes."""

    cpu: float
    wall: float
    resident_mb: float


@dataclass(frozen=True, slots=True)
class Source:
    """Where the bytes come from: the processes that count, and the address."""

    pids: tuple[int, ...]
    url: str


@dataclass(frozen=True, slots=True)
class Site:
    """A file, and an installation that has published it."""

    directory: Path
    file: Path
    operator: Operator
    key: str

    @classmethod
    def of(cls, directory: Path, file: Path, operator: Operator) -> Site:
        return cls(directory, file, operator, sell(operator))

    @contextmanager
    def source(self, name: str) -> Iterator[Source]:
        """A contender, on the server's core."""
        match name:
            case "nginx":
                servers = f"root {self.file.parent};"
                with self._nginx(free_port(), servers) as (pid, url):
                    yield Source((pid,), f"{url}/{self.file.name}")
            case "uvicorn, FileResponse":
                port = free_port()
                command = [sys.executable, "-m", "tests.benchmarks.downloads.file_response", str(port), str(self.file)]
                with running_server(command, port, self.directory / "log") as pid:
                    yield Source((pid,), f"http://127.0.0.1:{port}/")
            case "Tenure":
                with serving(self.operator, self.file.name, self.key) as served:
                    yield Source((served.server.process.pid,), served.link())
            case "Tenure, handed to nginx":
                with self._behind_nginx() as source:
                    yield source
            case _:
                raise SystemExit(f"error: no such contender: {name}")

    @contextmanager
    def _behind_nginx(self) -> Iterator[Source]:
        port = free_port()
        settings = {"TENURE_NGINX_LOCATION": LOCATION, "TENURE_BASE_URL": f"http://127.0.0.1:{port}"}
        operator = Operator(self.operator.directory, settings, today=self.operator.today)
        ours = free_port()
        locations = (
            f"location / {{ proxy_pass http://127.0.0.1:{ours}; }} "
            f"location {LOCATION} {{ internal; alias {self.operator.data_dir}/store/; }}"
        )
        with (
            serving(operator, self.file.name, self.key, "--port", str(ours)) as served,
            self._nginx(port, locations) as (pid, _),
        ):
            yield Source((pid, served.server.process.pid), served.link())

    @contextmanager
    def _nginx(self, port: int, inside: str) -> Iterator[tuple[int, str]]:
        directory = self.directory / "nginx"
        directory.mkdir(exist_ok=True)
        configuration = directory / "nginx.conf"
        configuration.write_text(
            f"user root; daemon off; worker_processes 1; pid {directory}/pid; error_log {directory}/error.log;\n"
            "events { worker_connections 256; }\n"
            f"http {{ access_log off; sendfile on; tcp_nopush on; proxy_temp_path {directory}/proxy;\n"
            f"client_body_temp_path {directory}/body; server {{ listen 127.0.0.1:{port}; {inside} }} }}\n",
            encoding="utf-8",
        )
        command = ["nginx", "-p", str(directory), "-c", str(configuration), "-e", str(directory / "error.log")]
        with running_server(command, port, self.directory / "log") as pid:
            yield pid, f"http://127.0.0.1:{port}"


def downloaded(source: Source, length: int) -> Bytes:
    """By curl, which throws the bytes away. Raises ``BrokenMeasurement``."""
    before = sum(cpu_seconds(pid) for pid in source.pids)
    options = ("--silent", "--show-error", "--output", "/dev/null")
    said = subprocess.run(
        on_load_core("curl", *options, "--write-out", "%{http_code} %{size_download} %{time_total}", source.url),
        capture_output=True,
        text=True,
        check=False,
    )
    cpu = sum(cpu_seconds(pid) for pid in source.pids) - before
    status, size, seconds = said.stdout.split() if said.returncode == 0 else ("0", "0", "0")
    if status != "200" or int(size) != length:
        raise BrokenMeasurement(f"curl: {said.stdout} {said.stderr[:300]}")
    gigabytes = length / 1e9
    return Bytes(cpu / gigabytes, float(seconds) / gigabytes, sum(resident_mb(pid) for pid in source.pids))


@dataclass(frozen=True, slots=True)
class Waits:
    """Of update checks, one after the other, in milliseconds."""

    median: float
    p99: float
    longest: float


def checks_beside(served: Served, downloads: int) -> Waits:
    """How long checks take while so many clients load the build again and again."""
    link = served.link()
    again = ["curl", "--silent", "--output", "/dev/null", *[link] * 50]
    clients = [
        subprocess.Popen(on_load_core(*again), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(downloads)
    ]
    try:
        time.sleep(0.3)
        waits = sorted(_checks(served))
    finally:
        for client in clients:
            client.kill()
            client.wait()
    return Waits(waits[len(waits) // 2], waits[len(waits) * 99 // 100], waits[-1])


def _checks(served: Served) -> Iterator[float]:
    place = urlsplit(served.server.url)
    os_name, _, arch = MACHINE.partition("-")
    path = f"/v1/update-check?product=cad&version=0.9&os={os_name}&arch={arch}"
    with closing(http.client.HTTPConnection(str(place.hostname), place.port, timeout=30)) as connection:
        for _ in range(CHECKS):
            began = time.perf_counter()
            connection.request("GET", path, headers={"Authorization": f"License {served.key}"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise BrokenMeasurement(f"a check was answered {answer.status}")
            yield (time.perf_counter() - began) * 1000
            time.sleep(0.002)
