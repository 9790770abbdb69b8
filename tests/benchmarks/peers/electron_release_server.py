"""electron-release-server in production mode with PostgreSQL, which is its own; node and PostgreSQL count, as it asks
the database several times for each check."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.benchmarks.measuring import BrokenMeasurement, running_server
from tests.services.ports import free_port
from tests.services.postgres import PostgresServer

VERSIONS = 20
NEWEST = f"1.{VERSIONS - 1}.0"
INSTALLED = "1.10.0"
START_SECONDS = 90.0
_LOCAL_SETTINGS = """
module.exports = Object.assign({}, require('./docker.js'), {sockets: {onlyAllowOrigins: [process.env.APP_URL]}});
"""


@dataclass(frozen=True, slots=True)
class ElectronReleaseServer:
    """``checkout`` of ArekSredzki/electron-release-server after ``npm ci --omit=dev --ignore-scripts``. Its
    ``config/local.js`` is made here: its own ``config/docker.js`` with what production mode asks for."""

    checkout: Path
    postgres: PostgresServer

    @contextmanager
    def running(self, directory: Path, port: int) -> Iterator[int]:
        """Twice: once to have it make its tables, then as in production."""
        (self.checkout / "config" / "local.js").write_text(_LOCAL_SETTINGS, encoding="utf-8")
        url = self.postgres.new_database()
        log = directory / "electron-release-server.log"
        first = free_port()
        with running_server(self._command(url, first, "development"), first, log):
            _wait_for_answer(first)
        _fill(url)
        with running_server(self._command(url, port, "production"), port, log) as pid:
            yield pid

    def _command(self, url: str, port: int, mode: str) -> list[str]:
        parts = urlsplit(url)
        settings = {
            "NODE_ENV": mode,
            "DB_HOST": str(parts.hostname),
            "DB_PORT": str(parts.port),
            "DB_USERNAME": str(parts.username),
            "DB_PASSWORD": "trusted",
            "DB_NAME": parts.path.lstrip("/"),
            "APP_USERNAME": "bench",
            "APP_PASSWORD": "bench",
            "APP_URL": f"http://127.0.0.1:{port}",
            "TOKEN_SECRET": "0" * 63,
            "DATA_ENCRYPTION_KEY": "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA=",
            "LOG_LEVEL": "error",
            "sails_port": str(port),
            "sails_hooks__grunt": "false",  # builds the pages' assets, of which a check has none
        }
        node = shutil.which("node")
        if node is None:
            raise BrokenMeasurement("node is not installed")
        script = f"cd {self.checkout} && exec {node} app.js --port={port}"
        return ["env", *(f"{name}={value}" for name, value in settings.items()), "sh", "-c", script]

    def request(self) -> str:
        path = f"/update/linux_64/{INSTALLED}/stable"
        return f"GET {path} HTTP/1.1\r\nHost: updates.example.com\r\nUser-Agent: electron\r\n\r\n"

    def is_offer(self, body: bytes) -> bool:
        return NEWEST.encode() in body

    def database_process(self) -> int:
        """PostgreSQL's first process."""
        with psycopg.connect(self.postgres.url("postgres").replace("postgresql+psycopg", "postgresql")) as connection:
            (backend,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (0,)
            return int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])


def _wait_for_answer(port: int) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up_at:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/versions/sorted", timeout=10):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.5)
    raise BrokenMeasurement("electron-release-server answers nothing")


def _fill(url: str) -> None:
    """Versions with one build each, a minute apart."""
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql")) as connection:
        for number in range(VERSIONS):
            name, made = f"1.{number}.0", 1_700_000_000_000 + number * 60_000
            version = f"{name}_default"
            connection.execute(
                'INSERT INTO version (id, name, channel, flavor, notes, availability, "createdAt", "updatedAt")'
                " VALUES (%s, %s, 'stable', 'default', %s, '2024-01-01T00:00:00.000Z', %s, %s)",
                (version, name, f"What is new in {name}.", made, made),
            )
            connection.execute(
                'INSERT INTO asset (id, name, platform, filetype, hash, size, download_count, version, fd, "createdAt",'
                " \"updatedAt\") VALUES (%s, %s, 'linux_64', '.zip', %s, 1000, 0, %s, '/tmp/none', %s, %s)",
                (f"{version}_linux", f"app-{name}.zip", "ab" * 32, version, made, made),
            )


def node_version() -> str:
    found = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False, env=dict(os.environ))
    return found.stdout.strip()
