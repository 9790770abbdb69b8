"""The TUF roles of a Tenure repository: names, thresholds, lifetimes, size limits. Data only.

``root`` delegates to ``targets``, ``snapshot`` and ``timestamp`` (update-framework specification, section 2.1);
``targets`` delegates ``<product>/*/*`` to one terminating role per product, which bears the product's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tenure_signing.names import ProductName

ROOT = "root"
TARGETS = "targets"
SNAPSHOT = "snapshot"
TIMESTAMP = "timestamp"

TOP_LEVEL_ROLES = (ROOT, TARGETS, SNAPSHOT, TIMESTAMP)
ONLINE_ROLES = (SNAPSHOT, TIMESTAMP)

TRUST_FOLDER = "_trust"
LICENCE_KEYS_PATH = f"{TRUST_FOLDER}/licence-keys.json"
"""The target, listed by ``targets`` itself, that holds the public keys of licences and certificates."""

CONSISTENT_SNAPSHOT = True

SUGGESTED_KEYS = 3
SUGGESTED_THRESHOLD = 2
"""Of root and of targets: two of three people. One of one is allowed for a small vendor, with a warning."""

ONLINE_THRESHOLD = 1

CLOCK_TOLERANCE = timedelta(days=1)
"""By how much a signing machine's clock may be ahead before its expiry dates are refused."""


@dataclass(frozen=True, slots=True)
class RolePolicy:
    """How long a role's metadata lives, how long before its end it is signed anew, and how large it may be."""

    lifetime: timedelta
    resign_before_end: timedelta
    max_bytes: int  # what python-tuf's client reads by default


_PRODUCT = RolePolicy(timedelta(days=180), timedelta(days=60), 5_000_000)
_POLICIES = {
    ROOT: RolePolicy(timedelta(days=365), timedelta(days=95), 512_000),
    TARGETS: RolePolicy(timedelta(days=365), timedelta(days=95), 5_000_000),
    SNAPSHOT: RolePolicy(timedelta(days=7), timedelta(days=7) / 2, 2_000_000),
    TIMESTAMP: RolePolicy(timedelta(days=2), timedelta(days=2) / 2, 16_384),
}


def policy_of(role: str) -> RolePolicy:
    """The policy of a top-level role, or of product roles for any other name."""
    return _POLICIES.get(role, _PRODUCT)


def expiry_of(role: str, now: datetime) -> datetime:
    """When metadata of the role that is made now expires, in UTC, in whole seconds. ``now`` is aware."""
    if now.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return now.astimezone(UTC).replace(microsecond=0) + policy_of(role).lifetime


def needs_resigning(role: str, expires: datetime, now: datetime) -> bool:
    """Whether metadata of the role is to be signed anew: snapshot and timestamp when half of their life is spent."""
    return now >= expires - policy_of(role).resign_before_end


def delegated_paths(product: ProductName) -> list[str]:
    """The paths a product's role is trusted for; ``*`` does not cross ``/``."""
    return [f"{product}/*/*"]


def metadata_file_name(role: str, version: int) -> str:
    """The name under which clients ask for metadata (specification, section 7.1, consistent snapshots)."""
    return f"{role}.json" if role == TIMESTAMP else f"{version}.{role}.json"
