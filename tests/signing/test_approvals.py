"""A product's keys approve what changes no metadata: as many of them as publishing takes, and of nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from securesystemslib.signer import Signature, Signer
from tuf.api.metadata import Targets

from tenure_signing.approvals import approval_text, approve, require_approved
from tenure_signing.errors import NotEnoughSignatures, PublishingError
from tenure_signing.key_sources import new_key, tuf_signer
from tenure_signing.names import ProductName
from tenure_signing.tuf_drafts import RoleKeys, first_targets, with_product
from tenure_signing.tuf_repository import load
from tenure_signing.tuf_roles import TARGETS
from tenure_signing.versions import Version

NOW = datetime(2026, 11, 23, 12, 30, 5, 123, tzinfo=UTC)
CAD = ProductName("cad")
ADA, BO, EVE = (tuf_signer(new_key()) for _ in range(3))
TEXT = approval_text("resume", CAD, Version("4.1"), NOW)


def targets(threshold: int) -> Targets:
    keys = RoleKeys((ADA.public_key, BO.public_key), threshold)
    return load(TARGETS, with_product(first_targets(b"{}", NOW), CAD, keys, NOW), Targets).signed


def test_the_text_says_what_is_approved_and_when() -> None:
    assert TEXT == b"tenure-approval\nresume\ncad\n4.1\n2026-11-23T12:30:05Z\n"


def test_as_many_keys_as_publishing_takes_are_needed() -> None:
    assert require_approved(CAD, TEXT, approve(TEXT, [BO]), targets(1)) == (BO.public_key.keyid,)
    assert len(require_approved(CAD, TEXT, approve(TEXT, [ADA, BO]), targets(2))) == 2
    for too_few in ([], [ADA], [ADA, ADA], [ADA, EVE]):
        with pytest.raises(NotEnoughSignatures, match="2 of the keys of cad"):
            require_approved(CAD, TEXT, approve(TEXT, too_few), targets(2))


@pytest.mark.parametrize(
    "other",
    [
        approval_text("halt", CAD, Version("4.1"), NOW),
        approval_text("resume", ProductName("cam"), Version("4.1"), NOW),
        approval_text("resume", CAD, Version("4.1.1"), NOW),
        approval_text("resume", CAD, Version("4.1"), NOW.replace(second=6)),
    ],
)
def test_an_approval_holds_for_nothing_else(other: bytes) -> None:
    with pytest.raises(NotEnoughSignatures):
        require_approved(CAD, TEXT, approve(other, [ADA]), targets(1))


def test_nobody_approves_for_a_product_that_is_not_there() -> None:
    with pytest.raises(PublishingError, match="nobody is entrusted"):
        require_approved(ProductName("cam"), TEXT, approve(TEXT, [ADA]), targets(1))


class BrokenToken(Signer):
    @property
    def public_key(self) -> object:  # type: ignore[override]
        return ADA.public_key

    def sign(self, payload: bytes) -> Signature:
        raise RuntimeError("PIN 1234 is wrong")

    @classmethod
    def from_priv_key_uri(cls, priv_key_uri: str, public_key: object, secrets_handler: object = None) -> Signer:
        raise NotImplementedError


def test_what_a_broken_token_says_is_not_repeated() -> None:
    with pytest.raises(PublishingError) as failed:
        approve(TEXT, [BrokenToken()])
    assert "1234" not in str(failed.value)
