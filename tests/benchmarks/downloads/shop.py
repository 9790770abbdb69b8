"""A real installation with one large build, made by the commands that operators use, and ``tenure serve``."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import urllib3

from tests.benchmarks.measuring import LOAD_CORE, SERVER_CORE
from tests.server.cli.at_the_terminal import Operator, RunningServer

MACHINE = "linux-x86_64"
VERSION = "1.0"
PIECE_BYTES = 1024 * 1024


def random_file(path: Path, length: int) -> Path:
    """So many bytes that nothing can make fewer of."""
    with path.open("wb") as file:
        for _ in range(length // PIECE_BYTES):
            file.write(os.urandom(PIECE_BYTES))
    return path


def new_operator(directory: Path, settings: dict[str, str] | None = None) -> Operator:
    """Of an installation with the product ``cad``."""
    directory.mkdir(parents=True)
    operator = Operator(directory, settings or {}, today=date.today())
    operator.did("init")
    operator.did("product", "add", "cad", "--edition", "pro")
    return operator


def publish(operator: Operator, file: Path) -> None:
    operator.did("publish", file, "--product", "cad", "--version", VERSION, "--platform", MACHINE)


def sell(operator: Operator) -> str:
    """The key of a licence that covers what was published today."""
    purchased_on = date.today()
    order = ("--product", "cad", "--edition", "pro", "--customer", "Ada Tan", "--price", "1000")
    sold = operator.did("licence", "issue", *order, "--purchased-on", purchased_on, "--json").json
    return str(sold["key"])


@dataclass(frozen=True, slots=True)
class Served:
    """A running server and the address of the build."""

    server: RunningServer
    key: str
    path: str

    def link(self) -> str:
        """A fresh signed link, by the gate."""
        headers = {"Authorization": f"License {self.key}"}
        answer = urllib3.request("GET", self.server.url + self.path, headers=headers, redirect=False, retries=False)
        if answer.status != 302:
            raise SystemExit(f"error: no link to the build: {answer.status} {answer.data[:200]!r}")
        return str(answer.headers["location"])


@contextmanager
def serving(operator: Operator, file_name: str, key: str, *options: str) -> Iterator[Served]:
    """``tenure serve``, on the server's core."""
    with operator.serving(*options) as server:
        pin(server.process.pid, SERVER_CORE)
        yield Served(server, key, f"/downloads/cad/{VERSION}/{file_name}")


def pin(pid: int, core: str) -> None:
    """All threads of the process, and those they begin."""
    subprocess.run(["taskset", "--all-tasks", "--cpu-list", "--pid", core, str(pid)], check=True, capture_output=True)


def on_load_core(*command: str) -> list[str]:
    return ["taskset", "--cpu-list", LOAD_CORE, *command]
