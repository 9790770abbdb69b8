"""How long every role still lives, and which need people: the expiry watch of ``tenure trust status``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tenure_signing.trust_changes import role_keys_of
from tenure_signing.tuf_publishing import role_expiries
from tenure_signing.tuf_repository import Repository, delegations_of
from tenure_signing.tuf_roles import ONLINE_ROLES, ROOT, TARGETS, needs_resigning


@dataclass(frozen=True, slots=True)
class RoleLife:
    """``needs_people``: offline, and due to be signed anew; ``keys`` and ``threshold`` say who may sign it.

    An online role is the server's to renew; it needs people only once it has expired.
    """

    role: str
    version: int
    expires: datetime
    days_left: int  # whole days; negative once expired
    is_online: bool
    is_retired: bool  # a product that nobody is trusted with any more: it may lapse
    is_due: bool
    threshold: int = 0
    keys: tuple[str, ...] = ()

    @property
    def has_expired(self) -> bool:
        return self.days_left < 0

    @property
    def needs_people(self) -> bool:
        if self.is_retired:
            return False
        return self.has_expired if self.is_online else self.is_due


def trust_status(repository: Repository, now: datetime) -> tuple[RoleLife, ...]:
    """Every role, top-level ones first. Empty before the first root."""
    if not repository.roots:
        return ()
    products = delegations_of(repository.targets())
    return tuple(
        _life(repository, role, version, expires, now, is_retired=role in repository.products and role not in products)
        for role, (version, expires) in role_expiries(repository).items()
    )


def _life(
    repository: Repository, role: str, version: int, expires: datetime, now: datetime, *, is_retired: bool
) -> RoleLife:
    delegator = repository.root() if role in (ROOT, TARGETS, *ONLINE_ROLES) else repository.targets()
    keys = None if is_retired else role_keys_of(delegator, role)
    return RoleLife(
        role=role,
        version=version,
        expires=expires,
        days_left=(expires - now).days,
        is_online=role in ONLINE_ROLES,
        is_retired=is_retired,
        is_due=needs_resigning(role, expires, now),
        threshold=keys.threshold if keys is not None else 0,
        keys=tuple(keys.keyids) if keys is not None else (),
    )
