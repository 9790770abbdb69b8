"""A release draft that is signed and approved takes effect: at once, or at its time.

Everything happens in one transaction, whose commit is the moment of publication. Whoever is killed before it leaves the
draft as it was; the same command, or the server at its next look, completes it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from tenure_server.domain.release_drafts import DraftAction, DraftStanding, DraftState, ReleaseDraft
from tenure_server.errors import Conflict, TenureError
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.change_rollout import RESUMED, RolloutChange, keep_rollout, locked_rollout
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.promote import audit_promotion
from tenure_server.use_cases.publication import locked_repository, publish_roles
from tenure_server.use_cases.publish import audit_publication, product_of, publish_release
from tenure_server.use_cases.publish_signed import SignedRelease, refused_role, request_of, require_notes
from tenure_server.use_cases.release_draft_contents import DraftContents, contents_of, resumption_text
from tenure_server.use_cases.release_draft_standing import known_draft, standing_of
from tenure_server.use_cases.set_approvals import change_approvals
from tenure_server.use_cases.signers import OnlineSigners
from tenure_server.use_cases.upload_builds import UploadBuilds
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_server.use_cases.withdraw import audit_withdrawal, stranded_by
from tenure_signing.errors import SigningError
from tenure_signing.releases import Rollout
from tenure_signing.tuf_repository import Repository

SCHEDULE = "schedule"
"""Who publishes at the appointed time, in the audit trail; the draft's own events say who signed and approved."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FinishReleaseDraft:
    database: Database
    uploads: UploadBuilds
    clock: Clock
    signing_clock: Clock
    policy: VendorPolicy
    online_signers: Callable[[Repository], OnlineSigners]
    signs_elsewhere: bool = False
    """Another process has the online keys: what needs them is left ready, for that one's look at the calendar."""

    def require_builds(self, draft: ReleaseDraft) -> None:
        """The builds lie in the store. To be asked before the transaction: it may read them back.

        Raises ``Conflict`` (``build_missing``) and what ``contents_of`` does.
        """
        if draft.action is not DraftAction.PUBLISH or draft.state.is_over:
            return
        with self.database.reading() as records:
            repository = read_repository(records)
        for build in _contents(repository, draft).new_files:
            self.uploads.require_stored(build)

    def __call__(self, records: Records, draft: ReleaseDraft, who: str) -> DraftStanding:
        """In the caller's transaction, which holds the lock: keep the draft, and let it take effect if it is complete
        and its time has come, unless that is the signer's to do. Raises as publishing does."""
        before = read_repository(records)
        standing = self._standing(records, before, draft)
        if draft.state.is_over or standing.problem is not None or not standing.is_complete:
            if draft.state is DraftState.READY:  # more approvals are asked for meanwhile, or the keys have changed
                draft = replace(draft, state=DraftState.OPEN)
        elif not draft.is_due(self.clock()) or (self.signs_elsewhere and draft.action.changes_role):
            draft = replace(draft, state=DraftState.READY)
        else:
            self._take_effect(records, before, standing, who)
            draft = replace(draft, state=DraftState.PUBLISHED, ended_at=self.clock(), role=b"")
        records.release_drafts.put(draft)
        return self._standing(records, before, draft)

    def _standing(self, records: Records, repository: Repository, draft: ReleaseDraft) -> DraftStanding:
        return standing_of(records, repository, draft, self.clock(), self.policy)

    def _take_effect(self, records: Records, before: Repository, standing: DraftStanding, who: str) -> None:
        draft = standing.draft
        match draft.action:
            case DraftAction.RESUME:
                self._resume(records, standing, who)
            case DraftAction.LOWER_APPROVALS:
                assert draft.lower_to is not None
                change_approvals(records, self.clock(), draft.product, draft.lower_to, who)
            case _:
                self._publish(records, before, draft, who)
        audited(
            records,
            self.clock(),
            who,
            "draft.publish",
            draft.subject,
            draft=draft.draft_id,
            code=draft.code,
            what=draft.action.value,
            signed_by=list(standing.signed),
            approved_by=list(draft.approved_by),
        )

    def _publish(self, records: Records, before: Repository, draft: ReleaseDraft, who: str) -> None:
        contents, at, now = _contents(before, draft), self.clock(), self.signing_clock()
        product, old = draft.product, contents.before
        with refused_role():
            online = self.online_signers(before)
            if draft.action is DraftAction.PUBLISH:
                signed = _signed_release(draft)
                require_notes(records, contents.release, signed)
                request = request_of(contents.release, signed)
                publish_release(records, before, contents.release, draft.role, online, now, request, approved=True)
                audit_publication(records, at, who, contents.release)
                return
            assert old is not None
            rollout = records.rollouts.of_product(product).get(old.version, Rollout())
            if draft.share_basis_points is not None:
                records.rollouts.set(product, old.version, Rollout(draft.share_basis_points))
            publish_roles(records, before, {product: draft.role}, online, now, approved=True)
        if draft.action is DraftAction.PROMOTE:
            audit_promotion(records, at, who, old, contents.release.channel, rollout, draft.share_basis_points)
        else:
            withdrawal = contents.release.withdrawal
            assert withdrawal is not None
            lost = stranded_by(before, product, old.version, withdrawal, product_of(records, product).channels)
            audit_withdrawal(records, at, who, product, old.version, withdrawal, lost)

    def _resume(self, records: Records, standing: DraftStanding, who: str) -> None:
        draft = standing.draft
        assert draft.version is not None
        release, before = locked_rollout(records, draft.product, draft.version)
        signatures = dict(draft.signatures)
        keep_rollout(
            records,
            self.clock(),
            who,
            RESUMED,
            RolloutChange(release, before, replace(before, is_halted=False)),
            approval=resumption_text(draft).decode(),
            signatures={keyid: signatures[keyid] for keyid in standing.signed},
        )


@dataclass(frozen=True, slots=True)
class PublishDueDrafts:
    """The server's look at its calendar. Several processes may look at once: the later ones find nothing to do."""

    database: Database
    clock: Clock
    finish: FinishReleaseDraft

    def __call__(self) -> bool:
        """Publish the drafts that are ready and due; whether that failed for any. A failure is logged: ``tenure
        status`` and the list of drafts tell of drafts that are late or stale."""
        with self.database.reading() as records:
            if not records.release_drafts.has_ready(self.clock()):
                return False
            due = [draft for draft in records.release_drafts.open() if self._is_due(draft)]
        failed = False
        for draft in due:
            try:
                self._publish(draft)
            except (TenureError, SigningError) as error:
                failed = True
                _log.error("could not publish the draft %s of %s: %s", draft.draft_id, draft.subject, error)
        return failed

    def _publish(self, found: ReleaseDraft) -> None:
        try:
            self.finish.require_builds(found)
        except Conflict as error:
            if error.code != "stale_draft":  # that one is opened again below, and told as stale
                raise
        with self.database.writing() as records:
            locked_repository(records)
            draft = known_draft(records, found.draft_id)
            if not self._is_due(draft) or draft.code != found.code:
                return
            standing = self.finish(records, draft, SCHEDULE)
        if standing.draft.state is DraftState.PUBLISHED:
            _log.info("published the draft %s of %s", draft.draft_id, draft.subject)
        else:
            _log.error("the draft %s of %s was not published: %s", draft.draft_id, draft.subject, standing.words)

    def _is_due(self, draft: ReleaseDraft) -> bool:
        return draft.state is DraftState.READY and draft.is_due(self.clock())


def _contents(repository: Repository, draft: ReleaseDraft) -> DraftContents:
    assert draft.version is not None
    return contents_of(draft.action, draft.product, draft.version, repository, draft.role)


def _signed_release(draft: ReleaseDraft) -> SignedRelease:
    assert draft.version is not None
    return SignedRelease(
        draft.product, draft.version, draft.role, draft.notes, draft.share_basis_points, dict(draft.translations)
    )
