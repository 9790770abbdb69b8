"""A release moves to a more stable channel: the only other change, beside withdrawal, to what was signed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tuf.api.metadata import TargetFile, Targets

from tenure_signing.errors import ImmutableRelease, InvalidReleaseRecord, PublishingError
from tenure_signing.names import ChannelName, FileName
from tenure_signing.release_record import releases_of, target_of
from tenure_signing.releases import Release, Withdrawal
from tenure_signing.tuf_drafts import require_immutable, sign, with_promotion
from tenure_signing.tuf_repository import load
from tenure_signing.versions import Version
from tests.signing.tuf_repository import CAD, NOW, Vendor, a_release

BETA, STABLE, ALPHA = ChannelName("beta"), ChannelName("stable"), ChannelName("alpha")
FILES = {"cad-4.2.1.deb": b"for Debian", "cad-4.2.1.tar.gz": b"for Linux"}  # in the order of their paths


def on(channel: str, *promoted_from: str, **facts: Any) -> Release:
    release = replace(a_release(files=FILES), channel=ChannelName(channel), **facts)
    return replace(release, promoted_from=tuple(ChannelName(name) for name in promoted_from))


def a_vendor(release: Release) -> Vendor:
    vendor = Vendor()
    vendor.add_product(keys=2, threshold=2)
    vendor.publish(release)
    return vendor


def promote(vendor: Vendor, channel: ChannelName, *, signers: int = 2) -> None:
    draft = with_promotion(vendor.repository.roles[CAD], CAD, Version("4.2.1"), channel, vendor.now)
    vendor.submit({CAD: sign(CAD, draft, *vendor.engineers[CAD][:signers])})


def targets_of(*releases: Release) -> Targets:
    listed = {build.path: target_of(release, build) for release in releases for build in release.builds}
    return Targets(1, None, NOW, listed)


def test_a_promoted_release_has_the_same_bytes_and_the_same_day() -> None:
    vendor = a_vendor(on("alpha"))
    promote(vendor, BETA)
    promote(vendor, STABLE)
    assert vendor.releases() == (on("stable", "alpha", "beta"),)


def test_promoting_takes_the_products_threshold() -> None:
    vendor = a_vendor(on("beta"))
    with pytest.raises(PublishingError):
        promote(vendor, STABLE, signers=1)
    assert vendor.releases() == (on("beta"),)


def test_promoting_to_the_channel_it_is_on_changes_nothing() -> None:
    role = a_vendor(on("beta")).repository.roles[CAD]
    assert with_promotion(role, CAD, Version("4.2.1"), BETA, NOW) is role


def test_a_promoted_release_gets_further_builds() -> None:
    vendor = a_vendor(on("beta"))
    promote(vendor, STABLE)
    more = replace(a_release(files={"cad-4.2.1.rpm": b"for Fedora"}), promoted_from=(BETA,))
    vendor.publish(more)
    (release,) = vendor.releases()
    assert {build.file_name for build in release.builds} == {*FILES, "cad-4.2.1.rpm"}


def test_a_version_that_was_never_published_or_is_withdrawn_is_not_promoted() -> None:
    vendor = a_vendor(on("beta"))
    with pytest.raises(PublishingError, match="never published"):
        with_promotion(vendor.repository.roles[CAD], CAD, Version("9.9"), STABLE, NOW)
    draft_of_withdrawal = Withdrawal("Loses drawings")
    role = targets_of(on("beta", withdrawal=draft_of_withdrawal))
    with pytest.raises(ImmutableRelease, match="withdrawn"):
        require_immutable(CAD, role, targets_of(on("stable", "beta", withdrawal=draft_of_withdrawal)))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (on("stable", "beta"), on("beta", "stable")),  # back, and denied that it was there
        (on("stable", "beta"), on("beta")),  # back
        (on("stable"), on("beta", "stable")),  # to a less stable one
        (on("beta"), on("alpha", "beta")),
        (on("beta"), on("stable")),  # without saying where from
        (on("beta"), on("stable", "alpha")),  # saying something else
        (on("beta", "alpha"), on("stable", "beta")),  # forgetting a part of the way
        (on("nightly"), on("beta")),
        (on("beta"), on("alpha", "beta", "stable")),  # through stable and out again
    ],
)
def test_a_channel_moves_in_no_other_way(before: Release, after: Release) -> None:
    with pytest.raises(ImmutableRelease):
        require_immutable(CAD, targets_of(before), targets_of(after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (on("beta"), on("stable", "beta")),
        (on("alpha"), on("stable", "alpha", "beta")),  # two at once
        (on("nightly"), on("weekly", "nightly")),  # channels of the vendor's own
        (on("nightly"), on("stable", "nightly")),
    ],
)
def test_a_channel_moves_on_by_promotion(before: Release, after: Release) -> None:
    require_immutable(CAD, targets_of(before), targets_of(after))


@pytest.mark.parametrize(
    "change",
    [
        lambda release: replace(release, released_on=date(2027, 1, 1)),
        lambda release: replace(release, editions=frozenset({*release.editions, "lite"})),
        lambda release: replace(release, open_release=True),
        lambda release: replace(release, builds=(replace(release.builds[0], sha256="f" * 64), *release.builds[1:])),
        lambda release: replace(release, builds=(replace(release.builds[0], length=1), *release.builds[1:])),
        lambda release: replace(release, builds=release.builds[1:]),
    ],
    ids=["day", "editions", "open", "bytes", "length", "fewer builds"],
)
def test_nothing_else_changes_with_a_promotion(change: Callable[[Release], Release]) -> None:
    with pytest.raises(ImmutableRelease):
        require_immutable(CAD, targets_of(on("beta")), targets_of(change(on("stable", "beta"))))


def test_all_builds_of_a_release_are_promoted_together() -> None:
    half = targets_of(on("stable", "beta"))
    half.targets["cad/4.2.1/cad-4.2.1.deb"] = targets_of(on("beta")).targets["cad/4.2.1/cad-4.2.1.deb"]
    with pytest.raises(InvalidReleaseRecord, match="different facts"):
        require_immutable(CAD, targets_of(on("beta")), half)


@pytest.mark.parametrize(
    "wrong", [[], ["stable"], ["beta", "beta"], ["Beta!"], "beta", [1], None], ids=lambda wrong: repr(wrong)
)
def test_a_record_that_states_an_impossible_promotion_is_refused(wrong: object) -> None:
    target = copy.deepcopy(targets_of(on("stable", "beta")).targets["cad/4.2.1/cad-4.2.1.deb"].to_dict())
    target["custom"]["tenure"]["promoted_from"] = wrong
    with pytest.raises(InvalidReleaseRecord):
        releases_of(CAD, {"cad/4.2.1/cad-4.2.1.deb": TargetFile.from_dict(target, "cad/4.2.1/cad-4.2.1.deb")})


@given(st.permutations(["stable", "beta", "alpha", "nightly"]), st.integers(0, 3), st.integers(0, 3))
def test_whatever_way_a_release_went_it_never_comes_back(way: list[str], before: int, after: int) -> None:
    """Of two stages of one way, only the later follows the earlier, and only if it is as stable."""
    earlier, later = on(way[before], *way[:before]), on(way[after], *way[:after])
    order = [["stable", "beta", "alpha"].index(each) for each in way[: after + 1] if each != "nightly"]
    allowed = before == after or (before < after and order == sorted(order, reverse=True))
    try:
        require_immutable(CAD, targets_of(earlier), targets_of(later))
    except ImmutableRelease:
        assert not allowed
    else:
        assert allowed


def test_promotions_stay_in_the_metadata_that_clients_verify() -> None:
    vendor = a_vendor(on("beta"))
    promote(vendor, STABLE)
    signed = load(CAD, vendor.repository.roles[CAD], Targets).signed
    record = signed.targets["cad/4.2.1/cad-4.2.1.deb"].custom["tenure"]
    assert (record["channel"], record["promoted_from"]) == ("stable", ["beta"])
    assert FileName("cad-4.2.1.deb") in {build.file_name for build in vendor.releases()[0].builds}
