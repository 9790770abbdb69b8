"""What the release engineers signed about one product, as of one moment: the only source of facts about releases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tenure_signing.names import ChannelName, Platform, ProductName
from tenure_signing.releases import DEFAULT_CHANNELS, Build, ProductReleases, Release, visible_on
from tenure_signing.versions import Version

_EASTERNMOST = timedelta(hours=14)


def latest_day(now: datetime) -> date:
    """The latest calendar day that it is anywhere on earth (UTC+14).

    A release's day is in the vendor's time zone, which no signed fact names; so a release of the vendor's today is
    never refused, and one dated further ahead always is.
    """
    return (now + _EASTERNMOST).date()


@dataclass(frozen=True, slots=True)
class SignedFacts:
    """The verified releases of the product; ``verified_at`` (UTC) is when the server last vouched for them."""

    all_releases: tuple[Release, ...]
    product: ProductReleases  # without releases dated in the future
    verified_at: datetime

    @classmethod
    def of(
        cls,
        name: ProductName,
        releases: tuple[Release, ...],
        channel: ChannelName,
        *,
        now: datetime,
        verified_at: datetime,
    ) -> SignedFacts:
        visible = visible_on(releases, latest_day(now))
        return cls(releases, ProductReleases(name, visible, _channels(channel)), verified_at)

    def release(self, version: Version) -> Release | None:
        """The release of that version, if it is dated today or earlier."""
        return next((release for release in self.product.releases if release.version == version), None)

    def is_dated_ahead(self, version: Version) -> bool:
        return self.release(version) is None and any(release.version == version for release in self.all_releases)


def builds_by_fit(release: Release, machine: Platform) -> tuple[Build, ...]:
    """The builds that run on the machine: those made for exactly this machine first, then in signed order."""
    return tuple(sorted(release.builds_for(machine), key=lambda build: build.platform != machine))


def _channels(asked: ChannelName) -> tuple[ChannelName, ...]:
    """How a vendor orders channels of its own is not signed, so beside such a channel nothing counts as more stable."""
    return DEFAULT_CHANNELS if asked in DEFAULT_CHANNELS else (asked,)
