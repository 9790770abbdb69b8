"""One file with everything a machine without a network needs to update: ``tenure bundle create``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tenure_server.domain.licences import Licence
from tenure_server.domain.mirrors import mirrored_target_key
from tenure_server.errors import Conflict, InvalidRequest, NotFound, ObjectMismatch, ObjectNotFound
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.catalogue import read_catalogue
from tenure_server.use_cases.change_licence import licence_of
from tenure_server.use_cases.download import require_obtainable, store_key
from tenure_server.use_cases.mirror_content import read_published
from tenure_server.use_cases.ports import Clock, Database, ObjectStore, Progress
from tenure_server.use_cases.ports_bundle import AirGapKeys, BundleWriter
from tenure_server.use_cases.signers import CertificateSigner
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.air_gap import CERTIFICATE, bundle_metadata, require_air_gap_root, verified_bundle
from tenure_signing.coverage import Covered
from tenure_signing.entitlement import Entitlement
from tenure_signing.names import Platform
from tenure_signing.releases import DEFAULT_CHANNELS, Build, Release
from tenure_signing.tuf_repository import Repository
from tenure_signing.tuf_roles import LICENCE_KEYS_PATH
from tenure_signing.tuf_verified import verified_repository
from tenure_signing.update_index import UpdateIndex
from tenure_signing.versions import Version

_ENTRY_BYTES = 76  # what ZIP adds to each file, and twice its name
_END_BYTES = 22


@dataclass(frozen=True, slots=True)
class BundleOrder:
    """``versions``: none means the newest covered one. ``platforms``: none means all."""

    licence_id: str
    first_root: bytes = field(repr=False)
    versions: tuple[Version, ...] = ()
    platforms: tuple[Platform, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedBundle:
    """``files`` are at hand, by name; ``builds`` come from the store. ``length`` is the file's size in bytes."""

    licence: Licence
    releases: tuple[Release, ...]
    builds: tuple[Build, ...]
    files: Mapping[str, bytes] = field(repr=False)
    expires_at: datetime

    @property
    def length(self) -> int:
        parts = [(name, len(data)) for name, data in self.files.items()]
        parts += [(bundled_name(build), build.length) for build in self.builds]
        return sum(length + _ENTRY_BYTES + 2 * len(name) for name, length in parts) + _END_BYTES


@dataclass(frozen=True, slots=True)
class CreatedBundle:
    planned: PlannedBundle
    length: int
    sha256: str


def bundled_name(build: Build) -> str:
    """Where a build lies in a bundle: as in a mirror."""
    return mirrored_target_key(build.path, build.sha256)


@dataclass(frozen=True, slots=True)
class CreateBundle:
    """``writer_of`` opens a bundle to be written."""

    database: Database
    store: ObjectStore
    clock: Clock
    signing_clock: Clock
    policy: VendorPolicy
    sign_certificate: CertificateSigner
    keys: AirGapKeys
    writer_of: Callable[[Path], BundleWriter]

    def plan(self, order: BundleOrder) -> PlannedBundle:
        """What would be in it; nothing is written.

        Raises ``NotFound``, ``Forbidden`` with the reason of RULES.md as its code, ``ReleaseGone``, ``InvalidRequest``
        (``no_build``), ``Conflict`` (``no_air_gap_root``), and ``PublishingError`` if a client would refuse it.
        """
        now = self.signing_clock()
        with self.database.reading() as records:
            licence = licence_of(records, order.licence_id)
            published = read_published(records)
            product = read_catalogue(records).product(licence.product)
        verified = verified_repository(published.repository, published.trusted_targets, order.first_root, now)
        air_gap = self._air_gap_root(verified.repository)
        index = product.index_on(self.policy.day_of(self.clock()))
        entitlement = licence.entitlement(product.product.service_packs)
        releases = self._releases(order, index, licence, entitlement)
        builds = tuple(build for release in releases for build in _builds(release, order.platforms))
        signers = self.keys.made()
        files = bundle_metadata(
            published.repository, licence.product, air_gap, signers.snapshot, signers.timestamp, now
        )
        licence_keys = published.trusted_targets[LICENCE_KEYS_PATH]
        files[mirrored_target_key(LICENCE_KEYS_PATH, hashlib.sha256(licence_keys).hexdigest())] = licence_keys
        files[CERTIFICATE] = self.sign_certificate(entitlement, licence.seats, now).encode("ascii") + b"\n"
        facts = verified_bundle(_reader(files), order.first_root, licence.product, now)
        return PlannedBundle(licence, releases, builds, dict(sorted(files.items())), facts.expires_at)

    def __call__(
        self, planned: PlannedBundle, out: Path, *, who: str, progress: Progress = lambda done: None
    ) -> CreatedBundle:
        """Write it, whole or not at all. Builds are compared with what was signed while they are written.

        Raises ``ObjectMismatch``, ``StoreUnavailable``, ``OSError``; ``Conflict`` (``file_exists``).
        """
        if out.exists():
            raise Conflict(f"{out} exists already.", code="file_exists", hint="give another name with --out")
        writer = self.writer_of(out)
        try:
            for name, data in planned.files.items():
                writer.add(name, len(data), (data,), progress)
            for build in sorted(planned.builds, key=bundled_name):
                writer.add(bundled_name(build), build.length, self._signed_bytes(build), progress)
            writer.finish()
            with writer.draft.open("rb") as file:
                created = CreatedBundle(
                    planned, writer.draft.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()
                )
            self._audit(created, who)
            writer.put_in_place()
        except BaseException:
            with suppress(OSError):
                writer.abandon()
            raise
        return created

    def _audit(self, created: CreatedBundle, who: str) -> None:
        planned = created.planned
        with self.database.writing() as records:
            audited(
                records,
                self.signing_clock(),
                who,
                "bundle.create",
                planned.licence.licence_id,
                product=planned.licence.product,
                versions=[str(release.version) for release in planned.releases],
                files=[build.file_name for build in planned.builds],
                bytes=created.length,
                sha256=created.sha256,
                expires=planned.expires_at.isoformat(),
            )

    def _air_gap_root(self, published: Repository) -> bytes:
        data = self.keys.root()
        if data is None:
            raise Conflict(
                "There is no air-gap root yet.",
                code="no_air_gap_root",
                hint="the holders of the root keys sign one: tenure bundle root draft (docs/air-gap.md)",
            )
        require_air_gap_root(data, published.root())
        return data

    def _releases(
        self, order: BundleOrder, index: UpdateIndex, licence: Licence, entitlement: Entitlement
    ) -> tuple[Release, ...]:
        if not order.versions:
            return (self._newest(order, index, licence, entitlement),)
        found = []
        for version in sorted(set(order.versions)):
            release = next((each for each in index.releases if each.version == version), None)
            if release is None:
                raise NotFound(f"There is no {licence.product} {version}.", code="unknown_release")
            require_obtainable(index, entitlement, licence, release, self.policy.renewal_url)
            if not _builds(release, order.platforms):
                raise _no_build(release, order.platforms)
            found.append(release)
        return tuple(found)

    def _newest(self, order: BundleOrder, index: UpdateIndex, licence: Licence, entitlement: Entitlement) -> Release:
        """The highest stable release that the licence covers, with a build for the platforms. If none is, the refusal
        of the highest is told."""
        suitable = [
            release
            for release in reversed(index.releases)
            if release.channel == DEFAULT_CHANNELS[0]
            and release.withdrawal is None
            and _builds(release, order.platforms)
        ]
        if not suitable:
            raise NotFound(f"No release of {licence.product} has such a build.", code="unknown_release")
        for release in suitable:
            if isinstance(index.download_decision(entitlement, release), Covered):
                return release
        require_obtainable(index, entitlement, licence, suitable[0], self.policy.renewal_url)
        return suitable[0]

    def _signed_bytes(self, build: Build) -> Iterator[bytes]:
        digest, length = hashlib.sha256(), 0
        try:
            for piece in self.store.read(store_key(build)):
                digest.update(piece)
                length += len(piece)
                yield piece
        except ObjectNotFound as error:
            raise ObjectMismatch(f"{build.path} is missing in the store.", hint="restore it from a backup") from error
        if (length, digest.hexdigest()) != (build.length, build.sha256):
            raise ObjectMismatch(f"{build.path} is not in the store as it was signed.", hint="restore it from a backup")


def _builds(release: Release, platforms: tuple[Platform, ...]) -> tuple[Build, ...]:
    if not platforms:
        return release.builds
    return tuple(build for build in release.builds if any(build.platform.runs_on(each) for each in platforms))


def _no_build(release: Release, platforms: tuple[Platform, ...]) -> InvalidRequest:
    return InvalidRequest(
        f"{release.product} {release.version} has no build for {', '.join(map(str, platforms))}.",
        code="no_build",
        hint=f"it has {', '.join(sorted({str(build.platform) for build in release.builds}))}",
    )


def _reader(files: Mapping[str, bytes]) -> Callable[[str], Iterable[bytes] | None]:
    return lambda name: (files[name],) if name in files else None
