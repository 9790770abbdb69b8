"""Who may import whom: STYLE's picture as a table, checked on the syntax tree.

Imports count wherever they stand: in functions, under ``TYPE_CHECKING``, and through ``importlib.import_module("…")``.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
SOURCES = {
    "tenure_signing": CHECKOUT / "signing" / "src",
    "tenure_client": CHECKOUT / "client_sdk" / "src",
    "tenure_server": CHECKOUT / "server" / "src",
}

PURE_SIGNING = tuple(
    f"tenure_signing.{name}"
    for name in (
        "names",
        "languages",
        "problem_numbers",
        "versions",
        "days",
        "releases",
        "entitlement",
        "coverage",
        "rollout",
        "update_choice",
        "errors",
    )
)
SIGNING = ("tenure_signing", "packaging", "cryptography", "joserfc", "tuf", "securesystemslib")
CLIENT = ("tenure_client", "tenure_signing", "tuf", "urllib3", "filelock", "platformdirs", "packaging")
CLIENT_COMMAND = (*CLIENT, "rich")

# Named piece by piece: a bare "tenure_server" would allow all of it.
ERRORS = ("tenure_server.errors",)
DOMAIN = ("tenure_server.domain", *PURE_SIGNING, *ERRORS, "babel", "packaging")
USE_CASES = ("tenure_server.use_cases", "tenure_server.domain", *ERRORS, "tenure_signing", "securesystemslib")
PORTS = (
    "tenure_server.use_cases.ports",
    "tenure_server.use_cases.ports_mail",
    "tenure_server.use_cases.ports_board",
    "tenure_server.use_cases.ports_trust",
    "tenure_server.use_cases.ports_release_drafts",
    "tenure_server.use_cases.ports_bundle",
    "tenure_server.use_cases.ports_mirror",
    "tenure_server.use_cases.ports_customers",
    "tenure_server.use_cases.ports_orders",
    "tenure_server.use_cases.ports_signer",
    "tenure_server.use_cases.ports_problems",
    "tenure_server.use_cases.signers",
    "tenure_server.domain",
    *ERRORS,
    "tenure_signing",
)
STORES = (
    "alembic",
    "boto3",
    "botocore",
    "cryptography",
    "mypy_boto3_s3",
    "nacl",
    "packaging",
    "psycopg",
    "securesystemslib",
    "sqlalchemy",
    "sqlmodel",
    "stripe",
    "urllib3",
)
WEB = ("starlette", "pydantic", "pydantic_core", "jinja2", "markupsafe", "itsdangerous", "prometheus_client")
FACES = (
    *USE_CASES,
    "tenure_server.settings",
    "tenure_server.papers",
    "tenure_server.http",
    "tenure_server.__version__",
    *WEB,
)
COMMANDS = (
    *USE_CASES,
    "tenure_server.settings",
    "tenure_server.installation",
    "tenure_server.serving",
    "tenure_server.edge_serving",
    "tenure_server.papers",
    "tenure_server.cli",
    "tenure_server.__version__",
    "typer",
    "rich",
)
COMPOSITION = ("tenure_server", "tenure_signing", *STORES, *WEB, "typer", "rich", "uvicorn")

# The longest matching module decides; a module of tenure_server that none matches has to be given a line here.
ALLOWED: dict[str, tuple[str, ...]] = {
    "tenure_signing": SIGNING,
    **dict.fromkeys(PURE_SIGNING, (*PURE_SIGNING, "packaging")),
    "tenure_client": CLIENT,
    "tenure_client.cli": CLIENT_COMMAND,
    "tenure_client.__main__": CLIENT_COMMAND,
    "tenure_server.__init__": (),
    "tenure_server.errors": ("tenure_signing",),
    "tenure_server.domain": DOMAIN,
    "tenure_server.use_cases": USE_CASES,
    "tenure_server.adapters": (*PORTS, "tenure_server.adapters", *STORES),
    "tenure_server.adapters.metadata_reader": (*PORTS, "tenure_server.adapters", *STORES, "tuf"),
    "tenure_server.adapters.mime_mail": (*PORTS, "bs4"),
    "tenure_server.adapters.request_mail": (*PORTS, "tenure_server.adapters", "babel", "jinja2"),
    "tenure_server.adapters.reminder_mail": (*PORTS, "tenure_server.adapters", "babel", "jinja2"),
    "tenure_server.adapters.problem_mail": (*PORTS, "tenure_server.adapters", "babel", "jinja2"),
    "tenure_server.settings": ("tenure_server.domain", *ERRORS, "tenure_signing"),
    "tenure_server.http": FACES,
    "tenure_server.papers": (
        "tenure_server.papers",
        "babel",
        "tenure_server.domain",
        *ERRORS,
        "jinja2",
        "fpdf",
        "tenure_signing",
    ),
    "tenure_server.portal": (*FACES, "tenure_server.portal", "markdown_it"),
    "tenure_server.console": (*FACES, "tenure_server.console"),
    "tenure_server.feeds": (*FACES, "tenure_server.feeds"),
    "tenure_server.cli": COMMANDS,
    "tenure_server.app": COMPOSITION,
    "tenure_server.installation": COMPOSITION,
    "tenure_server.parts": COMPOSITION,
    "tenure_server.serving": COMPOSITION,
    "tenure_server.edge_serving": COMPOSITION,
    "tenure_server.periodic": COMPOSITION,
    "tenure_server.file_sending": COMPOSITION,
    "tenure_server.short_way": COMPOSITION,
    "tenure_server.workers": COMPOSITION,
    "tenure_server.__main__": COMPOSITION,
}

# The rules are pure: what they need of the day, of chance and of the world comes in as an argument.
PURE = (*PURE_SIGNING, "tenure_server.domain")
IMPURE = (
    "http",
    "logging",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "sqlite3",
    "subprocess",
    "time",
    "urllib",
    "uuid",
)


@dataclass(frozen=True, slots=True)
class Module:
    """A module's dotted name (``package.__init__`` for a package) and its text."""

    name: str
    text: str


def modules_under(source: Path) -> Iterator[Module]:
    """Every module of a source folder."""
    for path in sorted(source.rglob("*.py")):
        yield Module(".".join(path.relative_to(source).with_suffix("").parts), path.read_text(encoding="utf-8"))


def imports_of(module: Module) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything the module imports; ``from a import b`` is ``a.b``."""
    for node in ast.walk(ast.parse(module.text)):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=origin, names=names, level=level):
                above = module.name.split(".")[:-level] if level else []
                base = ".".join([*above, *([origin] if origin else [])])
                yield from ((node.lineno, f"{base}.{alias.name}") for alias in names)
            case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__")):
                named = node.args[0] if node.args else None
                yield node.lineno, str(named.value) if isinstance(named, ast.Constant) else "<computed>"
            case _:
                pass


def is_within(name: str, prefix: str) -> bool:
    """Whether the dotted name is the prefix or lies below it."""
    return name == prefix or name.startswith(f"{prefix}.")


def violations(module: Module) -> list[str]:
    """What the module imports and may not, one sentence each."""
    rules = [rule for rule in ALLOWED if is_within(module.name, rule)]
    if not rules:
        return [f"{module.name} has no line in tests/test_architecture.py"]
    allowed = ALLOWED[max(rules, key=len)]
    pure = any(is_within(module.name, prefix) for prefix in PURE)
    found = []
    for line, name in imports_of(module):
        top = name.partition(".")[0]
        within_library = top in sys.stdlib_module_names and not (pure and top in IMPURE)
        if not within_library and not any(is_within(name, prefix) for prefix in allowed):
            found.append(f"{module.name}:{line} imports {name}")
    if pure:
        found += [f"{module.name}:{line} asks the clock" for line in clock_readings(module)]
    return found


def clock_readings(module: Module) -> Iterator[int]:
    """Lines that call ``….now()``, ``….utcnow()`` or ``….today()``."""
    for node in ast.walk(ast.parse(module.text)):
        match node:
            case ast.Call(func=ast.Attribute(attr="now" | "utcnow" | "today")):
                yield node.lineno
            case _:
                pass


@pytest.mark.parametrize("distribution", SOURCES)
def test_every_module_imports_only_what_its_place_allows(distribution: str) -> None:
    assert [sentence for module in modules_under(SOURCES[distribution]) for sentence in violations(module)] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tenure_signing.issuing", "import tenure_client"),
        ("tenure_signing.issuing", "from tenure_server.domain import smp"),
        ("tenure_signing.coverage", "from tenure_signing import licence_key"),
        ("tenure_signing.coverage", "from .licence_key import read"),
        ("tenure_signing.coverage", "from . import licence_key"),
        ("tenure_signing.names", "import cryptography.hazmat"),
        ("tenure_signing.days", "import time"),
        ("tenure_signing.days", "from datetime import date\nday = date.today()"),
        ("tenure_server.domain.smp", "from os import environ"),
        ("tenure_client.client", "import tenure_server"),
        ("tenure_client.client", "import rich.progress"),
        ("tenure_client.client", "import requests"),
        ("tenure_server.domain.smp", "import sqlmodel"),
        ("tenure_server.domain.smp", "from tenure_server.use_cases import ports"),
        ("tenure_server.domain.smp", "from tenure_signing.licence_key import read"),
        ("tenure_server.domain.smp", "from ..use_cases import ports"),
        ("tenure_server.use_cases.publish", "from tenure_server import adapters"),
        ("tenure_server.use_cases.publish", "from starlette.responses import Response"),
        ("tenure_server.use_cases.publish", "def later():\n    from tenure_server.adapters.database import Database"),
        ("tenure_server.use_cases.publish", "if TYPE_CHECKING:\n    import boto3"),
        ("tenure_server.use_cases.publish", "importlib.import_module('tenure_server.adapters')"),
        ("tenure_server.use_cases.publish", "__import__(name)"),
        ("tenure_server.adapters.database", "from tenure_server.use_cases.publish import Publish"),
        ("tenure_server.adapters.database", "import starlette"),
        ("tenure_server.http.routes", "from tenure_server.adapters import database"),
        ("tenure_server.portal.pages", "from tenure_server import *"),
        ("tenure_server.feeds.velopack", "from tenure_server.portal import pages"),
        ("tenure_server.cli.publish", "import tenure_server.adapters.database"),
        ("tenure_server.app", "import tenure_client"),
        ("tenure_server.utils", ""),
    ],
)
def test_a_planted_violation_is_found(name: str, text: str) -> None:
    assert len(violations(Module(name, text))) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tenure_signing.issuing", "import cryptography.hazmat.primitives"),
        ("tenure_signing.coverage", "from packaging.version import Version"),
        ("tenure_signing.coverage", "from .days import Term"),
        ("tenure_client.cli", "from rich.progress import Progress"),
        ("tenure_server.domain.smp", "import datetime\nfrom tenure_signing.days import Term"),
        ("tenure_server.domain.__init__", "from .smp import renew"),
        ("tenure_server.use_cases.publish", "from tenure_signing import issuing"),
        ("tenure_server.adapters.database", "from tenure_server.use_cases.ports import Clock\nimport sqlmodel"),
        ("tenure_server.http.routes", "from tenure_server.use_cases import publish"),
        ("tenure_server.app", "from tenure_server.adapters import database"),
    ],
)
def test_an_allowed_import_is_allowed(name: str, text: str) -> None:
    assert violations(Module(name, text)) == []
