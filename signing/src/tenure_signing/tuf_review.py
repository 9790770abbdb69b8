"""What a draft means, for the person who is asked to sign it: every change, and whose signatures are missing.

Nothing here looks at a clock or a key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tuf.api.metadata import Root, Targets

from tenure_signing.draft_files import Draft, Requirement
from tenure_signing.errors import SigningError
from tenure_signing.names import ProductName
from tenure_signing.release_record import releases_of
from tenure_signing.releases import DEFAULT_CHANNELS
from tenure_signing.tuf_differences import Change, ChangeKind, before_and_after, changes_of
from tenure_signing.tuf_drafts import require_immutable
from tenure_signing.tuf_repository import delegations_of, load, signature_status
from tenure_signing.tuf_roles import ROOT, SUGGESTED_THRESHOLD, TARGETS
from tenure_signing.upgrade_steps import stranded
from tenure_signing.versions import Version


@dataclass(frozen=True, slots=True)
class RoleReview:
    """``*_before`` are None for a role that is new. ``unchanged``: the listed paths that are signed anew as they were;
    what a thief of the old keys put there is among them."""

    role: str
    version_before: int | None
    version: int
    expires_before: datetime | None
    expires: datetime
    changes: tuple[Change, ...]
    unchanged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """``code`` is what signers compare; ``first_root_sha256`` says whose repository it is."""

    purpose: str
    code: str
    made_at: datetime
    first_root_sha256: str
    roles: tuple[RoleReview, ...]
    requirements: tuple[Requirement, ...]
    warnings: tuple[str, ...]
    product_settings: Mapping[str, Any] | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether nobody's signature is missing."""
        return all(requirement.is_met for requirement in self.requirements)


def review(draft: Draft) -> Review:
    """Everything the draft changes. The base is taken as it is: ``require_sound_base`` tells whether it can be.

    Raises ``PublishingError`` for metadata that cannot be read.
    """
    roles = tuple(_role_review(draft, role) for role in draft.roles)
    return Review(
        purpose=draft.purpose,
        code=draft.code,
        made_at=draft.made_at,
        first_root_sha256=hashlib.sha256(draft.first_root).hexdigest(),
        roles=roles,
        requirements=draft.requirements(),
        warnings=tuple(_warnings(draft, roles)),
        product_settings=draft.product_settings,
        names=draft.names,
    )


def named(review: Review, known: Mapping[str, str]) -> Review:
    """The review with the names by which key holders are known. A draft that calls one of them otherwise is suspect."""
    odd = [
        f"the draft calls the key {keyid[:12]} {name!r}, who is known as {known[keyid]!r}"
        for keyid, name in review.names.items()
        if known.get(keyid, name) != name
    ]
    return replace(review, names={**review.names, **known}, warnings=(*review.warnings, *odd))


def _role_review(draft: Draft, role: str) -> RoleReview:
    before, after = before_and_after(draft, role)
    return RoleReview(
        role=role,
        version_before=before.version if before is not None else None,
        version=after.version,
        expires_before=before.expires if before is not None else None,
        expires=after.expires,
        changes=changes_of(draft, role),
        unchanged=_unchanged(before, after),
    )


def _warnings(draft: Draft, roles: Iterable[RoleReview]) -> Iterable[str]:
    for name, threshold in _thresholds(draft):
        if threshold < SUGGESTED_THRESHOLD:
            yield f"one key alone can sign {name}: whoever steals it can do so too"
    for each in roles:
        kinds = {change.kind for change in each.changes}
        if kinds & {ChangeKind.BUILD_REMOVED, ChangeKind.BUILD_CHANGED, ChangeKind.BUILD_MOVED}:
            yield f"{each.role} changes what is published; the server refuses that"
        if ChangeKind.PROMOTED in kinds:
            yield from _wrong_promotions(draft, each.role)
        if ChangeKind.WITHDRAWN in kinds:
            yield from _stranding(draft, each.role)
        if ChangeKind.OTHER in kinds:
            yield f"{each.role} changes something that has no sentence of its own here: look at it closely"
    yield from _forgotten(draft)


def stranded_by(draft: Draft, product: str) -> tuple[Version, ...]:
    """The releases that some installs can no longer reach once the draft is published.

    The order of a vendor's own channels is not signed: they count as less stable than the usual ones. Raises
    ``PublishingError`` and ``InvalidReleaseRecord`` for what cannot be read.
    """
    before, after = (
        releases_of(ProductName(product), repository.targets(product).targets)
        for repository in (draft.base, draft.after)
    )
    own = {release.channel for release in before} - set(DEFAULT_CHANNELS)
    return stranded(before, after, (*DEFAULT_CHANNELS, *sorted(own)))


def _stranding(draft: Draft, product: str) -> Iterable[str]:
    try:
        lost = stranded_by(draft, product)
    except SigningError:
        return  # what is wrong there is told elsewhere
    if lost:
        yield (
            f"older installs reach {product} {', '.join(map(str, lost))} only through what is withdrawn:"
            " they are stranded until there is another step"
        )


def _wrong_promotions(draft: Draft, product: str) -> Iterable[str]:
    try:
        require_immutable(ProductName(product), draft.base.targets(product), draft.after.targets(product))
    except SigningError as error:
        yield f"{error}; the server refuses that"


def _thresholds(draft: Draft) -> Iterable[tuple[str, int]]:
    """The thresholds of root and targets where the draft states them, and of products whose keys it changes."""
    if ROOT in draft.roles:
        root = load(ROOT, draft.roles[ROOT], Root).signed
        yield from ((name, root.roles[name].threshold) for name in (ROOT, TARGETS))
    for product in _products_with_other_keys(draft):
        yield f"releases of {product}", delegations_of(draft.after.targets())[product].threshold


def _products_with_other_keys(draft: Draft) -> Iterable[str]:
    if TARGETS not in draft.roles:
        return
    old = delegations_of(draft.base.targets()) if TARGETS in draft.base.roles else {}
    for name, role in delegations_of(draft.after.targets()).items():
        was = old.get(name)
        if was is None or (was.keyids, was.threshold) != (role.keyids, role.threshold):
            yield name


def _forgotten(draft: Draft) -> Iterable[str]:
    """Roles whose keys change so that they are no longer signed by enough of them, and which are not in the draft."""
    for product in _products_with_other_keys(draft):
        if product not in draft.roles:
            yield f"the keys of {product} change, but its role is not signed anew with them: clients may refuse it"
    if draft.base.roots and ROOT in draft.roles and TARGETS not in draft.roles:
        status = signature_status(TARGETS, draft.base.bytes_of(TARGETS), draft.after.root())
        if not status.verified:
            yield "the keys of targets change, but it is not signed anew with them: the server refuses that"


def _unchanged(before: Root | Targets | None, after: Root | Targets) -> tuple[str, ...]:
    if not isinstance(before, Targets) or not isinstance(after, Targets):
        return ()
    return tuple(path for path, target in after.targets.items() if before.targets.get(path) == target)
