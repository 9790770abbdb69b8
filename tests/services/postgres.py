"""A throw-away PostgreSQL cluster: made by the local ``initdb``, on 127.0.0.1, gone at the end of the session.

The superuser is ``tenure`` and needs no password. Durability is off: the data outlives nothing.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from tests.services.leaving_out import leave_out
from tests.services.ports import free_port

_SOCKET_PATH_MAX_BYTES = 107
_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = '{directory}'
fsync = off
full_page_writes = off
synchronous_commit = off
"""


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running cluster."""

    port: int
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False)
    _templates: dict[str, str] = field(default_factory=dict, repr=False)

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database of this cluster."""
        return f"postgresql+psycopg://tenure@127.0.0.1:{self.port}/{database}"

    def new_database(self, *, template: str = "template0") -> str:
        """Create a database, empty or a copy of a template, and return its SQLAlchemy URL."""
        name = f"tenure_{next(self._numbers)}"
        self._run(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return self.url(name)

    def template(self, name: str, prepare: Callable[[str], None]) -> str:
        """The name of a database to copy, for ``new_database``.

        ``prepare`` is given the URL once, fills the database and closes its connections.
        """
        if name not in self._templates:
            url = self.new_database()
            prepare(url)
            self._templates[name] = _database_of(url)
        return self._templates[name]

    def drop_database(self, url: str) -> None:
        """Drop the database, ending connections that are still open."""
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(_database_of(url))))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="tenure", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement)


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Make a cluster, run it, and end and remove it however the tests went."""
    with own_postgres() as own:
        yield own.server


@dataclass
class OwnPostgres:
    """A cluster of one test, which may stop it and start it again, on the same port."""

    server: PostgresServer
    cluster: _Cluster
    is_running: bool = True

    def stop(self) -> None:
        """As a machine that loses its power."""
        self.cluster.stop()
        self.is_running = False

    def start(self) -> None:
        self.cluster.start(self.server.port)
        self.is_running = True


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """As ``running_postgres``, for a test that stops it."""
    programs = _programs()
    user = _unprivileged_user()
    directory = _directory_for(user)
    try:
        cluster = _Cluster(programs, directory, user)
        cluster.make()
        own = OwnPostgres(PostgresServer(cluster.start()), cluster)
        try:
            yield own
        finally:
            if own.is_running:
                own.stop()
    finally:
        shutil.rmtree(directory)


@dataclass(frozen=True, slots=True)
class _Cluster:
    programs: Path
    directory: Path
    user: pwd.struct_passwd | None  # None: as ourselves

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def log(self) -> Path:
        return self.directory / "log"

    def make(self) -> None:
        self._run("initdb", "-U", "tenure", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS.format(directory=self.directory))

    def start(self, fixed_port: int | None = None) -> int:
        """Start on a free port, or this one, and return it; another free port when somebody was quicker."""
        for _ in range(5):
            port = fixed_port or free_port()
            try:
                self._run("pg_ctl", "-w", "-l", str(self.log), "-o", f"-p {port}", "start")
            except RuntimeError:
                if "Address already in use" not in self.log.read_text(errors="replace"):
                    raise
            else:
                return port
        raise RuntimeError("PostgreSQL found no free port in five attempts")

    def stop(self) -> None:
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        result = subprocess.run(
            [str(self.programs / program), "-D", str(self.data), *arguments],
            cwd=self.directory,
            env=environment | {"HOME": str(self.directory)},
            user=self.user.pw_uid if self.user else None,
            group=self.user.pw_gid if self.user else None,
            extra_groups=[] if self.user else None,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            log = self.log.read_text(errors="replace") if self.log.exists() else ""
            raise RuntimeError(f"{program} failed ({result.returncode})\n{result.stdout}{result.stderr}{log}")


def _programs() -> Path:
    """The folder of initdb and pg_ctl; the newest where Debian has several."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    found = shutil.which("initdb")
    if not debian and found is None:
        leave_out("PostgreSQL", "no initdb")
    return debian[-1].parent if debian else Path(str(found)).resolve().parent


def _unprivileged_user() -> pwd.struct_passwd | None:
    """Whom to run as: initdb refuses root."""
    if os.geteuid() != 0:
        return None
    users = {user.pw_name: user for user in pwd.getpwall()}
    user = users.get("postgres") or users.get("nobody")
    if user is None:
        leave_out("PostgreSQL", "neither the user postgres nor nobody to run it as")
    return user


def _directory_for(user: pwd.struct_passwd | None) -> Path:
    """A new folder that belongs to the user, whom every folder above it lets in, with room for a socket's path."""
    for parent in (Path(tempfile.gettempdir()).resolve(), Path("/tmp"), Path("/var/tmp")):
        socket_path = parent / "tenure-postgres-12345678" / ".s.PGSQL.65535.lock"
        may_enter = user is None or all(folder.stat().st_mode & 0o001 for folder in (parent, *parent.parents))
        if may_enter and len(os.fsencode(socket_path)) <= _SOCKET_PATH_MAX_BYTES:
            directory = Path(tempfile.mkdtemp(prefix="tenure-postgres-", dir=parent))
            if user is not None:
                os.chown(directory, user.pw_uid, user.pw_gid)
            return directory
    raise RuntimeError("no temporary folder that PostgreSQL's user may enter")


def _database_of(url: str) -> str:
    return url.rpartition("/")[2]
