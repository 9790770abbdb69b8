"""A product's keys approve something that changes no signed metadata, such as resuming a halted rollout.

What is signed is the UTF-8 text of five lines, each ended by a line feed: ``tenure-approval``, the action, the product,
the version, and the instant in UTC as ``YYYY-MM-DDTHH:MM:SSZ``. TUF metadata is JSON, so neither passes for the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from securesystemslib.signer import Signature, Signer
from tuf.api.metadata import Targets

from tenure_signing.errors import NotEnoughSignatures, PublishingError
from tenure_signing.names import ProductName
from tenure_signing.versions import Version


def approval_text(action: str, product: ProductName, version: Version, at: datetime) -> bytes:
    """What the product's keys sign."""
    instant = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"tenure-approval\n{action}\n{product}\n{version}\n{instant}\n".encode()


def approve(text: bytes, signers: Sequence[Signer]) -> dict[str, Signature]:
    """The signatures by key id. Raises ``PublishingError`` if a signer fails, without its words."""
    signatures = {}
    for signer in signers:
        try:
            signatures[signer.public_key.keyid] = signer.sign(text)
        except Exception as error:  # tokens and key services raise what they like
            raise PublishingError(f"the signer with key {signer.public_key.keyid[:12]} could not sign") from error
    return signatures


def require_approved(
    product: ProductName, text: bytes, signatures: dict[str, Signature], targets: Targets
) -> tuple[str, ...]:
    """The ids of the product's keys that signed, which are as many as publishing takes.

    ``targets`` is the verified top-level metadata that names the product's keys. Raises ``NotEnoughSignatures``, and
    ``PublishingError`` if nobody is entrusted with the product.
    """
    try:
        status = targets.get_verification_result(product, text, signatures)
    except ValueError as error:
        raise PublishingError(f"nobody is entrusted with the product {product}") from error
    if not status.verified:
        raise NotEnoughSignatures(
            f"this takes {status.threshold} of the keys of {product}; {len(status.signed)} of them approved it"
        )
    return tuple(sorted(status.signed))
