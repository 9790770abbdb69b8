"""Updates from a bundle, on a machine without a network: verified from the embedded root, like everything else.

In this order: the archive's form; the published roots, the air-gap root and the metadata; that nothing in it is older
than what is known; the licence public keys; the certificate, and that it is of this licence; that every file in it was
signed; that every release in it is covered. Only then is anything kept or taken out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from tenure_client.answers import Bundle, BundledRelease
from tenure_client.bundle_file import BundleFile, opened_bundle
from tenure_client.configuration import Configuration
from tenure_client.conversation import given_licence_key
from tenure_client.errors import (
    BundleInvalid,
    CertificateRefused,
    FileMismatch,
    LicenceMissing,
    MetadataExpired,
    UnknownRelease,
    UntrustedMetadata,
)
from tenure_client.fetcher import tuf_errors_as_ours
from tenure_client.judgement import require_covered, require_no_downgrade
from tenure_client.licence import HeldCertificate, HeldLicence, kept_certificate, verified_licence
from tenure_client.session import build_for, obtainable
from tenure_client.signed_facts import SignedFacts
from tenure_client.state import State
from tenure_client.trusted_download import BuildDownload, Progress
from tenure_client.trusted_metadata import kept_role_versions, releases_in
from tenure_signing.air_gap import CERTIFICATE, BundleFacts, verified_bundle
from tenure_signing.certificate import verify_certificate
from tenure_signing.entitlement import Entitlement
from tenure_signing.errors import InvalidKeySet, InvalidStatement, PublishingError
from tenure_signing.key_sets import MAX_KEY_SET_BYTES, KeySet
from tenure_signing.names import FileName
from tenure_signing.releases import Build, Release
from tenure_signing.tuf_roles import LICENCE_KEYS_PATH
from tenure_signing.versions import Version

_MAX_CERTIFICATE_BYTES = 32_768


@dataclass(frozen=True, slots=True)
class OpenBundle:
    """A bundle that was verified, but for the bytes of its builds."""

    configuration: Configuration
    file: BundleFile = field(repr=False)
    facts: SignedFacts
    held: HeldCertificate  # the newest known
    signed: BundleFacts
    releases: tuple[Release, ...]  # with only the builds that are in the bundle; by version, lowest first

    def describe(self) -> Bundle:
        entitlement = self.held.certificate.entitlement
        return Bundle(
            product=self.configuration.product,
            edition=entitlement.edition,
            licence_id=entitlement.licence_id,
            releases=tuple(
                BundledRelease(
                    release.version,
                    release.kind,
                    release.released_on,
                    release.channel,
                    require_covered(entitlement, release, self.facts).reason,
                    release.builds,
                )
                for release in self.releases
            ),
            made_at=self.signed.made_at,
            expires_at=self.signed.expires_at,
            certificate_as_of=self.held.certificate.issued_at,
        )

    def require_whole(self) -> None:
        """Reads every build. Raises ``FileMismatch``."""
        from hashlib import sha256

        for build in (build for release in self.releases for build in release.builds):
            digest = sha256()
            for piece in self.file.pieces(bundled_name(build.path, build.sha256)) or ():
                digest.update(piece)
            if digest.hexdigest() != build.sha256:
                raise FileMismatch(f"{build.file_name} in the bundle has another SHA-256 than was signed")

    def newest(self) -> Version:
        """The highest release in the bundle that this machine can step up to. Raises ``UnknownRelease``."""
        installed, machine = self.configuration.version, self.configuration.machine
        for release in reversed(self.releases):
            reachable = release.upgrade_from is None or release.upgrade_from <= installed
            if release.version > installed and reachable and release.builds_for(machine):
                return release.version
        raise UnknownRelease(f"the bundle holds no release above {installed} for {machine}")

    def extract(
        self,
        version: Version,
        directory: Path,
        *,
        file_name: FileName | None,
        on_progress: Progress | None,
        allow_downgrade: bool,
    ) -> Path:
        """As ``Session.download``. Raises ``ReleaseRefused``, ``TrustError``, ``StateError``."""
        require_no_downgrade(version, self.configuration.version, allow_downgrade=allow_downgrade)
        signed = obtainable(self.facts, version)
        release = next((each for each in self.releases if each.version == version), None)
        if release is None:
            held = ", ".join(str(each.version) for each in self.releases)
            raise UnknownRelease(f"the bundle does not hold {signed.product} {version}", hint=f"it holds {held}")
        build = build_for(release, self.configuration, file_name)
        return BuildDownload(self.file, build, directory, "", self.configuration.limits, on_progress).run()


def bundled_name(path: str, sha256: str) -> str:
    """Where a target lies in a bundle."""
    folder, _, name = path.rpartition("/")
    return f"downloads/{folder}/{sha256}.{name}"


@contextmanager
def open_bundle(configuration: Configuration, state: State, path: Path, now: datetime) -> Iterator[OpenBundle]:
    """The bundle, verified; what it teaches is kept: the floor against older bundles, and the certificate.

    Raises ``TrustError``, ``LicenceError``, ``NotCovered``, ``StateError``.
    """
    with opened_bundle(path) as file:
        signed = _verified(configuration, file, now)
        _require_not_older(configuration, state, signed.versions)
        keys = _licence_keys(file, signed)
        licence = _licence(configuration, state, keys, now)
        given = _certificate(configuration, file, licence, keys, now)
        held = _newest(given, kept_certificate(state, licence, keys, now) if licence is not None else None)
        all_releases = releases_in(configuration.product, signed.targets)
        facts = SignedFacts.of(
            configuration.product, all_releases, configuration.channel, now=now, verified_at=signed.made_at
        )
        releases = _bundled(file, facts, signed, held.certificate.entitlement)
        state.keep_bundle_floor(signed.versions)
        if licence is not None:
            state.keep_licence_key(licence.text)
            state.keep_certificate(held.text)
        yield OpenBundle(configuration, file, facts, held, signed, releases)


def _verified(configuration: Configuration, file: BundleFile, now: datetime) -> BundleFacts:
    try:
        with tuf_errors_as_ours("the bundle's signed metadata", missing=BundleInvalid):
            return verified_bundle(file.pieces, configuration.root, configuration.product, now)
    except PublishingError as error:
        raise UntrustedMetadata(f"the bundle cannot be trusted: {error}") from error
    except MetadataExpired as error:
        raise MetadataExpired(
            str(error), hint="ask the vendor for a new bundle; if this one is new, check this computer's date and time"
        ) from error


def _require_not_older(configuration: Configuration, state: State, versions: Mapping[str, int]) -> None:
    """Neither than an earlier bundle, nor in what people signed than what was seen online."""
    online = kept_role_versions(state, configuration.root, configuration.product)
    for floor in (state.bundle_floor(), online):
        if lower := [role for role, version in versions.items() if version < floor.get(role, 0)]:
            raise UntrustedMetadata(
                f"the bundle is older than what this installation has seen already ({lower[0]})",
                hint="use the newest bundle, or ask the vendor for one",
            )


def _licence_keys(file: BundleFile, signed: BundleFacts) -> KeySet:
    target = signed.licence_keys
    data = file.whole(bundled_name(LICENCE_KEYS_PATH, target.hashes.get("sha256", "")), MAX_KEY_SET_BYTES)
    if data is None:
        raise BundleInvalid("the bundle lacks the vendor's licence public keys")
    try:
        target.verify_length_and_hashes(data)
        return KeySet.from_json(data)
    except InvalidKeySet as error:
        raise UntrustedMetadata(f"the vendor's licence public keys cannot be used: {error}") from error
    except Exception as error:  # LengthOrHashMismatchError, or a hash algorithm nobody has
        raise FileMismatch("the vendor's licence public keys in the bundle are not as they were signed") from error


def _licence(configuration: Configuration, state: State, keys: KeySet, now: datetime) -> HeldLicence | None:
    """The licence of this machine, if it was ever given."""
    try:
        text = given_licence_key(configuration, state)
    except LicenceMissing:
        return None
    return verified_licence(text, keys, configuration.product, now)


def _certificate(
    configuration: Configuration, file: BundleFile, licence: HeldLicence | None, keys: KeySet, now: datetime
) -> HeldCertificate:
    data = file.whole(CERTIFICATE, _MAX_CERTIFICATE_BYTES)
    if data is None:
        raise BundleInvalid("the bundle has no SMP certificate")
    try:
        text = data.decode("ascii").strip()
        certificate = verify_certificate(text, keys, now)
        if licence is not None:
            certificate.must_match(licence.key)
    except (InvalidStatement, UnicodeDecodeError) as error:
        raise CertificateRefused(f"the bundle's SMP certificate cannot be accepted: {error}") from error
    if certificate.entitlement.product != configuration.product:
        raise CertificateRefused(f"the bundle is for {certificate.entitlement.product}, not {configuration.product}")
    return HeldCertificate(text, certificate)


def _newest(given: HeldCertificate, kept: HeldCertificate | None) -> HeldCertificate:
    """What was kept later decides: the licence may have been revoked since the bundle was made."""
    if kept is not None and kept.certificate.issued_at > given.certificate.issued_at:
        return kept
    return given


def _bundled(
    file: BundleFile, facts: SignedFacts, signed: BundleFacts, entitlement: Entitlement
) -> tuple[Release, ...]:
    """The releases of which the bundle holds builds, with those. Raises ``BundleInvalid``, ``FileMismatch``,
    ``ReleaseRefused``."""
    names = {name for name in file.lengths if name.startswith("downloads/")}
    names.discard(bundled_name(LICENCE_KEYS_PATH, signed.licence_keys.hashes.get("sha256", "")))
    known_names = {bundled_name(path, target.hashes.get("sha256", "")) for path, target in signed.targets.items()}
    if strange := sorted(names - known_names):
        raise BundleInvalid(f"the bundle holds {strange[0].rpartition('/')[2]}, which nobody signed")
    found = []
    for release in facts.all_releases:
        builds = tuple(build for build in release.builds if bundled_name(build.path, build.sha256) in names)
        if not builds:
            continue
        for build in builds:
            _require_length(file, build)
        require_covered(entitlement, obtainable(facts, release.version), facts)
        found.append(replace(release, builds=builds))
    return tuple(found)


def _require_length(file: BundleFile, build: Build) -> None:
    if file.lengths[bundled_name(build.path, build.sha256)] != build.length:
        raise FileMismatch(f"{build.file_name} in the bundle has another length than was signed")
