"""Compares what the server says with what was signed. Pure.

The server may withhold a release; it cannot add one, move its day, or pass off another file.
"""

from __future__ import annotations

import hashlib

from tenure_client.answers import InstalledRelease, NewestRelease, OfferedRelease
from tenure_client.errors import DowngradeRefused, NotCovered, ServerContradictsSignedFacts
from tenure_client.signed_facts import SignedFacts, builds_by_fit
from tenure_client.wire import WireAnswer, WireBuild, WireNewest, WireOffer
from tenure_signing.coverage import Covered, coverage
from tenure_signing.coverage import NotCovered as NotCoveredDecision
from tenure_signing.entitlement import Entitlement, SupportPeriod
from tenure_signing.languages import Language
from tenure_signing.names import ChannelName, Platform
from tenure_signing.releases import DEFAULT_CHANNELS, Build, Release
from tenure_signing.update_choice import Newest, Offer
from tenure_signing.versions import Version


def installed_release(facts: SignedFacts, version: Version) -> InstalledRelease:
    """The installed version, which need not be known."""
    release = facts.release(version)
    return InstalledRelease(version, release.withdrawal if release is not None else None)


def require_true(
    answer: WireAnswer, facts: SignedFacts, installed: Version, machine: Platform, channel: ChannelName
) -> None:
    """Raises ``ServerContradictsSignedFacts`` for the first thing that is not as signed."""
    is_withdrawn = installed_release(facts, installed).withdrawal is not None
    if answer.installed_is_withdrawn != is_withdrawn:
        raise ServerContradictsSignedFacts(
            f"the server and the signed facts disagree on whether the installed version {installed} was withdrawn"
        )
    if answer.newest is not None:
        _require_dated(facts, answer.newest)
    if answer.offer is not None:
        _require_true_offer(answer.offer, facts, installed, is_withdrawn, machine, channel)


def disagrees_on_coverage(answer: WireAnswer, facts: SignedFacts, entitlement: Entitlement) -> bool:
    """Whether the certificate this entitlement is from must be older than what the server knows."""
    if _days(answer.support.periods) != _days(entitlement.periods):
        return True
    claims = [(answer.newest.version, answer.newest.is_covered)] if answer.newest is not None else []
    claims += [(answer.offer.version, True)] if answer.offer is not None else []
    releases = ((facts.release(version), is_covered) for version, is_covered in claims)
    return any(r is not None and is_covered(entitlement, r, facts) != claimed for r, claimed in releases)


def is_covered(entitlement: Entitlement, release: Release, facts: SignedFacts) -> bool:
    return isinstance(coverage(entitlement, release, facts.product), Covered)


def require_covered(entitlement: Entitlement, release: Release, facts: SignedFacts) -> Covered:
    """Why the release is covered. Raises ``NotCovered``."""
    decision = coverage(entitlement, release, facts.product)
    if isinstance(decision, NotCoveredDecision):
        raise NotCovered(
            f"the licence does not cover {release.product} {release.version} of {release.released_on}: "
            f"{decision.reason.replace('_', ' ')}",
            reason=decision.reason,
            price=decision.price,
        )
    return decision


def require_no_downgrade(version: Version, installed: Version, *, allow_downgrade: bool) -> None:
    """RULES.md: never anything below the installed version unless told to. Raises ``DowngradeRefused``."""
    if version < installed and not allow_downgrade:
        raise DowngradeRefused(f"{version} is older than the installed version {installed}")


def offered_release(
    wire: WireOffer, facts: SignedFacts, entitlement: Entitlement, installed: Version, machine: Platform
) -> OfferedRelease:
    """The offer, which ``require_true`` has seen, in signed facts. Raises ``NotCovered``."""
    release = facts.release(wire.version)
    assert release is not None
    return OfferedRelease(
        version=release.version,
        kind=release.kind,
        released_on=release.released_on,
        channel=release.channel,
        reason=require_covered(entitlement, release, facts).reason,
        is_downgrade=release.version < installed,
        last_step=wire.last_step,
        notes=wire.notes if release.notes_sha256 is not None else None,
        builds=builds_by_fit(release, machine),
        notes_language=_language_of(wire.notes, release),
        side_files=release.side_files,
    )


def offer_of_choice(offer: Offer, machine: Platform) -> OfferedRelease:
    """The offer of our own choosing."""
    release = offer.release
    return OfferedRelease(
        version=release.version,
        kind=release.kind,
        released_on=release.released_on,
        channel=release.channel,
        reason=offer.covered.reason,
        is_downgrade=offer.is_downgrade,
        last_step=offer.last_step,
        notes=None,
        builds=builds_by_fit(release, machine),
        side_files=release.side_files,
    )


def newest_release(newest: Newest) -> NewestRelease:
    """The newest release and whether, and why, it is covered."""
    release, decision = newest.release, newest.coverage
    return NewestRelease(
        version=release.version,
        kind=release.kind,
        released_on=release.released_on,
        channel=release.channel,
        is_covered=isinstance(decision, Covered),
        reason=decision.reason,
        price=decision.price if isinstance(decision, NotCoveredDecision) else None,
    )


def _require_dated(facts: SignedFacts, claim: WireNewest | WireOffer) -> Release:
    release = facts.release(claim.version)
    if release is None:
        why = "is dated in the future" if facts.is_dated_ahead(claim.version) else "was never signed"
        raise ServerContradictsSignedFacts(f"the server speaks of {claim.version}, which {why}")
    if release.released_on != claim.released_on:
        raise ServerContradictsSignedFacts(
            f"the server dates {release.version} on {claim.released_on}; it is signed as of {release.released_on}"
        )
    return release


def _require_true_offer(
    offer: WireOffer,
    facts: SignedFacts,
    installed: Version,
    is_installed_withdrawn: bool,
    machine: Platform,
    channel: ChannelName,
) -> None:
    release = _require_dated(facts, offer)

    def refuse(what: str) -> ServerContradictsSignedFacts:
        return ServerContradictsSignedFacts(f"the server offers {release.version}, {what}")

    if release.withdrawal is not None:
        raise refuse("which is withdrawn")
    if (offer.kind, offer.channel) != (release.kind, release.channel):
        raise refuse("but gives it another kind or channel than is signed")
    if not _is_as_stable(release.channel, channel):
        raise refuse(f"which is on the channel {release.channel}, less stable than {channel}")
    if release.version == installed or offer.is_downgrade != (release.version < installed):
        raise refuse(f"which is no step up from {installed}")
    if offer.is_downgrade and not is_installed_withdrawn:
        raise refuse(f"which is older than {installed}, though that was not withdrawn")
    if release.upgrade_from is not None and not offer.is_downgrade and installed < release.upgrade_from:
        raise refuse(f"which needs at least {release.upgrade_from} installed")
    if offer.last_step is not None and facts.release(offer.last_step) is None:
        raise refuse("but leads on to a release that was never signed")
    if offer.notes is not None and not _are_signed(offer.notes, release):
        raise refuse("but with other notes than are signed")
    runnable = release.builds_for(machine)
    if not runnable or {_facts(build) for build in runnable} != set(offer.builds):
        raise refuse("but with other files than are signed for this machine")


def _are_signed(notes: str, release: Release) -> bool:
    """Whether they are the release's notes in one of its languages. Notes without a signed hash are not shown."""
    if release.notes_sha256 is None:
        return True
    return _sha256(notes) in (release.notes_sha256, *dict(release.notes_by_language).values())


def _language_of(notes: str | None, release: Release) -> Language | None:
    """Which translation the notes are; None for those in the product's own language."""
    digest = _sha256(notes) if notes is not None and release.notes_by_language else None
    if digest == release.notes_sha256:
        return None
    return next((language for language, signed in release.notes_by_language if signed == digest), None)


def _is_as_stable(channel: ChannelName, asked: ChannelName) -> bool:
    """How a vendor orders channels of its own is not signed: the server is believed there."""
    if channel == asked:
        return True
    if asked in DEFAULT_CHANNELS and channel in DEFAULT_CHANNELS:
        return DEFAULT_CHANNELS.index(channel) < DEFAULT_CHANNELS.index(asked)
    return True


def _facts(build: Build) -> WireBuild:
    platform = build.platform
    return WireBuild(build.path, build.file_name, platform.os, platform.arch, build.length, build.sha256)


def _days(periods: tuple[SupportPeriod, ...]) -> tuple[SupportPeriod, ...]:
    """The periods with those that follow on each other without a gap joined: the same days, told in one way."""
    joined: list[SupportPeriod] = []
    for period in sorted(periods):
        if joined and (period.starts_on - joined[-1].ends_on).days <= 1:
            joined[-1] = SupportPeriod(joined[-1].starts_on, max(joined[-1].ends_on, period.ends_on))
        else:
            joined.append(period)
    return tuple(joined)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
