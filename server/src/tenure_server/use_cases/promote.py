"""A release is promoted: the same bytes on a more stable channel, without another upload. docs/decisions, Promotion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from securesystemslib.signer import Signer

from tenure_server.domain.products import Product
from tenure_server.errors import Conflict, InvalidRequest, NotFound
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.change_rollout import released, rollout_facts
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.publication import locked_repository, publish_roles
from tenure_server.use_cases.signers import OnlineSigners
from tenure_signing.names import ChannelName, ProductName
from tenure_signing.releases import Release, Rollout
from tenure_signing.tuf_drafts import sign, with_promotion
from tenure_signing.versions import Version


@dataclass(frozen=True, slots=True)
class Promoted:
    """``is_new`` is False when the release was on that channel before."""

    release: Release
    is_new: bool


@dataclass(frozen=True, slots=True)
class Promote:
    """Metadata, rollout and audit are one transaction; its commit is the moment of promotion."""

    database: Database
    clock: Clock
    signing_clock: Clock

    def __call__(
        self,
        product_name: ProductName,
        version: Version,
        channel: ChannelName,
        *,
        share_basis_points: int | None = None,
        signers: Sequence[Signer],
        online: OnlineSigners,
        who: str,
    ) -> Promoted:
        """``share_basis_points``: how far the release reaches from then on, on every channel; by default as before.

        Raises ``NotFound`` (``unknown_product``, ``unknown_release``), ``InvalidRequest`` (``unknown_channel``),
        ``Conflict`` (``withdrawn``, ``halted``, ``less_stable_channel``), ``PublishingError``.
        """
        if share_basis_points is not None and not 0 <= share_basis_points <= 10_000:
            raise InvalidRequest("A rollout's share is from 0 to 100 %.", code="invalid_share")
        now = self.signing_clock()
        with self.database.writing() as records:
            product = records.products.get(product_name)
            if product is None:
                raise NotFound("There is no such product.", code="unknown_product")
            before = locked_repository(records)
            release = released(before, product_name, version)
            rollout = records.rollouts.of_product(product_name).get(release.version, Rollout())
            require_promotable(product, release, rollout, channel)
            if release.channel == channel:
                return Promoted(release, is_new=False)
            if share_basis_points is not None:
                records.rollouts.set(product_name, release.version, Rollout(share_basis_points))
            draft = with_promotion(before.bytes_of(product_name), product_name, release.version, channel, now)
            after = publish_roles(records, before, {product_name: sign(product_name, draft, *signers)}, online, now)
            audit_promotion(records, self.clock(), who, release, channel, rollout, share_basis_points)
        return Promoted(released(after, product_name, version), is_new=True)


def audit_promotion(
    records: Records,
    at: datetime,
    who: str,
    release: Release,
    channel: ChannelName,
    rollout: Rollout,
    share_basis_points: int | None,
) -> None:
    """``release`` and ``rollout`` are those before; the share is None where it stays."""
    after = rollout if share_basis_points is None else Rollout(share_basis_points)
    audited(
        records,
        at,
        who,
        "release.promote",
        f"{release.product} {release.version}",
        before={"channel": release.channel, **rollout_facts(rollout)},
        after={"channel": channel, **rollout_facts(after)},
    )


def require_promotable(product: Product, release: Release, rollout: Rollout, channel: ChannelName) -> None:
    """The release can be moved to the channel as far as the server's settings and rollouts go.

    Raises ``InvalidRequest`` (``unknown_channel``), ``Conflict`` (``withdrawn``, ``halted``, ``less_stable_channel``).
    """
    name = f"{release.product} {release.version}"
    if channel not in product.channels:
        raise InvalidRequest(
            f"{product.name} has no channel {channel}.",
            code="unknown_channel",
            hint=f"its channels are {', '.join(product.channels)}",
        )
    if release.withdrawal is not None:
        raise Conflict(f"{name} was withdrawn.", code="withdrawn", hint="publish a higher version")
    if rollout.is_halted:
        raise Conflict(f"{name} is halted.", code="halted", hint="resume it first")
    if release.channel in product.channels and product.channels.index(channel) > product.channels.index(
        release.channel
    ):
        raise Conflict(
            f"{name} is on the channel {release.channel}, which is more stable than {channel}.",
            code="less_stable_channel",
            hint="releases only move to more stable channels; halt or withdraw it instead",
        )
