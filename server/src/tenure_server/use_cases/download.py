"""A build is downloaded by a customer or a product. One predicate decides; the store hands out the bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

from tenure_server.domain.licence_facts import LicenceFacts
from tenure_server.domain.licences import Licence
from tenure_server.errors import Forbidden, NotFound
from tenure_server.use_cases.catalogue import CatalogueSource, find_file
from tenure_server.use_cases.licence_cache import RecentlyUsed
from tenure_server.use_cases.ports import Clock, ObjectStore
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.coverage import Covered, NotCovered, RefusalReason
from tenure_signing.entitlement import Entitlement
from tenure_signing.names import ProductName, parse_product
from tenure_signing.releases import Release, ReleaseFile
from tenure_signing.update_choice import Withheld
from tenure_signing.update_index import UpdateIndex
from tenure_signing.versions import Version, parse_version

MAX_REUSE = timedelta(seconds=30)
"""For how long one link to a build is handed out to everyone who may have the build."""

MAX_LINKS = 16_384
"""Builds whose link is remembered, about 1 kB each."""


class ReleaseGone(NotFound):
    """The release was there and is no longer to be had. HTTP 410."""


@dataclass(frozen=True, slots=True)
class DownloadLink:
    """A short-lived address of one build's bytes. It is given out again from ``signed_at`` until before ``until``."""

    url: str
    build: ReleaseFile
    signed_at: datetime
    until: datetime

    def may_be_given(self, now: datetime) -> bool:
        """Clocks may be set back: then its time would be longer than it should be."""
        return self.signed_at <= now < self.until


def store_key(build: ReleaseFile) -> str:
    """Where a build or side file lies in the store: its TUF path with a folder for its hash, so that what is stored
    never changes under a name."""
    return store_key_of(build.path, build.sha256)


def store_key_of(path: str, sha256: str) -> str:
    """The same of a signed target path."""
    directory, _, file_name = path.rpartition("/")
    return f"builds/{directory}/{sha256}/{file_name}"


@dataclass(frozen=True, slots=True)
class Download:
    catalogue: CatalogueSource
    store: ObjectStore
    clock: Clock
    policy: VendorPolicy
    link_seconds: int
    _links: RecentlyUsed[str, DownloadLink] = field(
        default_factory=lambda: RecentlyUsed(MAX_LINKS), init=False, repr=False, compare=False
    )

    def __call__(
        self, licence: Licence | LicenceFacts, product_name: ProductName, version: Version, file_name: str
    ) -> DownloadLink:
        """Raises ``NotFound`` (``unknown_product``, ``unknown_release``, ``unknown_file``), and as ``decide`` does."""
        published = self.catalogue.current().product(product_name)
        index = published.index_on(self.policy.day_of(self.clock()))
        release, build = find_file(index, version, file_name)
        self.decide(licence, licence.entitlement(published.product.service_packs), index, release)
        return self.link(build)

    def decide(
        self, licence: Licence | LicenceFacts, entitlement: Entitlement, index: UpdateIndex, release: Release
    ) -> None:
        """Returns if the licence, whose entitlement that is, may have the release.

        Raises ``Forbidden`` with the reason of RULES.md as its code, or ``ReleaseGone`` (``withdrawn``)."""
        require_obtainable(index, entitlement, licence, release, self.policy.renewal_url)

    def link(self, build: ReleaseFile) -> DownloadLink:
        """To a build that ``decide`` allowed.

        For a moment everyone gets the same one, with at least nine tenths of its time left. It names a build and no
        licence, so it opens no more to one who may have the build than a link signed for them alone.
        """
        now, key = self.clock(), store_key(build)
        link = self._links.get(key)
        if link is None or not link.may_be_given(now):
            url = self.store.signed_url(key, file_name=build.file_name, seconds=self.link_seconds)
            reuse = min(MAX_REUSE, timedelta(seconds=self.link_seconds) / 10)
            link = DownloadLink(url, build, now, now + reuse)
            self._links.put(key, link)
        return link


@dataclass(frozen=True, slots=True)
class RedeemLink:
    """A link that was given out, when it is redeemed: what was withdrawn or halted meanwhile nobody can download."""

    catalogue: CatalogueSource
    clock: Clock
    policy: VendorPolicy

    def __call__(self, key: str) -> None:
        """For the key of a link that is ours and not over. Raises ``ReleaseGone`` (``withdrawn``), ``Forbidden``
        (``halted``), and ``NotFound`` for what is not published."""
        product, version, _, file_name = key.removeprefix("builds/").split("/")
        published = self.catalogue.current().product(parse_product(product))
        index = published.index_on(self.policy.day_of(self.clock()))
        release, _ = find_file(index, parse_version(version), file_name)
        if release.withdrawal is not None:
            raise _withdrawn(release)
        if index.product.rollout_of(release).is_halted:
            raise _halted(release)


def require_obtainable(
    index: UpdateIndex, entitlement: Entitlement, licence: Licence | LicenceFacts, release: Release, renewal_url: str
) -> None:
    """Returns if the licence may have the release's files now. Raises ``Forbidden`` with the reason of RULES.md as its
    code, or ``ReleaseGone``."""
    match index.download_decision(entitlement, release):
        case Covered():
            pass
        case NotCovered(reason):
            raise Forbidden(refusal_sentence(reason, licence, release), code=reason, hint=f"renew at {renewal_url}")
        case Withheld.WITHDRAWN:
            raise _withdrawn(release)
        case Withheld.HALTED:
            raise _halted(release)
        case Withheld.CHANNEL_NOT_ALLOWED:
            raise Forbidden(
                f"This licence is not for releases on the channel {release.channel}.", code="channel_not_allowed"
            )
        case unexpected:
            assert_never(unexpected)


def _withdrawn(release: Release) -> ReleaseGone:
    assert release.withdrawal is not None
    replacement = release.withdrawal.replacement
    return ReleaseGone(
        f"{release.product} {release.version} was withdrawn: {release.withdrawal.reason}",
        code="withdrawn",
        hint=f"use {replacement} in its place" if replacement is not None else None,
    )


def _halted(release: Release) -> Forbidden:
    return Forbidden(f"{release.product} {release.version} is halted for now.", code="halted", hint="try again later")


def refusal_sentence(reason: RefusalReason, licence: Licence | LicenceFacts, release: Release) -> str:
    """Why this licence may not have this release, for the customer."""
    name, day = f"{release.product} {release.version}", release.released_on
    match reason:
        case RefusalReason.LICENCE_SUSPENDED:
            return "This licence is suspended."
        case RefusalReason.LICENCE_REVOKED:
            return "This licence was revoked."
        case RefusalReason.WRONG_PRODUCT:
            return f"This licence is for {licence.product}, not for {release.product}."
        case RefusalReason.WRONG_EDITION:
            return f"{name} is not for the {licence.edition} edition."
        case RefusalReason.UPGRADE_PAYMENT_DUE:
            return f"{name} is a paid upgrade that was not ordered yet."
        case RefusalReason.NEVER_SUPPORTED:
            return (
                f"{name} was released on {day}, after the purchase on {licence.purchased_on}; no SMP was ever bought."
            )
        case RefusalReason.AFTER_SUPPORT:
            return f"{name} was released on {day}, after support ended on {licence.last_paid_day}."
        case RefusalReason.BETWEEN_PERIODS:
            return f"{name} was released on {day}, on a day that no support period covers."
        case unexpected:
            assert_never(unexpected)
