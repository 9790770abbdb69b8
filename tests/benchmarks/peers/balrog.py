"""Mozilla's Balrog: the public application under uWSGI as its ``uwsgi/public.ini`` has it, SQLite, caches warm.

Each request comes over a connection of its own, since uWSGI's ``http-socket`` keeps none. Rules and releases are in its
caches for 30 s to an hour, so the database matters little; uWSGI's own log of requests is off, which its default has
on: in favour of Balrog.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.measuring import BrokenMeasurement, running_server

PRODUCT, CHANNEL, TARGET, LOCALE = "Firefox", "release", "Linux_x86_64-gcc3", "en-US"
NEWEST, BUILD = "62.0", "20260924000000"
OTHER_RULES = 100
"""Rules of other channels, which each check is matched against too."""


@dataclass(frozen=True, slots=True)
class Balrog:
    """``checkout`` of mozilla-releng/balrog; ``environment``: a virtual environment with what its ``uv.lock`` names,
    but for ``mysqlclient``, which only MySQL needs."""

    checkout: Path
    environment: Path

    @contextmanager
    def running(self, directory: Path, port: int) -> Iterator[int]:
        database = directory / "balrog.db"
        environ = {
            **os.environ,
            "PYTHONPATH": str(self.checkout / "src"),
            "DBURI": f"sqlite:///{database}",
            "LOG_LEVEL": "ERROR",
        }
        python, uwsgi = self.environment / "bin" / "python", self.environment / "bin" / "uwsgi"
        made = subprocess.run(
            [python, self.checkout / "scripts" / "manage-db.py", "-d", environ["DBURI"], "create"],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise BrokenMeasurement(f"Balrog's database could not be made: {made.stderr[-1000:]}")
        _fill(database)
        settings = [f"{name}={environ[name]}" for name in ("PYTHONPATH", "DBURI", "LOG_LEVEL")]
        command = ["env", *settings, str(uwsgi), "--http-socket", f"127.0.0.1:{port}", "--enable-threads"]
        command += ["--die-on-term", "--disable-logging", "--add-header", "Connection: close"]
        command += ["--virtualenv", str(self.environment), "--wsgi-file", str(self.checkout / "uwsgi" / "public.wsgi")]
        with running_server(command, port, directory / "balrog.log") as pid:
            yield pid

    def request(self) -> str:
        path = f"/update/3/{PRODUCT}/60.0/20260101000000/{TARGET}/{LOCALE}/{CHANNEL}/Linux%206.1/default/default"
        return f"GET {path}/update.xml HTTP/1.1\r\nHost: aus.example.com\r\nUser-Agent: Mozilla/5.0\r\n\r\n"

    def is_offer(self, body: bytes) -> bool:
        return NEWEST.encode() in body and b"<patch" in body


def _fill(database: Path) -> None:
    """One release, the rule that leads to it, and rules of others."""
    url = "https://download.mozilla.org/?product=firefox-62.0-complete&os=linux64&lang=en-US"
    patch = {"from": "*", "filesize": 51_234_567, "hashValue": "ab" * 64, "fileUrl": url}
    locales = {LOCALE: {"buildID": BUILD, "displayVersion": NEWEST, "appVersion": NEWEST, "completes": [patch]}}
    blob = {
        "name": "Firefox-62.0-build1",
        "schema_version": 4,
        "hashFunction": "sha512",
        "detailsUrl": "https://www.mozilla.org/%LOCALE%/firefox/62.0/releasenotes/",
        "displayVersion": NEWEST,
        "appVersion": NEWEST,
        "platforms": {TARGET: {"locales": locales}},
    }
    rule = (
        "INSERT INTO rules (priority, mapping, backgroundRate, update_type, product, channel, data_version)"
        " VALUES (?, ?, 100, 'minor', ?, ?, 1)"
    )
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "INSERT INTO releases (name, product, read_only, data, data_version) VALUES (?, ?, 0, ?, 1)",
            (blob["name"], PRODUCT, json.dumps(blob)),
        )
        connection.execute(rule, (90, blob["name"], PRODUCT, CHANNEL))
        for number in range(OTHER_RULES):
            connection.execute(rule, (100, blob["name"], PRODUCT, f"partner-{number}"))
