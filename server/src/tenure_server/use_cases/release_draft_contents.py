"""What a release draft would change, found in the role itself: the server's check and the signer's are this one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from tenure_server.domain.release_drafts import DraftAction, ReleaseDraft
from tenure_server.errors import Conflict, InvalidRequest
from tenure_server.use_cases.change_rollout import RESUME, released
from tenure_server.use_cases.publish import releases_in
from tenure_server.use_cases.publish_signed import SignedRelease, added_release, refused_role
from tenure_signing.approvals import approval_text
from tenure_signing.names import ProductName
from tenure_signing.releases import Release, ReleaseFile
from tenure_signing.tuf_drafts import with_promotion, with_withdrawal
from tenure_signing.tuf_repository import Repository
from tenure_signing.tuf_signed_role import expiry_in, is_same_but_expiry, payload_of, version_of
from tenure_signing.versions import Version


@dataclass(frozen=True, slots=True)
class DraftContents:
    """``before`` is None for a version that is not published yet. ``new_files``: builds and side files that it adds."""

    release: Release
    before: Release | None
    new_files: tuple[ReleaseFile, ...] = ()


def contents_of(
    action: DraftAction, product: ProductName, version: Version, before: Repository, role: bytes
) -> DraftContents:
    """The release that the role changes in the way that the action names, and nothing else.

    Raises ``Conflict`` (``stale_draft``, ``immutable_release``), ``InvalidRequest`` (``not_one_release``,
    ``unpublishable_role``), ``NotFound`` (``unknown_release``).
    """
    assert action.changes_role
    with refused_role():
        if version_of(product, role) != before.targets(product).version + 1:
            raise stale(product)
        known = {release.version: release for release in releases_in(before, product)}
        if action is DraftAction.PUBLISH:
            release, new_files = added_release(before, SignedRelease(product, version, role))
            return DraftContents(release, known.get(version), new_files)
        old = released(before, product, version)
        new = released(Repository(before.roots, {**before.roles, product: role}), product, version)
        if not _is_that_change(action, old, new, before.bytes_of(product), role):
            raise InvalidRequest(
                f"The role changes something else than to {action} {product} {version}.", code="not_one_release"
            )
        return DraftContents(new, old)


def stale(product: ProductName) -> Conflict:
    return Conflict(
        f"Something else of {product} was published since this draft was made.",
        code="stale_draft",
        hint="tenure drafts rebuild makes it anew, without another upload",
    )


def payload_sha256(draft: ReleaseDraft) -> str:
    """SHA-256 of what is signed: the role, or a resumption's text. Where nothing is signed, of nothing."""
    if draft.action.changes_role:
        payload = payload_of(draft.product, draft.role)
    elif draft.action is DraftAction.RESUME:
        payload = resumption_text(draft)
    else:
        payload = b""
    return hashlib.sha256(payload).hexdigest()


def resumption_text(draft: ReleaseDraft) -> bytes:
    """What the product's keys sign to resume the release."""
    assert draft.version is not None
    return approval_text(RESUME, draft.product, draft.version, draft.made_at)


def _is_that_change(action: DraftAction, old: Release, new: Release, before: bytes, role: bytes) -> bool:
    """Whether making the change again gives the role, but for its expiry. What cannot be made raises as there."""
    at = expiry_in(old.product, role)
    if action is DraftAction.PROMOTE:
        if new.channel == old.channel:
            return False
        again = with_promotion(before, old.product, old.version, new.channel, at)
    else:
        if new.withdrawal is None or new.withdrawal == old.withdrawal:
            return False
        again = with_withdrawal(before, old.product, old.version, new.withdrawal, at)
    return is_same_but_expiry(old.product, again, role)
