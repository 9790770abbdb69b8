"""One operation on the locked state: what ``Client`` does, with the server where it can be reached."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from tenure_client.activation import kept_activation
from tenure_client.answers import ActivationInfo, KeptReason, UpdateAnswer
from tenure_client.configuration import Configuration
from tenure_client.conversation import Conversation, Known, given_licence_key
from tenure_client.errors import (
    LicenceError,
    LicenceKeyInvalid,
    LicenceMissing,
    MetadataExpired,
    NoBuildForThisMachine,
    NoSuchSideFile,
    OfflineAndNothingKnown,
    ReleaseWithdrawn,
    ServerError,
    ServerUnavailable,
    ServerUnreachable,
    TrustError,
    UnknownRelease,
)
from tenure_client.install_reports import InstallReport, keep_reports, kept_reports
from tenure_client.judgement import require_no_downgrade
from tenure_client.licence import HeldCertificate, HeldLicence, kept_certificate, verified_licence
from tenure_client.lock import exclusive
from tenure_client.manners import is_asked_to_wait, next_check_after, wait_until
from tenure_client.offline import kept_answer
from tenure_client.signed_facts import SignedFacts, builds_by_fit
from tenure_client.state import State
from tenure_client.transport import Transport
from tenure_client.trusted_download import BuildDownload, Progress
from tenure_client.trusted_metadata import FreshMetadata, kept_licence_keys, kept_releases
from tenure_signing.key_sets import KeySet
from tenure_signing.names import FileName
from tenure_signing.releases import Build, Release
from tenure_signing.versions import Version


@contextmanager
def session(configuration: Configuration) -> Iterator[Session]:
    """An operation on the state directory, which no other process works on meanwhile."""
    with exclusive(configuration.state_directory, configuration.lock_timeout_seconds):
        state = State(configuration.state_directory)
        state.prepare(configuration.seed_directory)
        yield Session(configuration, state, configuration.clock())


@dataclass(frozen=True, slots=True)
class Session:
    """One operation; ``session`` holds the lock around it."""

    configuration: Configuration
    state: State
    now: datetime = field(repr=False)

    # Checks

    def check(self, *, is_manual: bool) -> UpdateAnswer:
        if not is_manual and is_asked_to_wait(self.state.contact(), self.now):
            with suppress(OfflineAndNothingKnown):  # nothing would come of waiting
                return self.kept(KeptReason.SERVER_ASKED_TO_WAIT)
        try:
            with self._conversation() as conversation:
                return conversation.ask(is_manual=is_manual)
        except MetadataExpired as error:
            return self._kept_instead(KeptReason.METADATA_EXPIRED, error)
        except ServerUnavailable as error:
            self._remember_to_wait(error)
            return self._kept_instead(KeptReason.SERVER_UNAVAILABLE, error)
        except ServerUnreachable as error:
            return self._kept_instead(KeptReason.SERVER_UNREACHABLE, error)

    def report(self, report: InstallReport) -> bool:
        """Keeps the report and sends what is kept, if the server can be reached; whether it took everything. Whatever
        goes wrong, the product goes on. Raises ``StateError``."""
        keep_reports(self.state, [*kept_reports(self.state), report])
        if is_asked_to_wait(self.state.contact(), self.now):
            return False
        try:
            with self._conversation() as conversation:
                return conversation.send_reports(conversation.established().licence.text)
        except (LicenceError, ServerError, TrustError):
            return False

    def kept(self, reason: KeptReason) -> UpdateAnswer:
        """The answer from what is kept, without the network. Raises ``OfflineAndNothingKnown`` or ``LicenceError``."""
        text = given_licence_key(self.configuration, self.state)
        facts = self._kept_facts()
        keys = kept_licence_keys(self.state, self.configuration.root)
        if keys is None:
            raise OfflineAndNothingKnown("the vendor's licence public keys were not kept yet")
        licence = verified_licence(text, keys, self.configuration.product, self.now)
        held = kept_certificate(self.state, licence, keys, self.now)
        if held is None:
            raise OfflineAndNothingKnown("no SMP certificate of this licence was kept yet")
        suggestion = next_check_after(self.state.contact(), self.now)
        return kept_answer(self.configuration, facts, held, reason=reason, now=self.now, next_check_after=suggestion)

    def _kept_instead(self, reason: KeptReason, error: MetadataExpired | ServerUnreachable) -> UpdateAnswer:
        try:
            return self.kept(reason)
        except OfflineAndNothingKnown as nothing:
            if isinstance(error, MetadataExpired):
                raise error from None
            raise OfflineAndNothingKnown(f"{error}, and {nothing}") from error

    def _kept_facts(self) -> SignedFacts:
        configuration, verified_at = self.configuration, self.state.contact().verified_at
        releases = kept_releases(self.state, configuration.root, configuration.product)
        if releases is None or verified_at is None:
            raise OfflineAndNothingKnown("no verified releases were kept yet")
        return SignedFacts.of(
            configuration.product, releases, configuration.channel, now=self.now, verified_at=verified_at
        )

    def _remember_to_wait(self, error: ServerUnavailable) -> None:
        if error.retry_after_seconds:
            until = wait_until(self.now, error.retry_after_seconds)
            self.state.keep_contact(replace(self.state.contact(), wait_until=until))

    # Releases

    def download(
        self,
        version: Version,
        directory: Path,
        *,
        file_name: FileName | None,
        on_progress: Progress | None,
        allow_downgrade: bool,
    ) -> Path:
        """Fetches the best build, or the one named, of a release that is signed, covered and not withdrawn."""
        configuration = self.configuration
        require_no_downgrade(version, configuration.version, allow_downgrade=allow_downgrade)
        with self._conversation() as conversation:
            known: Known = conversation.established()
            release = obtainable(known.facts, version)
            build = build_for(release, configuration, file_name)
            conversation.require_covered(known, release)
            return BuildDownload(
                conversation.transport, build, directory, known.licence.text, configuration.limits, on_progress
            ).run()

    def download_side_file(
        self, version: Version, directory: Path, file_name: FileName, *, on_progress: Progress | None
    ) -> Path:
        """Fetches what lies beside the builds of a release that is signed, covered and not withdrawn."""
        with self._conversation() as conversation:
            known: Known = conversation.established()
            release = obtainable(known.facts, version)
            side_file = next((file for file in release.side_files if file.file_name == file_name), None)
            if side_file is None:
                there = ", ".join(file.file_name for file in release.side_files) or "none"
                raise NoSuchSideFile(
                    f"{release.product} {release.version} has no side file {file_name}", hint=f"it has {there}"
                )
            conversation.require_covered(known, release)
            limits = self.configuration.limits
            return BuildDownload(
                conversation.transport, side_file, directory, known.licence.text, limits, on_progress
            ).run()

    def signed_release(self, version: Version) -> Release:
        """The signed facts of a release: fresh, or kept ones when the server cannot be reached."""
        try:
            with self._conversation() as conversation:
                facts = conversation.verified(self.configuration.licence_key or self.state.licence_key())[0]
        except (ServerUnreachable, MetadataExpired):
            facts = self._kept_facts()
        release = facts.release(version)
        if release is None:
            raise UnknownRelease(f"{self.configuration.product} {version} was never signed")
        return release

    def bundle_parts(self, path: Path) -> tuple[Configuration, State, Path, datetime]:
        """What ``open_bundle`` needs of this operation."""
        return self.configuration, self.state, path, self.now

    # The licence

    def licence(self) -> tuple[HeldLicence, HeldCertificate | None] | None:
        """The kept licence and certificate, or None if no key was given."""
        try:
            text = given_licence_key(self.configuration, self.state)
        except LicenceMissing:
            return None
        keys = kept_licence_keys(self.state, self.configuration.root)
        if keys is None:
            raise OfflineAndNothingKnown("the licence key cannot be verified before the first check")
        licence = verified_licence(text, keys, self.configuration.product, self.now)
        return licence, kept_certificate(self.state, licence, keys, self.now)

    def activate(self, name: str | None) -> ActivationInfo:
        with self._conversation() as conversation:
            return conversation.seat(conversation.established()).activate(name)

    def deactivate(self) -> bool:
        with self._conversation() as conversation:
            return conversation.seat(conversation.established()).deactivate()

    def activation(self) -> ActivationInfo | None:
        """The kept activation, without the network; None if there is none that can be believed."""
        found = self.licence()
        keys = kept_licence_keys(self.state, self.configuration.root)
        if found is None or keys is None:
            return None
        held = kept_activation(self.state, found[0], keys, self.now)
        return held.info() if held is not None else None

    def set_licence_key(self, text: str) -> tuple[HeldLicence, HeldCertificate | None]:
        """Verifies the key and keeps it; with kept public keys if they know it, else with fresh ones."""
        product = self.configuration.product
        keys = kept_licence_keys(self.state, self.configuration.root) or KeySet()
        try:
            licence = verified_licence(text, keys, product, self.now)
        except LicenceKeyInvalid as refusal:
            try:
                keys = self._fresh_licence_keys(text)
            except ServerUnreachable:
                if keys.keys:
                    raise refusal from None
                raise
            licence = verified_licence(text, keys, product, self.now)
        self.state.keep_licence_key(text)
        return licence, kept_certificate(self.state, licence, keys, self.now)

    def _fresh_licence_keys(self, licence_key: str) -> KeySet:
        with self._conversation() as conversation:
            return FreshMetadata(
                self.configuration, self.state, conversation.transport, licence_key, self.now
            ).licence_keys()

    @contextmanager
    def _conversation(self) -> Iterator[Conversation]:
        if self.configuration.server_url is None:
            raise ServerUnreachable("this client has no server", hint="it updates from bundles: download_from_bundle")
        with Transport(self.configuration.server_url, self.configuration.limits) as transport:
            yield Conversation(self.configuration, self.state, transport, self.now)


def obtainable(facts: SignedFacts, version: Version) -> Release:
    """The release, if it is signed, not dated ahead and not withdrawn."""
    release = facts.release(version)
    if release is None:
        why = "is dated in the future" if facts.is_dated_ahead(version) else "was never signed"
        raise UnknownRelease(f"{facts.product.product} {version} {why}")
    if release.withdrawal is not None:
        raise ReleaseWithdrawn(
            f"{release.product} {version} was withdrawn: {release.withdrawal.reason}",
            replacement=release.withdrawal.replacement,
        )
    return release


def build_for(release: Release, configuration: Configuration, file_name: FileName | None) -> Build:
    builds = builds_by_fit(release, configuration.machine)
    chosen = next((build for build in builds if file_name in (None, build.file_name)), None)
    if chosen is None:
        wanted = f"no file {file_name}" if file_name is not None else "no build"
        raise NoBuildForThisMachine(
            f"{release.product} {release.version} has {wanted} for {configuration.machine}",
            hint=f"it has {', '.join(sorted(str(build.platform) for build in release.builds))}",
        )
    return chosen
