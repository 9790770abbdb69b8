"""Questions about one product role that several people sign one after the other, each on a machine of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from securesystemslib.signer import Signature
from tuf.api.metadata import Targets, VerificationResult

from tenure_signing.errors import PublishingError
from tenure_signing.names import ProductName
from tenure_signing.tuf_repository import Repository, load, signature_status, signed_payload


@dataclass(frozen=True, slots=True)
class SignatureCount:
    """Key ids: who has validly signed, and who else may."""

    threshold: int
    signed: tuple[str, ...]
    unsigned: tuple[str, ...]

    @property
    def is_met(self) -> bool:
        return len(self.signed) >= self.threshold


def role_signatures(product: ProductName, role: bytes, targets: Targets) -> SignatureCount:
    """Who has signed the role, by the keys that targets names. Raises ``PublishingError``."""
    return _count(signature_status(product, role, targets))


def approval_signatures(
    product: ProductName, text: bytes, signatures: Mapping[str, str], targets: Targets
) -> SignatureCount:
    """The same for an approval's text (``approvals.py``); signatures by key id in hexadecimal."""
    given = {keyid: Signature(keyid, signature) for keyid, signature in signatures.items()}
    try:
        return _count(targets.get_verification_result(product, text, given))
    except ValueError as error:
        raise PublishingError(f"nobody is entrusted with the product {product}") from error


def payload_of(product: ProductName, role: bytes) -> bytes:
    """What the signatures of the role are over."""
    return signed_payload(product, load(product, role, Targets))


def signatures_in(product: ProductName, role: bytes) -> dict[str, str]:
    """The role's signatures by key id in hexadecimal, whether they are good or not."""
    return {keyid: one.signature for keyid, one in load(product, role, Targets).signatures.items()}


def with_signatures(product: ProductName, role: bytes, signatures: Mapping[str, str]) -> bytes:
    """The role with these signatures beside, or in place of, those of the same keys; they are not looked at."""
    metadata = load(product, role, Targets)
    metadata.signatures |= {keyid: Signature(keyid, signature) for keyid, signature in signatures.items()}
    return metadata.to_bytes()


def with_good_signatures_only(product: ProductName, role: bytes, targets: Targets) -> bytes:
    """The role without anything else that somebody may have put beside it."""
    metadata = load(product, role, Targets)
    good = role_signatures(product, role, targets).signed
    metadata.signatures = {keyid: one for keyid, one in metadata.signatures.items() if keyid in good}
    return metadata.to_bytes()


def version_of(product: ProductName, role: bytes) -> int:
    return load(product, role, Targets).signed.version


def expiry_in(product: ProductName, role: bytes) -> datetime:
    return load(product, role, Targets).signed.expires


def is_same_but_expiry(product: ProductName, one: bytes, other: bytes) -> bool:
    """Whether two roles say the same, whoever signed them and however long they live."""
    first, second = (load(product, role, Targets).signed for role in (one, other))
    second.expires = first.expires
    return first.to_dict() == second.to_dict()


def changes_releases(product: ProductName, before: Repository, role: bytes) -> bool:
    """Whether the role lists other files, or other facts of them, than the published one does."""
    return load(product, role, Targets).signed.targets != before.targets(product).targets


def _count(status: VerificationResult) -> SignatureCount:
    return SignatureCount(status.threshold, tuple(sorted(status.signed)), tuple(sorted(status.unsigned)))
