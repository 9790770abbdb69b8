"""A release engineer publishes builds. Running it again after any interruption completes it.

Read the files, decide, write: the builds to the store first, which proves that it received them or is read back; then,
in one transaction, the signed metadata. The commit of that transaction is the moment of publication.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar

from securesystemslib.signer import Signer

from tenure_server.domain.products import Product
from tenure_server.errors import InvalidRequest, NotFound, ObjectMismatch
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.download import store_key
from tenure_server.use_cases.ports import Clock, Database, ObjectStore, Progress, Records
from tenure_server.use_cases.publication import locked_repository, publish_roles
from tenure_server.use_cases.released_problems import require_fixable
from tenure_server.use_cases.signers import OnlineSigners
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.languages import Language
from tenure_signing.names import ChannelName, EditionName, FileName, Platform, ProductName
from tenure_signing.problem_numbers import MAX_FIXES, ProblemNumber, in_number_order
from tenure_signing.release_record import releases_of, target_path
from tenure_signing.releases import (
    Build,
    PaidUpgrade,
    Release,
    ReleaseFile,
    Rollout,
    SideFile,
    SideFileKind,
)
from tenure_signing.tuf_drafts import sign, with_release
from tenure_signing.tuf_repository import Repository
from tenure_signing.versions import Kind, Version, kind_of

T = TypeVar("T")

READ_BYTES = 1024 * 1024
MAX_NOTES_BYTES = 65_536
_SHA1_SUFFIXES = (".nupkg",)  # whose updaters know nothing better


@dataclass(frozen=True, slots=True)
class FileToPublish:
    source: Path
    file_name: FileName
    platform: Platform


@dataclass(frozen=True, slots=True)
class FileToAttach:
    """To lie beside the builds: an SBOM, checksums, symbols."""

    source: Path
    file_name: FileName
    kind: SideFileKind


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """What to publish. Facts that are None are taken from the version's builds published before, or defaulted:
    every edition, the most stable channel, the kind that the version tells, today."""

    product: ProductName
    version: Version
    files: tuple[FileToPublish, ...]
    editions: frozenset[EditionName] | None = None
    channel: ChannelName | None = None
    kind: Kind | None = None
    released_on: date | None = None
    upgrade_from: Version | None = None
    open_release: bool | None = None
    paid_upgrade: PaidUpgrade | None = None
    notes: str | None = None
    share_basis_points: int | None = None  # of installs that a version reaches at first; default: everyone
    side_files: tuple[FileToAttach, ...] = ()
    translations: Mapping[Language, str] = field(default_factory=dict)  # of the notes
    fixes: tuple[ProblemNumber, ...] | None = None  # problem records that it closes

    @property
    def all_files(self) -> tuple[FileToPublish | FileToAttach, ...]:
        """In the order of the release's ``files``."""
        return (*self.files, *self.side_files)


@dataclass(frozen=True, slots=True)
class Published:
    """``is_new`` is False when everything had been published before."""

    release: Release
    is_new: bool


@dataclass(frozen=True, slots=True)
class Publish:
    database: Database
    store: ObjectStore
    clock: Clock
    signing_clock: Clock
    policy: VendorPolicy

    def __call__(
        self,
        request: PublishRequest,
        *,
        signers: Sequence[Signer],
        online: OnlineSigners,
        who: str,
        progress: Progress | None = None,
    ) -> Published:
        """Raises ``InvalidRequest``, ``NotFound``, ``PublishingError`` (``ImmutableRelease`` above all) and
        ``StoreError``. ``progress`` is told the bytes of each file twice: hashed, then uploaded."""
        files = hashed_files(request, progress)
        today = self.policy.day_of(self.clock())
        with self.database.reading() as records:
            product, repository = product_of(records, request.product), read_repository(records)
            release = release_to_publish(request, product, repository, files, today)
            require_known_problems(records, repository, release)
        self._upload(request, release, progress)
        now = self.signing_clock()
        with self.database.writing() as records:
            before = locked_repository(records)
            role = before.bytes_of(product.name)
            draft = with_release(role, release, now)
            is_new = draft != role
            signed = sign(product.name, draft, *signers) if is_new else None
            after = publish_release(records, before, release, signed, online, now, request)
            if is_new:
                audit_publication(records, self.clock(), who, release)
        return Published(_published(after, release), is_new)

    def preview(self, request: PublishRequest, *, progress: Progress | None = None) -> Published:
        """What publishing would do; changes nothing. Raises as publishing does before it uploads, and
        ``ImmutableRelease``. ``progress`` is told the bytes of each file once."""
        files = hashed_files(request, progress)
        with self.database.reading() as records:
            product, repository = product_of(records, request.product), read_repository(records)
            release = release_to_publish(request, product, repository, files, self.policy.day_of(self.clock()))
            require_known_problems(records, repository, release)
        role = repository.bytes_of(product.name)
        return Published(release, with_release(role, release, self.signing_clock()) != role)

    def _upload(self, request: PublishRequest, release: Release, progress: Progress | None) -> None:
        for file, build in zip(request.all_files, release.files, strict=True):
            key = store_key(build)
            if not self._is_stored(key, build):
                stored = self.store.put_file(key, file.source, progress=progress)
                is_proved = stored.received_sha256 == build.sha256 and stored.length == build.length
                if not is_proved and not self._is_stored(key, build):
                    self.store.delete(key)
                    raise ObjectMismatch(
                        f"What the store holds of {file.file_name} is not what was read from the file.",
                        hint="the file may have changed meanwhile; publish it again",
                    )
            elif progress is not None:
                progress(build.length)

    def _is_stored(self, key: str, build: ReleaseFile) -> bool:
        """Whether the store holds exactly these bytes: they are read back, because stores do not keep SHA-256s."""
        stored = self.store.stat(key)
        if stored is None or stored.length != build.length:
            return False
        digest = hashlib.sha256()
        for piece in self.store.read(key):
            digest.update(piece)
        return digest.hexdigest() == build.sha256


@dataclass(frozen=True, slots=True)
class HashedFiles:
    """What was read of the files to publish."""

    builds: tuple[Build, ...]
    side_files: tuple[SideFile, ...] = ()

    @property
    def all(self) -> tuple[ReleaseFile, ...]:
        return (*self.builds, *self.side_files)


def hashed_files(request: PublishRequest, progress: Progress | None) -> HashedFiles:
    """The files as builds and side files. Raises ``InvalidRequest`` (``unreadable_file``, ``empty_file``)."""
    builds = tuple(_hashed_build(request, file, progress) for file in request.files)
    return HashedFiles(builds, tuple(_hashed_side_file(request, file, progress) for file in request.side_files))


def _hashed_side_file(request: PublishRequest, file: FileToAttach, progress: Progress | None) -> SideFile:
    as_build = _hashed_build(request, FileToPublish(file.source, file.file_name, Platform("any", "any")), progress)
    return SideFile(as_build.path, file.file_name, file.kind, as_build.length, as_build.sha256)


def _hashed_build(request: PublishRequest, file: FileToPublish, progress: Progress | None) -> Build:
    sha256, sha1, length = hashlib.sha256(), hashlib.sha1(usedforsecurity=False), 0
    needs_sha1 = file.file_name.endswith(_SHA1_SUFFIXES)
    try:
        with file.source.open("rb") as stream:
            while piece := stream.read(READ_BYTES):
                sha256.update(piece)
                if needs_sha1:
                    sha1.update(piece)
                length += len(piece)
                if progress is not None:
                    progress(len(piece))
    except OSError as error:
        raise InvalidRequest(f"{file.source} cannot be read: {error.strerror}.", code="unreadable_file") from error
    if length == 0:
        raise InvalidRequest(f"{file.source} is empty.", code="empty_file", hint="did the build finish?")
    return Build(
        path=target_path(request.product, request.version, file.file_name),
        file_name=file.file_name,
        platform=file.platform,
        length=length,
        sha256=sha256.hexdigest(),
        sha1=sha1.hexdigest() if needs_sha1 else None,
    )


def product_of(records: Records, name: ProductName) -> Product:
    """Raises ``NotFound`` (``unknown_product``)."""
    product = records.products.get(name)
    if product is None:
        raise NotFound("There is no such product.", code="unknown_product", hint="tenure product add makes one")
    return product


def release_to_publish(
    request: PublishRequest, product: Product, repository: Repository, files: HashedFiles, today: date
) -> Release:
    """The release as it will be signed: facts not given are those of the builds published before, or the defaults."""
    _require_sound(request, product)
    known = next(
        (r for r in releases_in(repository, product.name) if r.version == request.version and r.withdrawal is None),
        None,
    )
    notes_sha256 = notes_digest(request.notes) if request.notes is not None else None
    translations = tuple(sorted((language, notes_digest(text)) for language, text in request.translations.items()))
    default = known or Release(
        product=product.name,
        version=request.version,
        kind=kind_of(request.version),
        editions=frozenset(product.editions),
        released_on=today,
        channel=product.channels[0],
        builds=(),
    )

    return Release(
        product=product.name,
        version=default.version,
        kind=_chosen(request.kind, default.kind),
        editions=_chosen(request.editions, default.editions),
        released_on=_chosen(request.released_on, default.released_on),
        channel=_chosen(request.channel, default.channel),
        builds=files.builds,
        upgrade_from=_chosen(request.upgrade_from, default.upgrade_from),
        open_release=_chosen(request.open_release, default.open_release),
        paid_upgrade=_chosen(request.paid_upgrade, default.paid_upgrade),
        notes_sha256=_chosen(notes_sha256, default.notes_sha256),
        promoted_from=default.promoted_from,
        notes_by_language=translations or default.notes_by_language,
        side_files=files.side_files,
        fixes=_chosen(in_number_order(request.fixes) if request.fixes is not None else None, default.fixes),
    )


def notes_digest(notes: str) -> str:
    """The SHA-256 that is signed."""
    return hashlib.sha256(notes.encode()).hexdigest()


def _chosen(given: T | None, otherwise: T) -> T:
    return otherwise if given is None else given


def _require_sound(request: PublishRequest, product: Product) -> None:
    if not request.files:
        raise InvalidRequest("There is no file to publish.", code="no_files")
    if len({file.file_name for file in request.all_files}) != len(request.all_files):
        raise InvalidRequest("Two of the files have the same name.", code="same_file_name")
    require_facts(request, product)


def require_facts(request: PublishRequest, product: Product) -> None:
    """What is stated of the release fits the product. Raises ``InvalidRequest``."""
    if request.editions is not None:
        unknown = sorted(request.editions - set(product.editions))
        if unknown or not request.editions:
            raise InvalidRequest(
                f"{product.name} has no edition {', '.join(unknown)}." if unknown else "A release is for some edition.",
                code="unknown_edition",
                hint=f"its editions are {', '.join(product.editions)}",
            )
    if request.channel is not None and request.channel not in product.channels:
        raise InvalidRequest(
            f"{product.name} has no channel {request.channel}.",
            code="unknown_channel",
            hint=f"its channels are {', '.join(product.channels)}",
        )
    if request.upgrade_from is not None and request.upgrade_from >= request.version:
        raise InvalidRequest("A release upgrades from versions below its own.", code="invalid_upgrade_from")
    if request.fixes is not None and len(set(request.fixes)) > MAX_FIXES:
        raise InvalidRequest(f"A release names up to {MAX_FIXES} problems.", code="too_many_problems")
    if request.share_basis_points is not None and not 0 <= request.share_basis_points <= 10_000:
        raise InvalidRequest("A rollout's share is from 0 to 100 %.", code="invalid_share")
    _require_notes(request, product)


def _require_notes(request: PublishRequest, product: Product) -> None:
    given = [request.notes, *request.translations.values()]
    if any(notes is not None and len(notes.encode()) > MAX_NOTES_BYTES for notes in given):
        raise InvalidRequest(f"Release notes have at most {MAX_NOTES_BYTES} bytes.", code="notes_too_long")
    if product.notes_language in request.translations:
        raise InvalidRequest(
            f"The notes of {product.name} are in {product.notes_language}; others are translations.",
            code="notes_language",
            hint="give those without a language: --notes-file FILE",
        )


def releases_in(repository: Repository, product: ProductName) -> tuple[Release, ...]:
    """Everything the product's role states."""
    return releases_of(product, repository.targets(product).targets)


def _is_published(repository: Repository, release: Release) -> bool:
    return any(r.version == release.version for r in releases_in(repository, release.product))


def _published(repository: Repository, release: Release) -> Release:
    return next(r for r in releases_in(repository, release.product) if r.version == release.version)


def require_known_problems(records: Records, repository: Repository, release: Release, *, locked: bool = False) -> None:
    """What a version that is not published yet fixes can be fixed. Raises as ``require_fixable``."""
    if release.fixes and not _is_published(repository, release):
        require_fixable(records, release.product, release.fixes, locked=locked)


def publish_release(
    records: Records,
    before: Repository,
    release: Release,
    signed: bytes | None,
    online: OnlineSigners,
    now: datetime,
    request: PublishRequest,
    *,
    approved: bool = False,
) -> Repository:
    """The last step of publishing, in the caller's transaction: the first rollout, the product's signed role (None if
    it is published already), the notes."""
    require_known_problems(records, before, release, locked=True)
    product, share = release.product, request.share_basis_points
    if share is not None and not _is_published(before, release):
        records.rollouts.set(product, release.version, Rollout(share))
    after = before
    if signed is not None:
        after = publish_roles(records, before, {product: signed}, online, now, approved=approved)
    if request.notes is not None and records.notes.get(product, release.version) != request.notes:
        records.notes.put(product, release.version, request.notes)
    known = records.notes.translations(product).get(release.version, {}) if request.translations else {}
    for language, text in request.translations.items():
        if known.get(language) != text:
            records.notes.put_translation(product, release.version, language, text)
    return after


def audit_publication(records: Records, at: datetime, who: str, release: Release) -> None:
    """Write down that the release, or further builds of it, were published."""
    rollout = records.rollouts.of_product(release.product).get(release.version, Rollout())
    audited(
        records,
        at,
        who,
        "release.publish",
        f"{release.product} {release.version}",
        released_on=release.released_on.isoformat(),
        channel=release.channel,
        editions=sorted(release.editions),
        builds={build.file_name: build.sha256 for build in release.builds},
        rollout_basis_points=rollout.share_basis_points,
        **({"side_files": {file.file_name: file.sha256 for file in release.side_files}} if release.side_files else {}),
        **({"fixes": list(release.fixes)} if release.fixes else {}),
        **({"notes": ["own", *dict(release.notes_by_language)]} if release.notes_by_language else {}),
    )
