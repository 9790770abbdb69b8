"""How far a release draft is, measured at what is published now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tenure_server.domain.release_drafts import DraftAction, DraftStanding, DraftState, ReleaseDraft
from tenure_server.errors import NotFound, Refusal
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.change_rollout import HALTED, released
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.promote import require_promotable
from tenure_server.use_cases.publish import product_of
from tenure_server.use_cases.release_draft_contents import DraftContents, contents_of, resumption_text, stale
from tenure_server.use_cases.released_problems import require_fixable
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.errors import SigningError
from tenure_signing.names import ProductName
from tenure_signing.releases import Release, Rollout
from tenure_signing.tuf_repository import Repository
from tenure_signing.tuf_signed_role import SignatureCount, approval_signatures, expiry_in, role_signatures


@dataclass(frozen=True, slots=True)
class ListReleaseDrafts:
    database: Database
    clock: Clock
    policy: VendorPolicy

    def __call__(self, product: ProductName | None = None, *, over: bool = False) -> tuple[DraftStanding, ...]:
        """Those under way, oldest first; with ``over`` the last hundred of all, newest first."""
        with self.database.reading() as records:
            repository = read_repository(records)
            drafts = records.release_drafts.newest(product) if over else records.release_drafts.open(product)
            return tuple(standing_of(records, repository, draft, self.clock(), self.policy) for draft in drafts)

    def one(self, draft_id: str) -> DraftStanding:
        """Raises ``NotFound`` (``unknown_draft``)."""
        with self.database.reading() as records:
            draft = known_draft(records, draft_id)
            return standing_of(records, read_repository(records), draft, self.clock(), self.policy)


def known_draft(records: Records, draft_id: str) -> ReleaseDraft:
    """Raises ``NotFound`` (``unknown_draft``)."""
    draft = records.release_drafts.get(draft_id)
    if draft is None:
        raise NotFound("There is no such draft.", code="unknown_draft", hint="tenure drafts list shows them")
    return draft


def standing_of(
    records: Records, repository: Repository, draft: ReleaseDraft, now: datetime, policy: VendorPolicy
) -> DraftStanding:
    """Raises nothing: what cannot be read is the draft's problem."""
    if draft.state.is_over:
        return DraftStanding(draft)
    contents: DraftContents | None = None
    problem: str | None = None
    try:
        if draft.action.changes_role:
            contents = _current_contents(repository, draft)
        problem = next(_problems(records, repository, draft, contents, now, policy), None)
    except (Refusal, SigningError) as error:
        problem = str(error).rstrip(".")
    status = _signatures(repository, draft)
    release = contents.release if contents is not None else _release(repository, draft)
    return DraftStanding(
        draft,
        problem=problem,
        threshold=status.threshold if status is not None else int(draft.action is not DraftAction.LOWER_APPROVALS),
        signed=status.signed if status is not None else (),
        may_sign=status.unsigned if status is not None else (),
        approvals_needed=records.approval_rules.of(draft.product),
        released_on=release.released_on if release is not None else None,
        builds=tuple(build.file_name for build in contents.new_files) if contents is not None else (),
    )


def _current_contents(repository: Repository, draft: ReleaseDraft) -> DraftContents:
    assert draft.version is not None
    if hashlib.sha256(repository.bytes_of(draft.product)).hexdigest() != draft.base_sha256:
        raise stale(draft.product)
    return contents_of(draft.action, draft.product, draft.version, repository, draft.role)


def _problems(
    records: Records,
    repository: Repository,
    draft: ReleaseDraft,
    contents: DraftContents | None,
    now: datetime,
    policy: VendorPolicy,
) -> Iterator[str]:
    rollouts = records.rollouts.of_product(draft.product)
    if draft.action is DraftAction.PUBLISH and contents is not None and contents.before is None:
        require_fixable(records, draft.product, contents.release.fixes)
    match draft.action:
        case DraftAction.PUBLISH if contents is not None and contents.before is None:
            # RULES.md, Words: the release day is the day of publication. A draft that was ready in time keeps its own.
            day = contents.release.released_on
            if not draft.day_is_stated and draft.state is DraftState.OPEN and policy.day_of(now) > day:
                yield f"its release day, {day}, has passed"
        case DraftAction.PROMOTE if contents is not None and contents.before is not None:
            old = contents.before
            rollout = rollouts.get(old.version, Rollout())
            require_promotable(product_of(records, draft.product), old, rollout, contents.release.channel)
        case DraftAction.RESUME:
            assert draft.version is not None
            release = released(repository, draft.product, draft.version)
            if release.withdrawal is not None:
                yield f"{draft.subject} was withdrawn"
            if not rollouts.get(release.version, Rollout()).is_halted:
                yield f"{draft.subject} is not halted"
            if draft.base_sha256 != last_halt(records, draft.subject):
                yield f"{draft.subject} was halted again since"
        case DraftAction.LOWER_APPROVALS:
            needed = records.approval_rules.of(draft.product)
            if draft.lower_to is None or draft.lower_to >= needed:
                yield f"{draft.product} asks for {needed} already"
        case _:
            pass
    if draft.action.changes_role and expiry_in(draft.product, draft.role) <= now:
        yield "what is signed has expired"


def last_halt(records: Records, subject: str) -> str | None:
    """A digest that tells one halt of the release from another."""
    events = records.audit.newest(subject=subject, action=HALTED, limit=1)
    if not events:
        return None
    facts = [events[0].at.isoformat(), events[0].who, events[0].details]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _signatures(repository: Repository, draft: ReleaseDraft) -> SignatureCount | None:
    """None where nothing is signed, or nobody can tell who may."""
    try:
        if draft.action.changes_role:
            return role_signatures(draft.product, draft.role, repository.targets())
        if draft.action is DraftAction.RESUME:
            text, given = resumption_text(draft), dict(draft.signatures)
            return approval_signatures(draft.product, text, given, repository.targets())
    except SigningError:
        pass
    return None


def _release(repository: Repository, draft: ReleaseDraft) -> Release | None:
    try:
        return released(repository, draft.product, draft.version) if draft.version is not None else None
    except (Refusal, SigningError):
        return None
