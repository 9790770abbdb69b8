"""``tenure publish --server``: an engineer's or a build server's half of publishing.

What is signed is decided here: the builds' lengths and hashes come from the local files, what was published before from
metadata that a TUF client verified. Of the server's word only what is shown before signing is taken. Broken off at any
point, the same command goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import Protocol

from securesystemslib.signer import Signer

from tenure_server.domain.publishing import PartLink, PublishingPlan, UploadState
from tenure_server.errors import Conflict, InvalidRequest, ObjectMismatch, ServerUnavailable
from tenure_server.use_cases.ports import Clock, Progress
from tenure_server.use_cases.publish import (
    FileToAttach,
    FileToPublish,
    Published,
    PublishRequest,
    hashed_files,
    release_to_publish,
    releases_in,
)
from tenure_signing.languages import Language
from tenure_signing.names import ChannelName, ProductName
from tenure_signing.problem_numbers import ProblemNumber
from tenure_signing.releases import Release, ReleaseFile
from tenure_signing.tuf_drafts import sign, with_release
from tenure_signing.tuf_repository import Repository
from tenure_signing.versions import Version

AnyFile = FileToPublish | FileToAttach

PARTS_IN_PARALLEL = 4
PUBLISHING_ATTEMPTS = 3  # while others publish the same product


class PublishingServer(Protocol):
    """The server, as its token holder sees it. Every method can be repeated.

    Raises the server's refusals as ours, and ``ServerUnavailable``.
    """

    def plan(
        self,
        product: ProductName,
        version: Version,
        channel: ChannelName | None,
        builds: Sequence[ReleaseFile],
        fixes: Sequence[ProblemNumber] = (),
    ) -> PublishingPlan:
        """Refuses problems that a new version cannot fix."""
        ...

    def upload(self, product: ProductName, version: Version, build: ReleaseFile) -> UploadState: ...

    def send_part(self, link: PartLink, data: bytes) -> None: ...

    def complete(self, product: ProductName, version: Version, build: ReleaseFile) -> None: ...

    def publish(
        self,
        product: ProductName,
        version: Version,
        role: bytes,
        notes: str | None,
        share_basis_points: int | None,
        translations: Mapping[Language, str] | None = None,
    ) -> bool:
        """Whether it was new."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """What would be signed, for people to see. ``is_new`` is False where there is nothing left to do."""

    request: PublishRequest
    release: Release
    plan: PublishingPlan
    is_new: bool

    @property
    def bytes_to_upload(self) -> int:
        pairs = zip(self.release.files, self.plan.uploads, strict=True)
        return sum(file.length for file, state in pairs if not state.is_stored)


@dataclass(frozen=True, slots=True)
class PublishRemotely:
    """``metadata`` downloads and verifies what is published, anew at each call."""

    server: PublishingServer
    metadata: Callable[[], Repository]
    clock: Clock

    def prepare(self, request: PublishRequest, *, is_unattended: bool, progress: Progress | None = None) -> Prepared:
        """Look at everything; changes nothing. ``progress`` is told the bytes hashed.

        Raises ``InvalidRequest``, ``Forbidden``, ``NotFound``, ``Conflict`` (``unknown_problem``, ``problem_closed``),
        ``PublishingError`` (``ImmutableRelease``, or metadata that is not to be trusted).
        """
        files = hashed_files(request, progress)
        plan = self.server.plan(request.product, request.version, request.channel, files.all)
        repository = self.metadata()
        self._require_own_word(request, plan, repository, is_unattended)
        release = release_to_publish(request, plan.product, repository, files, plan.today)
        is_known = any(known.version == release.version for known in releases_in(repository, release.product))
        fixes = () if is_known else release.fixes
        if release.channel != request.channel or fixes:  # may this token publish there? can these be fixed?
            plan = self.server.plan(request.product, request.version, release.channel, files.all, fixes)
        role = repository.bytes_of(request.product)
        return Prepared(request, release, plan, with_release(role, release, self.clock()) != role)

    def __call__(self, prepared: Prepared, *, signers: Sequence[Signer], progress: Progress | None = None) -> Published:
        """Upload, sign, publish. ``progress`` is told the bytes uploaded."""
        request, release = prepared.request, prepared.release
        self.upload(prepared, progress=progress)
        for attempt in range(1, PUBLISHING_ATTEMPTS + 1):
            role = self.metadata().bytes_of(release.product)
            draft = with_release(role, release, self.clock())
            if draft == role:  # an answer of the server's was lost on the way
                break
            signed = sign(release.product, draft, *signers)
            try:
                self.server.publish(
                    release.product,
                    release.version,
                    signed,
                    request.notes,
                    request.share_basis_points,
                    request.translations,
                )
                break
            except Conflict as error:
                if error.code != "published_meanwhile" or attempt == PUBLISHING_ATTEMPTS:
                    raise
        return Published(release, prepared.is_new)

    def upload(self, prepared: Prepared, *, progress: Progress | None = None) -> None:
        """Upload what is not there yet. ``progress`` is told the bytes uploaded."""
        release = prepared.release
        for file, build in zip(prepared.request.all_files, release.files, strict=True):
            self._upload(release, file, build, progress or _nobody)

    def _require_own_word(
        self, request: PublishRequest, plan: PublishingPlan, repository: Repository, is_unattended: bool
    ) -> None:
        """A server that was broken into must not choose what is signed while nobody looks."""
        if any(known.version == request.version for known in releases_in(repository, request.product)):
            return
        if is_unattended and (request.editions is None or request.channel is None):
            raise InvalidRequest(
                "Publishing a new version unattended takes --edition and --channel.",
                code="facts_missing",
                hint="otherwise the server would choose what is signed",
            )
        today = self.clock().date()
        if request.released_on is None and abs(plan.today - today) > timedelta(days=1):
            raise InvalidRequest(
                f"The server says that today is {plan.today}, this machine that it is {today}.",
                code="day_unclear",
                hint="set the clock, or say --released-on",
            )

    def _upload(self, release: Release, file: AnyFile, build: ReleaseFile, progress: Progress) -> None:
        product, version, sent = release.product, release.version, 0
        state = self.server.upload(product, version, build)
        while not state.is_stored and state.missing:
            _require_sound(state, build)
            self._send(file, state.links, progress)
            sent += sum(link.length for link in state.links)
            after = self.server.upload(product, version, build)
            if not after.is_stored and after.missing >= state.missing:
                raise ServerUnavailable(f"The server does not keep what it is sent of {build.file_name}.")
            state = after
        if not state.is_stored:
            self.server.complete(product, version, build)
        progress(build.length - sent)

    def _send(self, file: AnyFile, links: Sequence[PartLink], progress: Progress) -> None:
        one_at_a_time = Lock()

        def send(link: PartLink) -> None:
            self.server.send_part(link, _read(file, link))
            with one_at_a_time:
                progress(link.length)

        with ThreadPoolExecutor(PARTS_IN_PARALLEL) as pool:
            jobs = [pool.submit(send, link) for link in links]
            try:
                for job in jobs:
                    job.result()
            except BaseException:
                for job in jobs:
                    job.cancel()
                raise


def _require_sound(state: UploadState, build: ReleaseFile) -> None:
    if not state.links or any(
        link.offset < 0 or link.length < 1 or link.offset + link.length > build.length for link in state.links
    ):
        raise ServerUnavailable(f"The server asks for parts that {build.file_name} does not have.")


def _read(file: AnyFile, link: PartLink) -> bytes:
    try:
        with file.source.open("rb") as stream:
            stream.seek(link.offset)
            data = stream.read(link.length)
    except OSError as error:
        raise InvalidRequest(f"{file.source} cannot be read: {error.strerror}.", code="unreadable_file") from error
    if len(data) != link.length:
        raise ObjectMismatch(f"{file.source} has changed while it was published.", hint="publish it again")
    return data


def _nobody(_: int) -> None:
    pass
