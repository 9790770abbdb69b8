"""A team of three and its server, who do everything with the ``tenure`` command, and clients that watch."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from tuf.ngclient import Updater

from tenure_server.adapters.database import upgrade_schema
from tenure_server.app import create_app
from tenure_server.cli.context import CommandContext
from tenure_server.cli.main import main
from tenure_server.installation import Installation
from tenure_server.settings import Settings
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.ports import Clock
from tenure_server.use_cases.publish import FileToPublish, PublishRequest
from tenure_signing.key_sources import read_key, tuf_signer
from tenure_signing.names import FileName, Platform, ProductName
from tenure_signing.tuf_repository import Repository
from tenure_signing.versions import Version
from tests.services.postgres import PostgresServer
from tests.services.web_server import running_web_server
from tests.signing.tuf_repository import a_client

PASSPHRASE = "correct horse battery staple"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
A_DAY = timedelta(days=1)
PEOPLE = ("ada", "bo", "cyn")


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@contextlib.contextmanager
def team_with(request: pytest.FixtureRequest, directory: Path) -> Iterator[Team]:
    """A team whose server keeps its database in what the fixture's parameter names. Nothing is set up yet."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TENURE_PASSPHRASE", PASSPHRASE)
        patched.setattr("tenure_signing.pkcs8_encryption.PBKDF2_ROUNDS", 2_048)
        team = Team(directory)
        if getattr(request, "param", "sqlite") == "postgres":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            team.postgres = server
            team.database_url = server.new_database(template=server.template("newest_schema", upgrade_schema))
        yield team
        team.close()
        if team.postgres is not None and team.database_url is not None:
            team.postgres.drop_database(team.database_url)


@dataclass
class Team:
    """``directory/server`` is the server; each person has a folder with a key, and a copy of the first root."""

    directory: Path
    now: datetime = NOW
    clients: int = 0
    people: dict[str, Path] = field(default_factory=dict)
    database_url: str | None = None  # None: SQLite in the server's directory
    postgres: PostgresServer | None = None
    tokens: dict[str, str] = field(default_factory=dict)
    opened: list[Installation] = field(default_factory=list)
    serves: str = ""  # the server's URL while it runs

    @property
    def data_dir(self) -> Path:
        return self.directory / "server"

    @property
    def root_file(self) -> Path:
        return self.data_dir / "root.json"

    def clock(self) -> datetime:
        return self.now

    def run(self, *arguments: str | Path, at: Path | None = None) -> Ran:
        """One command on the server, or on somebody's machine (``at``)."""
        context = CommandContext(clock=self.clock)
        settings = self.settings if at is None else Settings(data_dir=at)
        vars(context)["installation"] = self.installation(settings)
        out, err = io.StringIO(), io.StringIO()
        environ = {"TENURE_TOKEN": self.tokens.get(at.name, "") if at is not None else ""}
        with patch.dict(os.environ, environ), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([str(argument) for argument in arguments], context)
        if not self.serves:
            self.close()
        return Ran(code, out.getvalue(), err.getvalue())

    def did(self, *arguments: str | Path, at: Path | None = None) -> Ran:
        """One command that succeeds."""
        ran = self.run(*arguments, at=at)
        assert ran.code == 0, ran.err
        return ran

    def installation(self, settings: Settings | None = None) -> Installation:
        clock: Clock = self.clock
        self.opened.append(Installation(settings or self.settings, clock=clock, signing_clock=clock))
        return self.opened[-1]

    def close(self) -> None:
        """Close every connection that was opened."""
        while self.opened:
            self.opened.pop().close()

    @property
    def settings(self) -> Settings:
        return Settings(data_dir=self.data_dir, database_url=self.database_url)

    @contextlib.contextmanager
    def serving(self, **settings: Any) -> Iterator[str]:
        """The server answers over HTTP, until the block ends."""
        installation = self.installation(replace(self.settings, **settings))
        with running_web_server(create_app(installation)) as url:
            self.serves = url
            try:
                yield url
            finally:
                self.serves = ""
        installation.close()

    def token(self, name: str, scope: str = "trust") -> str:
        """An API token for a person, who has it in the environment from then on, and a copy of the first root."""
        folder = self.person(name)
        if not (folder / "root.json").exists():
            (folder / "root.json").write_bytes(self.root_file.read_bytes())
        arguments = ("token", "create", "--name", name, "--scope", scope, "--days", "30")
        self.tokens[name] = self.did(*arguments).out.strip()
        return self.tokens[name]

    def remotely(self, name: str, command: str, *arguments: str | Path) -> Ran:
        """``tenure trust COMMAND … --server URL`` on somebody's machine."""
        return self.run("trust", command, *arguments, "--server", self.serves, at=self.person(name))

    def sign_remotely(self, code: str, *names: str) -> Ran:
        """Each signs what hangs at the server, and succeeds; what the last one was told."""
        for name in names:
            key = f"file:{self.person(name) / 'key.pem'}"
            ran = self.remotely(name, "sign", code, "--key", key, "--yes")
            assert ran.code == 0, ran.err
        return ran

    def person(self, name: str) -> Path:
        """A person's folder, with ``key.pem`` and the public ``NAME.json``."""
        if name not in self.people:
            folder = self.directory / name
            folder.mkdir(mode=0o700)
            self.did("keys", "new", folder / "key.pem", at=folder)
            public = folder / f"{name}.json"
            self.did("keys", "public", folder / "key.pem", "--out", public, "--name", name.title(), at=folder)
            self.people[name] = folder
        return self.people[name]

    def public(self, name: str) -> Path:
        return self.person(name) / f"{name}.json"

    def key_id(self, name: str) -> str:
        keyid: str = json.loads(self.public(name).read_text())["keyid"]
        return keyid

    def option(self, option: str, *names: str) -> list[str | Path]:
        """``--key ada.json --key bo.json``."""
        return [each for name in names for each in (option, self.public(name))]

    def sign(self, draft: Path, *names: str) -> None:
        """Each signs the same file, one after the other, with the embedded root to go by."""
        for name in names:
            folder = self.person(name)
            root = () if not self.root_file.exists() else ("--root", self.root_file)
            self.did("trust", "sign", draft, "--key", f"file:{folder / 'key.pem'}", "--yes", *root, at=folder)

    def draft(self, name: str, *arguments: str | Path) -> Path:
        """``tenure trust draft …`` on the server."""
        path = self.directory / f"{name}.draft.json"
        self.did("trust", "draft", *arguments, "--out", path)
        return path

    def submit(self, draft: Path) -> Ran:
        return self.did("trust", "submit", draft)

    def begin(self) -> None:
        """Root and targets, two of three."""
        draft = self.directory / "first.draft.json"
        self.did("trust", "start", *self.option("--root-key", *PEOPLE), "--out", draft)
        self.sign(draft, "ada", "cyn")
        self.submit(draft)

    def add_product(self, product: str, *names: str, threshold: int, signers: Sequence[str]) -> None:
        keys = self.option("--key", *names)
        draft = self.draft(
            f"add-{product}", "add-product", product, "--edition", "pro", *keys, "--threshold", str(threshold)
        )
        self.sign(draft, *dict.fromkeys([*signers, *names]))
        self.submit(draft)

    def publish(self, product: str, version: str, *names: str) -> str:
        """A release that these engineers sign; its target path."""
        name = f"{product}-{version}.zip"
        source = self.directory / name
        source.write_bytes(f"{product} {version}".encode())
        installation = self.installation()
        signers = [tuf_signer(read_key(self.person(each) / "key.pem", lambda: PASSPHRASE.encode())) for each in names]
        request = PublishRequest(
            ProductName(product),
            Version(version),
            (FileToPublish(source, FileName(name), Platform("any", "any")),),
        )
        installation.publish(request, signers=signers, online=installation.keys.online_signers, who="a test")
        return f"{product}/{version}/{name}"

    def repository(self) -> Repository:
        """What the server serves."""
        with self.installation().database.reading() as records:
            return read_repository(records)

    def new_client(self) -> Path:
        """Where a client that was just installed keeps its metadata."""
        self.clients += 1
        state = self.directory / f"client-{self.clients}"
        state.mkdir()
        return state

    def client(self, state: Path, repository: Repository | None = None) -> Updater:
        """A real client that embeds the first root, asking the server, or whoever serves ``repository``."""
        return a_client(repository or self.repository(), state, now=self.now, root=self.root_file.read_bytes())

    def finds(self, state: Path, path: str, repository: Repository | None = None) -> bool:
        """Whether the client accepts everything it is served and finds the file."""
        return self.client(state, repository).get_targetinfo(path) is not None

    def keep_fresh(self) -> None:
        """What the server does by itself."""
        self.installation().keep_metadata_fresh()

    def statuses(self) -> Mapping[str, Mapping[str, Any]]:
        return {life["role"]: life for life in self.run("trust", "status", "--json").json}
