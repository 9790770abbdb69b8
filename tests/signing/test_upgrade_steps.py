"""Whom a withdrawal strands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenure_signing.names import ChannelName, EditionName, Platform
from tenure_signing.releases import DEFAULT_CHANNELS, Release, Withdrawal
from tenure_signing.upgrade_steps import stranded, withdrawn
from tenure_signing.versions import Version
from tests.signing.tuf_repository import a_release

WITHDRAWAL = Withdrawal("it loses drawings")


def lost(releases: Sequence[Release], *versions: str) -> list[str]:
    """What is stranded when these versions are withdrawn."""
    after = withdrawn(releases, {Version(each): WITHDRAWAL for each in versions})
    return [str(each) for each in stranded(releases, after, DEFAULT_CHANNELS)]


def on(channel: str, release: Release) -> Release:
    return replace(release, channel=ChannelName(channel))


def test_releases_that_are_reached_without_steps_are_never_stranded() -> None:
    releases = [a_release("1.0"), a_release("2.0"), a_release("3.0")]
    assert lost(releases, "2.0") == lost(releases, "1.0", "3.0") == []


def test_the_only_step_to_a_release_is_missed_and_so_is_what_follows() -> None:
    releases = [a_release("1.0"), a_release("2.0"), a_release("3.0", upgrade_from="2.0")]
    releases.append(a_release("4.0", upgrade_from="3.0"))
    assert lost(releases, "2.0") == ["3.0", "4.0"]
    assert lost(releases, "3.0") == ["4.0"]
    assert lost(releases, "4.0") == []
    assert lost(releases, "1.0") == []
    assert lost(releases, "2.0", "3.0", "4.0") == []


def test_another_step_will_do() -> None:
    releases = [a_release("2.0"), a_release("2.5"), a_release("3.0", upgrade_from="2.0")]
    assert lost(releases, "2.0") == lost(releases, "2.5") == []
    assert lost(releases, "2.0", "2.5") == ["3.0"]


def test_a_step_that_only_some_installs_took_counts_for_them() -> None:
    """Nobody but who has 1.0, which was never published here, gets to 2.0."""
    releases = [a_release("2.0", upgrade_from="1.0"), a_release("3.0", upgrade_from="2.0")]
    assert lost(releases, "2.0") == ["3.0"]


def test_a_step_for_another_edition_platform_or_channel_does_not_help() -> None:
    last = a_release("3.0", upgrade_from="2.0")
    step = a_release("2.0")
    others = (
        a_release("2.1", editions=("lite",)),
        a_release("2.1", platform=Platform("windows", "x86_64")),
        on("beta", a_release("2.1")),
    )
    for other in others:
        assert lost([step, other, last], "2.0") == ["3.0"]
    assert lost([step, on("beta", a_release("2.1")), on("beta", last)], "2.0") == []


def test_what_was_withdrawn_before_is_neither_missed_nor_a_step() -> None:
    gone = replace(a_release("2.1"), withdrawal=WITHDRAWAL)
    releases = [a_release("2.0"), gone, a_release("3.0", upgrade_from="2.0")]
    assert lost(releases, "2.0") == ["3.0"]
    assert lost(releases, "2.1") == []


@st.composite
def histories(draw: st.DrawFn) -> list[Release]:
    numbers = draw(st.lists(st.integers(1, 9), unique=True, min_size=2, max_size=6))
    made = []
    for number in sorted(numbers):
        least = draw(st.none() | st.integers(1, number - 1)) if number > 1 else None
        made.append(a_release(f"{number}.0", upgrade_from=f"{least}.0" if least is not None else None))
    return made


@settings(max_examples=80)
@given(histories(), st.data())
def test_it_is_what_following_every_path_of_every_install_finds(releases: list[Release], data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(releases))
    kept = [each for each in releases if each is not gone]

    def ends(at: Version, among: Sequence[Release]) -> set[Version]:
        steps = [r for r in among if r.version > at and (r.upgrade_from is None or r.upgrade_from <= at)]
        return {r.version for r in steps}.union(*(ends(r.version, among) for r in steps))

    missed = set[Version]()
    for install in (Version(f"{number}.{minor}") for number in range(10) for minor in (0, 1)):
        missed |= ends(install, releases) - ends(install, kept) - {gone.version}
    assert lost(releases, str(gone.version)) == [str(each) for each in sorted(missed)]


@pytest.mark.parametrize("edition", ["pro", "lite"])
def test_withdrawn_marks_only_what_is_named(edition: str) -> None:
    releases = [a_release("1.0", editions=(edition,)), a_release("2.0")]
    marked = withdrawn(releases, {Version("1"): WITHDRAWAL})
    assert [each.withdrawal for each in marked] == [WITHDRAWAL, None]
    assert marked[0].editions == {EditionName(edition)}
