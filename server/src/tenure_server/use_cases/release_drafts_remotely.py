"""An engineer's half of a release draft: made, reviewed and signed on their own machine.

What is signed is looked at here, measured at metadata that a TUF client verified; of the server's word only what is
shown for information is taken. Broken off at any point, the same command goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Protocol

from securesystemslib.signer import Signer

from tenure_server.domain.release_drafts import DraftAction, DraftStanding, DraftWish, ReleaseDraft
from tenure_server.errors import Conflict, InvalidRequest, NotFound
from tenure_server.use_cases.change_rollout import released
from tenure_server.use_cases.ports import Clock, Progress
from tenure_server.use_cases.publish import Published, PublishRequest, notes_digest, releases_in
from tenure_server.use_cases.publish_remotely import Prepared, PublishRemotely
from tenure_server.use_cases.release_draft_contents import DraftContents, contents_of, payload_sha256, resumption_text
from tenure_signing.approvals import approve
from tenure_signing.draft_files import Draft
from tenure_signing.names import ChannelName, ProductName
from tenure_signing.releases import Release, Withdrawal
from tenure_signing.tuf_drafts import sign, with_promotion, with_release, with_withdrawal
from tenure_signing.tuf_repository import Repository
from tenure_signing.tuf_review import Review, review
from tenure_signing.tuf_roles import TARGETS
from tenure_signing.tuf_signed_role import (
    SignatureCount,
    approval_signatures,
    is_same_but_expiry,
    role_signatures,
    signatures_in,
)
from tenure_signing.versions import Version

ATTEMPTS = 3  # while others publish the same product, or make the same draft
_MEANWHILE = ("stale_draft", "draft_exists", "draft_changed", "draft_over", "published_meanwhile")


class ReleaseDraftsServer(Protocol):
    """The server, as a token holder sees it. Every method can be repeated. Raises the server's refusals as ours, and
    ``ServerUnavailable``."""

    def release_day(self, at: datetime) -> date:
        """The vendor's calendar day at that instant."""
        ...

    def list(self, product: ProductName | None, *, over: bool = False) -> tuple[DraftStanding, ...]:
        """Without their roles."""
        ...

    def one(self, draft_id: str) -> DraftStanding: ...

    def make(self, wish: DraftWish) -> DraftStanding: ...

    def sign(self, draft_id: str, code: str, signatures: Mapping[str, str]) -> DraftStanding: ...

    def approve(self, draft_id: str, code: str) -> DraftStanding: ...

    def rebuild(self, draft_id: str, code: str, wish: DraftWish) -> DraftStanding: ...

    def cancel(self, draft_id: str, *, reason: str) -> DraftStanding: ...


@dataclass(frozen=True, slots=True)
class ReviewedDraft:
    """A draft as it was looked at here. ``review`` and ``contents`` are None where no role changes; ``count``: whose
    signatures it has, found here. ``release`` is the published one that a resumption is about."""

    standing: DraftStanding
    contents: DraftContents | None
    review: Review | None
    count: SignatureCount | None
    release: Release | None = None

    @property
    def draft(self) -> ReleaseDraft:
        return self.standing.draft


@dataclass(frozen=True, slots=True)
class ReleaseDraftsRemotely:
    """``metadata`` downloads and verifies what is published, anew at each call."""

    server: ReleaseDraftsServer
    metadata: Callable[[], Repository]
    clock: Clock

    def review(self, draft_id: str) -> ReviewedDraft:
        """Look at a draft. Raises ``Conflict`` (``stale_draft``, ``draft_over``) and ``InvalidRequest``
        (``not_one_release``) for one that does something else than it says."""
        return self._reviewed(self.server.one(draft_id), self.metadata())

    def sign(self, reviewed: ReviewedDraft, signers: Sequence[Signer]) -> DraftStanding:
        """Sign what was reviewed, and nothing else.

        Raises ``InvalidRequest`` (``foreign_key``, ``nothing_to_sign``).
        """
        draft = reviewed.draft
        if reviewed.count is None:
            raise InvalidRequest(
                "This draft is not signed, only approved.", code="nothing_to_sign", hint="tenure drafts approve does it"
            )
        _require_keys(draft.product, signers, reviewed.count)
        return self.server.sign(draft.draft_id, draft.code, _signatures(draft, signers))

    def approve(self, reviewed: ReviewedDraft) -> DraftStanding:
        """Approve what was reviewed, and nothing else."""
        return self.server.approve(reviewed.draft.draft_id, reviewed.draft.code)

    def promote(
        self,
        product: ProductName,
        version: Version,
        channel: ChannelName,
        *,
        share_basis_points: int | None,
        publish_at: datetime | None,
    ) -> Proposal:
        """A draft to move the release to a more stable channel."""
        wish = DraftWish(DraftAction.PROMOTE, product, version, share_basis_points=share_basis_points)
        return Proposal(
            replace(wish, publish_at=publish_at),
            lambda repository: with_promotion(repository.bytes_of(product), product, version, channel, self.clock()),
        )

    def withdraw(
        self, product: ProductName, version: Version, withdrawal: Withdrawal, *, although_needed: bool
    ) -> Proposal:
        """A draft to withdraw the release."""

        def role(repository: Repository) -> bytes:
            current = repository.bytes_of(product)
            if released(repository, product, version).withdrawal == withdrawal:
                return current
            return with_withdrawal(current, product, version, withdrawal, self.clock())

        return Proposal(DraftWish(DraftAction.WITHDRAW, product, version, although_needed=although_needed), role)

    def publication(self, prepared: Prepared, publish_at: datetime | None) -> Proposal:
        """A draft to publish what was prepared, and uploaded."""
        request, release = prepared.request, prepared.release
        wish = DraftWish(
            DraftAction.PUBLISH,
            release.product,
            release.version,
            notes=request.notes,
            translations=tuple(sorted(request.translations.items())),
            share_basis_points=request.share_basis_points,
            publish_at=publish_at,
            day_is_stated=request.released_on is not None and publish_at is None,
        )
        return Proposal(
            wish, lambda repository: with_release(repository.bytes_of(release.product), release, self.clock())
        )

    def again(self, draft: ReleaseDraft, contents: Repository, publish_at: datetime | None) -> Proposal:
        """The change of a draft that may be stale, to be put on top of what is published now.

        ``contents``: the metadata in which the draft's role says what it wants. Its release day is today unless
        somebody chose it, or the day of ``publish_at``. Raises ``NotFound`` where the draft holds no such release.
        """
        wish = DraftWish(
            draft.action,
            draft.product,
            draft.version,
            notes=draft.notes,
            translations=draft.translations,
            share_basis_points=draft.share_basis_points,
            lower_to=draft.lower_to,
            publish_at=publish_at,
            day_is_stated=draft.day_is_stated,
        )
        if not draft.action.changes_role:
            return Proposal(wish, None)
        assert draft.version is not None
        wanted = released(
            Repository(contents.roots, {**contents.roles, draft.product: draft.role}), draft.product, draft.version
        )
        match draft.action:
            case DraftAction.PROMOTE:
                return self.promote(
                    draft.product,
                    draft.version,
                    wanted.channel,
                    share_basis_points=draft.share_basis_points,
                    publish_at=publish_at,
                )
            case DraftAction.WITHDRAW:
                assert wanted.withdrawal is not None
                return self.withdraw(draft.product, draft.version, wanted.withdrawal, although_needed=True)
            case _:
                return Proposal(wish, lambda repository: self._dated_anew(repository, wanted, wish))

    def _dated_anew(self, repository: Repository, wanted: Release, wish: DraftWish) -> bytes:
        known = {release.version: release for release in releases_in(repository, wanted.product)}
        if wanted.version in known:
            wanted = replace(wanted, released_on=known[wanted.version].released_on)
        elif wish.publish_at is not None or not wish.day_is_stated:
            wanted = replace(wanted, released_on=self.release_day(wish.publish_at or self.clock()))
        return with_release(repository.bytes_of(wanted.product), wanted, self.clock())

    def release_day(self, at: datetime) -> date:
        """The vendor's day at that instant, as the server says; not more than a day off this machine's word.

        Raises ``InvalidRequest`` (``day_unclear``).
        """
        day = self.server.release_day(at)
        if abs(day - at.date()) > timedelta(days=1):
            raise InvalidRequest(f"The server says that {at:%Y-%m-%d %H:%M} is on {day}.", code="day_unclear")
        return day

    def preview(self, proposal: Proposal) -> ReviewedDraft | None:
        """What would be signed; None where nothing is left to do. Changes nothing."""
        wish, repository = proposal.wish, self.metadata()
        role = proposal.role(repository) if proposal.role is not None else b""
        if proposal.role is not None and role == repository.bytes_of(wish.product):
            return None
        draft = ReleaseDraft(
            draft_id="",
            action=wish.action,
            product=wish.product,
            version=wish.version,
            payload_sha256="",
            made_at=self.clock(),
            makers=(),
            role=role,
            notes=wish.notes,
            translations=wish.translations,
            share_basis_points=wish.share_basis_points,
            lower_to=wish.lower_to,
            publish_at=wish.publish_at,
        )
        return self._reviewed(DraftStanding(draft), repository)

    def propose(
        self, proposal: Proposal, signers: Sequence[Signer], *, rebuilds: str | None = None
    ) -> DraftStanding | None:
        """Make the draft, or go on with the same one, and sign it. None where it was done before.

        A stale draft of the same change is made anew; so is the one that ``rebuilds`` names, whatever it says. Raises
        ``Conflict`` (``draft_exists``) for one that says something else, ``InvalidRequest`` (``foreign_key``).
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._proposed(proposal, signers, rebuilds)
            except Conflict as error:
                if error.code not in _MEANWHILE or attempt == ATTEMPTS:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _proposed(self, proposal: Proposal, signers: Sequence[Signer], rebuilds: str | None) -> DraftStanding | None:
        wish, repository = proposal.wish, self.metadata()
        role: bytes | None = None
        if proposal.role is not None:
            role = proposal.role(repository)
            if role == repository.bytes_of(wish.product):
                return None
            _require_keys(wish.product, signers, role_signatures(wish.product, role, repository.targets()))
        known = self._under_way(wish)
        if known is not None and rebuilds in (None, known.draft.draft_id):
            if not known.is_stale and _says_the_same(known.draft, wish, role):
                return self._signed(known, repository, signers)
            if known.is_stale or rebuilds is not None:
                wish = replace(wish, role=_signed(wish.product, role, signers))
                made = self.server.rebuild(known.draft.draft_id, known.draft.code, wish)
                return self._with_approval_text(made, repository, signers)
        made = self.server.make(replace(wish, role=_signed(wish.product, role, signers)))
        return self._with_approval_text(made, repository, signers)

    def _signed(self, known: DraftStanding, repository: Repository, signers: Sequence[Signer]) -> DraftStanding:
        """The draft that is there, with our signatures."""
        reviewed = self._reviewed(known, repository)
        return self.sign(reviewed, signers) if signers else known

    def _with_approval_text(
        self, made: DraftStanding, repository: Repository, signers: Sequence[Signer]
    ) -> DraftStanding:
        """What the signers sign of a resumption has the instant in it at which the server made the draft."""
        if made.draft.action is DraftAction.RESUME and signers and not made.draft.state.is_over:
            return self._signed(made, repository, signers)
        return made

    def _under_way(self, wish: DraftWish) -> DraftStanding | None:
        for known in self.server.list(wish.product):
            if (known.draft.action, known.draft.version) == (wish.action, wish.version):
                return self.server.one(known.draft.draft_id)
        return None

    def _reviewed(self, standing: DraftStanding, repository: Repository) -> ReviewedDraft:
        draft, targets = standing.draft, repository.targets()
        if not draft.state.is_over:  # the code is of what is looked at here, not of what the server says it is
            draft = replace(draft, payload_sha256=payload_sha256(draft))
            standing = replace(standing, draft=draft)
        if draft.state.is_over:
            raise Conflict(f"The draft {draft.draft_id} is over: {standing.words}.", code="draft_over")
        if draft.version is None:
            return ReviewedDraft(standing, None, None, None)
        if not draft.action.changes_role:
            count = approval_signatures(draft.product, resumption_text(draft), dict(draft.signatures), targets)
            return ReviewedDraft(standing, None, None, count, released(repository, draft.product, draft.version))
        contents = contents_of(draft.action, draft.product, draft.version, repository, draft.role)
        _require_signed_notes(draft, contents.release)
        base = Repository(repository.roots, {role: repository.bytes_of(role) for role in (TARGETS, draft.product)})
        purpose = f"{draft.action} {draft.subject}"
        looked_at = review(Draft(purpose, draft.made_at, base, {draft.product: draft.role}))
        return ReviewedDraft(standing, contents, looked_at, role_signatures(draft.product, draft.role, targets))


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that somebody wants. ``role`` makes the product's next role from what is published; None where no role
    changes."""

    wish: DraftWish
    role: Callable[[Repository], bytes] | None


@dataclass(frozen=True, slots=True)
class PublishByDraft:
    """``tenure publish --server`` where one machine does not have every key, or others have to approve."""

    publishing: PublishRemotely
    drafts: ReleaseDraftsRemotely

    def on_its_day(self, request: PublishRequest, publish_at: datetime | None) -> PublishRequest:
        """The request with the day of its publication as release day (RULES.md, Words).

        Raises ``InvalidRequest`` (``release_day``) for another one.
        """
        if publish_at is None:
            return request
        try:
            known = released(self.drafts.metadata(), request.product, request.version)
        except NotFound:
            known = None
        if known is not None:
            return request
        day = self.drafts.release_day(publish_at)
        if request.released_on not in (None, day):
            raise InvalidRequest(
                f"A release that is published on {day} has that release day, not {request.released_on}.",
                code="release_day",
                hint="leave --released-on out",
            )
        return replace(request, released_on=day)

    def __call__(
        self,
        prepared: Prepared,
        *,
        signers: Sequence[Signer],
        publish_at: datetime | None = None,
        is_draft: bool = False,
        progress: Progress | None = None,
    ) -> Published | DraftStanding:
        """Upload and publish, or make a draft: where that was asked for, where the signers are fewer than the product
        takes, where it has a time, and where other people approve. Raises as both do."""
        if not is_draft and publish_at is None and self._are_enough(prepared.release.product, signers):
            try:
                return self.publishing(prepared, signers=signers, progress=progress)
            except Conflict as error:
                if error.code != "approvals_needed":
                    raise
        self.publishing.upload(prepared, progress=progress)
        standing = self.drafts.propose(self.drafts.publication(prepared, publish_at), signers)
        return standing if standing is not None else Published(prepared.release, is_new=False)

    def _are_enough(self, product: ProductName, signers: Sequence[Signer]) -> bool:
        repository = self.drafts.metadata()
        count = role_signatures(product, repository.bytes_of(product), repository.targets())
        ours = {signer.public_key.keyid for signer in signers} & {*count.signed, *count.unsigned}
        return len(ours) >= count.threshold


def _require_signed_notes(draft: ReleaseDraft, release: Release) -> None:
    """The notes that are shown are those whose hash is signed. Raises ``InvalidRequest`` (``notes_mismatch``)."""
    known = dict(release.notes_by_language)
    shown_otherwise = [name for name, text in draft.translations if known.get(name) != notes_digest(text)]
    if shown_otherwise or (draft.notes is not None and notes_digest(draft.notes) != release.notes_sha256):
        raise InvalidRequest("The release notes are not those whose hash is to be signed.", code="notes_mismatch")


def _says_the_same(draft: ReleaseDraft, wish: DraftWish, role: bytes | None) -> bool:
    facts = ("notes", "translations", "share_basis_points", "lower_to", "publish_at")
    same = all(getattr(draft, name) == getattr(wish, name) for name in facts)
    return same and (role is None or is_same_but_expiry(draft.product, draft.role, role))


def _require_keys(product: ProductName, signers: Sequence[Signer], count: SignatureCount) -> None:
    known = {*count.signed, *count.unsigned}
    for signer in signers:
        if signer.public_key.keyid not in known:
            raise InvalidRequest(
                f"The key {signer.public_key.keyid[:12]} is not one of {product}'s.", code="foreign_key"
            )


def _signed(product: ProductName, role: bytes | None, signers: Sequence[Signer]) -> bytes | None:
    return sign(product, role, *signers) if role is not None else None


def _signatures(draft: ReleaseDraft, signers: Sequence[Signer]) -> dict[str, str]:
    if draft.action is DraftAction.RESUME:
        given = approve(resumption_text(draft), signers)
        return {keyid: signature.signature for keyid, signature in given.items()}
    signed = signatures_in(draft.product, sign(draft.product, draft.role, *signers))
    return {signer.public_key.keyid: signed[signer.public_key.keyid] for signer in signers}
