"""The signatures of a draft by themselves: what a signer sends back, and what collects them believes of them.

A signature is taken only if a role of the draft asks for its key and it verifies: nothing else is ever kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from securesystemslib.signer import Signature

from tenure_signing.draft_files import Draft
from tenure_signing.errors import InvalidDraft
from tenure_signing.tuf_repository import Repository, load_any
from tenure_signing.tuf_roles import ROOT


@dataclass(frozen=True, slots=True)
class RoleSignature:
    """One key's signature of one role of a draft; ``signature`` is hexadecimal, as TUF metadata holds it."""

    role: str
    keyid: str
    signature: str


def signatures_of(draft: Draft) -> tuple[RoleSignature, ...]:
    """Every signature in the draft, whether it is worth anything or not."""
    return tuple(
        RoleSignature(role, keyid, signature.signature)
        for role, data in draft.roles.items()
        for keyid, signature in load_any(role, data).signatures.items()
    )


def new_signatures(before: Draft, after: Draft) -> tuple[RoleSignature, ...]:
    """The signatures that ``after`` has and ``before`` has not."""
    known = set(signatures_of(before))
    return tuple(each for each in signatures_of(after) if each not in known)


def with_signatures(draft: Draft, signatures: Iterable[RoleSignature]) -> Draft:
    """The draft with these signatures; of a key that has signed a role already, the first one stays.

    Raises ``InvalidDraft`` for a signature that no role asks for or that does not verify.
    """
    roles = {role: load_any(role, data) for role, data in draft.roles.items()}
    for each in signatures:
        if each.role not in roles:
            raise InvalidDraft(f"the draft does not change {each.role[:64]!r}")
        roles[each.role].signatures.setdefault(each.keyid, Signature(each.keyid, each.signature))
    after = replace(draft, roles={role: metadata.to_bytes() for role, metadata in roles.items()})
    require_genuine_signatures(after)
    return after


def require_genuine_signatures(draft: Draft) -> None:
    """Every signature in the draft verifies, and a role asks for its key. Raises ``InvalidDraft``."""
    requirements = draft.requirements()
    for each in signatures_of(draft):
        asking = [one for one in requirements if one.role == each.role]
        if any(each.keyid in one.signed for one in asking):
            continue
        if any(each.keyid in one.unsigned for one in asking):
            raise InvalidDraft(f"the signature of the key {each.keyid[:12]} on {each.role} does not verify")
        raise InvalidDraft(f"the draft asks for no signature of the key {each.keyid[:12]} on {each.role}")


def outdated_roles(draft: Draft, published: Repository) -> tuple[str, ...]:
    """The roles that were published since the draft was made, or that it does not follow: empty for one that can be
    published. ``published`` is what a real client verified, or the server's own."""
    changed = [role for role, data in draft.base.roles.items() if published.roles.get(role) != data]
    changed += [
        role for role in draft.roles if role != ROOT and role in published.roles and role not in draft.base.roles
    ]
    if published.roots != draft.base.roots:
        changed.insert(0, ROOT)
    return tuple(dict.fromkeys(changed))
