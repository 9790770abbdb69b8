"""What newly published metadata changes about releases, told as events: whoever published, and by whichever way."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from tenure_server.domain.events import EventType
from tenure_server.use_cases.events import announce
from tenure_server.use_cases.ports import Records
from tenure_signing.names import ProductName
from tenure_signing.release_record import releases_of
from tenure_signing.releases import Release
from tenure_signing.tuf_repository import Repository
from tenure_signing.tuf_roles import TOP_LEVEL_ROLES
from tenure_signing.versions import Version


@dataclass(frozen=True, slots=True)
class ReleaseChange:
    """``before`` is None of a version that was not published yet."""

    before: Release | None
    after: Release


def release_changes(before: Repository, after: Repository, roles: Collection[str]) -> Iterator[ReleaseChange]:
    """What differs in those of the roles that are products'."""
    for role in roles:
        if role in TOP_LEVEL_ROLES:
            continue
        product = ProductName(role)
        known = _releases(before, product)
        for version, release in _releases(after, product).items():
            if known.get(version) != release:
                yield ReleaseChange(known.get(version), release)


def announce_release(records: Records, at: datetime, change: ReleaseChange) -> None:
    """Tell what changed about the release."""
    release = change.after
    for type, facts in _changes(change.before, release):
        data = {
            "version": str(release.version),
            "released_on": release.released_on.isoformat(),
            "channel": release.channel,
            **facts,
        }
        announce(records, at, type, f"{release.product} {release.version}", data, product=release.product)


def _changes(before: Release | None, after: Release) -> Iterator[tuple[EventType, dict[str, object]]]:
    if before is None:
        facts: dict[str, object] = {
            "kind": after.kind,
            "editions": sorted(after.editions),
            "platforms": _platforms(after),
            "open": after.open_release,
            "paid_upgrade": after.paid_upgrade is not None,
            "fixes": list(after.fixes),
        }
        yield EventType.RELEASE_PUBLISHED, facts
    elif set(after.builds) - set(before.builds):
        yield EventType.RELEASE_BUILDS_ADDED, {"platforms": _platforms(after)}
    if before is not None and before.channel != after.channel:
        yield EventType.RELEASE_PROMOTED, {"from_channel": before.channel}
    withdrawal = after.withdrawal
    if withdrawal is not None and (before is None or before.withdrawal != withdrawal):
        replacement = str(withdrawal.replacement) if withdrawal.replacement is not None else None
        yield EventType.RELEASE_WITHDRAWN, {"reason": withdrawal.reason, "replacement": replacement}


def _platforms(release: Release) -> list[str]:
    return sorted({str(build.platform) for build in release.builds})


def _releases(repository: Repository, product: ProductName) -> dict[Version, Release]:
    if product not in repository.roles:
        return {}
    return {release.version: release for release in releases_of(product, repository.targets(product).targets)}
