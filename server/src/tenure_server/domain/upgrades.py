"""What a release or an x.y line costs that a licence does not cover. RULES.md, Paid upgrades.

A paid upgrade has two prices per seat, signed with the release. Any other release can have a price of its own, which
the vendor sets and nobody signs: it says what is charged, never what is covered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tenure_signing.coverage import Coverage, NotCovered, RefusalReason, coverage_of_all
from tenure_signing.entitlement import Entitlement, Grant, LineGrant, VersionGrant
from tenure_signing.releases import Money, ProductReleases, Release
from tenure_signing.versions import Version, line_of, parse_version

_TEXT = re.compile(r"(version|line) (\S+)", re.ASCII)
_LINE = re.compile(r"\d{1,9}\.\d{1,9}", re.ASCII)

_SOLD_SINGLY = frozenset({RefusalReason.NEVER_SUPPORTED, RefusalReason.AFTER_SUPPORT, RefusalReason.BETWEEN_PERIODS})


class UpgradeTerms(StrEnum):
    """Which price it is."""

    WITH_SMP = "with SMP on its release day"
    WITHOUT_SMP = "without SMP on its release day"
    SOLD_SINGLY = "sold singly"


@dataclass(frozen=True, slots=True)
class Upgrade:
    """``priced_by`` is the release whose price it is: of a line, the dearest that the licence lacks."""

    grant: Grant
    priced_by: Version
    per_seat: Money
    terms: UpgradeTerms


class NoUpgrade(StrEnum):
    """Why a release or line cannot be bought for a licence."""

    UNKNOWN_RELEASE = "unknown_release"  # none of this version or line is released so far, for this edition
    ALREADY_COVERED = "already_covered"
    RELEASE_WITHDRAWN = "release_withdrawn"
    CHANNEL_NOT_ALLOWED = "channel_not_allowed"
    NO_PRICE = "no_price"  # none is set, or several in different currencies
    LICENCE_NOT_ACTIVE = "licence_not_active"


def upgrade_for(
    entitlement: Entitlement, product: ProductReleases, grant: Grant, single_prices: Mapping[Version, Money]
) -> Upgrade | NoUpgrade:
    """What the version or line costs for each seat. ``product`` is as it is visible today."""
    wanted = [one for one in product.releases if grant.holds_for(one.version) and entitlement.edition in one.editions]
    decisions = coverage_of_all(entitlement, product)
    found = [_offer(entitlement, one, decisions[one.version], grant, single_prices) for one in wanted]
    offers = [one for one in found if isinstance(one, Upgrade)]
    if len({one.per_seat.currency for one in offers}) > 1:
        return NoUpgrade.NO_PRICE
    if offers:
        return max(sorted(offers, key=lambda one: one.priced_by), key=lambda one: one.per_seat.minor_units)
    # of a line: what stands in the way of the release that is nearest to being sold
    refusals = sorted((one for one in found if isinstance(one, NoUpgrade)), key=_NEAREST_FIRST.index)
    return refusals[0] if refusals else NoUpgrade.UNKNOWN_RELEASE


_NEAREST_FIRST = (
    NoUpgrade.LICENCE_NOT_ACTIVE,
    NoUpgrade.NO_PRICE,
    NoUpgrade.CHANNEL_NOT_ALLOWED,
    NoUpgrade.ALREADY_COVERED,
    NoUpgrade.RELEASE_WITHDRAWN,
)


def upgrades_of(
    entitlement: Entitlement, product: ProductReleases, single_prices: Mapping[Version, Money]
) -> Iterator[Upgrade]:
    """Every single release that can be bought for the licence, in the product's order."""
    decisions = coverage_of_all(entitlement, product)
    for release in product.releases:
        if entitlement.edition in release.editions:
            grant = VersionGrant(release.version)
            offer = _offer(entitlement, release, decisions[release.version], grant, single_prices)
            if isinstance(offer, Upgrade):
                yield offer


def _offer(
    entitlement: Entitlement,
    release: Release,
    decision: Coverage,
    grant: Grant,
    single_prices: Mapping[Version, Money],
) -> Upgrade | NoUpgrade:
    if release.withdrawal is not None:
        return NoUpgrade.RELEASE_WITHDRAWN
    if not entitlement.updates.allows_channel(release.channel):
        return NoUpgrade.CHANNEL_NOT_ALLOWED
    match decision:
        case NotCovered(RefusalReason.UPGRADE_PAYMENT_DUE, price) if price is not None:
            in_support = entitlement.supports(release.released_on)
            terms = UpgradeTerms.WITH_SMP if in_support else UpgradeTerms.WITHOUT_SMP
            return Upgrade(grant, release.version, price, terms)
        case NotCovered(reason) if reason in _SOLD_SINGLY:
            price = single_prices.get(release.version)
            if price is None:
                return NoUpgrade.NO_PRICE
            return Upgrade(grant, release.version, price, UpgradeTerms.SOLD_SINGLY)
        case NotCovered():
            return NoUpgrade.LICENCE_NOT_ACTIVE
        case _:
            return NoUpgrade.ALREADY_COVERED


def grant_text(grant: Grant) -> str:
    """``version 2.4.1`` or ``line 2.4``."""
    match grant:
        case VersionGrant(version):
            return f"version {version}"
        case LineGrant(major, minor):
            return f"line {major}.{minor}"


def grant_of_text(text: str) -> Grant:
    """What ``grant_text`` wrote. Raises ``ValueError`` and ``InvalidVersion``."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError("a grant is written version 2.4.1 or line 2.4")
    if found[1] == "version":
        return VersionGrant(parse_version(found[2]))
    return parse_line(found[2])


def parse_line(text: str) -> LineGrant:
    """``2.4``. Raises ``ValueError``."""
    if not _LINE.fullmatch(text):
        raise ValueError("a line is written 2.4, for all of 2.4.1, 2.4.2 and so on")
    return LineGrant(*line_of(parse_version(text)))


def overlap(one: Grant, other: Grant) -> bool:
    """Whether some version lies in both."""
    match one, other:
        case VersionGrant(version), _:
            return other.holds_for(version)
        case _, VersionGrant(version):
            return one.holds_for(version)
        case _:
            return one == other
