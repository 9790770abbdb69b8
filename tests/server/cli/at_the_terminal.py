"""The ``tenure`` command as an operator types it: in this process with the test's clock, or as the real program."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from tenure_server.cli.context import CommandContext
from tenure_server.cli.main import main
from tenure_server.installation import Installation
from tenure_server.settings import Settings

PASSPHRASE = "correct horse battery staple"
TODAY = date(2026, 11, 23)
SECONDS_TO_START = 30.0
PROGRAM = Path(sys.executable).with_name("tenure")


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """What was refused. Asserts that it is told in one ``error:`` and one ``hint:`` line, and in nothing else."""
        lines = self.err.splitlines()
        assert len(lines) == 2, self.err
        assert lines[0].startswith("error: "), self.err
        assert lines[1].startswith("hint: "), self.err
        assert all(line == line.rstrip(". ") and len(line) > 10 for line in lines), self.err
        assert self.out == ""
        return lines[0].removeprefix("error: ")

    @property
    def hint(self) -> str:
        assert self.error
        return self.err.splitlines()[1].removeprefix("hint: ")


@dataclass(frozen=True, slots=True)
class RunningServer:
    """``url`` is what the server says customers reach it by."""

    process: subprocess.Popen[bytes]
    log: Path
    url: str

    def end(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code."""
        self.process.send_signal(by)
        return self.process.wait(30)


def _announced(process: subprocess.Popen[bytes], log: Path) -> str:
    give_up_at = monotonic() + SECONDS_TO_START
    while monotonic() < give_up_at:
        if found := re.search(r"Tenure serves on (https?://\S+) ", log.read_text()):
            return found[1]
        if process.poll() is not None:
            break
        sleep(0.02)
    process.kill()
    raise AssertionError(f"the server did not start:\n{log.read_text()}")


@dataclass
class Operator:
    """Somebody at a terminal. ``today`` moves the clock of commands in this process, at noon UTC."""

    directory: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    today: date = TODAY

    def __post_init__(self) -> None:
        self.passphrase_file = self.directory / "passphrase"
        self.passphrase_file.write_text(PASSPHRASE + "\n")

    @property
    def data_dir(self) -> Path:
        return self.directory / "tenure-data"

    @property
    def environment(self) -> dict[str, str]:
        """Of every command: nothing of ``TENURE_`` but what is set here."""
        return {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")} | {
            "TENURE_DATA_DIR": str(self.data_dir),
            "TENURE_PASSPHRASE_FILE": str(self.passphrase_file),
            "TENURE_ACTOR": "Aminah",
            **self.settings,
        }

    def clock(self) -> datetime:
        """Noon; on the real day not ahead of the real clock, by which servers and clients in other processes go."""
        noon, now = datetime.combine(self.today, time(12), UTC), datetime.now(UTC)
        return min(noon, now) if self.today == now.date() else noon

    def run(self, *arguments: object, **settings: str | None) -> Ran:
        """One command in this process; a setting that is None is not set."""
        out, err = io.StringIO(), io.StringIO()
        with self._environment(settings), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([str(argument) for argument in arguments], CommandContext(clock=self.clock))
        return Ran(code, out.getvalue(), err.getvalue())

    def did(self, *arguments: object, **settings: str | None) -> Ran:
        """One command that succeeds."""
        ran = self.run(*arguments, **settings)
        assert ran.code == 0, ran.err
        return ran

    def really(self, *arguments: object, stdin: str = "", **settings: str | None) -> Ran:
        """One run of the installed program, on the real day."""
        done = subprocess.run(
            [PROGRAM, *map(str, arguments)],
            env=self._with(settings),
            cwd=self.directory,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def build(self, name: str, body: bytes | None = None) -> Path:
        """A file to publish."""
        path = self.directory / name
        path.write_bytes(body if body is not None else f"the bytes of {name}\n".encode())
        return path

    def publish(self, version: str, *options: str, platform: str = "any") -> Ran:
        file = self.build(f"cad-{version}.zip")
        return self.did("publish", file, "--product", "cad", "--version", version, "--platform", platform, *options)

    def issue(self, *options: str) -> dict[str, Any]:
        """A licence of cad pro for 1000.00, as ``--json`` tells of it."""
        order = ("--product", "cad", "--edition", "pro", "--customer", "Ada Tan", "--price", "1000.00")
        issued: dict[str, Any] = self.did("licence", "issue", *order, *options, "--json").json
        return issued

    def audit_trail(self, subject: str | None = None) -> list[str]:
        """What was done, newest first."""
        installation = self.installation()
        with contextlib.closing(installation), installation.database.reading() as records:
            return [event.action for event in records.audit.newest(subject=subject)]

    def installation(self) -> Installation:
        """To look behind the command."""
        return Installation(Settings.from_environ(self.environment), clock=self.clock)

    @contextlib.contextmanager
    def serving(self, *options: str) -> Iterator[RunningServer]:
        """``tenure serve`` as a process on a free port, until the block ends."""
        log = self.directory / "server.log"
        with log.open("w") as stderr:
            process = subprocess.Popen(
                [PROGRAM, "serve", "--port", "0", *options], env=self.environment, stdout=stderr, stderr=stderr
            )
        try:
            yield RunningServer(process, log, _announced(process, log))
        finally:
            process.terminate()
            process.wait(30)

    def _with(self, settings: Mapping[str, str | None]) -> dict[str, str]:
        changed = {**self.environment, **settings}
        return {name: value for name, value in changed.items() if value is not None}

    @contextlib.contextmanager
    def _environment(self, settings: Mapping[str, str | None]) -> Iterator[None]:
        before = dict(os.environ)
        os.environ.clear()
        os.environ.update(self._with(settings))
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
