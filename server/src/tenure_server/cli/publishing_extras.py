"""What goes with a release beside its builds: notes in several languages and side files, as they were given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import typer

from tenure_server.cli.context import parsed
from tenure_server.cli.publishing_choices import FoundFile
from tenure_server.domain.side_file_names import side_file_kind
from tenure_server.errors import InvalidRequest
from tenure_server.use_cases.publish import MAX_NOTES_BYTES, FileToAttach
from tenure_signing.errors import InvalidName
from tenure_signing.languages import Language, parse_language
from tenure_signing.names import parse_file_name
from tenure_signing.releases import SideFileKind


@dataclass(frozen=True, slots=True)
class GivenNotes:
    """``text`` is in the product's own language."""

    text: str | None = None
    translations: dict[Language, str] = field(default_factory=dict)


def read_notes(text: str | None, options: Sequence[str], found: FoundFile) -> GivenNotes:
    """From ``--notes``, else ``--notes-file``, else ``notes`` in ``tenure.toml`` with its translations beside it.

    Raises ``InvalidRequest`` for what is no UTF-8 text, ``OSError`` for what cannot be read.
    """
    if text is not None:
        if any("=" not in option for option in options):
            raise typer.BadParameter("--notes and --notes-file exclude each other")
        return GivenNotes(text, _translations(options))
    if options:
        own = [option for option in options if "=" not in option]
        if len(own) != 1:
            raise typer.BadParameter("--notes-file is given once without a language; the others are LANGUAGE=FILE")
        return GivenNotes(_text(Path(own[0])), _translations(options))
    if found.settings.notes is None:
        return GivenNotes()
    path = found.path(found.settings.notes)
    return GivenNotes(_text(path), {language: _text(file) for language, file in _beside(path).items()})


def read_side_files(options: Sequence[str], recognised: Sequence[Path], found: FoundFile) -> tuple[FileToAttach, ...]:
    """From ``--attach FILE[:KIND]``, those among the files that tell it by their names, and ``tenure.toml``; each file
    once. Raises ``InvalidRequest`` (``no_such_side_file``) for a pattern that fits no file."""
    wanted: dict[Path, FileToAttach] = {}
    for option in options:
        name, colon, kind = option.rpartition(":")
        is_kind = bool(colon) and kind in tuple(SideFileKind)
        _add(wanted, Path(name if is_kind else option), SideFileKind(kind) if is_kind else None)
    for path in recognised:
        _add(wanted, path, None)
    for pattern, kind_name in found.settings.side_files:
        folder = found.folder / Path(pattern).parent
        paths = sorted(path for path in folder.glob(Path(pattern).name) if path.is_file())
        if not paths:
            raise InvalidRequest(
                f"{found.name}: side_files: no file is {pattern}.", code="no_such_side_file", hint="was it made?"
            )
        for path in paths:
            _add(wanted, path, SideFileKind(kind_name) if kind_name is not None else None)
    return tuple(wanted.values())


def _add(wanted: dict[Path, FileToAttach], path: Path, kind: SideFileKind | None) -> None:
    known = kind or side_file_kind(path.name) or SideFileKind.OTHER
    file = FileToAttach(path, parsed(str(path), path.name, parse_file_name), known)
    wanted.setdefault(path.resolve(), file)


def _translations(options: Sequence[str]) -> dict[Language, str]:
    given: dict[Language, str] = {}
    for option in options:
        tag, equals, path = option.partition("=")
        if not equals:
            continue
        language = parsed("--notes-file", tag, parse_language)
        if language in given:
            raise typer.BadParameter(f"--notes-file is given twice for {language}")
        given[language] = _text(Path(path))
    return given


def _beside(path: Path) -> dict[Language, Path]:
    """``notes.de.md`` and so on beside ``notes.md``."""
    found: dict[Language, Path] = {}
    for file in sorted(path.parent.glob(f"{path.stem}.*{path.suffix}")):
        tag = file.name.removeprefix(f"{path.stem}.").removesuffix(path.suffix)
        try:
            found[parse_language(tag)] = file
        except InvalidName:
            continue
    return found


def _text(file: Path) -> str:
    with file.open("rb") as stream:
        data = stream.read(MAX_NOTES_BYTES + 1)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{file} is not UTF-8 text.", code="notes_not_utf8") from error
