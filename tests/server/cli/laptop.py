"""A release engineer's machine beside a running server: an empty folder, a token, a key and the first root."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tenure_server.adapters.local_store import LocalStore
from tenure_server.adapters.local_uploads import LocalUploads
from tenure_server.app import create_app
from tests.server.cli.at_the_terminal import Operator, Ran
from tests.services.web_server import running_web_server


@dataclass
class Laptop:
    """``operator`` runs the server; ``engineer`` has an empty folder on another machine."""

    operator: Operator
    engineer: Operator
    url: str
    token: str

    def __post_init__(self) -> None:
        self.root = self.engineer.directory / "root.json"
        self.root.write_bytes((self.operator.data_dir / "root.json").read_bytes())
        self.key = self.operator.data_dir / "keys" / "offline" / "product-cad.pem"

    def arguments(self, *options: str) -> list[object]:
        build = self.engineer.build("cad-1.0.zip")
        facts = ("--product", "cad", "--version", "1.0", "--platform", "any", "--edition", "pro", "--channel", "beta")
        return ["publish", build, *facts, "--server", self.url, "--root", self.root, *options]

    def publish(self, *options: str, **settings: str | None) -> Ran:
        arguments = self.arguments("--key", f"file:{self.key}", *options)
        return self.engineer.run(*arguments, **{"TENURE_TOKEN": self.token, **settings})

    def versions(self) -> list[str]:
        return [release["version"] for release in self.operator.did("releases", "--json").json]


@contextmanager
def running_laptop(operator: Operator, tmp_path: Path) -> Iterator[Laptop]:
    token = operator.did("token", "create", "--name", "ci", "--scope", "publish", "--product", "cad", "--days", "9")
    (tmp_path / "laptop").mkdir()
    engineer = Operator(tmp_path / "laptop")
    installation, address = operator.installation(), list[str]()
    store = installation.store
    assert isinstance(store, LocalStore)
    vars(installation)["upload_store"] = LocalUploads(
        store,
        operator.data_dir / "store",
        base_url=lambda: address[0],
        link_key=b"k" * 32,
        clock=installation.signing_clock,
    )
    with running_web_server(create_app(installation)) as url:
        address.append(url)
        yield Laptop(operator, engineer, url, token.out.strip())
