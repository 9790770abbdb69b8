"""nginx in front of several machines, as ``deploy/two-machines`` has it but for addresses and TLS."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.leaving_out import leave_out
from tests.services.ports import free_port

EXAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "two-machines" / "nginx.conf"
_START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Proxy:
    url: str
    log: Path

    def machines_asked(self) -> set[int]:
        """The ports of those that answered something, or were tried."""
        lines = self.log.read_text().splitlines()
        return {int(port) for line in lines for port in re.findall(r"127\.0\.0\.1:(\d+)", line.partition(" ")[2])}


@contextmanager
def running_proxy(directory: Path, machines: Sequence[int]) -> Iterator[Proxy]:
    """Before machines on these ports of 127.0.0.1."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        leave_out("nginx", "not installed")
    directory.mkdir()
    port, log = free_port(), directory / "tenure.log"
    configuration = directory / "nginx.conf"
    configuration.write_text(_configuration(directory, port, machines))
    command = [program, "-p", str(directory), "-c", str(configuration), "-e", str(directory / "error.log")]
    process = subprocess.Popen(command)
    try:
        _wait_for(port, process, directory / "error.log")
        yield Proxy(f"http://127.0.0.1:{port}", log)
    finally:
        process.terminate()
        process.wait(30)


def _configuration(directory: Path, port: int, machines: Sequence[int]) -> str:
    """The example's text with this machine's addresses. Everything else stays."""
    text = EXAMPLE.read_text()
    for number, machine in enumerate(machines, 11):
        line = f"server 127.0.0.1:{machine} max_fails=1 fail_timeout=5s;"
        found = f"server 10.0.0.{number}:8000 max_fails=1 fail_timeout=5s;"
        text = (
            text.replace(found, line) if found in text else text.replace("keepalive 64;", f"{line}\n    keepalive 64;")
        )
    text = re.sub(r"\n *ssl_certificate(_key)? [^;]*;", "", text)
    text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
    text = text.replace("/var/log/nginx", str(directory))
    assert "10.0.0" not in text
    temporary = "".join(
        f"    {kind}_temp_path {directory / kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off;\nworker_processes 1;\npid {directory / 'pid'};\n"
        f"events {{ worker_connections 256; }}\nhttp {{\n{temporary}{text}}}\n"
    )


def _wait_for(port: int, process: subprocess.Popen[bytes], errors: Path) -> None:
    give_up_at = time.monotonic() + _START_SECONDS
    while time.monotonic() < give_up_at and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"nginx did not start:\n{errors.read_text() if errors.exists() else ''}")
