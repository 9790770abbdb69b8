"""Metadata and builds copied to a directory, bucket or CDN origin that clients read: ``tenure mirror``.

Killed anywhere, it leaves a mirror that clients accept, and the same command completes it. What was sent is read back
and compared with its signed length and SHA-256; a real TUF client reads the source before and the mirror after.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from tenure_server.domain.mirrors import (
    STATE_KEY,
    MirroredFile,
    MirrorPlan,
    MirrorState,
    Stage,
    mirrored_metadata_key,
    plan_mirror,
)
from tenure_server.errors import Conflict, ObjectMismatch, ObjectNotFound
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.mirror_content import MirrorContent, mirror_content, read_published
from tenure_server.use_cases.ports import Clock, Database, ObjectStore, Progress
from tenure_server.use_cases.ports_mirror import MirrorTarget
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.errors import PublishingError
from tenure_signing.tuf_preflight import preflight
from tenure_signing.tuf_repository import Repository, load_any
from tenure_signing.tuf_roles import ROOT, SNAPSHOT, TARGETS, TIMESTAMP, metadata_file_name, policy_of
from tenure_signing.tuf_verified import Verified, verified_files, verified_repository

TIMESTAMP_KEY = mirrored_metadata_key(metadata_file_name(TIMESTAMP, 0))

_MAX_STATE_BYTES = 64_000_000
_FRESH = "max-age=60"
_FOR_EVER = "max-age=31536000, immutable"
_SAVED_EVERY_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class MirrorOrder:
    """``with_builds``: also what is for licensees only. ``is_public``: strangers can read the target."""

    first_root: bytes = field(repr=False)
    with_builds: bool = False
    is_public: bool = True
    trust_nothing: bool = False  # read back everything, not only what was sent


@dataclass(frozen=True, slots=True)
class Mirrored:
    """``checked`` of what was there already. ``lapsed``: products whose metadata has expired."""

    plan: MirrorPlan
    sent: tuple[MirroredFile, ...]
    checked: int
    removed: tuple[str, ...]
    lapsed: tuple[str, ...]
    withheld: int
    problem_before: str | None = None


@dataclass(frozen=True, slots=True)
class Mirror:
    """``clock`` says which day it is; ``signing_clock`` what has expired."""

    database: Database
    store: ObjectStore
    clock: Clock
    signing_clock: Clock
    policy: VendorPolicy

    def plan(self, target: MirrorTarget, order: MirrorOrder) -> Mirrored:
        """What a run would do now. Nothing is changed. Raises as ``__call__`` does."""
        return self._begun(target, order).planned()

    def __call__(
        self,
        target: MirrorTarget,
        order: MirrorOrder,
        *,
        who: str,
        progress: Callable[[MirrorPlan], Progress] = lambda plan: lambda done: None,
    ) -> Mirrored:
        """Bring the target up to date. ``progress``: given the plan, what to call with the bytes done.

        Raises ``Conflict``: ``not_initialised``, ``mirror_is_newer``, ``mirrored_meanwhile``, ``mirror_is_readable``,
        ``mirror_audience``; ``PublishingError`` if a client would not accept the source or the result;
        ``ObjectMismatch`` for a file that is not what was signed, in the store or after it was sent;
        ``StoreUnavailable``.
        """
        run = self._begun(target, order)
        if run.plan.changes_anything or run.plan.check:
            with self.database.writing() as records:
                audited(
                    records,
                    self.signing_clock(),
                    who,
                    "mirror.update",
                    target.name,
                    files=len(run.plan.send),
                    bytes=run.plan.bytes_to_send,
                    removed=len(run.plan.remove),
                    builds=order.with_builds,
                    public=order.is_public,
                )
        return run.completed(progress(run.plan))

    def _begun(self, target: MirrorTarget, order: MirrorOrder) -> _Run:
        now = self.signing_clock()
        with self.database.reading() as records:
            published = read_published(records)
        if not published.repository.roots:
            raise Conflict("No root is published yet.", code="not_initialised", hint="tenure init makes one")
        verified = verified_repository(published.repository, published.trusted_targets, order.first_root, now)
        if expired := [role for role in (ROOT, TARGETS, SNAPSHOT, TIMESTAMP) if role in verified.expired]:
            raise PublishingError(f"{expired[0]} has expired: clients would refuse the mirror")
        content = mirror_content(published, self.policy.day_of(self.clock()), with_builds=order.with_builds)
        return _begin(target, order, published.repository, verified, content, self.store, now)


@dataclass(slots=True)
class _Run:
    target: MirrorTarget
    order: MirrorOrder
    repository: Repository
    lapsed: tuple[str, ...]
    content: MirrorContent
    store: ObjectStore
    now: datetime
    state: MirrorState
    plan: MirrorPlan
    before: Repository | None
    problem_before: str | None

    def planned(self) -> Mirrored:
        return self._result(self.plan.send, 0, self.plan.remove)

    def completed(self, progress: Progress) -> Mirrored:
        if not self.order.is_public:
            self._require_private()
        timestamp = next(file for file in self.content.files if file.stage is Stage.TIMESTAMP)
        early = [file for file in self.plan.send if file.stage is not Stage.TIMESTAMP]
        wrong = [file for file in self.plan.check if not self._is_right(file)]
        sent: list[MirroredFile] = []
        self._send_all(sorted({*early, *(file for file in wrong if file is not timestamp)}), sent, progress)
        if timestamp in (*self.plan.send, *wrong):
            self._require_no_other()
            self._send_all([timestamp], sent, progress)
        self._require_accepted()
        for key in self.plan.remove:
            self.target.delete(key)
        self._forget_and_save()
        return self._result(tuple(sent), len(self.plan.check), self.plan.remove)

    def _result(self, sent: tuple[MirroredFile, ...], checked: int, removed: tuple[str, ...]) -> Mirrored:
        withheld = len(self.content.withheld)
        return Mirrored(self.plan, sent, checked, removed, self.lapsed, withheld, self.problem_before)

    # Sending

    def _send_all(self, files: Iterable[MirroredFile], sent: list[MirroredFile], progress: Progress) -> None:
        unsaved = 0
        for file in files:
            self._send(file, progress)
            sent.append(file)
            unsaved += file.length
            if unsaved >= _SAVED_EVERY_BYTES:
                self._save()
                unsaved = 0

    def _send(self, file: MirroredFile, progress: Progress) -> None:
        with self._at_hand(file) as path:
            caching = _FRESH if file.stage is Stage.TIMESTAMP else _FOR_EVER
            audience = "public" if self.order.is_public else "private"
            self.target.put(file.key, path, cache_control=f"{audience}, {caching}", progress=progress)
        if not self._is_right(file):
            raise ObjectMismatch(
                f"{self.target.name} does not give back {file.key} as it was sent.",
                hint="run it again; if it stays so, look at the disk or the store's health",
            )

    @contextmanager
    def _at_hand(self, file: MirroredFile) -> Iterator[Path]:
        """The file on this machine, compared with what was signed: nothing wrong is ever sent."""
        with TemporaryDirectory(prefix="tenure-mirror-") as folder:
            path = Path(folder) / "file"
            digest, length = hashlib.sha256(), 0
            with path.open("wb") as copy:
                for piece in self._pieces(file):
                    digest.update(piece)
                    length += len(piece)
                    copy.write(piece)
            if (length, digest.hexdigest()) != (file.length, file.sha256):
                raise ObjectMismatch(
                    f"{file.key} is not in the store as it was signed.",
                    hint="restore the file from a backup; clients would refuse it",
                )
            yield path

    def _pieces(self, file: MirroredFile) -> Iterator[bytes]:
        if file.source is None:
            yield self.content.bodies[file.key]
            return
        try:
            yield from self.store.read(file.source)
        except ObjectNotFound as error:
            raise ObjectMismatch(f"{file.key} is missing in the store.", hint="restore it from a backup") from error

    def _is_right(self, file: MirroredFile) -> bool:
        """Reads the target's copy back, and remembers it if it is right."""
        digest, length = hashlib.sha256(), 0
        try:
            for piece in self.target.read(file.key):
                digest.update(piece)
                length += len(piece)
        except ObjectNotFound:
            return False
        is_right = (length, digest.hexdigest()) == (file.length, file.sha256)
        verified = {key: known for key, known in self.state.verified.items() if key != file.key}
        self.state = replace(self.state, verified=verified | ({file.key: file.sha256} if is_right else {}))
        return is_right

    # What must hold

    def _require_private(self) -> None:
        """The state goes first, and nobody but us can read it: else nothing follows."""
        self._save()
        if self.target.is_readable_by_strangers(STATE_KEY):
            raise Conflict(
                f"Strangers can read {self.target.name}: nothing was copied.",
                code="mirror_is_readable",
                hint="close it to the public, or say --readable-by anyone if that is what you want",
            )

    def _require_no_other(self) -> None:
        """Another run may have been quicker: its newer timestamp stays."""
        there = timestamp_version(read_whole(self.target, TIMESTAMP_KEY, policy_of(TIMESTAMP).max_bytes))
        ours = load_version(TIMESTAMP, self.repository.roles[TIMESTAMP])
        if there is not None and there > ours:
            raise Conflict(
                f"Another run has brought {self.target.name} to a newer timestamp meanwhile.",
                code="mirrored_meanwhile",
                hint="run it again",
            )

    def _require_accepted(self) -> None:
        """A newcomer reads the mirror as it is now and finds everything that is published."""
        verified = verified_files(reader_of(self.target), self.order.first_root, self.now)
        for role, data in verified.repository.roles.items():
            if self.repository.roles[role] != data:
                raise PublishingError(f"a client that reads {self.target.name} gets another {role} than is published")

    # What is remembered

    def _forget_and_save(self) -> None:
        needed = {file.key for file in self.content.files}
        verified = {key: digest for key, digest in self.state.verified.items() if key in needed}
        self.state = replace(self.state, verified=verified, unneeded_since=self.plan.later)
        self._save()

    def _save(self) -> None:
        data = replace(self.state, is_public=self.order.is_public).to_json()
        if data == read_whole(self.target, STATE_KEY, _MAX_STATE_BYTES):
            return
        with TemporaryDirectory(prefix="tenure-mirror-") as folder:
            path = Path(folder) / "state"
            path.write_bytes(data)
            self.target.put(STATE_KEY, path, cache_control="private, no-store")


def _begin(
    target: MirrorTarget,
    order: MirrorOrder,
    repository: Repository,
    verified: Verified,
    content: MirrorContent,
    store: ObjectStore,
    now: datetime,
) -> _Run:
    present = {found.key: found.length for found in target.objects()}
    state = MirrorState.from_json(read_whole(target, STATE_KEY, _MAX_STATE_BYTES) or b"")
    if state.is_public is not None and state.is_public != order.is_public:
        raise Conflict(
            f"{target.name} was begun for {'anyone' if state.is_public else 'nobody but you'}.",
            code="mirror_audience",
            hint="use another directory or prefix, or empty this one first",
        )
    plan = plan_mirror(content.files, content.withheld, present, state, now, trust_nothing=order.trust_nothing)
    before, problem = _read_before(target, order.first_root, now) if TIMESTAMP_KEY in present else (None, None)
    _require_not_newer(target, before, repository)
    if before is not None:
        before = Repository(
            before.roots, {role: data for role, data in before.roles.items() if role in repository.roles}
        )
        preflight(before, repository, now)
    return _Run(target, order, repository, verified.expired, content, store, now, state, plan, before, problem)


def _read_before(target: MirrorTarget, first_root: bytes, now: datetime) -> tuple[Repository | None, str | None]:
    """What clients have from the mirror, or why they can have nothing from it."""
    try:
        return verified_files(reader_of(target), first_root, now).repository, None
    except PublishingError as error:
        return None, str(error)


def _require_not_newer(target: MirrorTarget, before: Repository | None, repository: Repository) -> None:
    if before is None:
        return
    for role in (TIMESTAMP, SNAPSHOT):
        there, ours = load_version(role, before.roles[role]), load_version(role, repository.roles[role])
        if there > ours:
            raise Conflict(
                f"{target.name} holds {role} version {there}; this server is at {ours}.",
                code="mirror_is_newer",
                hint="if a backup was restored here: tenure trust recover --after-restore",
            )


def load_version(role: str, data: bytes) -> int:
    version: int = load_any(role, data).signed.version
    return version


def timestamp_version(data: bytes | None) -> int | None:
    """The version that a timestamp states, whoever signed it; None for anything else."""
    try:
        return load_version(TIMESTAMP, data) if data is not None else None
    except PublishingError:
        return None


def reader_of(target: MirrorTarget) -> Callable[[str], Iterable[bytes] | None]:
    """Reads the mirror as clients do. A file that is not there is None; a target that fails raises."""

    def read(name: str) -> Iterable[bytes] | None:
        try:
            pieces = iter(target.read(name))
            first = next(pieces, b"")
        except ObjectNotFound:
            return None
        return _chained(first, pieces)

    return read


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def read_whole(target: MirrorTarget, key: str, max_bytes: int) -> bytes | None:
    """The object's bytes, or None if there is none or it is larger."""
    body = bytearray()
    try:
        for piece in target.read(key):
            body += piece
            if len(body) > max_bytes:
                return None
    except ObjectNotFound:
        return None
    return bytes(body)
