"""A vendor's shop on this machine: the real commands, a real ``tenure serve``, on each database and each store."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import urllib3
from urllib3 import BaseHTTPResponse

from tenure_client import Client
from tenure_server.use_cases.catalogue import FRESH_SECONDS, RELOAD_SECONDS
from tests.server.cli.at_the_terminal import Operator, RunningServer

MACHINE = "linux-x86_64"

SECONDS_BEHIND = FRESH_SECONDS + RELOAD_SECONDS
"""For how long a running server may go on as if a command had not published: no request is answered so later."""


def days_ago(days: int) -> date:
    return date.today() - timedelta(days=days)


@dataclass
class Shop:
    """``bodies`` are the bytes of what was published, by file name."""

    operator: Operator
    server: RunningServer
    bodies: dict[str, bytes] = field(default_factory=dict)
    clients: int = 0
    settled_at: float = 0.0

    @property
    def url(self) -> str:
        """Whoever takes it asks a server that has seen what the commands published."""
        self.settle()
        return self.server.url

    @property
    def root(self) -> bytes:
        return (self.operator.data_dir / "root.json").read_bytes()

    def publish(self, version: str, released_on: date, *, length: int = 1000, product: str = "cad") -> None:
        """One build for ``MACHINE``."""
        name = f"{product}-{version}-{MACHINE}.tar.gz"
        self.bodies[name] = os.urandom(length)
        file = self.operator.build(name, self.bodies[name])
        self.operator.did(
            *("publish", file, "--product", product, "--version", version, "--platform", MACHINE),
            *("--released-on", released_on, "--notes", f"What is new in {version}."),
        )
        self.settled_at = time.monotonic() + SECONDS_BEHIND

    def settle(self) -> None:
        """Waits until the running server has seen what the commands published."""
        time.sleep(max(0.0, self.settled_at - time.monotonic()))

    def sell(self, purchased_on: date, *options: str, customer: str = "Ada Tan") -> dict[str, Any]:
        sold: dict[str, Any] = self.operator.did(
            *("licence", "issue", "--product", "cad", "--edition", "pro", "--customer", customer, "--price", "1000"),
            *("--purchased-on", purchased_on, *options, "--json"),
        ).json
        return sold

    def client(self, key: str | None, version: str, **options: Any) -> Client:
        """An installed copy that embeds the root."""
        self.clients += 1
        state = self.operator.directory / f"copy-{self.clients}"
        return Client.open(
            root=self.root,
            server_url=self.url,
            product="cad",
            version=version,
            licence_key=key,
            platform=MACHINE,
            **{"state_directory": state, **options},
        )

    def get(self, path: str, **headers: str) -> BaseHTTPResponse:
        """One request of a plain HTTP client that follows no redirect."""
        self.settle()
        url = path if path.startswith("http") else self.url + path
        return urllib3.request("GET", url, headers=headers, redirect=False, retries=False, timeout=30)

    def check(self, key: str, version: str) -> Any:
        """The answer of the API."""
        answer = self.get(
            f"/v1/update-check?product=cad&version={version}&os=linux&arch=x86_64&manual=true",
            Authorization=f"License {key}",
        )
        return answer.json()


@contextlib.contextmanager
def open_shop(directory: Path, settings: dict[str, str] | None = None) -> Iterator[Shop]:
    """With the product cad, editions pro and lite, and a running server."""
    operator = Operator(directory, settings or {}, today=date.today())
    operator.did("init")
    operator.did("product", "add", "cad", "--edition", "pro", "--edition", "lite", "--title", "Harbour CAD")
    with operator.serving() as server:
        yield Shop(operator, server)
