"""Two machines that share PostgreSQL and an S3 store and nothing else, and each of their workers asked by itself."""

from __future__ import annotations

import http.client
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.server.cli.at_the_terminal import Operator, RunningServer
from tests.services.leaving_out import leave_out

WORKERS = 2
HOLDS_WITHIN_SECONDS = 1.0
"""What issue 5 asks for: a change holds in every worker of every machine so soon."""

_TRIES = 400


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Worker:
    """One process of one machine, reached over a connection that is its own."""

    machine: str
    pid: int
    port: int
    _connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answered:
        """A connection that lay idle too long is made anew, to the same process."""
        for _ in range(2):
            connection = self._connection = self._connection or self._connected()
            try:
                return _asked(connection, method, path, body, headers)
            except (http.client.HTTPException, ConnectionError):
                self.close()
        raise AssertionError(f"worker {self.pid} of machine {self.machine} hangs up")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> http.client.HTTPConnection:
        """Who accepts is the kernel's choice, so others are put aside until it is this one."""
        with ExitStack() as aside:
            for _ in range(_TRIES):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                _asked(connection, "GET", "/healthz", None, {})
                if self.pid in _holders(connection, [self.pid]):
                    return connection
                aside.callback(connection.close)
        raise AssertionError(f"worker {self.pid} of machine {self.machine} accepts nothing")


@dataclass
class Machine:
    name: str
    operator: Operator
    server: RunningServer
    workers: list[Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.workers = [Worker(self.name, pid, self.port) for pid in _children(self.server.process.pid)]

    @property
    def port(self) -> int:
        port = urlsplit(self.server.url).port
        assert port is not None
        return port


@dataclass
class TwoMachines:
    """``seconds`` is how long after a change the last worker showed it, by what was changed."""

    one: Machine
    other: Machine
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def workers(self) -> list[Worker]:
        return [*self.one.workers, *self.other.workers]

    def change(self, what: str, make: Callable[[], object], is_seen: Callable[[Worker], bool]) -> None:
        """Make the change, and see it from every worker: each had the old state in its hands just before, and once the
        time has passed in which it may still go by that, it does not any more."""
        seen = [worker for worker in self.workers if is_seen(worker)]  # all are asked
        assert not seen, f"{what}: seen before it was made"
        make()
        made_at = time.monotonic()
        waiting = self.workers
        while waiting and time.monotonic() - made_at < HOLDS_WITHIN_SECONDS:
            waiting = [worker for worker in waiting if not is_seen(worker)]
            self.seconds[what] = round(time.monotonic() - made_at, 2)
        late = [f"{worker.machine}/{worker.pid}" for worker in self.workers if not is_seen(worker)]
        assert not late, f"{what}: not seen by {late}"


@contextmanager
def running_machines(directory: Path, settings: Mapping[str, str], *options: str) -> Iterator[TwoMachines]:
    """The second machine has the first one's settings and a copy of its online keys; its data folder is its own."""
    if not Path("/proc/net/tcp").exists():
        leave_out("two machines", "no /proc, which tells whose connection it is")
    one = operator_of(directory, "one", settings)
    one.did("init")
    other = one_more(one, "other")
    with (
        one.serving("--workers", str(WORKERS), *options) as first,
        other.serving("--workers", str(WORKERS), *options) as second,
    ):
        machines = TwoMachines(Machine("one", one, first), Machine("other", other, second))
        try:
            yield machines
        finally:
            for worker in machines.workers:
                worker.close()


def operator_of(directory: Path, name: str, settings: Mapping[str, str]) -> Operator:
    folder = directory / name
    folder.mkdir()
    return Operator(folder, settings, today=date.today())


def one_more(like: Operator, name: str) -> Operator:
    """A machine with the other's settings and a copy of its online keys."""
    added = operator_of(like.directory.parent, name, like.settings)
    shutil.copytree(like.data_dir / "keys" / "online", added.data_dir / "keys" / "online")
    return added


def _asked(
    connection: http.client.HTTPConnection, method: str, path: str, body: object, headers: Mapping[str, str]
) -> Answered:
    """A mapping is sent as JSON, a text as a form."""
    kind = "application/x-www-form-urlencoded" if isinstance(body, str) else "application/json"
    data = body if isinstance(body, str) or body is None else json.dumps(body)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, data, {**sent, **({"Content-Type": kind} if body is not None else {})})
    response = connection.getresponse()
    found = {name.lower(): value for name, value in response.getheaders()}
    return Answered(response.status, found, response.read())


def _holders(connection: http.client.HTTPConnection, pids: Sequence[int]) -> list[int]:
    """Which of the processes holds the other end (proc(5), ``net/tcp`` and ``fd``)."""
    address, port = connection.sock.getpeername(), connection.sock.getsockname()[1]
    ends = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    inodes = {f"socket:[{end[9]}]" for end in ends if _port(end[1]) == address[1] and _port(end[2]) == port}
    return [pid for pid in pids if inodes & _files(pid)]


def _port(end: str) -> int:
    return int(end.rpartition(":")[2], 16)


def _files(pid: int) -> set[str]:
    found = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.add(str(file.readlink()))
        except FileNotFoundError:
            continue  # closed meanwhile
    return found


def _children(pid: int) -> list[int]:
    return sorted(int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
