"""What every command is given: the installation, who is typing, and how options are spelled."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from tenure_server.installation import Installation, utc_now
from tenure_server.settings import Settings
from tenure_server.use_cases.once import Once
from tenure_server.use_cases.ports import Clock
from tenure_signing.errors import SigningError

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
ProductOption = Annotated[str, typer.Option("--product", help="The product's name.")]
VersionOption = Annotated[str, typer.Option("--version", help="The release's version.")]
AlthoughNeeded = Annotated[
    bool,
    typer.Option("--although-needed", help="Even if older installs reach other releases only through it."),
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it goes to the audit trail.")]

ReferenceOption = Annotated[
    str | None,
    typer.Option("--reference", help="The customer's or shop's own number. Given again, nothing is done twice."),
]

ONCE_OWNER = "command line"
"""Whose keys references are: all operators', so that one does not repeat what another did."""


def once_of(reference: str | None, operation: str, request: object) -> Once | None:
    """For a command that was given a reference."""
    return Once.of(ONCE_OWNER, reference, {operation: repr(request)}) if reference is not None else None


@dataclass
class CommandContext:
    """One run of the command. ``clock`` is the real one unless a test or the demo passes another."""

    clock: Clock = utc_now
    data_dir: Path | None = None

    @cached_property
    def installation(self) -> Installation:
        environ = dict(os.environ)
        if self.data_dir is not None:
            environ["TENURE_DATA_DIR"] = str(self.data_dir)
        return Installation(Settings.from_environ(environ), clock=self.clock)

    def close(self) -> None:
        """Close what the command opened."""
        opened = vars(self).get("installation")
        if isinstance(opened, Installation):
            opened.close()

    def lacks_its_database(self) -> bool:
        """Whether the data directory holds no embedded database, and no other database is set."""
        settings = self.installation.settings
        return settings.database_url is None and not settings.sqlite_path.exists()

    @cached_property
    def who(self) -> str:
        """Who is typing, for the audit trail: TENURE_ACTOR, else the name of the account on this machine."""
        try:
            return os.environ.get("TENURE_ACTOR") or f"{getpass.getuser()} (command line)"
        except (OSError, KeyError):
            return "command line"


def context_of(ctx: typer.Context) -> CommandContext:
    found = ctx.find_object(CommandContext)
    assert found is not None
    return found


def parse_instant(text: str) -> datetime:
    """An instant with a time zone, in UTC. Raises ``ValueError``."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise ValueError("an instant is written 2026-12-01T09:00+08:00 or 2026-12-01T01:00Z")
    return instant.astimezone(UTC)


def parsed(option: str, text: str, parse: Callable[[str], T]) -> T:
    """An option's value, or a usage error that names the option."""
    try:
        return parse(text)
    except (SigningError, ValueError) as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def parsed_or_none(option: str, text: str | None, parse: Callable[[str], T]) -> T | None:
    return None if text is None else parsed(option, text, parse)
