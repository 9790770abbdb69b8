"""``tenure.toml``: what stays the same from one release of a product to the next. docs/publishing.md lists the keys.

Every key is checked, also those that a run does not need; a key that is not known is refused, because a misspelt one
would otherwise be passed over in silence.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from tenure_server.errors import InvalidRequest
from tenure_signing.errors import InvalidName, InvalidVersion
from tenure_signing.names import (
    ChannelName,
    EditionName,
    Platform,
    ProductName,
    parse_channel,
    parse_edition,
    parse_platform,
    parse_product,
    platform_of,
)
from tenure_signing.problem_numbers import ProblemNumber, parse_problem_number
from tenure_signing.releases import SideFileKind
from tenure_signing.versions import Version, parse_version

T = TypeVar("T")

NAME = "tenure.toml"
MAX_PUBLISHING_FILE_BYTES = 65_536

_PLACES = {"version": "(?P<version>.+)", "os": "(?P<os>[A-Za-z0-9-]+)", "arch": "(?P<arch>[A-Za-z0-9_]+)", "*": ".*"}
_PLACE = re.compile(r"(\{[^{}]*\}|\*)")


@dataclass(frozen=True, slots=True)
class FilePattern:
    """How the vendor names files: ``Cad_{version}_{os}_{arch}.zip``, ``*`` for anything; or a platform of its own."""

    pattern: str
    platform: Platform | None
    _expression: re.Pattern[str]

    def read(self, file_name: str) -> tuple[Version | None, Platform | None] | None:
        """What the pattern says of this name; None where it does not fit. Raises ``InvalidName``,
        ``InvalidVersion`` for a name that fits with a version or platform that is none."""
        match = self._expression.fullmatch(file_name)
        if match is None:
            return None
        said = match.groupdict()
        version = parse_version(said["version"]) if said.get("version") is not None else None
        platform = platform_of(said["os"], said["arch"]) if said.get("os") is not None else self.platform
        return version, platform


@dataclass(frozen=True, slots=True)
class PublishingFile:
    """The parsed file. Paths are as written, relative to the file's folder."""

    product: ProductName | None = None
    server: str | None = None
    root: str | None = None
    keys: tuple[str, ...] = ()
    channel: ChannelName | None = None
    editions: frozenset[EditionName] | None = None
    notes: str | None = None
    side_files: tuple[tuple[str, str | None], ...] = ()  # path or glob, and its kind
    files: tuple[FilePattern, ...] = ()
    fixes: tuple[ProblemNumber, ...] | None = None  # the problems that the next release closes


def parse_publishing_file(text: str, where: str) -> PublishingFile:
    """Raises ``InvalidRequest`` (``publishing_file``), naming ``where`` and the key."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _problem(where, f"is no TOML: {error}") from error
    keys = _Keys(where, "", table)
    parsed = PublishingFile(
        product=keys.parsed("product", parse_product),
        server=keys.parsed("server", _server),
        root=keys.parsed("root", _path),
        keys=keys.texts("key", _key),
        channel=keys.parsed("channel", parse_channel),
        editions=frozenset(keys.texts("editions", parse_edition)) or None,
        notes=keys.parsed("notes", _path),
        side_files=tuple(_side_file(each) for each in keys.tables("side_files")),
        files=tuple(_pattern(each) for each in keys.tables("files")),
        fixes=keys.texts("fixes", parse_problem_number, may_be_empty=True) or None,
    )
    keys.finish()
    return parsed


def _server(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", text):
        raise ValueError("is written https://host, perhaps with a path")
    return text


def _path(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("is no path")
    return text


def _key(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9+]*:.+", text):
        raise ValueError("is a URI such as file:cad.pem, hsm:… or awskms:…, never a key itself")
    return text


def _side_file(keys: _Keys) -> tuple[str, str | None]:
    path = keys.parsed("file", _path)
    if path is None:
        raise keys.problem("file", "is missing")
    kind = keys.parsed("kind", _kind)
    keys.finish()
    return path, kind


def _kind(text: str) -> str:
    if text not in tuple(SideFileKind):
        raise ValueError(f"is one of {', '.join(SideFileKind)}")
    return text


def _pattern(keys: _Keys) -> FilePattern:
    expression = keys.parsed("pattern", _compiled)
    if expression is None:
        raise keys.problem("pattern", "is missing")
    text, compiled = expression
    platform = keys.parsed("platform", parse_platform)
    if platform is not None and "os" in compiled.groupindex:
        raise keys.problem("platform", "is given by {os} and {arch} in the pattern")
    keys.finish()
    return FilePattern(text, platform, compiled)


def _compiled(text: str) -> tuple[str, re.Pattern[str]]:
    if not text or "/" in text:
        raise ValueError("is a file name without a folder")
    parts: list[str] = []
    places: list[str] = []
    for piece in _PLACE.split(text):
        if not _PLACE.fullmatch(piece):
            parts.append(re.escape(piece))
            continue
        place = piece.strip("{}")
        if place not in _PLACES:
            raise ValueError(f"{piece} is none of {{version}}, {{os}}, {{arch}} and *")
        if place != "*":
            if place in places:
                raise ValueError(f"{piece} stands there twice")
            places.append(place)
        parts.append(_PLACES[place])
    if ("os" in places) != ("arch" in places):
        raise ValueError("{os} and {arch} go together")
    return text, re.compile("".join(parts), re.ASCII)


class _Keys:
    """A table of the file, read key by key."""

    def __init__(self, where: str, within: str, table: Mapping[str, object]) -> None:
        self._where, self._within = where, within
        self._unread = dict(table)
        self._known: list[str] = []

    def problem(self, key: str, sentence: str) -> InvalidRequest:
        return _problem(self._where, f"{self._within}{key} {sentence}")

    def _take(self, key: str) -> object:
        self._known.append(key)
        return self._unread.pop(key, None)

    def parsed(self, key: str, parse: Callable[[str], T]) -> T | None:
        value = self._take(key)
        return None if value is None else self._one(key, value, parse)

    def texts(self, key: str, parse: Callable[[str], T], *, may_be_empty: bool = False) -> tuple[T, ...]:
        """One text or a list of them; each once."""
        value = self._take(key)
        values = value if isinstance(value, list) else [] if value is None else [value]
        if value == [] and not may_be_empty:
            raise self.problem(key, "is empty")
        parsed = tuple(self._one(key, each, parse) for each in values)
        if len(set(parsed)) != len(parsed):
            raise self.problem(key, "has something twice")
        return parsed

    def tables(self, key: str) -> tuple[_Keys, ...]:
        value = self._take(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise self.problem(key, f"is written as tables, each below [[{key}]]")
        return tuple(
            _Keys(self._where, f"{self._within}{key}[{number}].", table) for number, table in enumerate(value, 1)
        )

    def finish(self) -> None:
        for key in self._unread:
            raise self.problem(ascii(key), f"is not known; there are {', '.join(self._known)}")

    def _one(self, key: str, value: object, parse: Callable[[str], T]) -> T:
        if not isinstance(value, str):
            raise self.problem(key, 'is written as text, in "quotation marks"')
        try:
            return parse(value)
        except (InvalidName, InvalidVersion) as error:
            raise self.problem(key, f"is {value!a}: {error}") from error
        except ValueError as error:
            raise self.problem(key, str(error)) from error


def _problem(where: str, sentence: str) -> InvalidRequest:
    return InvalidRequest(
        f"{where}: {sentence}.", code="publishing_file", hint="docs/publishing.md lists the keys and what they hold"
    )
