"""What ``tenure publish`` was given, put together: options win over ``tenure.toml``, and that over file names.

Nothing is guessed. A file whose version or platform is not clear from these is refused, saying what was understood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from tenure_server.cli.context import parsed
from tenure_server.domain.build_names import NameFacts, read_build_name
from tenure_server.domain.publishing_file import MAX_PUBLISHING_FILE_BYTES, NAME, PublishingFile, parse_publishing_file
from tenure_server.errors import InvalidRequest
from tenure_server.use_cases.publish import FileToPublish
from tenure_signing.errors import InvalidName, SigningError
from tenure_signing.names import Platform, ProductName, parse_file_name, parse_product
from tenure_signing.versions import Version

BY_OPTION, BY_NAMES = "as given", "from the file names"
MAX_DOUBTS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Choices:
    """``origins`` says of each fact where it is from, for people who are asked whether it is right."""

    product: ProductName
    version: Version
    files: tuple[FileToPublish, ...]
    origins: dict[str, str]


@dataclass(frozen=True, slots=True)
class FoundFile:
    """``tenure.toml`` and the folder that its paths are relative to; without one, nothing is set."""

    settings: PublishingFile
    folder: Path
    name: str = NAME

    def path(self, text: str) -> Path:
        return self.folder / text

    def key_uris(self) -> tuple[str, ...]:
        """The keys, those in files found from the folder."""
        return tuple(
            f"file:{self.path(uri.removeprefix('file:'))}" if uri.startswith("file:") else uri
            for uri in self.settings.keys
        )


def find_publishing_file(given: Path | None) -> FoundFile:
    """The given file, else ``tenure.toml`` in the current folder, else none. Raises ``InvalidRequest``, ``OSError``
    for a given one that is not there."""
    path = given if given is not None else Path(NAME)
    if given is None and not path.exists():
        return FoundFile(PublishingFile(), Path())
    with path.open("rb") as stream:
        data = stream.read(MAX_PUBLISHING_FILE_BYTES + 1)
    if len(data) > MAX_PUBLISHING_FILE_BYTES:
        raise InvalidRequest(f"{path} has more than {MAX_PUBLISHING_FILE_BYTES} bytes.", code="publishing_file")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{path} is not UTF-8 text.", code="publishing_file") from error
    return FoundFile(parse_publishing_file(text, str(path)), path.parent, str(path))


def choose(
    found: FoundFile,
    paths: Sequence[Path],
    product: ProductName | None,
    version: Version | None,
    platforms: Sequence[Platform],
) -> Choices:
    """Product, version and the platform of each file. Raises ``InvalidRequest`` (``unclear_files``)."""
    if not paths:
        raise InvalidRequest("There is no build among the files.", code="no_files")
    if len(platforms) not in (0, 1, len(paths)):
        raise typer.BadParameter(f"--platform is given once or once for each of the {len(paths)} files, in their order")
    names = [parsed(str(path), path.name, parse_file_name) for path in paths]
    known_product = product or found.settings.product
    facts = [_facts(found, name, known_product) for name in names]
    given = platforms if len(platforms) == len(paths) else [*platforms] * len(paths) if platforms else None
    one_product = known_product or _product(names, facts)
    one_version = version or _version(names, facts)
    if given is None:
        given = [_platform(name, fact) for name, fact in zip(names, facts, strict=True)]
    origins = {
        "product": BY_OPTION if product else f"from {found.name}" if known_product else BY_NAMES,
        "version": BY_OPTION if version else BY_NAMES,
        "platforms": BY_OPTION if platforms else BY_NAMES,
    }
    if version is not None and (other := {fact.version for fact in facts if fact.version not in (None, version)}):
        origins["version"] += f"; file names say {', '.join(map(str, other))}"
    files = tuple(FileToPublish(path, name, platform) for path, name, platform in zip(paths, names, given, strict=True))
    return Choices(one_product, one_version, files, origins)


def _facts(found: FoundFile, name: str, product: ProductName | None) -> NameFacts:
    """What the name says, after the vendor's own patterns."""
    facts = read_build_name(name, product)
    fitting = []
    for pattern in found.settings.files:
        try:
            said = pattern.read(name)
        except SigningError as error:
            raise _unclear(f"{name} fits {pattern.pattern!r} of {found.name}, but {error}") from error
        if said is not None:
            fitting.append((pattern, said))
    if len(fitting) > 1:
        both = " and ".join(repr(pattern.pattern) for pattern, _ in fitting)
        raise _unclear(f"{name} fits {both} of {found.name}")
    for _, (version, platform) in fitting:
        if version is not None:
            facts = replace(facts, version=version, version_doubt=None)
        if platform is not None:
            facts = replace(facts, platform=platform, platform_doubt=None)
    return facts


def _product(names: Sequence[str], facts: Sequence[NameFacts]) -> ProductName:
    said: dict[ProductName, str] = {}
    for name, fact in zip(names, facts, strict=True):
        try:
            said.setdefault(parse_product(fact.product or ""), name)
        except InvalidName as error:
            raise _unclear(f"{name} does not begin with the name of a product", "--product") from error
    if len(said) > 1:
        raise _unclear(f"The files are of several products: {', '.join(sorted(said))}", "--product")
    return next(iter(said))


def _version(names: Sequence[str], facts: Sequence[NameFacts]) -> Version:
    doubts = [
        f"{name}: {fact.version_doubt} (understood: {fact.understood()})"
        for name, fact in zip(names, facts, strict=True)
        if fact.version_doubt is not None
    ]
    if doubts:
        raise _unclear(_listed("The version is not clear", doubts), "--version")
    said = {str(fact.version): fact.version for fact in facts}
    if len(set(said.values())) > 1:
        raise _unclear(f"The files are of several versions: {', '.join(sorted(said))}", "--version")
    version = facts[0].version
    assert version is not None
    return version


def _platform(name: str, fact: NameFacts) -> Platform:
    if fact.platform is None:
        doubt = f"{name}: {fact.platform_doubt} (understood: {fact.understood()})"
        raise _unclear(_listed("The platform is not clear", [doubt]), "--platform")
    return fact.platform


def _listed(sentence: str, doubts: list[str]) -> str:
    more = len(doubts) - MAX_DOUBTS_SHOWN
    return f"{sentence}: {'; '.join(doubts[:MAX_DOUBTS_SHOWN])}" + (f"; and {more} more files" if more > 0 else "")


def _unclear(sentence: str, option: str | None = None) -> InvalidRequest:
    hint = f"say {option}, or describe the names in {NAME}" if option else f"make the patterns in {NAME} clearer"
    return InvalidRequest(f"{sentence}.", code="unclear_files", hint=hint)
