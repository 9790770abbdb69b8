"""A real S3 server, OpenStack Swift, on 127.0.0.1: started by the scripts beside the checkout, gone after the session.

Its virtual environment stays in ``.venv-swift`` for the next time. ``TENURE_TEST_SWIFT_SCRIPTS`` names another folder
with ``install-pypi.sh``, ``start.sh`` and ``stop.sh``.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from tests.services.leaving_out import leave_out
from tests.services.ports import free_ports_in_a_row

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHECKOUT = Path(__file__).resolve().parents[2]
_PORTS = 4


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running S3 server. Use path style and signature version 4."""

    endpoint_url: str
    region: str = "us-east-1"
    access_key: str = "test:tester"
    secret_key: str = field(default="testing", repr=False)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False)

    def client(self, *, secret_key: str | None = None) -> S3Client:
        """A boto3 client; the caller closes it."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name=self.region,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key if secret_key is None else secret_key,
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        )

    def new_bucket(self) -> str:
        """Create an empty bucket and return its name."""
        name = f"tenure-{next(self._numbers)}"
        client = self.client()
        try:
            client.create_bucket(Bucket=name)
        finally:
            client.close()
        return name


def swift_scripts() -> Path | None:
    """The folder of the scripts, if there is one."""
    scripts = Path(os.environ.get("TENURE_TEST_SWIFT_SCRIPTS") or _CHECKOUT.parent / "shared" / "s3-swift")
    return scripts if (scripts / "start.sh").is_file() else None


@contextmanager
def running_swift() -> Iterator[S3Server]:
    """Install Swift when that was not done yet, run it on free ports, and end it however the tests went."""
    scripts = swift_scripts()
    if scripts is None:
        leave_out("Swift", "no scripts to start it")
    environment = _CHECKOUT / ".venv-swift"
    _install(scripts, environment)
    directory = Path(tempfile.mkdtemp(prefix="tenure-swift-"))
    try:
        endpoint_url = _start(scripts, environment, directory)
        try:
            yield S3Server(endpoint_url)
        finally:
            subprocess.run([scripts / "stop.sh", directory / "server"], check=True, stdin=subprocess.DEVNULL)
    finally:
        shutil.rmtree(directory)


def _install(scripts: Path, environment: Path) -> None:
    """One process at a time; does nothing when Swift is there."""
    environment.mkdir(exist_ok=True)
    with (environment / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = subprocess.run(
            [scripts / "install-pypi.sh", environment],
            env=os.environ | {"PYTHON": sys.executable},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if result.returncode != 0:
        why = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        leave_out("Swift", f"pip could not install it: {why}")


def _start(scripts: Path, environment: Path, directory: Path) -> str:
    """Start on free ports and return the endpoint's URL; on others when somebody was quicker."""
    server, output = directory / "server", directory / "start.log"
    for _ in range(5):
        port = free_ports_in_a_row(_PORTS)
        # To a file: the servers keep what they inherit open, and a pipe would never end.
        with output.open("w") as log:
            result = subprocess.run(
                [scripts / "start.sh", environment, server, str(port)],
                env={name: value for name, value in os.environ.items() if not name.startswith("SWIFT_")},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if result.returncode == 0:
            return f"http://127.0.0.1:{port}"
        shutil.rmtree(server, ignore_errors=True)  # its rings name the port
        if "in use" not in output.read_text():
            break
    raise RuntimeError(f"Swift did not start\n{output.read_text()}")
