"""How the commands speak: tables for people, JSON for programs, errors and progress on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from tenure_server.use_cases.ports import Progress as ProgressCallback
from tenure_signing.releases import Money

JsonValue = object

_NEVER_WRAPPED = 100_000  # columns


def print_json(value: JsonValue) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def money_json(money: Money) -> dict[str, object]:
    return {"minor_units": money.minor_units, "currency": money.currency}


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, nothing: str) -> None:
    """A table, or a sentence where there is nothing to list."""
    if not rows:
        print_line(nothing)
        return
    for line in _drawn(_console(sys.stdout), columns, rows):
        print_line(line)


def say_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table for the person at the terminal that is no result."""
    for line in _drawn(_console(sys.stderr), columns, rows):
        say(line)


def _drawn(console: Console, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_printable(str(cell))) for cell in row))
    with console.capture() as drawn:
        console.print(table)
    return (line.rstrip() for line in drawn.get().splitlines())


def print_facts(facts: Mapping[str, object]) -> None:
    """Names and values, one a line."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        lines = [_printable(line) for line in str(value).split("\n")]
        print_line(f"{name:<{width}}  {lines[0]}")
        for line in lines[1:]:
            print_line(" " * (width + 2) + line)


def print_line(text: str = "") -> None:
    sys.stdout.write(text + "\n")


def say(text: str) -> None:
    """Something for the person at the terminal that is no result."""
    sys.stderr.write(text + "\n")


def print_error(message: str, hint: str | None) -> None:
    say("error: " + _as_line(message))
    if hint is not None:
        say("hint: " + _as_line(hint))


@contextmanager
def progress_bar(what: str, total_bytes: int, *, shown: bool) -> Iterator[ProgressCallback]:
    """A bar with rate and time left on standard error, where somebody looks."""
    console = Console(stderr=True)
    if not (shown and console.is_terminal):
        yield lambda done: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task(what, total=total_bytes)
        yield lambda done: progress.advance(task, done)


def _as_line(sentence: str) -> str:
    """In lower case and without a full stop, on one line, without control characters."""
    line = _printable(" ".join(sentence.split())).removesuffix(".")
    first, rest = line[:1], line[1:]
    return (first.lower() if rest[:1].islower() or rest[:1] == " " else first) + rest


def plural(number: int, thing: str) -> str:
    """``1 day``, ``2 days``."""
    return f"{number} {thing}" if abs(number) == 1 else f"{number} {thing}s"


def _printable(text: str) -> str:
    """Without control characters: what somebody else wrote does not steer the terminal."""
    return "".join(character for character in text if character.isprintable())


def _console(file: TextIO) -> Console:
    console = Console(file=file, highlight=False, soft_wrap=False)
    if not console.is_terminal:  # a pipe or a file: never wrapped
        return Console(file=file, highlight=False, width=_NEVER_WRAPPED)
    return console
