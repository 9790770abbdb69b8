"""A release that somebody signed elsewhere is published: the server's half of ``tenure publish --server``.

The server holds no key that could sign a release. It checks what arrives as if it came from an enemy: the builds must
lie in the store, the role must be signed by the product's keys, and nothing but one release may be added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tenure_server.domain.api_tokens import ApiToken, Scope
from tenure_server.domain.publishing import PublishingPlan
from tenure_server.errors import Conflict, Forbidden, InvalidRequest
from tenure_server.use_cases.api_tokens import require_scope
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.publication import locked_repository
from tenure_server.use_cases.publish import (
    Published,
    PublishRequest,
    audit_publication,
    notes_digest,
    product_of,
    publish_release,
    releases_in,
    require_facts,
    require_known_problems,
)
from tenure_server.use_cases.released_problems import require_fixable
from tenure_server.use_cases.signers import OnlineSigners
from tenure_server.use_cases.upload_builds import UploadBuilds
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.errors import ImmutableRelease, KeySourceError, NotEnoughSignatures, SigningError
from tenure_signing.languages import Language
from tenure_signing.names import ChannelName, ProductName
from tenure_signing.problem_numbers import ProblemNumber
from tenure_signing.release_record import differing_facts
from tenure_signing.releases import Release, ReleaseFile
from tenure_signing.tuf_repository import Repository
from tenure_signing.versions import Version


@dataclass(frozen=True, slots=True)
class PlanPublishing:
    database: Database
    uploads: UploadBuilds
    clock: Clock
    policy: VendorPolicy

    def __call__(
        self,
        token: ApiToken,
        product: ProductName,
        channel: ChannelName | None,
        builds: Sequence[ReleaseFile],
        fixes: Sequence[ProblemNumber] = (),
    ) -> PublishingPlan:
        """Changes nothing. ``fixes``: the problems that a version which is not published yet names.

        Raises ``Forbidden``, ``NotFound`` (``unknown_product``), ``Conflict`` (``unknown_problem``,
        ``problem_closed``)."""
        require_scope(token, Scope.PUBLISH, product, channel)
        with self.database.reading() as records:
            found = product_of(records, product)
            require_fixable(records, product, fixes)
        return PublishingPlan(
            found, self.policy.day_of(self.clock()), tuple(self.uploads.look(build) for build in builds)
        )


@dataclass(frozen=True, slots=True)
class SignedRelease:
    """``role`` is the product's next role, signed; ``version`` the one release that it adds or adds builds to."""

    product: ProductName
    version: Version
    role: bytes
    notes: str | None = None
    share_basis_points: int | None = None
    translations: Mapping[Language, str] = field(default_factory=dict)


PublishesReleases = Callable[[SignedRelease, ApiToken], Published]
"""``PublishSigned``, here or by the external signer."""


@dataclass(frozen=True, slots=True)
class CheckedRelease:
    """The one release that a role adds or extends, and what it was compared with."""

    before: Repository
    release: Release


@dataclass(frozen=True, slots=True)
class PublishSigned:
    database: Database
    uploads: UploadBuilds
    clock: Clock
    signing_clock: Clock
    online_signers: Callable[[Repository], OnlineSigners]

    def __call__(self, signed: SignedRelease, token: ApiToken) -> Published:
        """Check everything, publish it in one transaction. Doing it again with the same bytes changes nothing.

        Raises ``Forbidden`` (``token_…``, ``signatures_missing``), ``Conflict`` (``published_meanwhile``,
        ``immutable_release``, ``build_missing``), ``InvalidRequest`` and ``NotFound``.
        """
        checked = self.check(signed, token)
        before, release, request = checked.before, checked.release, request_of(checked.release, signed)
        now = self.signing_clock()
        with self.database.writing() as records:
            current = locked_repository(records)
            is_new = current.roles.get(signed.product) != signed.role
            if is_new and current.roles.get(signed.product) != before.roles.get(signed.product):
                raise _meanwhile(signed.product)
            require_notes(records, release, signed)
            with refused_role():
                role = signed.role if is_new else None
                online = self.online_signers(current)
                publish_release(records, current, release, role, online, now, request)
            if is_new:
                audit_publication(records, self.clock(), token.who, release)
        return Published(release, is_new)

    def check(self, signed: SignedRelease, token: ApiToken) -> CheckedRelease:
        """Everything that can be checked before the transaction. Raises as publishing does."""
        require_scope(token, Scope.PUBLISH, signed.product)
        with self.database.reading() as records:
            product, before = product_of(records, signed.product), read_repository(records)
        with refused_role():
            release, new_files = added_release(before, signed)
        require_scope(token, Scope.PUBLISH, signed.product, release.channel)
        require_facts(request_of(release, signed), product)
        with self.database.reading() as records:
            require_known_problems(records, before, release)
        for file in new_files:
            self.uploads.require_stored(file)
        return CheckedRelease(before, release)


def added_release(before: Repository, signed: SignedRelease) -> tuple[Release, tuple[ReleaseFile, ...]]:
    """The release that the role adds or extends, and its new files. Raises ``Conflict``, ``InvalidRequest``."""
    after = Repository(before.roots, {**before.roles, signed.product: signed.role})
    releases = {release.version: release for release in releases_in(after, signed.product)}
    release = releases.get(signed.version)
    if release is None:
        raise InvalidRequest(f"The role does not hold {signed.product} {signed.version}.", code="not_one_release")
    if signed.role == before.bytes_of(signed.product):
        return release, ()
    if after.targets(signed.product).version != before.targets(signed.product).version + 1:
        raise _meanwhile(signed.product)
    known = {r.version: r for r in releases_in(before, signed.product)}
    others = [r for version, r in releases.items() if version != signed.version and known.get(version) != r]
    old = known.get(signed.version)
    new = tuple(file for file in release.files if old is None or file not in old.files)
    is_changed = old is not None and bool(differing_facts(old, release))
    if others or not new or is_changed or release.withdrawal is not None:
        raise InvalidRequest(
            f"The role changes something else than the builds of {signed.product} {signed.version}.",
            code="not_one_release",
            hint="withdrawals and other changes are signed drafts: tenure trust draft",
        )
    return release, new


def request_of(release: Release, signed: SignedRelease) -> PublishRequest:
    """What is stated of the release, as publishing checks and keeps it."""
    return PublishRequest(
        product=release.product,
        version=release.version,
        files=(),
        editions=release.editions,
        channel=release.channel,
        upgrade_from=release.upgrade_from,
        notes=signed.notes,
        share_basis_points=signed.share_basis_points,
        translations=signed.translations,
    )


def require_notes(records: Records, release: Release, signed: SignedRelease) -> None:
    """The notes are those whose hash is signed, and they are here."""
    notes = signed.notes if signed.notes is not None else records.notes.get(release.product, release.version)
    digest = notes_digest(notes) if notes is not None else None
    known = records.notes.translations(release.product).get(release.version, {})
    translations = {language: notes_digest(text) for language, text in {**known, **signed.translations}.items()}
    if digest != release.notes_sha256 or translations != dict(release.notes_by_language):
        raise InvalidRequest("The release notes are not those whose hash was signed.", code="notes_mismatch")


def _meanwhile(product: ProductName) -> Conflict:
    return Conflict(
        f"Somebody else published {product} since this role was made.",
        code="published_meanwhile",
        hint="run the same command again: what is uploaded stays uploaded",
    )


@contextmanager
def refused_role() -> Iterator[None]:
    """What is wrong with the submitted role, as refusals. The messages name keys by id and hold no secret."""
    try:
        yield
    except KeySourceError:  # the server's own, no fault of the role
        raise
    except NotEnoughSignatures as error:
        raise Forbidden(f"The release is not signed as it must be: {error}.", code="signatures_missing") from error
    except ImmutableRelease as error:
        raise Conflict(f"{error}.", code="immutable_release", hint="publish a new version") from error
    except SigningError as error:
        raise InvalidRequest(f"The role cannot be published: {error}.", code="unpublishable_role") from error
