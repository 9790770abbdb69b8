"""Putting newly signed roles before the world: the last step of everything that changes TUF metadata."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from tenure_server.errors import Conflict
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.ports import Records
from tenure_server.use_cases.release_events import announce_release, release_changes
from tenure_server.use_cases.released_problems import follow_release
from tenure_server.use_cases.signers import OnlineSigners
from tenure_signing.names import ProductName
from tenure_signing.tuf_preflight import preflight
from tenure_signing.tuf_publishing import Digests, resigned, with_roles
from tenure_signing.tuf_repository import Repository, staged
from tenure_signing.tuf_roles import TARGETS
from tenure_signing.tuf_signed_role import changes_releases


def publish_roles(
    records: Records,
    before: Repository,
    signed_roles: Mapping[str, bytes] | Mapping[ProductName, bytes],
    online: OnlineSigners,
    now: datetime,
    *,
    trusted_targets: Mapping[str, bytes] | None = None,
    approved: bool = False,
    digests: Digests | None = None,
) -> Repository:
    """Check the signed roles as if they came from an enemy, sign snapshot and timestamp over them, let a real client
    try the result, then store it in the caller's transaction, which holds ``signed_files.lock()``, and announce what
    changed about releases.

    ``approved``: the caller has counted the approvals that the products ask for. Without it, no release of a product
    that asks for any is changed: ``Conflict`` (``approvals_needed``). Raises ``PublishingError`` and its kinds.
    """
    if not approved:
        _require_no_approvals(records, before, signed_roles)
    new = {str(role): data for role, data in signed_roles.items()}
    after = resigned(with_roles(before, new, now), online.snapshot, online.timestamp, now, digests)
    previous = before if before.roots else None
    preflight(previous, after, now)
    records.signed_files.publish(staged(previous, after), trusted_targets=trusted_targets)
    for change in release_changes(before, after, new):
        announce_release(records, now, change)
        follow_release(records, now, change)
    return after


def _require_no_approvals(
    records: Records, before: Repository, signed_roles: Mapping[str, bytes] | Mapping[ProductName, bytes]
) -> None:
    """A role signed anew with the same releases, because its keys changed or it was about to expire, passes. So does
    what the holders of the targets keys sign: they say who a product's people are, and recover from thieves."""
    if TARGETS in signed_roles:
        return
    for role, data in signed_roles.items():
        if role not in before.products or not records.approval_rules.of(ProductName(role)):
            continue
        if changes_releases(ProductName(role), before, data):
            raise approvals_needed(ProductName(role))


def approvals_needed(product: ProductName) -> Conflict:
    """The refusal of everything that changes a release of the product without a draft."""
    return Conflict(
        f"Releases of {product} are changed by drafts that other people approve.",
        code="approvals_needed",
        hint="do it with --server: a draft is made, and tenure drafts approve approves it",
    )


def locked_repository(records: Records) -> Repository:
    """The published repository, which nobody else can change until the transaction ends."""
    records.signed_files.lock()
    return read_repository(records)
