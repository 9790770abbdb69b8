"""Runs ``tenure`` commands in processes that end with SIGKILL at their n-th step: what a power cut does.

A step is anything that changes what another process can see: a file opened for writing, written, synced, renamed,
linked or removed; a statement that changes rows, and both sides of every commit; a request to S3. ``python killing.py``
reads commands from its standard input, one JSON array a line, and forks a process for each. All of this is here, in the
tests: the product knows nothing of it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
_CHANGING = ("INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP")


@dataclass(frozen=True, slots=True)
class Outcome:
    """``steps`` are what the process was about to do, or did; the last one is the one it was killed at."""

    was_killed: bool
    code: int
    out: str
    err: str
    steps: tuple[str, ...]


class Killer:
    """The forking process, seen from the test."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.end_to_end.killing"],
            cwd=CHECKOUT,
            env={**environment, "PYTHONPATH": _path(environment), "PYTHONWARNINGS": "ignore"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: object, die_at: int | None = None) -> Outcome:
        """Run the command; kill its process just before step ``die_at``, counted from 1."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([[str(each) for each in arguments], die_at]), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, f"the forking process ended with {self._process.wait()}"
        found = json.loads(answer)
        return Outcome(**{**found, "steps": tuple(found["steps"])})

    def did(self, *arguments: object) -> Outcome:
        """Run a command that succeeds."""
        outcome = self.run(*arguments)
        assert outcome.code == 0, outcome.err
        return outcome

    @staticmethod
    def places(steps: Sequence[str]) -> list[int]:
        """Where to kill: at every step, but of a transaction's statements at the first and the last only."""
        return [
            place
            for place, step in enumerate(steps, 1)
            if step != "statement" or steps[place - 2] != "statement" or steps[place] != "statement"
        ]

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


def _path(environment: Mapping[str, str]) -> str:
    """The checkout's tests before whatever the caller has on the path."""
    return os.pathsep.join([str(CHECKOUT), *filter(None, [environment.get("PYTHONPATH")])])


def main() -> None:
    """Nothing may be opened here that a forked process would share: neither database nor thread."""
    from tenure_server.cli.main import main as tenure
    from tenure_signing import pkcs8_encryption

    pkcs8_encryption.PBKDF2_ROUNDS = 2048  # a quarter of a second for every key is for attackers to wait
    for line in sys.stdin:
        arguments, die_at = json.loads(line)
        with tempfile.TemporaryDirectory(prefix="tenure-killing-") as folder:
            notes = {name: Path(folder) / name for name in ("out", "err", "steps")}
            child = os.fork()
            if child == 0:
                _run_and_die(partial(tenure, arguments), die_at, notes)
            _, status = os.waitpid(child, 0)
            outcome = {
                "was_killed": os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL,
                "code": os.waitstatus_to_exitcode(status),
                "out": notes["out"].read_text(),
                "err": notes["err"].read_text(),
                "steps": notes["steps"].read_text().splitlines(),
            }
        print(json.dumps(outcome), flush=True)


def _run_and_die(command: Callable[[], int], die_at: int | None, notes: Mapping[str, Path]) -> None:
    """Never returns."""
    steps = os.open(notes["steps"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for name, descriptor in (("out", 1), ("err", 2)):
        os.dup2(os.open(notes[name], os.O_WRONLY | os.O_CREAT), descriptor)
    really_write = os.write
    one_at_a_time = threading.RLock()
    count = 0

    def step(what: str) -> None:
        nonlocal count
        with one_at_a_time:  # boto3 uploads parts in threads
            count += 1
            really_write(steps, f"{what}\n".encode())
            if count == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    _watch_files(step)
    _watch_database(step)
    _watch_s3(step)
    step("start")
    code = command()
    step("end")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _before(owner: Any, name: str, tell: Callable[..., None]) -> None:
    original = getattr(owner, name)

    def told(*arguments: Any, **options: Any) -> Any:
        tell(*arguments, **options)
        return original(*arguments, **options)

    setattr(owner, name, told)


def _watch_files(step: Callable[[str], None]) -> None:
    """Those of the data directory. python-tuf tries new metadata out in temporary folders, which nobody sees."""
    ours = os.environ["TENURE_DATA_DIR"]

    def watched(name: str, *arguments: object, **options: object) -> None:
        where = arguments[0]
        folder = where if isinstance(where, int) else options.get("dir_fd", options.get("src_dir_fd"))
        if str(where if folder is None else Path(f"/proc/self/fd/{folder}").readlink()).startswith(ours):
            step(name)

    def opened(path: object, flags: int, *arguments: object, **options: object) -> None:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            watched("open", path, *arguments, **options)

    for name in ("write", "fsync", "replace", "rename", "link", "unlink", "mkdir", "rmdir", "chmod"):
        _before(os, name, partial(watched, name))
    _before(os, "open", opened)


def _watch_database(step: Callable[[str], None]) -> None:
    from sqlalchemy import Engine, event
    from sqlalchemy.engine.default import DefaultDialect

    def executed(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith(_CHANGING):
            step("statement")

    event.listen(Engine, "before_cursor_execute", executed)
    commit: Any = DefaultDialect.do_commit

    def committed(self: Any, connection: Any) -> None:
        step("commit")
        commit(self, connection)
        step("committed")

    DefaultDialect.do_commit = committed  # type: ignore[method-assign]


def _watch_s3(step: Callable[[str], None]) -> None:
    from botocore.client import BaseClient

    _before(BaseClient, "_make_api_call", lambda _self, operation, *_: step(f"s3 {operation}"))


if __name__ == "__main__":
    main()
