"""A TUF repository as a value: the exact bytes of every role's current metadata, and how its files are named.

Metadata is kept and passed on as the bytes that were signed: writing parsed metadata out again may change them, and
with them the hashes that snapshot and timestamp state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

from tuf.api.metadata import DelegatedRole, Metadata, Root, Snapshot, Targets, Timestamp, VerificationResult
from tuf.api.serialization import DeserializationError, SerializationError

from tenure_signing.errors import NotEnoughSignatures, PublishingError
from tenure_signing.patient_json import PatientDeserializer
from tenure_signing.tuf_roles import (
    ROOT,
    SNAPSHOT,
    TARGETS,
    TIMESTAMP,
    TOP_LEVEL_ROLES,
    metadata_file_name,
    policy_of,
)

T = TypeVar("T", Root, Targets, Snapshot, Timestamp)


@dataclass(frozen=True, slots=True)
class Repository:
    """``roots`` holds every version of root from 1 on; ``roles`` the current metadata of every other role.

    A repository that was read from outside is only as good as its signatures: ``preflight`` tells.
    """

    roots: tuple[bytes, ...]
    roles: Mapping[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "roles", MappingProxyType(dict(self.roles)))

    @property
    def products(self) -> tuple[str, ...]:
        """The roles that are, or once were, a product's."""
        return tuple(sorted(role for role in self.roles if role not in TOP_LEVEL_ROLES))

    def is_readable(self, role: str) -> bool:
        """Whether the role's bytes are metadata of its kind. What was published was; storage can be damaged."""
        try:
            load_any(role, self.bytes_of(role))
        except PublishingError:
            return False
        return True

    def root(self) -> Root:
        """The current root. Raises ``PublishingError`` if there is none."""
        if not self.roots:
            raise PublishingError("the repository has no root")
        return load(ROOT, self.roots[-1], Root).signed

    def targets(self, role: str = TARGETS) -> Targets:
        """The current metadata of ``targets`` or of a product. Raises ``PublishingError`` if there is none."""
        return load(role, self.bytes_of(role), Targets).signed

    def bytes_of(self, role: str) -> bytes:
        """The role's current signed bytes. Raises ``PublishingError`` if there are none."""
        if role == ROOT and self.roots:
            return self.roots[-1]
        if role not in self.roles:
            raise PublishingError(f"the repository has no metadata for {role}")
        return self.roles[role]

    def files(self) -> dict[str, bytes]:
        """Every file a client may ask for, by name, in an order that is safe to write in: ``timestamp.json`` last.

        A new root takes effect as soon as it can be read, so root files come next to last. A product whose bytes cannot
        be read has no file: which version it is nobody can tell.
        """
        order = (*filter(self.is_readable, self.products), TARGETS, SNAPSHOT)
        files = {versioned_file_name(role, self.roles[role]): self.roles[role] for role in order if role in self.roles}
        files |= {metadata_file_name(ROOT, version): data for version, data in enumerate(self.roots, start=1)}
        if TIMESTAMP in self.roles:
            files[metadata_file_name(TIMESTAMP, 0)] = self.roles[TIMESTAMP]
        return files


PATIENT_BYTES = 100_000
_LARGE = PatientDeserializer()


def load(role: str, data: bytes, kind: type[T]) -> Metadata[T]:
    """Parse metadata of the role; its signatures are not looked at.

    Raises ``PublishingError`` for metadata that is larger than clients read, no TUF metadata, of another role or with
    a version that is no whole number.
    """
    if len(data) > policy_of(role).max_bytes:
        raise PublishingError(f"the metadata of {role} is larger than {policy_of(role).max_bytes} bytes")
    try:
        metadata: Metadata[T] = Metadata.from_bytes(data, _LARGE if len(data) > PATIENT_BYTES else None)
    except DeserializationError as error:
        raise PublishingError(f"the metadata of {role} is no TUF metadata") from error
    if not isinstance(metadata.signed, kind):
        raise PublishingError(f"the metadata of {role} is of type {metadata.signed.type}")
    if type(metadata.signed.version) is not int:
        raise PublishingError(f"the version of {role} is no whole number")
    return metadata


def load_any(role: str, data: bytes) -> Metadata[Any]:
    """As ``load``, with the kind of metadata that the role's name asks for."""
    kinds = {ROOT: Root, SNAPSHOT: Snapshot, TIMESTAMP: Timestamp}
    kind: Any = kinds.get(role, Targets)
    metadata: Metadata[Any] = load(role, data, kind)
    return metadata


def delegations_of(targets: Targets) -> dict[str, DelegatedRole]:
    """The roles that targets delegates to, by name, in the order of trust."""
    return (targets.delegations.roles if targets.delegations is not None else None) or {}


def signed_payload(role: str, metadata: Metadata[Any]) -> bytes:
    """The bytes that signatures are over. Raises ``PublishingError`` for what canonical JSON cannot hold: floats."""
    try:
        return metadata.signed_bytes
    except SerializationError as error:
        raise PublishingError(
            f"the metadata of {role} holds something canonical JSON has no form for, a float"
        ) from error


def signature_status(role: str, data: bytes, delegator: Root | Targets) -> VerificationResult:
    """How many of the keys that the delegator names for the role have validly signed the bytes, and which have not.

    Raises ``PublishingError`` for bytes that are no metadata of the role, or a role that is not delegated.
    """
    metadata = load_any(role, data)
    payload = signed_payload(role, metadata)
    try:
        return delegator.get_verification_result(role, payload, metadata.signatures)
    except ValueError as error:
        raise PublishingError(f"nobody is entrusted with the role {role}") from error


def require_signed(role: str, data: bytes, delegator: Root | Targets) -> None:
    """Raise ``NotEnoughSignatures`` unless the threshold of the delegator's keys have signed the bytes."""
    status = signature_status(role, data, delegator)
    if not status.verified:
        raise NotEnoughSignatures(
            f"{role} is signed by {len(status.signed)} of the {status.threshold} keys it needs; "
            f"not yet by {', '.join(keyid[:12] for keyid in status.unsigned) or 'any key that could be asked'}"
        )


def versioned_file_name(role: str, data: bytes) -> str:
    """The file name of the role's metadata, with the version that the bytes state."""
    return metadata_file_name(role, load_any(role, data).signed.version)


def staged(before: Repository | None, after: Repository) -> dict[str, bytes]:
    """The files to write to go from one repository to the next, in safe order: ``timestamp.json`` last.

    Raises ``PublishingError`` if a file that clients keep for ever would get other bytes.
    """
    published = before.files() if before is not None else {}
    timestamp = metadata_file_name(TIMESTAMP, 0)
    changed = {name: data for name, data in after.files().items() if published.get(name) != data}
    for name in changed:
        if name in published and name != timestamp:
            raise PublishingError(f"{name} is published with other bytes")
    return changed
