"""Release drafts are made, signed, approved, made anew and cancelled, with API tokens that publish the product.

The server believes nobody: the role is read and measured at what is published, every signature is verified before it is
kept, and builds must lie in the store. Each step can be done again, and says how far the draft is.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from tenure_server.domain.api_tokens import ApiToken, Scope
from tenure_server.domain.products import Product
from tenure_server.domain.release_drafts import (
    Approval,
    DraftAction,
    DraftStanding,
    DraftState,
    DraftWish,
    ReleaseDraft,
    person_key,
)
from tenure_server.errors import Conflict, Forbidden, InvalidRequest
from tenure_server.use_cases.api_tokens import require_scope
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.change_licence import required_reason
from tenure_server.use_cases.change_rollout import released
from tenure_server.use_cases.finish_release_draft import FinishReleaseDraft
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.publication import locked_repository
from tenure_server.use_cases.publish import product_of, require_facts
from tenure_server.use_cases.publish_signed import SignedRelease, refused_role, request_of, require_notes
from tenure_server.use_cases.release_draft_contents import DraftContents, contents_of, payload_sha256
from tenure_server.use_cases.release_draft_standing import known_draft, last_halt, standing_of
from tenure_server.use_cases.set_approvals import require_number
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_server.use_cases.withdraw import needed_as_step, stranded_by
from tenure_signing.names import ChannelName, ProductName
from tenure_signing.releases import Release
from tenure_signing.tuf_repository import Repository
from tenure_signing.tuf_signed_role import payload_of, signatures_in, with_good_signatures_only, with_signatures

MAX_AHEAD = timedelta(days=90)
"""How far off a publication may be scheduled: what is signed lives 180 days."""

_ID_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_ID_CHARACTERS = 10
_SCHEDULED = (DraftAction.PUBLISH, DraftAction.PROMOTE)


@dataclass(frozen=True, slots=True)
class ChangeReleaseDraft:
    """Every method raises ``Forbidden`` (``token_…``) and, but for ``make``, ``NotFound`` (``unknown_draft``)."""

    database: Database
    clock: Clock
    policy: VendorPolicy
    finish: FinishReleaseDraft

    def make(self, token: ApiToken, wish: DraftWish) -> DraftStanding:
        """Doing it again with the same role adds the signatures it brings.

        Raises ``Conflict`` (``draft_exists``, ``stale_draft``, ``build_missing``, and as the action itself does) and
        ``InvalidRequest``.
        """
        done = self._published(token, wish)
        if done is not None:  # an answer of ours was lost on the way
            return done
        with refused_role():
            draft = self._draft(token, wish, _new_id(), (_maker(token),))
        known = self._same(draft)
        if known is None:
            self._require_time(draft)
        self.finish.require_builds(draft)
        with self.database.writing() as records:
            locked_repository(records)
            known = self._open_one(records, draft)
            if known is not None:
                draft = _with_signatures(known, draft)
            else:
                self._require_possible(records, draft)
                self._audit(records, token, "draft.make", draft, **_facts(draft))
            return self._kept(records, token, draft)

    def sign(self, token: ApiToken, draft_id: str, code: str, signatures: Mapping[str, str]) -> DraftStanding:
        """Add signatures, by key id in hexadecimal. Who signs with a token of their own approves as well.

        Raises ``Conflict`` (``draft_changed``, ``draft_cancelled``, ``stale_draft``), ``Forbidden``
        (``bad_signature``), and as publishing does.
        """
        found = self._found(token, draft_id)
        self.finish.require_builds(found)
        with self.database.writing() as records:
            repository = locked_repository(records)
            draft = self._current(records, draft_id, code)
            if draft.state.is_over:
                return self._standing(records, draft)
            self._require_not_stale(records, draft)
            signed = _signed(draft, signatures)
            before, after = (set(self._standing_of(records, repository, one).signed) for one in (draft, signed))
            if wrong := set(signatures) - after:
                raise Forbidden(
                    f"The signature of the key {min(wrong)[:12]} is not one that this draft asks for.",
                    code="bad_signature",
                )
            if new := sorted(after - before):
                self._audit(records, token, "draft.sign", draft, keys=new)
            return self._kept(records, token, self._approved(records, token, signed))

    def approve(self, token: ApiToken, draft_id: str, code: str) -> DraftStanding:
        """Approve it, as the person whose the token is. Raises ``Forbidden`` (``token_of_nobody``, ``own_draft``) and
        ``Conflict`` as ``sign`` does."""
        if token.person is None:
            raise Forbidden(
                "This token belongs to no person, so nobody approves with it.",
                code="token_of_nobody",
                hint="tenure token create --person NAME makes one for a person",
            )
        found = self._found(token, draft_id)
        self.finish.require_builds(found)
        with self.database.writing() as records:
            locked_repository(records)
            draft = self._current(records, draft_id, code)
            if draft.state.is_over:
                return self._standing(records, draft)
            self._require_not_stale(records, draft)
            if person_key(token.person) in map(person_key, draft.makers):
                raise Forbidden("Somebody else has to approve what you made.", code="own_draft")
            return self._kept(records, token, self._approved(records, token, draft))

    def rebuild(self, token: ApiToken, draft_id: str, code: str, wish: DraftWish) -> DraftStanding:
        """The same change on top of what is published now. It begins with the signatures that the role brings and no
        approval. Raises as ``make`` does, and ``Conflict`` (``draft_over``, ``draft_changed``)."""
        old = self._found(token, draft_id)
        done = self._published(token, wish)
        if done is not None and done.draft.draft_id == draft_id:
            return done
        if (old.action, old.product, old.version) != (wish.action, wish.product, wish.version):
            raise InvalidRequest("The draft is of another change.", code="another_draft")
        with refused_role():
            draft = self._draft(token, wish, draft_id, tuple(dict.fromkeys((*old.makers, _maker(token)))))
        self._require_time(draft)
        self.finish.require_builds(draft)
        with self.database.writing() as records:
            locked_repository(records)
            known = known_draft(records, draft_id)
            _require_open(known)
            if (known.payload_sha256, known.lower_to, known.publish_at) == (
                draft.payload_sha256,
                draft.lower_to,
                draft.publish_at,
            ):
                return self._kept(records, token, _with_signatures(known, draft))
            if known.code != code:
                raise _changed(known)
            self._require_possible(records, draft)
            self._audit(records, token, "draft.rebuild", draft, before=known.code, **_facts(draft))
            return self._kept(records, token, draft)

    def cancel(self, token: ApiToken, draft_id: str, *, reason: str) -> DraftStanding:
        """Nothing comes of it. One person is enough, and nothing happens if it is cancelled already.

        Raises ``InvalidRequest`` (``reason_missing``), ``Conflict`` (``draft_over``) for one that was published.
        """
        reason = required_reason(reason)
        self._found(token, draft_id)
        with self.database.writing() as records:
            locked_repository(records)
            draft = known_draft(records, draft_id)
            if draft.state is not DraftState.CANCELLED:
                _require_open(draft)
                draft = replace(
                    draft, state=DraftState.CANCELLED, ended_at=self.clock(), reason=reason, role=b"", publish_at=None
                )
                records.release_drafts.put(draft)
                self._audit(records, token, "draft.cancel", draft, reason=reason)
            return self._standing(records, draft)

    # What arrives

    def _draft(self, token: ApiToken, wish: DraftWish, draft_id: str, makers: tuple[str, ...]) -> ReleaseDraft:
        """The wish as a draft, once it is known that the token may, and that the change can be made."""
        require_scope(token, Scope.PUBLISH, wish.product)
        with self.database.reading() as records:
            product, repository = product_of(records, wish.product), read_repository(records)
        draft = ReleaseDraft(
            draft_id=draft_id,
            action=wish.action,
            product=wish.product,
            version=wish.version,
            payload_sha256="",
            made_at=self.clock(),
            makers=makers,
            notes=wish.notes,
            translations=wish.translations,
            share_basis_points=wish.share_basis_points,
            lower_to=wish.lower_to,
            publish_at=wish.publish_at,
            day_is_stated=wish.day_is_stated,
        )
        if (wish.action is DraftAction.LOWER_APPROVALS) != (wish.version is None) or (
            wish.action.changes_role != (wish.role is not None)
        ):
            raise InvalidRequest("The draft says too much or too little for its action.", code="draft_shape")
        channel: ChannelName | None = None
        if wish.action.changes_role:
            assert wish.role is not None
            assert wish.version is not None
            contents = contents_of(wish.action, wish.product, wish.version, repository, wish.role)
            channel = contents.release.channel
            if wish.action is DraftAction.PUBLISH:
                signed = SignedRelease(
                    wish.product,
                    contents.release.version,
                    wish.role,
                    wish.notes,
                    wish.share_basis_points,
                    dict(wish.translations),
                )
                require_facts(request_of(contents.release, signed), product)
                with self.database.reading() as records:
                    require_notes(records, contents.release, signed)
            if wish.action is DraftAction.WITHDRAW and not wish.although_needed:
                _require_not_needed(repository, product, contents.release)
            self._require_release_day(contents, wish)
            draft = replace(
                draft,
                version=contents.release.version,
                role=with_good_signatures_only(wish.product, wish.role, repository.targets()),
                base_sha256=hashlib.sha256(repository.bytes_of(wish.product)).hexdigest(),
            )
        elif wish.version is not None:
            release = released(repository, wish.product, wish.version)
            channel, draft = release.channel, replace(draft, version=release.version)
            with self.database.reading() as records:
                draft = replace(draft, base_sha256=last_halt(records, draft.subject))
        else:
            require_number(wish.lower_to if wish.lower_to is not None else -1)
        self._require_channel(token, wish.product, channel)
        return replace(draft, channel=channel, payload_sha256=payload_sha256(draft))

    def _require_channel(self, token: ApiToken, product: ProductName, channel: str | None) -> None:
        """A token for one channel has no say in what concerns all of the product."""
        if channel is None and token.channel is not None:
            raise Forbidden(f"This token publishes to the channel {token.channel} only.", code="token_channel")
        require_scope(token, Scope.PUBLISH, product, ChannelName(channel) if channel is not None else None)

    def _require_release_day(self, contents: DraftContents, wish: DraftWish) -> None:
        """RULES.md, Words: the release day is the day on which the release is published."""
        if wish.publish_at is None or wish.action is not DraftAction.PUBLISH or contents.before is not None:
            return
        day = self.policy.day_of(wish.publish_at)
        if contents.release.released_on != day:
            raise InvalidRequest(
                f"A release that is published on {day} has that release day, not {contents.release.released_on}.",
                code="release_day",
            )

    def _require_time(self, draft: ReleaseDraft) -> None:
        if draft.publish_at is None:
            return
        if draft.action not in _SCHEDULED:
            raise InvalidRequest("Only publications and promotions are scheduled.", code="publish_at")
        if not self.clock() < draft.publish_at <= self.clock() + MAX_AHEAD:
            raise InvalidRequest(
                f"A publication is scheduled for a time to come, at most {MAX_AHEAD.days} days off.", code="publish_at"
            )

    # What is kept

    def _published(self, token: ApiToken, wish: DraftWish) -> DraftStanding | None:
        """The draft that has published this very role, if any."""
        require_scope(token, Scope.PUBLISH, wish.product)
        if wish.role is None:
            return None
        with refused_role():
            digest = hashlib.sha256(payload_of(wish.product, wish.role)).hexdigest()
        with self.database.reading() as records:
            for known in records.release_drafts.newest(wish.product):
                if known.payload_sha256 == digest and known.state is DraftState.PUBLISHED:
                    return self._standing(records, known)
        return None

    def _require_possible(self, records: Records, draft: ReleaseDraft) -> None:
        """Raises ``Conflict`` (``cannot_be_done``) for a draft that would be stale from the beginning."""
        problem = self._standing(records, draft).problem
        if problem is not None:
            raise Conflict(f"This cannot be done: {problem}.", code="cannot_be_done")

    def _same(self, draft: ReleaseDraft) -> ReleaseDraft | None:
        with self.database.reading() as records:
            return self._open_one(records, draft)

    def _open_one(self, records: Records, draft: ReleaseDraft) -> ReleaseDraft | None:
        """The draft of the same change that is under way, if any. Raises ``Conflict`` if it says something else."""
        for known in records.release_drafts.open(draft.product):
            if (known.action, known.version) != (draft.action, draft.version):
                continue
            if known.lower_to == draft.lower_to and (
                known.payload_sha256 == draft.payload_sha256 or not draft.action.changes_role
            ):
                return known
            raise Conflict(
                f"There is a draft {known.draft_id} to {known.action.replace('_', ' ')} {known.subject} already.",
                code="draft_exists",
                hint=f"tenure drafts review {known.draft_id} shows it; sign, rebuild or cancel it",
            )
        return None

    def _found(self, token: ApiToken, draft_id: str) -> ReleaseDraft:
        """Raises ``Forbidden`` unless the token publishes what the draft is of."""
        with self.database.reading() as records:
            draft = known_draft(records, draft_id)
        self._require_channel(token, draft.product, draft.channel)
        return draft

    def _current(self, records: Records, draft_id: str, code: str) -> ReleaseDraft:
        draft = known_draft(records, draft_id)
        if draft.state is DraftState.CANCELLED:
            _require_open(draft)
        if draft.code != code and draft.state is not DraftState.PUBLISHED:
            raise _changed(draft)
        return draft

    def _require_not_stale(self, records: Records, draft: ReleaseDraft) -> None:
        standing = self._standing(records, draft)
        if standing.problem is not None:
            raise Conflict(
                f"The draft cannot be published any more: {standing.problem}.",
                code="stale_draft",
                hint=f"tenure drafts rebuild {draft.draft_id} makes it anew, without another upload",
            )

    def _approved(self, records: Records, token: ApiToken, draft: ReleaseDraft) -> ReleaseDraft:
        """With the approval of the token's person, unless they made the draft or have approved it."""
        people = {person_key(each) for each in (*draft.makers, *(one.person for one in draft.approvals))}
        if token.person is None or person_key(token.person) in people:
            return draft
        self._audit(records, token, "draft.approve", draft, person=token.person)
        return replace(draft, approvals=(*draft.approvals, Approval(token.person, self.clock())))

    def _kept(self, records: Records, token: ApiToken, draft: ReleaseDraft) -> DraftStanding:
        return self.finish(records, draft, token.who)

    def _standing(self, records: Records, draft: ReleaseDraft) -> DraftStanding:
        return self._standing_of(records, read_repository(records), draft)

    def _standing_of(self, records: Records, repository: Repository, draft: ReleaseDraft) -> DraftStanding:
        return standing_of(records, repository, draft, self.clock(), self.policy)

    def _audit(self, records: Records, token: ApiToken, action: str, draft: ReleaseDraft, **details: object) -> None:
        facts = {"draft": draft.draft_id, "what": draft.action.value, "code": draft.code}
        audited(records, self.clock(), token.who, action, draft.subject, **facts, **details)


def _require_not_needed(repository: Repository, product: Product, release: Release) -> None:
    """Raises ``Conflict`` (``needed_as_step``) where older installs reach other releases only through this one."""
    assert release.withdrawal is not None
    lost = stranded_by(repository, product.name, release.version, release.withdrawal, product.channels)
    if lost:
        raise needed_as_step(product.name, [release.version], lost)


def _maker(token: ApiToken) -> str:
    return token.person if token.person is not None else token.who


def _new_id() -> str:
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_CHARACTERS))


def _facts(draft: ReleaseDraft) -> dict[str, object]:
    return {
        "publish_at": draft.publish_at.isoformat() if draft.publish_at is not None else None,
        "rollout_basis_points": draft.share_basis_points,
        **({"approvals": draft.lower_to} if draft.lower_to is not None else {}),
    }


def _require_open(draft: ReleaseDraft) -> None:
    if draft.state.is_over:
        raise Conflict(f"The draft {draft.draft_id} is over: it was {draft.state.value}.", code="draft_over")


def _changed(draft: ReleaseDraft) -> Conflict:
    return Conflict(
        f"The draft {draft.draft_id} is no longer the one that you looked at.",
        code="draft_changed",
        hint=f"tenure drafts review {draft.draft_id} shows what it is now",
    )


def _with_signatures(known: ReleaseDraft, other: ReleaseDraft) -> ReleaseDraft:
    """The known draft with the signatures that a copy of its role brings; they were verified."""
    if not known.action.changes_role:
        return known
    return _signed(known, signatures_in(other.product, other.role))


def _signed(draft: ReleaseDraft, signatures: Mapping[str, str]) -> ReleaseDraft:
    if draft.action is DraftAction.RESUME:
        return replace(draft, signatures=tuple(sorted({**dict(draft.signatures), **signatures}.items())))
    if not draft.action.changes_role:
        return draft
    return replace(draft, role=with_signatures(draft.product, draft.role, signatures))
