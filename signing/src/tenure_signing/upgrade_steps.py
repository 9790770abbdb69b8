"""Whom a withdrawal strands: releases that older installs could reach only through what is withdrawn.

RULES.md, Which release an installed copy is offered: where a release says "upgrade from at least v", an older install
goes there by steps. Licences, rollouts and halts play no part here: they differ from day to day. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tenure_signing.names import ChannelName, EditionName, Platform
from tenure_signing.releases import Release, Withdrawal
from tenure_signing.versions import Version


def withdrawn(releases: Iterable[Release], withdrawing: Mapping[Version, Withdrawal]) -> tuple[Release, ...]:
    """The releases, those named withdrawn."""
    return tuple(
        replace(each, withdrawal=withdrawing[each.version]) if each.version in withdrawing else each
        for each in releases
    )


def stranded(
    before: Sequence[Release], after: Sequence[Release], channels: Sequence[ChannelName]
) -> tuple[Version, ...]:
    """The releases, still there to be had, that some install could reach before and cannot any more; lowest first.

    ``channels``: most stable first; an install is offered those up to its own.
    """
    still_there = {each.version for each in after if each.withdrawal is None}
    lost: set[Version] = set()
    starts: list[Version | None] = [None, *sorted({each.upgrade_from for each in before if each.upgrade_from})]
    for edition, machine, up_to in _audiences(before, channels):
        old, new = (_usable(releases, edition, machine, up_to) for releases in (before, after))
        if len(old) == len(new):
            continue
        for start in starts:
            lost |= _reachable(old, start) - _reachable(new, start)
    return tuple(sorted(lost & still_there))


def _audiences(
    releases: Sequence[Release], channels: Sequence[ChannelName]
) -> Iterable[tuple[EditionName, Platform, frozenset[ChannelName]]]:
    """Every kind of install that is offered the same releases."""
    machines = {build.platform for release in releases for build in release.builds}
    for edition in {edition for release in releases for edition in release.editions}:
        for machine in machines:
            for count in range(1, len(channels) + 1):
                yield edition, machine, frozenset(channels[:count])


def _usable(
    releases: Sequence[Release], edition: EditionName, machine: Platform, channels: frozenset[ChannelName]
) -> list[Release]:
    """Those that such an install can be offered, lowest first."""
    found = [
        each
        for each in releases
        if each.withdrawal is None
        and each.channel in channels
        and edition in each.editions
        and each.builds_for(machine)
    ]
    return sorted(found, key=lambda each: each.version)


def _reachable(releases: Sequence[Release], start: Version | None) -> set[Version]:
    """The versions that steps lead to from the start; None is older than everything. ``releases``: lowest first.

    Between two "upgrade from" versions the lowest start reaches whatever the others do.
    """
    at, reached = start, set[Version]()
    for each in releases:
        if start is not None and each.version <= start:
            continue
        if each.upgrade_from is None or (at is not None and each.upgrade_from <= at):
            reached.add(each.version)
            at = each.version
    return reached
