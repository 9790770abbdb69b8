"""The signed facts of a release: ``custom["tenure"]`` of each TUF target ``<product>/<version>/<file name>``.

Schema 1 is a JSON object without floats and nulls; an optional fact is absent when it does not hold:

=================  ================  ==================================================================
field              type              meaning
=================  ================  ==================================================================
``schema``         int               1
``product``        str               equal to the path's first segment and the name of the signing role
``version``        str               equal to the path's second segment, in the normal spelling of PEP 440
``kind``           str               ``major``, ``minor`` or ``service_pack``
``editions``       list[str]         one or more, none twice
``released_on``    str               YYYY-MM-DD, in the vendor's time zone
``channel``        str               the release channel
``os``, ``arch``   str               the build's platform, in normal form
``upgrade_from``   str, optional     the lowest installed version that may jump here, below ``version``
``open_release``   bool, optional    open to every licensee of the edition
``paid_upgrade``   object, optional  ``in_support`` and ``without_support``: ``{minor_units, currency}`` per seat
``withdrawn``      object, optional  ``reason`` and optionally ``replacement``, another version
``notes_sha256``   str, optional     of the release notes, in the product's own language
``promoted_from``  list[str], opt.   the channels the release was on before, in order; none twice, nor ``channel``
``sha1``           str, optional     of the build, for updaters that know nothing better
=================  ================  ==================================================================

There is also ``notes_sha256_by_language``, an object, optional: the SHA-256 of the notes' translations by language, a
tag of BCP 47 in lower case. It goes with ``notes_sha256``. And ``fixes``, a list, optional: the numbers of the problem
records that the release closes, such as ``P-17``; one or more, each once, the lowest first. Programs that know neither
pass over them.

Schema 2 is a side file of a release, such as an SBOM: ``schema`` 2, ``product`` and ``version`` as above, and
``side_file``, its kind. It states no fact of the release, and goes with one that has builds. Programs that know
schema 1 only leave it out, as they do everything later.

An entry of a later schema is refused by ``releases_of`` and left out, with its path reported, by ``listing_of``.
A field that schema 1 does not name is refused by the former and passed over by the latter: what would change the
meaning of the others needs a new schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from tuf.api.metadata import TargetFile

from tenure_signing.days import parse_day
from tenure_signing.errors import InvalidDay, InvalidName, InvalidReleaseRecord, InvalidVersion
from tenure_signing.languages import Language, parse_language
from tenure_signing.names import (
    ChannelName,
    EditionName,
    FileName,
    Platform,
    ProductName,
    parse_channel,
    parse_edition,
    parse_file_name,
    platform_of,
)
from tenure_signing.problem_numbers import MAX_FIXES, ProblemNumber, in_number_order, parse_problem_number
from tenure_signing.releases import (
    Build,
    Money,
    PaidUpgrade,
    Release,
    ReleaseFile,
    SideFile,
    SideFileKind,
    Withdrawal,
)
from tenure_signing.versions import Kind, Version, parse_version

SCHEMA = 1
SIDE_FILE_SCHEMA = 2
NAMESPACE = "tenure"

MAX_BUILD_BYTES = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly."""

MAX_REASON_CHARACTERS = 500
MAX_TRANSLATIONS = 50

T = TypeVar("T")

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SHA1 = re.compile(r"[0-9a-f]{40}", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Listing:
    """What one product role says, as far as this program understands it."""

    releases: tuple[Release, ...]  # by version, lowest first
    of_later_schema: tuple[str, ...] = ()  # target paths left out


class _LaterSchema(InvalidReleaseRecord):
    """The entry is of a schema newer than this program."""


def target_path(product: ProductName, version: Version, file_name: FileName) -> str:
    """The TUF target path of a build."""
    return f"{product}/{version}/{file_name}"


def record_of(release: Release, build: Build) -> dict[str, Any]:
    """The record of one build of the release. Raises ``InvalidReleaseRecord`` for facts that could not be read back."""
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "product": release.product,
        "version": str(release.version),
        "kind": release.kind.value,
        "editions": sorted(release.editions),
        "released_on": release.released_on.isoformat(),
        "channel": release.channel,
        "os": build.platform.os,
        "arch": build.platform.arch,
    }
    if release.upgrade_from is not None:
        record["upgrade_from"] = str(release.upgrade_from)
    if release.open_release:
        record["open_release"] = True
    if release.paid_upgrade is not None:
        record["paid_upgrade"] = {
            "in_support": _price_record(release.paid_upgrade.price_in_support),
            "without_support": _price_record(release.paid_upgrade.price_without_support),
        }
    if release.withdrawal is not None:
        record["withdrawn"] = withdrawal_record(release.withdrawal)
    if release.notes_sha256 is not None:
        record["notes_sha256"] = release.notes_sha256
    if release.notes_by_language:
        record["notes_sha256_by_language"] = dict(release.notes_by_language)
    if release.fixes:
        record["fixes"] = list(release.fixes)
    if release.promoted_from:
        record["promoted_from"] = list(release.promoted_from)
    if build.sha1 is not None:
        record["sha1"] = build.sha1
    if _read(release.product, build.path, _target(build, record)) != replace(release, builds=(build,), side_files=()):
        raise InvalidReleaseRecord(f"{_shown(build.path)}: the release cannot be written as a release record")
    return record


def withdrawal_record(withdrawal: Withdrawal) -> dict[str, str]:
    """The ``withdrawn`` object of a record."""
    record = {"reason": withdrawal.reason}
    if withdrawal.replacement is not None:
        record["replacement"] = str(withdrawal.replacement)
    return record


def target_of(release: Release, build: Build) -> TargetFile:
    """The TUF target of one build of the release. Raises ``InvalidReleaseRecord`` as ``record_of`` does."""
    return _target(build, record_of(release, build))


def side_file_target_of(release: Release, side_file: SideFile) -> TargetFile:
    """The TUF target of a side file of the release. Raises ``InvalidReleaseRecord`` for one that could not be read
    back."""
    record = {
        "schema": SIDE_FILE_SCHEMA,
        "product": release.product,
        "version": str(release.version),
        "side_file": side_file.kind.value,
    }
    target = _target(side_file, record)
    if _read_side_file(release.product, side_file.path, target, strict=True) != (release.version, side_file):
        raise InvalidReleaseRecord(f"{_shown(side_file.path)}: the side file cannot be written as a record")
    return target


def releases_of(product: ProductName, targets: Mapping[str, TargetFile]) -> tuple[Release, ...]:
    """The releases that a product role's targets state, by version, each with its builds by path.

    The caller has verified the role's signatures. Raises ``InvalidReleaseRecord``, naming the entry, for a path of
    another product, a record that is missing, malformed or at odds with its path, builds of one version that state
    different facts, two spellings of one version, a side file of no release, an unknown field and a later schema.
    """
    builds, side_files, reader = [], [], _Reader(product, strict=True)
    for path, target in targets.items():
        if _is_side_file(target):
            side_files.append(_read_side_file(product, path, target, strict=True))
        else:
            builds.append(reader.entry(path, target))
    if lost := {str(version) for version, _ in side_files} - {str(facts.version) for facts, _ in builds}:
        raise InvalidReleaseRecord(f"{product} {min(lost)} has side files and no build")
    return _grouped(product, builds, side_files)


def listing_of(product: ProductName, targets: Mapping[str, TargetFile]) -> Listing:
    """As ``releases_of``, for programs older than what they read: passes over later schemas and unknown fields."""
    builds: list[tuple[Release, Build]] = []
    side_files: list[tuple[Version, SideFile]] = []
    later: list[str] = []
    reader = _Reader(product, strict=False)
    for path, target in targets.items():
        try:
            if _is_side_file(target):
                side_files.append(_read_side_file(product, path, target, strict=False))
            else:
                builds.append(reader.entry(path, target))
        except _LaterSchema:
            later.append(path)
    return Listing(_grouped(product, builds, side_files), tuple(sorted(later)))


def differing_facts(one: Release, other: Release) -> tuple[str, ...]:
    """The names of the facts, its files aside, in which two releases differ."""
    names = (field.name for field in fields(Release) if field.name not in ("builds", "side_files"))
    return tuple(name for name in names if getattr(one, name) != getattr(other, name))


def _price_record(price: Money) -> dict[str, Any]:
    return {"minor_units": price.minor_units, "currency": price.currency}


def _target(build: ReleaseFile, record: dict[str, Any]) -> TargetFile:
    try:
        return TargetFile(build.length, {"sha256": build.sha256}, build.path, {"custom": {NAMESPACE: record}})
    except (TypeError, ValueError) as error:
        raise InvalidReleaseRecord(f"{_shown(build.path)}: a build has a length of 0 or more bytes") from error


def _shown(text: str) -> str:
    """The text for an error message: escaped and not too long."""
    return ascii(text if len(text) <= 120 else text[:117] + "...")


class _Fields:
    """A JSON object that is read field by field; complaints name the target and the field."""

    def __init__(self, where: str, value: object) -> None:
        if type(value) is not dict:
            raise InvalidReleaseRecord(f"{where} is not a JSON object")
        self._where = where
        self._unread: dict[str, object] = dict(value)

    def __contains__(self, name: str) -> bool:
        return name in self._unread

    def refusal(self, name: str, problem: str) -> InvalidReleaseRecord:
        return InvalidReleaseRecord(f"{self._where}: {name}: {problem}")

    def apart(self, *names: str) -> _Fields:
        """These fields alone; here they are gone."""
        taken = object.__new__(_Fields)
        taken._where = self._where
        taken._unread = {name: self._unread.pop(name) for name in names if name in self._unread}
        return taken

    def spelling(self) -> str:
        """The same text for the same fields of the same types and values."""
        return repr(self._unread)

    def take(self, name: str, kind: type[T]) -> T:
        if name not in self._unread:
            raise self.refusal(name, "is missing")
        value = self._unread.pop(name)
        if type(value) is not kind:
            raise self.refusal(name, f"is {type(value).__name__}, not {kind.__name__}")
        return value

    def take_object(self, name: str) -> _Fields:
        return _Fields(f"{self._where}: {name}", self.take(name, dict))

    def parse(self, name: str, parse: Callable[[str], T]) -> T:
        return self.parsed(name, self.take(name, str), parse)

    def parsed(self, name: str, text: str, parse: Callable[[str], T]) -> T:
        try:
            return parse(text)
        except (InvalidName, InvalidVersion, InvalidDay) as error:
            raise self.refusal(name, str(error)) from error

    def matching(self, name: str, pattern: re.Pattern[str], what: str) -> str:
        text = self.take(name, str)
        if not pattern.fullmatch(text):
            raise self.refusal(name, f"is not {what}")
        return text

    def finish(self, *, strict: bool) -> None:
        if strict and self._unread:
            unknown = ", ".join(_shown(str(name)) for name in sorted(self._unread, key=str)[:5])
            raise InvalidReleaseRecord(f"{self._where} has fields that schema {SCHEMA} does not know: {unknown}")


class _Reader:
    """Reads the entries of one role. Builds of a release state the same facts one after the other, so these are parsed
    once; equal is what is spelled the same to the type of each value."""

    def __init__(self, product: ProductName, *, strict: bool) -> None:
        self._product = product
        self._strict = strict
        self._spelling: str | None = None
        self._facts: Release | None = None
        self._platforms: dict[tuple[str, str], Platform] = {}

    def entry(self, path: str, target: TargetFile) -> tuple[Release, Build]:
        """The release's facts, without any build, and the build."""
        custom = target.custom
        record = _Fields(f"{_shown(path)}: {NAMESPACE}", custom.get(NAMESPACE) if type(custom) is dict else None)
        of_build = record.apart("os", "arch", "sha1")
        spelling = record.spelling()
        facts = self._facts
        if facts is None or spelling != self._spelling:
            facts = self._facts = self._read_facts(path, record)
            self._spelling = spelling
        build = Build(
            path=path,
            file_name=_file_name_in(path, self._product, facts.version, record),
            platform=self._platform(of_build),
            length=_length(path, target),
            sha256=_sha256(path, target),
            sha1=_digest(of_build, "sha1", _SHA1),
        )
        return facts, build

    def _platform(self, record: _Fields) -> Platform:
        """The same object for the same kind of machine."""
        stated = record.take("os", str), record.take("arch", str)
        known = self._platforms.get(stated)
        if known is None:
            known = self._platforms[stated] = _platform(record, *stated)
        return known

    def _read_facts(self, path: str, record: _Fields) -> Release:
        schema = record.take("schema", int)
        if schema < 1:
            raise record.refusal("schema", "begins at 1")
        if schema > SCHEMA:
            raise _LaterSchema(f"{_shown(path)} is of schema {_shown(str(schema))}; this program reads schema {SCHEMA}")
        strict = self._strict
        version = _version(record, "version")
        if record.take("product", str) != self._product:
            raise record.refusal("product", f"is not {self._product}, whose role lists it")
        _file_name_in(path, self._product, version, record)
        release = Release(
            product=self._product,
            version=version,
            kind=_kind(record),
            editions=_editions(record),
            released_on=record.parse("released_on", parse_day),
            channel=record.parse("channel", parse_channel),
            upgrade_from=_version(record, "upgrade_from") if "upgrade_from" in record else None,
            open_release=record.take("open_release", bool) if "open_release" in record else False,
            paid_upgrade=_paid_upgrade(record.take_object("paid_upgrade"), strict)
            if "paid_upgrade" in record
            else None,
            withdrawal=_withdrawal(record.take_object("withdrawn"), version, strict) if "withdrawn" in record else None,
            notes_sha256=_digest(record, "notes_sha256", _SHA256),
            notes_by_language=_translations(record, "notes_sha256_by_language"),
            promoted_from=_channels(record, "promoted_from") if "promoted_from" in record else (),
            fixes=_fixes(record, "fixes") if "fixes" in record else (),
            builds=(),
        )
        if release.upgrade_from is not None and release.upgrade_from >= version:
            raise record.refusal("upgrade_from", "is not below the version it leads to")
        if release.channel in release.promoted_from:
            raise record.refusal("promoted_from", "names the channel that the release is on")
        if release.notes_by_language and release.notes_sha256 is None:
            raise record.refusal("notes_sha256_by_language", "goes with notes_sha256")
        record.finish(strict=strict)
        return release


def _read(product: ProductName, path: str, target: TargetFile) -> Release:
    """One entry, strictly, as a release with that one build."""
    facts, build = _Reader(product, strict=True).entry(path, target)
    return replace(facts, builds=(build,))


def _is_side_file(target: TargetFile) -> bool:
    custom = target.custom
    record = custom.get(NAMESPACE) if type(custom) is dict else None
    return type(record) is dict and record.get("schema") == SIDE_FILE_SCHEMA


def _read_side_file(product: ProductName, path: str, target: TargetFile, *, strict: bool) -> tuple[Version, SideFile]:
    custom = target.custom
    record = _Fields(f"{_shown(path)}: {NAMESPACE}", custom.get(NAMESPACE) if type(custom) is dict else None)
    record.take("schema", int)
    version = _version(record, "version")
    if record.take("product", str) != product:
        raise record.refusal("product", f"is not {product}, whose role lists it")
    file_name = _file_name_in(path, product, version, record)
    kind = record.take("side_file", str)
    if kind not in tuple(SideFileKind):
        if not strict:
            kind = SideFileKind.OTHER  # of a kind that came later
        else:
            raise record.refusal("side_file", f"is none of {', '.join(SideFileKind)}")
    record.finish(strict=strict)
    return version, SideFile(path, file_name, SideFileKind(kind), _length(path, target), _sha256(path, target))


def _file_name_in(path: str, product: ProductName, version: Version, record: _Fields) -> FileName:
    segments = path.split("/")
    if len(segments) != 3:
        raise InvalidReleaseRecord(f"{_shown(path)} is not a path <product>/<version>/<file name>")
    if segments[0] != product:
        raise InvalidReleaseRecord(f"{_shown(path)} is not a path of product {product}")
    if segments[1] != str(version):
        raise record.refusal("version", f"is {version}, which is not the version in the path")
    return record.parsed("file name", segments[2], parse_file_name)


def _version(record: _Fields, name: str) -> Version:
    text = record.take(name, str)
    version = record.parsed(name, text, parse_version)
    if str(version) != text:
        raise record.refusal(name, f"is not in its normal spelling, {version}")
    return version


def _kind(record: _Fields) -> Kind:
    text = record.take("kind", str)
    if text not in tuple(Kind):
        raise record.refusal("kind", f"is none of {', '.join(Kind)}")
    return Kind(text)


def _editions(record: _Fields) -> frozenset[EditionName]:
    names = record.take("editions", list)
    if not names or not all(type(name) is str for name in names):
        raise record.refusal("editions", "is not a list of one or more names")
    editions = frozenset(record.parsed("editions", name, parse_edition) for name in names)
    if len(editions) != len(names):
        raise record.refusal("editions", "has a name twice")
    return editions


def _channels(record: _Fields, name: str) -> tuple[ChannelName, ...]:
    names = record.take(name, list)
    if not names or not all(type(each) is str for each in names):
        raise record.refusal(name, "is not a list of one or more channels")
    channels = tuple(record.parsed(name, each, parse_channel) for each in names)
    if len(set(channels)) != len(channels):
        raise record.refusal(name, "has a channel twice")
    return channels


def _fixes(record: _Fields, name: str) -> tuple[ProblemNumber, ...]:
    stated = record.take(name, list)
    if not 1 <= len(stated) <= MAX_FIXES or not all(type(each) is str for each in stated):
        raise record.refusal(name, f"is not a list of 1 to {MAX_FIXES} problem numbers")
    fixes = tuple(record.parsed(name, each, parse_problem_number) for each in stated)
    if list(fixes) != stated or in_number_order(fixes) != fixes:
        raise record.refusal(name, "is not in its normal form: each number once, the lowest first")
    return fixes


def _translations(record: _Fields, name: str) -> tuple[tuple[Language, str], ...]:
    if name not in record:
        return ()
    stated = record.take(name, dict)
    if not 1 <= len(stated) <= MAX_TRANSLATIONS:
        raise record.refusal(name, f"has 1 to {MAX_TRANSLATIONS} languages")
    translations = []
    for tag, digest in stated.items():
        language = record.parsed(name, tag, parse_language)
        if language != tag or type(digest) is not str or not _SHA256.fullmatch(digest):
            raise record.refusal(name, "is not lower-case languages with a lower-case hexadecimal SHA-256 each")
        translations.append((language, digest))
    return tuple(sorted(translations))


def _platform(record: _Fields, os: str, arch: str) -> Platform:
    stated = Platform(os, arch)
    normal = record.parsed("os, arch", stated.os, lambda os: platform_of(os, stated.arch))
    if normal != stated:
        raise record.refusal("os, arch", f"is not in its normal form, {normal}")
    return normal


def _paid_upgrade(prices: _Fields, strict: bool) -> PaidUpgrade:
    paid_upgrade = PaidUpgrade(
        _price(prices.take_object("in_support"), strict), _price(prices.take_object("without_support"), strict)
    )
    prices.finish(strict=strict)
    return paid_upgrade


def _price(price: _Fields, strict: bool) -> Money:
    minor_units = price.take("minor_units", int)
    if not 0 <= minor_units <= MAX_BUILD_BYTES:
        raise price.refusal("minor_units", "is not an amount of 0 or more")
    money = Money(minor_units, price.matching("currency", _CURRENCY, "an ISO 4217 currency such as MYR"))
    price.finish(strict=strict)
    return money


def _withdrawal(withdrawn: _Fields, version: Version, strict: bool) -> Withdrawal:
    reason = withdrawn.take("reason", str)
    if not reason.isprintable() or not reason.strip() or len(reason) > MAX_REASON_CHARACTERS:
        raise withdrawn.refusal("reason", f"is not a printable line of 1 to {MAX_REASON_CHARACTERS} characters")
    replacement = _version(withdrawn, "replacement") if "replacement" in withdrawn else None
    if replacement == version:
        raise withdrawn.refusal("replacement", "is the withdrawn version itself")
    withdrawn.finish(strict=strict)
    return Withdrawal(reason, replacement)


def _digest(record: _Fields, name: str, pattern: re.Pattern[str]) -> str | None:
    return record.matching(name, pattern, "a lower-case hexadecimal digest") if name in record else None


def _length(path: str, target: TargetFile) -> int:
    # python-tuf compares the length with 0 and asks no more, so a float or a boolean comes this far
    if type(target.length) is not int or not 0 <= target.length <= MAX_BUILD_BYTES:
        raise InvalidReleaseRecord(f"{_shown(path)}: length: is not a whole number of bytes up to {MAX_BUILD_BYTES}")
    return target.length


def _sha256(path: str, target: TargetFile) -> str:
    # with consistent snapshots a target is stored once for each hash and clients pick any: so exactly one
    if list(target.hashes) != ["sha256"] or not _SHA256.fullmatch(target.hashes["sha256"]):
        raise InvalidReleaseRecord(f"{_shown(path)}: hashes: is not exactly one lower-case SHA-256")
    return target.hashes["sha256"]


def _grouped(
    product: ProductName, builds: Iterable[tuple[Release, Build]], side_files: Iterable[tuple[Version, SideFile]]
) -> tuple[Release, ...]:
    """The files of each version as one release; side files of none are left out."""
    by_version: dict[Version, list[tuple[Release, Build]]] = {}
    last: Release | None = None
    for part in builds:
        if part[0] is not last:
            last = part[0]
            parts = by_version.setdefault(last.version, [])
        parts.append(part)
    beside: dict[Version, list[SideFile]] = {}
    for version, side_file in side_files:
        beside.setdefault(version, []).append(side_file)
    return tuple(_joined(product, by_version[version], beside.get(version, [])) for version in sorted(by_version))


def _joined(product: ProductName, parts: list[tuple[Release, Build]], side_files: list[SideFile]) -> Release:
    first = parts[0][0]
    for facts, _ in parts:
        if facts is first:
            continue
        if str(facts.version) != str(first.version):
            raise InvalidReleaseRecord(
                f"{product} {first.version} and {facts.version} are the same release number in two spellings"
            )
        if differing := differing_facts(first, facts):
            raise InvalidReleaseRecord(
                f"{product} {first.version}: its builds state different facts: {', '.join(differing)}"
            )
    return replace(
        first,
        builds=tuple(sorted((build for _, build in parts), key=_path)),
        side_files=tuple(sorted(side_files, key=_path)),
    )


def _path(file: ReleaseFile) -> str:
    return file.path
