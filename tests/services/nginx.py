"""nginx on a free port of 127.0.0.1, with a configuration of ours."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.leaving_out import leave_out

_START_SECONDS = 30


@contextmanager
def running_nginx(directory: Path, servers: str, port: int) -> Iterator[None]:
    """One worker, which runs as whoever runs the tests. ``servers`` is what stands in ``http { }``."""
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if program is None:
        leave_out("nginx", "not installed")
    directory.mkdir()
    configuration, log = directory / "nginx.conf", directory / "error.log"
    temporary = "\n".join(f"{kind}_temp_path {directory}/{kind};" for kind in ("client_body", "proxy"))
    user = f"user {pwd.getpwuid(os.getuid()).pw_name};" if os.getuid() == 0 else ""
    configuration.write_text(
        f"{user} daemon off; worker_processes 1; pid {directory}/pid; error_log {log};\n"
        f"events {{ worker_connections 64; }}\nhttp {{ access_log off; {temporary}\n{servers}\n}}\n",
        encoding="utf-8",
    )
    process = subprocess.Popen([program, "-p", str(directory), "-c", str(configuration), "-e", str(log)])
    try:
        _wait_for(port, process, log)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"nginx did not start:\n{log.read_text() if log.exists() else ''}")
