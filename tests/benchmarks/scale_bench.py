"""What the measurements of ``scale_rows`` share: servers as operators run them, on copies of the dataset."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.benchmarks.dataset import Dataset
from tests.benchmarks.live_vendor import ANY, PLATFORMS, LiveVendor, Shape, live_vendor
from tests.benchmarks.measuring import SERVER_CORE, BrokenMeasurement, running_server
from tests.benchmarks.postgres_copy import running_copy
from tests.benchmarks.work import Install, Work
from tests.services.ports import free_port

BOTH_CORES = "0,1"


@dataclass
class Bench:
    """One invocation."""

    made: Dataset
    directory: Path
    cache: Path
    catalogue: Path
    is_short: bool
    seed: int
    stack: ExitStack
    _vendors: dict[Shape, LiveVendor] = field(default_factory=dict)
    _works: dict[Dataset, Work] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        return 1.0 if self.is_short else 10.0

    def count(self, usual: int) -> int:
        """So many, or a tenth of it."""
        return usual // 10 if self.is_short else usual

    @property
    def real(self) -> Shape:
        return Shape(1, 0, PLATFORMS, self.catalogue)

    @property
    def large(self) -> Shape:
        """10,000 releases for six kinds of machine, in eight products; a tenth of it for CI."""
        return Shape(8, self.count(1_250), PLATFORMS)

    def many(self, releases: int) -> Shape:
        """So many releases of one product, with one build each."""
        return Shape(1, releases, ANY)

    def vendor(self, shape: Shape) -> LiveVendor:
        if shape not in self._vendors:
            name = f"vendor-{len(self._vendors)}"
            made = live_vendor(self.made, self.directory / name, shape, self.cache)
            self.stack.callback(made.close)
            self._vendors[shape] = made
        return self._vendors[shape]

    def work(self, made: Dataset) -> Work:
        if made not in self._works:
            self._works[made] = Work(made, self.directory, self.seed)
        return self._works[made]

    @cached_property
    def postgres_url(self) -> str | None:
        return self.stack.enter_context(running_copy(self.made))

    @contextmanager
    def serving(
        self, made: Dataset, *, workers: int = 1, cores: str = SERVER_CORE, url: str | None = None
    ) -> Iterator[tuple[int, int]]:
        """``tenure serve`` as operators start it: its process id and its port."""
        port = free_port()
        command = [sys.executable, "-m", "tenure_server", "--data-dir", str(made.data_dir), "serve"]
        command += ["--port", str(port), "--workers", str(workers)]
        environ = {"TENURE_BASE_URL": "https://updates.example.com"}
        if url is not None:
            environ["TENURE_DATABASE_URL"] = url
        with running_server(command, port, self.directory / "server.log", cores=cores, environ=environ) as pid:
            wait_until_answered(port)
            yield pid, port

    @contextmanager
    def bare(self, made: Dataset) -> Iterator[tuple[int, int]]:
        """The application alone, without what is done from time to time, as the other rows measure it."""
        port = free_port()
        command = [sys.executable, "-m", "tests.benchmarks.servers", "tenure", str(port), str(made.data_dir)]
        with running_server(command, port, self.directory / "server.log") as pid:
            yield pid, port


def wait_until_answered(port: int, path: str = "/healthz", headers: dict[str, str] | None = None) -> None:
    give_up_at = time.monotonic() + 60
    while time.monotonic() < give_up_at:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", path, headers=headers or {})
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.005)
        finally:
            connection.close()
    raise BrokenMeasurement(f"nothing is answered at {path}")


def ask(connection: http.client.HTTPConnection, install: Install) -> Any:
    """The answer to a check."""
    headers = {"Authorization": f"License {install.key}"}
    connection.request("GET", f"/v1/update-check?{install.query}", headers=headers)
    response = connection.getresponse()
    body = json.loads(response.read())
    if response.status != 200:
        raise BrokenMeasurement(f"{response.status}: {body}")
    return body


def on_server_core(code: str, *arguments: str) -> subprocess.Popen[str]:
    """A Python program that shares the server's core."""
    command = ["taskset", "-c", SERVER_CORE, sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
