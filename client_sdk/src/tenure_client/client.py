"""The few methods a product calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tenure_client.answers import ActivationInfo, Bundle, KeptReason, LicenceInfo, OfferedRelease, UpdateAnswer
from tenure_client.configuration import (
    MAX_ROOT_BYTES,
    Configuration,
    TransferLimits,
    parse_metadata_url,
    parse_server_url,
    this_machine,
)
from tenure_client.errors import ConfigurationError, FileMismatch
from tenure_signing.entitlement import Turn
from tenure_signing.errors import InvalidName, InvalidVersion
from tenure_signing.languages import parse_language
from tenure_signing.names import FileName, Platform, parse_channel, parse_file_name, parse_platform, parse_product
from tenure_signing.versions import Version, parse_version

if TYPE_CHECKING:  # python-tuf and cryptography are loaded at the first call, not when a product starts
    from tenure_client.session import Session
    from tenure_client.trusted_download import Progress
    from tenure_signing.releases import Build


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Client:
    """Checks for updates, downloads and verifies them, for one installed copy of one product.

    Every method locks the state directory, so several processes and threads may use it; one works at a time. All raise
    ``TenureClientError`` only. Nothing happens before the first call: opening reads and writes no file.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def __repr__(self) -> str:
        return f"Client(product={self._configuration.product!r}, version={str(self._configuration.version)!r})"

    @property
    def product(self) -> str:
        """The product's name."""
        return self._configuration.product

    @classmethod
    def open(
        cls,
        *,
        root: bytes,
        server_url: str | None,
        product: str,
        version: str,
        state_directory: Path | str | None = None,
        seed_directory: Path | str | None = None,
        licence_key: str | None = None,
        channel: str = "stable",
        platform: str | Platform | None = None,
        turn: str | None = None,
        language: str | None = None,
        metadata_url: str | None = None,
        timeout_seconds: float = 30.0,
        lock_timeout_seconds: float = 10.0,
        unsafe_plain_http: bool = False,
        clock: Callable[[], datetime] = _utc_now,
    ) -> Self:
        """A client for the installed ``version`` of ``product``.

        ``root``: the bytes of the first TUF ``root.json``, embedded in the product. ``server_url``: None on a machine
        without a network, which updates from bundles. ``metadata_url``: the ``metadata`` folder of a mirror, read in
        place of the server's; the licence key never goes there. ``state_directory``: by default
        the user's data folder as the system has it. ``seed_directory``: a fresh state shipped with the product, so that
        even a first check cannot be shown something older. ``licence_key``: verified and kept at the first contact;
        without it the kept one is used. ``platform``: by default this machine. ``turn``: ``early``, ``normal`` or
        ``late``, when in a rollout this install wants to come; by default as its licence has it. ``language``: of the
        release notes, such as ``de``, where there are any in it. ``timeout_seconds``: to connect, for an answer's
        headers, and between two pieces of its body. ``lock_timeout_seconds``: how long to wait for another process.
        ``unsafe_plain_http`` lets the licence key travel unencrypted. ``clock`` gives aware instants; for
        demonstrations and tests.

        Raises ``ConfigurationError``.
        """
        if timeout_seconds <= 0 or lock_timeout_seconds < 0:
            raise ConfigurationError("timeouts are positive numbers of seconds")
        try:
            name, installed, wanted_channel = parse_product(product), parse_version(version), parse_channel(channel)
            machine = parse_platform(platform) if isinstance(platform, str) else platform or this_machine()
            wanted_language = parse_language(language) if language is not None else None
        except (InvalidName, InvalidVersion) as error:
            raise ConfigurationError(str(error)) from error
        return cls(
            Configuration(
                root=_usable_root(root),
                server_url=_server_url(server_url, unsafe_plain_http),
                product=name,
                version=installed,
                state_directory=_state_directory(state_directory, name),
                seed_directory=Path(seed_directory) if seed_directory is not None else None,
                licence_key=_normal(licence_key) if licence_key is not None else None,
                channel=wanted_channel,
                machine=machine,
                limits=TransferLimits(timeout_seconds=timeout_seconds),
                lock_timeout_seconds=lock_timeout_seconds,
                clock=clock,
                turn=_turn(turn),
                language=wanted_language,
                metadata_url=parse_metadata_url(metadata_url) if metadata_url is not None else None,
            )
        )

    def check(self, *, manual: bool = False) -> UpdateAnswer:
        """Whether there is an update. ``manual``: a person asked, so partial rollouts do not matter.

        Without a network, the answer comes from what is kept, and says since when that is known; the same when the
        server is overloaded or shows only expired metadata. Raises ``LicenceError``, ``TrustError``, ``ServerError``.
        """
        with self._session() as session:
            return session.check(is_manual=manual)

    def kept_answer(self) -> UpdateAnswer:
        """What is known without asking anyone. Raises ``OfflineAndNothingKnown`` if that is nothing."""
        with self._session() as session:
            return session.kept(KeptReason.ASKED_FOR)

    def report(
        self, outcome: str, version: str, *, from_version: str | None = None, detail_code: str | None = None
    ) -> bool:
        """Tells the vendor how installing ``version`` went: ``installed``, ``failed`` or ``rolled_back``.

        ``from_version``: what was installed before; by default the version this client was opened with, unless that is
        ``version`` itself. ``detail_code``: what went wrong, in 1 to 40 of a-z, 0-9, ``.``, ``_`` and ``-``; nothing
        personal. Returns whether the server took it; if not, as without a network, it is kept and sent with a later
        check. Raises ``ConfigurationError`` for an outcome, version or code that is none, ``StateError``.
        """
        from tenure_client.install_reports import InstallReport, Outcome

        installed, own = _version(version), self._configuration.version
        before = _version(from_version) if from_version is not None else own if own != installed else None
        try:
            report = InstallReport(installed, before, Outcome(outcome), detail_code)
        except ValueError as error:
            raise ConfigurationError(str(error)) from error
        with self._session() as session:
            return session.report(report)

    def download(
        self,
        offer: OfferedRelease,
        directory: Path | str,
        *,
        file_name: str | None = None,
        on_progress: Progress | None = None,
        allow_downgrade: bool = False,
    ) -> Path:
        """The file of the offer that fits this machine best, or the one named, whole and verified in ``directory``.

        A call after a break goes on where the last one stopped. ``on_progress`` is called with the bytes done and in
        all; what it raises stops the download. Raises ``ReleaseRefused``, ``TrustError``, ``ServerError``,
        ``DownloadInterrupted``, ``StateError``.
        """
        return self._download(offer.version, directory, file_name, on_progress, allow_downgrade)

    def download_release(
        self,
        version: str,
        directory: Path | str,
        *,
        file_name: str | None = None,
        on_progress: Progress | None = None,
        allow_downgrade: bool = False,
    ) -> Path:
        """As ``download``, for any covered release; one below the installed version only with ``allow_downgrade``."""
        return self._download(_version(version), directory, file_name, on_progress, allow_downgrade)

    def download_side_file(
        self, version: str, file_name: str, directory: Path | str, *, on_progress: Progress | None = None
    ) -> Path:
        """What lies beside the builds of a covered release, such as its SBOM: whole and verified in ``directory``.

        Raises as ``download`` does, and ``NoSuchSideFile``.
        """
        try:
            name = parse_file_name(file_name)
        except InvalidName as error:
            raise ConfigurationError(str(error)) from error
        with self._session() as session:
            return session.download_side_file(_version(version), Path(directory), name, on_progress=on_progress)

    def verify_file(self, path: Path | str, version: str) -> Build:
        """The signed build that the file is, by fresh facts, or by kept ones when the server cannot be reached.

        Raises ``FileMismatch`` if the file is none of that release, ``UnknownRelease``, ``OfflineAndNothingKnown``.
        """
        from tenure_client.trusted_download import is_whole

        with self._session() as session:
            release = session.signed_release(_version(version))
        for build in release.builds:
            if is_whole(build, Path(path)):
                return build
        raise FileMismatch(
            f"{Path(path).name} is no file of {release.product} {release.version}, or was changed",
            hint="do not run it; download it again",
        )

    def verify_bundle(self, path: Path | str) -> Bundle:
        """What a bundle holds, without a network: everything in it is verified from the embedded root, every byte of
        every build, and that the certificate in it covers them.

        An older bundle is refused from then on. Raises ``TrustError``, ``LicenceError``, ``NotCovered``,
        ``StateError``.
        """
        from tenure_client.bundles import open_bundle

        with self._session() as session, open_bundle(*session.bundle_parts(Path(path))) as bundle:
            bundle.require_whole()
            return bundle.describe()

    def download_from_bundle(
        self,
        path: Path | str,
        directory: Path | str,
        version: str | None = None,
        *,
        file_name: str | None = None,
        on_progress: Progress | None = None,
        allow_downgrade: bool = False,
    ) -> Path:
        """As ``download_release``, from a bundle and without a network. ``version``: by default the highest in the
        bundle that this installation can step up to."""
        from tenure_client.bundles import open_bundle

        name = _file_name(file_name)
        asked = _version(version) if version is not None else None
        with self._session() as session, open_bundle(*session.bundle_parts(Path(path))) as bundle:
            return bundle.extract(
                asked if asked is not None else bundle.newest(),
                Path(directory),
                file_name=name,
                on_progress=on_progress,
                allow_downgrade=allow_downgrade,
            )

    @property
    def licence(self) -> LicenceInfo | None:
        """The kept licence, verified, without the network; None if no key was given.

        Raises ``LicenceKeyInvalid``, or ``OfflineAndNothingKnown`` before any contact with the server.
        """
        from tenure_client.licence import licence_info

        with self._session() as session:
            held = session.licence()
        return licence_info(*held) if held is not None else None

    def set_licence_key(self, text: str) -> LicenceInfo:
        """Takes a key as it was pasted, verifies it, keeps it in place of the last. Raises ``LicenceKeyInvalid``.

        Where the public keys are not known yet they are fetched; the key itself is sent only to a server that keeps its
        metadata from strangers.
        """
        from tenure_client.licence import licence_info

        with self._session() as session:
            return licence_info(*session.set_licence_key(_normal(text)))

    def activate(self, *, name: str | None = None) -> ActivationInfo:
        """Takes a seat of the licence for this machine; once is enough, and again does no harm.

        ``name``: how the customer finds this machine in the list of seats, 1 to 80 printable characters; by default
        none is sent. Raises ``SeatsTaken``, ``ActivationRefused``, ``LicenceError``, ``ServerError``, ``TrustError``.
        """
        if name is not None and not (1 <= len(name) <= 80 and name.isprintable() and name == name.strip()):
            raise ConfigurationError("a machine's name is 1 to 80 printable characters")
        with self._session() as session:
            return session.activate(name)

    @property
    def activation(self) -> ActivationInfo | None:
        """This machine's seat by the kept statement, verified, without the network; None if it has none: none was asked
        for, it is another machine's or licence's, it was released, or it expired without contact.

        Raises ``LicenceKeyInvalid``, or ``OfflineAndNothingKnown`` before any contact with the server.
        """
        with self._session() as session:
            return session.activation()

    def deactivate(self) -> bool:
        """Gives this machine's seat back; whether it had one. Needs the network. Raises as ``activate`` does."""
        with self._session() as session:
            return session.deactivate()

    def _download(
        self,
        version: Version,
        directory: Path | str,
        file_name: str | None,
        on_progress: Progress | None,
        allow_downgrade: bool,
    ) -> Path:
        name = _file_name(file_name)
        with self._session() as session:
            return session.download(
                version, Path(directory), file_name=name, on_progress=on_progress, allow_downgrade=allow_downgrade
            )

    def _session(self) -> _SessionContext:
        from tenure_client.session import session

        return session(self._configuration)


if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    _SessionContext = AbstractContextManager[Session]


def _version(text: str) -> Version:
    try:
        return parse_version(text)
    except InvalidVersion as error:
        raise ConfigurationError(str(error)) from error


def _file_name(text: str | None) -> FileName | None:
    try:
        return parse_file_name(text) if text is not None else None
    except InvalidName as error:
        raise ConfigurationError(str(error)) from error


def _server_url(text: str | None, unsafe_plain_http: bool) -> str | None:
    return parse_server_url(text, unsafe_plain_http=unsafe_plain_http) if text is not None else None


def _turn(text: str | None) -> Turn | None:
    if text is None:
        return None
    if text not in tuple(Turn):
        raise ConfigurationError(f"a turn is one of {', '.join(Turn)}")
    return Turn(text)


def _normal(licence_key: str) -> str:
    from tenure_client.errors import LicenceKeyInvalid
    from tenure_signing.licence_key import normalise_pasted

    text = normalise_pasted(licence_key)
    if not text or not text.isascii():
        raise LicenceKeyInvalid("the text is no licence key")
    return text


def _usable_root(root: bytes) -> bytes:
    """Notices a wrong file at once; the signatures are verified at the first call, with everything else."""
    try:
        is_root = len(root) <= MAX_ROOT_BYTES and json.loads(root)["signed"]["_type"] == "root"
    except (ValueError, TypeError, KeyError, RecursionError):
        is_root = False
    if not is_root:
        raise ConfigurationError(
            "the embedded root is no TUF root metadata",
            hint="embed the bytes of the vendor's first root.json, exactly as they are",
        )
    return root


def _state_directory(given: Path | str | None, product: str) -> Path:
    if given is not None:
        return Path(given)
    import platformdirs

    return Path(platformdirs.user_data_dir(product, appauthor="tenure")) / "updates"
