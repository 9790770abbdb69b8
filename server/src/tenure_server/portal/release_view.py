"""Releases as the page shows them: what is yours, what is not, why, and how to get it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import assert_never
from urllib.parse import quote

from markupsafe import Markup

from tenure_server.portal import release_notes
from tenure_server.portal.reasons import (
    upgrade_sentence,
    waiting_sentence,
    what_would_cover,
    why_covered,
    why_not_covered,
)
from tenure_server.portal.wording import KINDS, SIDE_FILES, platform, size
from tenure_server.use_cases.licence_status import LicenceStanding
from tenure_server.use_cases.list_releases import ListedRelease
from tenure_server.use_cases.upgrades import OfferedUpgrade
from tenure_signing.coverage import Covered, NotCovered
from tenure_signing.names import ChannelName
from tenure_signing.problem_numbers import ProblemNumber
from tenure_signing.releases import Build, Release, SideFile
from tenure_signing.update_choice import Withheld
from tenure_signing.versions import Version

RELEASES_ON_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class DownloadView:
    platform: str
    file_name: str
    size: str
    bytes: str
    sha256: str
    href: str


@dataclass(frozen=True, slots=True)
class SideFileView:
    """What lies beside the builds."""

    kind: str
    file_name: str
    size: str
    sha256: str
    href: str


@dataclass(frozen=True, slots=True)
class FixView:
    """A problem that the release fixes. ``title`` is None where it cannot be looked up now."""

    number: str
    title: str | None


TitlesOf = Callable[[Collection[ProblemNumber]], Mapping[ProblemNumber, str]]


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """``state`` is ``included``, ``excluded``, ``withdrawn`` or ``paused``; ``label`` says it in words.

    ``price`` says what it costs where it is sold, ``ordered`` that it is only to be paid for.
    ``channel`` is None for the product's most stable one. ``is_open`` is set for the release to look at first.
    """

    version: str
    kind: str
    released_on: date
    channel: ChannelName | None
    state: str
    label: str
    why: str | None
    remedy: str | None
    price: str | None
    ordered: str | None
    downloads: tuple[DownloadView, ...]
    side_files: tuple[SideFileView, ...]
    notes: Markup | None
    notes_language: str
    is_open: bool
    fixes: tuple[FixView, ...] = ()


@dataclass(frozen=True, slots=True)
class ReleasePage:
    """``total`` counts the releases of all pages; ``older`` is where the next page begins, after that version."""

    releases: tuple[ReleaseView, ...]
    total: int
    older: Version | None


def release_page(
    listed: Sequence[ListedRelease],
    standing: LicenceStanding,
    channels: Sequence[ChannelName],
    vendor: str,
    *,
    upgrades: Sequence[OfferedUpgrade] = (),
    before: Version | None = None,
    notes_language: str = "en",
    titles_of: TitlesOf = lambda numbers: {},
) -> ReleasePage:
    """The newest releases, or those older than ``before``. ``listed`` is newest first; ``upgrades`` are what is
    sold; ``titles_of`` looks up what the problems that they fix are called."""
    offered = {one.upgrade.priced_by: one for one in upgrades}
    rest = [each for each in listed if before is None or each.release.version < before]
    shown = rest[:RELEASES_ON_A_PAGE]
    fixes = {number for each in shown for number in each.release.fixes}
    titles = titles_of(fixes) if fixes else {}
    first = _first_to_look_at(shown, channels) if before is None else None
    return ReleasePage(
        releases=tuple(
            _view(
                each,
                standing,
                channels,
                vendor,
                notes_language,
                offered.get(each.release.version),
                titles,
                is_open=each is first,
            )
            for each in shown
        ),
        total=len(listed),
        older=shown[-1].release.version if len(rest) > len(shown) else None,
    )


def _first_to_look_at(shown: Sequence[ListedRelease], channels: Sequence[ChannelName]) -> ListedRelease | None:
    """The newest that can be downloaded on the most stable channel; without one, the newest on any."""
    ready = [each for each in shown if each.is_downloadable]
    stable = (each for each in ready if each.release.channel == channels[0])
    return next(stable, ready[0] if ready else None)


def _view(
    listed: ListedRelease,
    standing: LicenceStanding,
    channels: Sequence[ChannelName],
    vendor: str,
    notes_language: str,
    offered: OfferedUpgrade | None,
    titles: Mapping[ProblemNumber, str],
    *,
    is_open: bool,
) -> ReleaseView:
    release = listed.release
    state, label, why, remedy = _decision(listed, standing, vendor, is_sold=offered is not None)
    waiting = offered.waiting if offered is not None else None
    return ReleaseView(
        version=str(release.version),
        kind=KINDS[release.kind],
        released_on=release.released_on,
        channel=release.channel if release.channel != channels[0] else None,
        state=state,
        label=label,
        why=why,
        remedy=remedy,
        price=upgrade_sentence(offered) if offered is not None else None,
        ordered=waiting_sentence(waiting) if waiting is not None else None,
        downloads=tuple(map(_download, listed.builds)) if listed.is_downloadable else (),
        side_files=tuple(map(_side_file, release.side_files)) if listed.is_downloadable else (),
        notes=release_notes.rendered(listed.notes) if listed.notes else None,
        notes_language=listed.notes_language or notes_language,
        is_open=is_open,
        fixes=tuple(FixView(number, titles.get(number)) for number in release.fixes),
    )


def _decision(
    listed: ListedRelease, standing: LicenceStanding, vendor: str, *, is_sold: bool
) -> tuple[str, str, str | None, str | None]:
    """State, label, why, and what would change it."""
    licence, release = standing.licence, listed.release
    match listed.decision:
        case Covered() as covered:
            return "included", "Included", why_covered(covered, licence), None
        case NotCovered() as refused:
            why = why_not_covered(refused, licence, release)
            if release.withdrawal is not None:
                return (
                    "excluded",
                    "Not included",
                    why,
                    f"It was withdrawn besides. {_replacement(release) or ''}".strip(),
                )
            remedy = what_would_cover(refused, release, standing.renewal, vendor, is_sold=is_sold)
            return "excluded", "Not included", why, remedy
        case Withheld.WITHDRAWN:
            assert release.withdrawal is not None
            why = f"{vendor} gives as the reason: “{release.withdrawal.reason}”."
            return "withdrawn", "Withdrawn", why, _replacement(release)
        case Withheld.HALTED:
            return "paused", "Paused", f"{vendor} has paused it for now.", "Try again later."
        case Withheld.CHANNEL_NOT_ALLOWED:
            why = f"Your licence is not for releases on the channel {release.channel}."
            return "excluded", "Not included", why, f"Contact {vendor} about it."
        case unexpected:
            assert_never(unexpected)


def _replacement(release: Release) -> str | None:
    replacement = release.withdrawal.replacement if release.withdrawal is not None else None
    return f"Use {replacement} in its place." if replacement is not None else None


def _side_file(file: SideFile) -> SideFileView:
    return SideFileView(
        kind=SIDE_FILES[file.kind],
        file_name=file.file_name,
        size=size(file.length),
        sha256=file.sha256,
        href=f"/portal/downloads/{quote(file.path)}",
    )


def _download(build: Build) -> DownloadView:
    return DownloadView(
        platform=platform(build.platform),
        file_name=build.file_name,
        size=size(build.length),
        bytes=f"{build.length:,}",
        sha256=build.sha256,
        href=f"/portal/downloads/{quote(build.path)}",
    )
