"""Why ``choose_update`` answers as it does: what became of every release. Pure; for people, not for hot paths."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tenure_signing.coverage import Coverage, Covered, coverage_of_all
from tenure_signing.entitlement import Entitlement
from tenure_signing.releases import ProductReleases, Release, Rollout
from tenure_signing.rollout import place_in_turn, place_of
from tenure_signing.update_choice import (
    InstalledCopy,
    Obstacle,
    UpdateChoice,
    choose_update,
    obstacle_to,
    turn_of,
    upgrade_path,
)
from tenure_signing.versions import Version


class Outcome(StrEnum):
    """What became of a release that nothing stands in the way of but the choice itself."""

    OFFERED = "offered"
    NEXT_STEP = "next_step"  # the offer is a step towards it
    NOT_COVERED = "not_covered"
    BEYOND_PIN = "beyond_pin"
    INSTALLED = "installed"
    OLDER = "older"  # than the installed version
    NEEDS_STEP = "needs_step"  # no covered release leads to where it can be installed from
    PASSED_OVER = "passed_over"  # a higher one can be installed


@dataclass(frozen=True, slots=True)
class ExplainedRelease:
    """``place`` is the copy's in this rollout, its turn counted, of 10 000; None without an install id."""

    release: Release
    coverage: Coverage
    outcome: Obstacle | Outcome
    rollout: Rollout
    place: int | None


@dataclass(frozen=True, slots=True)
class UpdateExplanation:
    """``releases`` are those dated up to today, newest version first."""

    choice: UpdateChoice
    releases: tuple[ExplainedRelease, ...]


def explain_update(entitlement: Entitlement, product: ProductReleases, copy: InstalledCopy) -> UpdateExplanation:
    """The choice, and for every release why it was or was not chosen. Raises ``InvalidName`` as ``choose_update``."""
    choice = choose_update(entitlement, product, copy)
    coverages = coverage_of_all(entitlement, product)
    candidates = [
        release
        for release in product.releases
        if obstacle_to(release, entitlement, product, copy) is None
        and isinstance(coverages[release.version], Covered)
        and (choice.pin is None or choice.pin.allows(release.version))
    ]
    path = [release.version for release in upgrade_path(copy.version, _newer(candidates, copy.version))]

    def explained(release: Release) -> ExplainedRelease:
        return ExplainedRelease(
            release=release,
            coverage=coverages[release.version],
            outcome=obstacle_to(release, entitlement, product, copy)
            or _outcome(release, coverages[release.version], choice, path, copy.version),
            rollout=product.rollout_of(release),
            place=_place(entitlement, release, copy),
        )

    newest_first = sorted(product.releases, key=lambda release: release.version, reverse=True)
    return UpdateExplanation(choice, tuple(explained(release) for release in newest_first))


def _outcome(
    release: Release, coverage: Coverage, choice: UpdateChoice, path: list[Version], installed: Version
) -> Outcome:
    version = release.version
    if choice.offer is not None and version == choice.offer.release.version:
        return Outcome.OFFERED
    if version == installed:
        return Outcome.INSTALLED
    if version < installed:
        return Outcome.OLDER
    if not isinstance(coverage, Covered):
        return Outcome.NOT_COVERED
    if choice.pin is not None and not choice.pin.allows(version):
        return Outcome.BEYOND_PIN
    if version in path:
        return Outcome.NEXT_STEP
    return Outcome.NEEDS_STEP if not path or version > path[-1] else Outcome.PASSED_OVER


def _newer(releases: list[Release], version: Version) -> list[Release]:
    return [release for release in releases if release.version > version]


def _place(entitlement: Entitlement, release: Release, copy: InstalledCopy) -> int | None:
    if copy.install_id is None:
        return None
    return place_in_turn(place_of(copy.install_id, release), turn_of(entitlement, copy))
