"""Who is measured, at what, with which bound of issue 5."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.measuring import running_server
from tests.benchmarks.servers import ANSWER_FILE
from tests.benchmarks.work import Work

YARDSTICK = "bare Starlette"


@dataclass(frozen=True, slots=True)
class Contender:
    """``at_most`` and ``stretch`` are ratios of CPU time to the yardstick in the same run."""

    name: str
    server: str  # a name for tests.benchmarks.servers, or nginx
    requests: Callable[[Work, int, int], Path]  # of the work, so many, with the server on the port
    at_most: float | None = None
    stretch: float | None = None
    once: bool = False  # each request one time, by a fresh process
    refused: bool = False
    on_postgres: bool = False

    @property
    def is_ours(self) -> bool:
        return self.server.startswith("tenure")


CONTENDERS = (
    Contender("nginx, static file", "nginx", lambda work, n, port: work.warm(min(n, 1_000))),
    Contender("raw ASGI", "raw-asgi", lambda work, n, port: work.warm(min(n, 1_000))),
    Contender(YARDSTICK, "bare-starlette", lambda work, n, port: work.warm(min(n, 1_000)), at_most=1.0),
    Contender("Starlette, one SQLModel row", "sqlmodel", lambda work, n, port: work.warm(min(n, 1_000))),
    Contender("check, licence seen lately", "tenure", lambda work, n, port: work.warm(n), 1.0, 0.8),
    Contender("check answered 304", "tenure", lambda work, n, port: work.unchanged(n, port), 0.9, 0.75),
    Contender("check, licence never seen, SQLite", "tenure", lambda work, n, port: work.cold(n), 3.0, 2.5, once=True),
    Contender(
        "check, licence never seen, PostgreSQL",
        "tenure",
        lambda work, n, port: work.cold(n),
        *(4.5, 3.5),
        once=True,
        on_postgres=True,
    ),
    Contender(
        "check by certificate, no database",
        "tenure-edge",
        lambda work, n, port: work.certified(n),
        *(4.5, 3.5),
        once=True,
    ),
    Contender("forged key", "tenure", lambda work, n, port: work.forged(n), 3.0, refused=True),
    Contender("download, to the embedded store", "tenure", lambda work, n, port: work.downloads(n), 1.25, 1.0),
    Contender("download, to S3 by SigV4", "tenure-s3", lambda work, n, port: work.downloads(n), 1.25, 1.0),
    Contender("TUF metadata file", "tenure", lambda work, n, port: work.metadata(), 1.0, 0.8),
    Contender("Velopack feed, warm", "tenure", lambda work, n, port: work.feed(n), 1.3, 1.0),
)


def started(
    contender: Contender, port: int, data_dir: Path, database_url: str | None, directory: Path
) -> AbstractContextManager[int]:
    """The contender's server, listening on the port. ``directory`` is for its log and configuration."""
    log = directory / "server.log"
    if contender.server == "nginx":
        return running_server(_nginx(directory, data_dir / ANSWER_FILE, port), port, log)
    command = [sys.executable, "-m", "tests.benchmarks.servers", contender.server, str(port), str(data_dir)]
    if contender.on_postgres and database_url is not None:
        command.append(database_url)
    return running_server(command, port, log)


def _nginx(directory: Path, answer: Path, port: int) -> list[str]:
    """One worker, no log, the file answered whatever is asked."""
    (directory / "nginx").mkdir(exist_ok=True)
    html = directory / "nginx" / "answer.json"
    html.write_bytes(answer.read_bytes())
    html.chmod(0o644)
    for folder in (html, *html.parents):
        if folder.owner() == directory.owner() and folder != html:
            folder.chmod(folder.stat().st_mode | 0o011)
        if folder == directory:
            break
    configuration = directory / "nginx" / "nginx.conf"
    configuration.write_text(
        f"""
        user root;
        daemon off;
        worker_processes 1;
        pid {directory}/nginx/pid;
        error_log {directory}/nginx/error.log;
        events {{ worker_connections 256; }}
        http {{
            access_log off;
            open_file_cache max=10;
            keepalive_requests 1000000000;
            default_type application/json;
            server {{
                listen 127.0.0.1:{port};
                root {directory}/nginx;
                location / {{ rewrite ^ /answer.json break; }}
            }}
        }}
        """,
        encoding="utf-8",
    )
    return ["nginx", "-p", str(directory / "nginx"), "-c", str(configuration), "-e", str(directory / "nginx/error.log")]
