"""Release records: what is written is read back, and everything else is refused with a reason."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tuf.api.metadata import TargetFile

from tenure_signing.errors import InvalidReleaseRecord
from tenure_signing.names import ChannelName, EditionName, FileName, Platform, ProductName
from tenure_signing.problem_numbers import ProblemNumber, in_number_order
from tenure_signing.release_record import (
    MAX_BUILD_BYTES,
    Listing,
    listing_of,
    record_of,
    releases_of,
    target_of,
    target_path,
)
from tenure_signing.releases import Build, Money, PaidUpgrade, Release, Withdrawal
from tenure_signing.versions import Kind, Version, parse_version
from tests.signing.tuf_repository import CAD, a_release

PATH = "cad/4.2.1/cad-4.2.1.tar.gz"
REMOVED = object()
PLATFORMS = (
    Platform("linux", "x86_64"),
    Platform("windows", "aarch64"),
    Platform("macos", "universal2"),
    Platform("any", "any"),
)


def a_target() -> dict[str, Any]:
    """A good target as it stands in the metadata, to be spoilt."""
    release = replace(
        a_release(upgrade_from="4.0"),
        paid_upgrade=PaidUpgrade(Money(0, "MYR"), Money(12_500, "MYR")),
        withdrawal=Withdrawal("Loses drawings", Version("4.2.2")),
        notes_sha256="a" * 64,
    )
    (build,) = release.builds
    return copy.deepcopy(target_of(release, replace(build, sha1="b" * 40)).to_dict())


def read(target: dict[str, Any], path: str = PATH) -> tuple[Release, ...]:
    return releases_of(CAD, {path: TargetFile.from_dict(copy.deepcopy(target), path)})


def targets_of(*releases: Release) -> dict[str, TargetFile]:
    return {build.path: target_of(release, build) for release in releases for build in release.builds}


sha256s = st.text("0123456789abcdef", min_size=64, max_size=64)
versions = st.builds(
    lambda numbers, suffix: parse_version(".".join(map(str, numbers)) + suffix),
    st.lists(st.integers(0, 3000), min_size=1, max_size=4),
    st.sampled_from(["", "", "", "b1", "rc2", ".post1", ".dev3"]),
)
prices = st.builds(Money, st.integers(0, 10**9), st.sampled_from(["MYR", "EUR", "JPY"]))
problem_numbers = st.integers(1, 999_999_999).map(lambda number: ProblemNumber(f"P-{number}"))
reasons = st.text(min_size=1, max_size=80).filter(lambda text: text.isprintable() and bool(text.strip()))


@st.composite
def releases(draw: st.DrawFn, version: Version) -> Release:
    file_names = st.from_regex(r"f_[A-Za-z0-9._-]{0,20}[A-Za-z0-9_-]", fullmatch=True)
    names = draw(st.lists(file_names, min_size=1, unique=True))
    builds = tuple(
        Build(
            path=target_path(CAD, version, FileName(name)),
            file_name=FileName(name),
            platform=draw(st.sampled_from(PLATFORMS)),
            length=draw(st.integers(0, MAX_BUILD_BYTES)),
            sha256=draw(sha256s),
            sha1=draw(st.none() | st.text("0123456789abcdef", min_size=40, max_size=40)),
        )
        for name in sorted(names)
    )
    replacement = draw(st.none() | versions.filter(lambda other: other != version))
    return Release(
        product=CAD,
        version=version,
        kind=draw(st.sampled_from(Kind)),
        editions=frozenset(draw(st.sets(st.sampled_from(["pro", "standard", "free"]).map(EditionName), min_size=1))),
        released_on=draw(st.dates(date(1990, 1, 1), date(2100, 1, 1))),
        channel=ChannelName(draw(st.sampled_from(["stable", "beta", "lts"]))),
        builds=builds,
        upgrade_from=draw(st.none() | versions.filter(lambda other: other < version)) if version.major else None,
        open_release=draw(st.booleans()),
        paid_upgrade=draw(st.none() | st.builds(PaidUpgrade, prices, prices)),
        withdrawal=draw(st.none() | st.builds(Withdrawal, reasons, st.just(replacement))),
        notes_sha256=draw(st.none() | sha256s),
        fixes=in_number_order(draw(st.lists(problem_numbers, max_size=3))),
    )


@given(st.lists(versions, min_size=1, max_size=4, unique=True).flatmap(lambda found: st.tuples(*map(releases, found))))
def test_any_release_comes_back_from_json_as_it_was_signed(written: tuple[Release, ...]) -> None:
    as_json = json.loads(json.dumps({path: target.to_dict() for path, target in targets_of(*written).items()}))
    read_back = releases_of(CAD, {path: TargetFile.from_dict(entry, path) for path, entry in as_json.items()})
    assert read_back == tuple(sorted(written, key=lambda release: release.version))
    assert listing_of(CAD, targets_of(*written)) == Listing(read_back)


def test_a_good_target_is_read_with_every_fact() -> None:
    (release,) = read(a_target())
    assert release.withdrawal == Withdrawal("Loses drawings", Version("4.2.2"))
    assert release.upgrade_from == Version("4.0")
    assert release.paid_upgrade == PaidUpgrade(Money(0, "MYR"), Money(12_500, "MYR"))
    assert release.builds[0].sha1 == "b" * 40


def test_a_record_holds_only_the_facts_that_hold() -> None:
    release = a_release()
    assert record_of(release, release.builds[0]) == {
        "schema": 1,
        "product": "cad",
        "version": "4.2.1",
        "kind": "service_pack",
        "editions": ["pro"],
        "released_on": "2026-11-23",
        "channel": "stable",
        "os": "linux",
        "arch": "x86_64",
    }


def spoilt(target: dict[str, Any], keys: tuple[str, ...], value: object) -> dict[str, Any]:
    place = target
    for key in keys[:-1]:
        place = place[key]
    if value is REMOVED:
        del place[keys[-1]]
    else:
        place[keys[-1]] = value
    return target


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("schema", REMOVED, "schema: is missing"),
        ("schema", "1", "schema: is str, not int"),
        ("schema", True, "schema: is bool, not int"),
        ("schema", 1.0, "schema: is float, not int"),
        ("schema", 0, "schema: begins at 1"),
        ("schema", 3, "is of schema '3'; this program reads schema 1"),
        ("product", REMOVED, "product: is missing"),
        ("product", "viewer", "product: is not cad"),
        ("product", None, "product: is NoneType, not str"),
        ("version", REMOVED, "version: is missing"),
        ("version", 4, "version: is int, not str"),
        ("version", "4.2.2", "not the version in the path"),
        ("version", "v4.2.1", "not in its normal spelling, 4.2.1"),
        ("version", "4.2.01", "not in its normal spelling, 4.2.1"),
        ("version", "4.2.1+x", "version: a version has no"),
        ("version", "newest", "a version looks like"),
        ("kind", REMOVED, "kind: is missing"),
        ("kind", "patch", "kind: is none of major, minor, service_pack"),
        ("kind", ["major"], "kind: is list, not str"),
        ("editions", REMOVED, "editions: is missing"),
        ("editions", "pro", "editions: is str, not list"),
        ("editions", [], "editions: is not a list of one or more names"),
        ("editions", ["pro", 1], "editions: is not a list of one or more names"),
        ("editions", ["pro", "pro"], "editions: has a name twice"),
        ("editions", ["Pro"], "editions: an? edition name is"),
        ("released_on", REMOVED, "released_on: is missing"),
        ("released_on", "23.11.2026", "released_on: a day is written"),
        ("released_on", "2026-11-23T08:00:00Z", "released_on: a day is written"),
        ("released_on", "2026-02-29", "not a day of the calendar"),
        ("released_on", 20261123, "released_on: is int"),
        ("channel", REMOVED, "channel: is missing"),
        ("channel", "Stable!", "channel: a channel name"),
        ("os", REMOVED, "os: is missing"),
        ("os", "darwin", "not in its normal form, macos-x86_64"),
        ("os", "plan9", "os, arch: an operating system is one of"),
        ("arch", "amd64", "not in its normal form, linux-x86_64"),
        ("arch", "../x", "os, arch: an architecture is"),
        ("upgrade_from", "4.2.1", "upgrade_from: is not below"),
        ("upgrade_from", "5.0", "upgrade_from: is not below"),
        ("upgrade_from", None, "upgrade_from: is NoneType"),
        ("upgrade_from", "4.00", "upgrade_from: is not in its normal spelling"),
        ("open_release", 1, "open_release: is int, not bool"),
        ("open_release", "true", "open_release: is str, not bool"),
        ("paid_upgrade", [], "paid_upgrade: is list, not dict"),
        ("paid_upgrade", {}, "in_support: is missing"),
        ("withdrawn", "yes", "withdrawn: is str, not dict"),
        ("withdrawn", {}, "reason: is missing"),
        ("withdrawn", {"reason": " "}, "reason: is not a printable line"),
        ("withdrawn", {"reason": "x" * 501}, "reason: is not a printable line"),
        ("withdrawn", {"reason": "a\x1b[2J"}, "reason: is not a printable line"),
        ("withdrawn", {"reason": "bad", "replacement": "4.2.1"}, "replacement: is the withdrawn version itself"),
        ("withdrawn", {"reason": "bad", "replacement": "next"}, "replacement: a version looks like"),
        ("withdrawn", {"reason": "bad", "by": "eve"}, "does not know: 'by'"),
        ("notes_sha256", "A" * 64, "notes_sha256: is not a lower-case hexadecimal digest"),
        ("notes_sha256", "a" * 40, "notes_sha256: is not"),
        ("sha1", "b" * 64, "sha1: is not"),
        ("sha1", None, "sha1: is NoneType"),
        ("entitlement_date", "2020-01-01", "does not know: 'entitlement_date'"),
    ],
)
def test_a_record_with_a_wrong_field_is_refused_by_name(field: str, value: object, complaint: str) -> None:
    with pytest.raises(InvalidReleaseRecord, match=complaint):
        read(spoilt(a_target(), ("custom", "tenure", field), value))


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("minor_units", 12.5, "minor_units: is float, not int"),
        ("minor_units", True, "minor_units: is bool, not int"),
        ("minor_units", -1, "minor_units: is not an amount of 0 or more"),
        ("minor_units", REMOVED, "minor_units: is missing"),
        ("currency", "RM", "currency: is not an ISO 4217 currency"),
        ("currency", "myr", "currency: is not an ISO 4217 currency"),
        ("currency", REMOVED, "currency: is missing"),
        ("per", "seat", "does not know: 'per'"),
    ],
)
def test_a_price_that_is_no_price_is_refused(field: str, value: object, complaint: str) -> None:
    with pytest.raises(InvalidReleaseRecord, match=complaint):
        read(spoilt(a_target(), ("custom", "tenure", "paid_upgrade", "without_support", field), value))


@pytest.mark.parametrize(
    ("keys", "value", "complaint"),
    [
        (("custom",), REMOVED, "tenure is not a JSON object"),
        (("custom",), [], "tenure is not a JSON object"),
        (("custom", "tenure"), REMOVED, "tenure is not a JSON object"),
        (("custom", "tenure"), "facts", "tenure is not a JSON object"),
        (("length",), 1.5, "length: is not a whole number"),
        (("length",), True, "length: is not a whole number"),
        (("length",), 2**60, "length: is not a whole number"),
        (("hashes",), {"sha512": "a" * 128}, "exactly one lower-case SHA-256"),
        (("hashes", "sha512"), "a" * 128, "exactly one lower-case SHA-256"),
        (("hashes", "sha256"), "A" * 64, "exactly one lower-case SHA-256"),
        (("hashes", "sha256"), "../../etc/passwd", "exactly one lower-case SHA-256"),
    ],
)
def test_a_target_that_is_no_build_is_refused(keys: tuple[str, ...], value: object, complaint: str) -> None:
    with pytest.raises(InvalidReleaseRecord, match=complaint):
        read(spoilt(a_target(), keys, value))


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("viewer/4.2.1/cad-4.2.1.tar.gz", "is not a path of product cad"),
        ("cad/4.2.1", "is not a path <product>/<version>/<file name>"),
        ("cad/4.2.1/linux/cad.tar.gz", "is not a path <product>/<version>/<file name>"),
        ("/cad/4.2.1", "is not a path of product cad"),
        ("cad/4.2.1/../x", "is not a path <product>/<version>/<file name>"),
        ("cad/4.2.1/..", "file name: a file name is"),
        ("cad/4.2.1/.profile", "file name: a file name is"),
        ("cad/4.2.1/a b", "file name: a file name is"),
        ("cad/4.2.1/", "file name: a file name is"),
        ("cad/4.2.1.0/cad.tar.gz", "version: is 4.2.1, which is not the version in the path"),
        ("cad/4.2.2/cad.tar.gz", "version: is 4.2.1, which is not the version in the path"),
        ("CAD/4.2.1/cad.tar.gz", "is not a path of product cad"),
    ],
)
def test_a_path_that_disagrees_with_its_record_is_refused(path: str, complaint: str) -> None:
    with pytest.raises(InvalidReleaseRecord, match=complaint):
        read(a_target(), path)


def test_a_refusal_shows_a_hostile_path_escaped_and_cut_short() -> None:
    with pytest.raises(InvalidReleaseRecord) as refusal:
        read(a_target(), "cad/4.2.1/\x1b[2J" + "x" * 5000)
    assert "\x1b" not in str(refusal.value)
    assert len(str(refusal.value)) < 400


def test_one_number_in_two_spellings_is_refused() -> None:
    with pytest.raises(InvalidReleaseRecord, match=r"cad 1\.0 and 1\.0\.0 are the same release number"):
        releases_of(CAD, targets_of(a_release("1.0"), a_release("1.0.0")))


@pytest.mark.parametrize(
    ("other", "fact"),
    [
        (a_release(files={"b.zip": b"b"}, released_on=date(2026, 11, 24)), "released_on"),
        (a_release(files={"b.zip": b"b"}, editions=("pro", "standard")), "editions"),
        (a_release(files={"b.zip": b"b"}, open_release=True), "open_release"),
        (replace(a_release(files={"b.zip": b"b"}), withdrawal=Withdrawal("bad")), "withdrawal"),
    ],
)
def test_builds_of_one_version_with_different_facts_are_refused(other: Release, fact: str) -> None:
    with pytest.raises(InvalidReleaseRecord, match=f"cad 4.2.1: its builds state different facts: {fact}"):
        releases_of(CAD, targets_of(a_release(files={"a.zip": b"a"}), other))


def test_builds_for_two_platforms_are_one_release() -> None:
    linux = a_release(files={"cad.tar.gz": b"l"})
    windows = a_release(files={"cad.zip": b"w"}, platform=Platform("windows", "x86_64"))
    (release,) = releases_of(CAD, targets_of(windows, linux))
    assert [build.file_name for build in release.builds] == ["cad.tar.gz", "cad.zip"]


def test_an_old_program_passes_over_a_later_schema_and_says_which_entries() -> None:
    later = TargetFile.from_dict(spoilt(a_target(), ("custom", "tenure", "schema"), 3), "cad/9/new/shape.bin")
    targets = {**targets_of(a_release("4.2.0")), "cad/9/new/shape.bin": later}
    listing = listing_of(CAD, targets)
    assert [str(release.version) for release in listing.releases] == ["4.2.0"]
    assert listing.of_later_schema == ("cad/9/new/shape.bin",)
    with pytest.raises(InvalidReleaseRecord, match="this program reads schema 1"):
        releases_of(CAD, targets)


def test_an_old_program_passes_over_a_field_it_does_not_know_but_still_refuses_a_wrong_one() -> None:
    unknown = TargetFile.from_dict(spoilt(a_target(), ("custom", "tenure", "minimum_os"), "14.2"), PATH)
    assert len(listing_of(CAD, {PATH: unknown}).releases) == 1
    wrong = TargetFile.from_dict(spoilt(a_target(), ("custom", "tenure", "open_release"), "no"), PATH)
    with pytest.raises(InvalidReleaseRecord, match="open_release"):
        listing_of(CAD, {PATH: wrong})


def test_other_namespaces_beside_ours_do_no_harm() -> None:
    assert len(read(spoilt(a_target(), ("custom", "acme"), {"anything": 1}))) == 1


def test_no_listed_target_is_no_release() -> None:
    assert releases_of(CAD, {}) == ()


@pytest.mark.parametrize(
    "release",
    [
        replace(a_release(), paid_upgrade=PaidUpgrade(Money(12.5, "MYR"), Money(1, "MYR"))),  # type: ignore[arg-type]
        replace(a_release(), editions=frozenset()),
        replace(a_release(), notes_sha256="short"),
        replace(a_release(), channel=ChannelName("No Channel")),
        replace(a_release(), upgrade_from=Version("5")),
        replace(a_release(), product=ProductName("viewer")),
        replace(a_release(), version=Version("4.2.2")),
    ],
)
def test_facts_that_could_not_be_read_back_are_never_written(release: Release) -> None:
    with pytest.raises(InvalidReleaseRecord):
        record_of(release, release.builds[0])


@pytest.mark.parametrize("length", [-1, 1.5])
def test_a_build_of_no_possible_length_is_never_written(length: float) -> None:
    release = a_release()
    with pytest.raises(InvalidReleaseRecord, match="length"):
        record_of(release, replace(release.builds[0], length=length))  # type: ignore[arg-type]
