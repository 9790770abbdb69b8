"""A new product: its settings, and a TUF role that only its release engineers can sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from securesystemslib.signer import Signer

from tenure_server.domain.products import Product
from tenure_server.errors import InvalidRequest
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.publication import locked_repository, publish_roles
from tenure_server.use_cases.signers import OnlineSigners
from tenure_signing.tuf_drafts import RoleKeys, first_product_role, sign, with_product
from tenure_signing.tuf_roles import TARGETS


@dataclass(frozen=True, slots=True)
class AddProduct:
    database: Database
    signing_clock: Clock

    def __call__(
        self,
        product: Product,
        *,
        targets: Sequence[Signer],
        product_signers: Sequence[Signer],
        threshold: int = 1,
        online: OnlineSigners,
        who: str,
    ) -> None:
        """``threshold``: how many of the product's signers a release takes.

        Raises ``Conflict`` (``product_exists``), ``InvalidRequest`` for a product without edition or channel, and
        ``PublishingError`` for a threshold that cannot be met or too few signers of targets.
        """
        if not product.editions or not product.channels:
            raise InvalidRequest("A product has at least one edition and one channel.", code="incomplete_product")
        if len(set(product.editions)) < len(product.editions) or len(set(product.channels)) < len(product.channels):
            raise InvalidRequest("An edition or channel is named twice.", code="named_twice")
        now = self.signing_clock()
        with self.database.writing() as records:
            before = locked_repository(records)
            records.products.add(product)
            keys = RoleKeys(tuple(signer.public_key for signer in product_signers), threshold)
            signed_roles = {
                TARGETS: sign(TARGETS, with_product(before.bytes_of(TARGETS), product.name, keys, now), *targets),
                product.name: sign(product.name, first_product_role(product.name, now), *product_signers),
            }
            publish_roles(records, before, signed_roles, online, now)
            audited(
                records,
                now,
                who,
                "product.add",
                product.name,
                editions=list(product.editions),
                channels=list(product.channels),
                service_packs=product.service_packs.value,
                lapse_policy=product.lapse_policy.value,
                keys=keys.keyids,
                threshold=threshold,
            )
