"""Drafts as a vendor's people make them, in memory."""

from __future__ import annotations

from dataclasses import replace

from securesystemslib.signer import CryptoSigner

from tenure_signing.draft_files import Draft, signed_by
from tenure_signing.key_sets import KeySet, Purpose
from tenure_signing.key_sources import new_key
from tenure_signing.trust_changes import Changes
from tenure_signing.tuf_drafts import sign, with_licence_keys
from tenure_signing.tuf_roles import LICENCE_KEYS_PATH, TARGETS
from tenure_signing.tuf_verified import Verified, verified_repository
from tests.signing.tuf_repository import CAD, NOW, Vendor, a_release

KEY_SET = KeySet((new_key().verification_key(Purpose.LICENCE_KEY), new_key().verification_key(Purpose.CERTIFICATE)))


def a_vendor() -> Vendor:
    """With a real licence key set; cad has one release and three engineers, of whom two sign."""
    vendor = Vendor()
    targets = with_licence_keys(vendor.repository.roles[TARGETS], KEY_SET.to_json(), NOW)
    vendor.submit({TARGETS: sign(TARGETS, targets, *vendor.targets[:2])})
    vendor.add_product(CAD, keys=3, threshold=2)
    vendor.publish(a_release("4.2.0"))
    return vendor


def verified(vendor: Vendor) -> Verified:
    """What a client makes of the vendor's metadata."""
    files = {LICENCE_KEYS_PATH: KEY_SET.to_json()}
    return verified_repository(vendor.repository, files, vendor.repository.roots[0], vendor.now)


def changes(vendor: Vendor, purpose: str = "a test") -> Changes:
    names = {signer.public_key.keyid: name for signer, name in zip(vendor.root, ("Ada", "Bo", "Cyn"), strict=True)}
    return Changes(verified(vendor), vendor.now, purpose, names)


def signed(draft: Draft, *signers: CryptoSigner) -> Draft:
    """The draft with everyone's signature."""
    for signer in signers:
        draft, _ = signed_by(draft, signer)
    return draft


def with_role(draft: Draft, role: str, data: bytes) -> Draft:
    """The draft with other bytes for one role."""
    return replace(draft, roles={**draft.roles, role: data})
