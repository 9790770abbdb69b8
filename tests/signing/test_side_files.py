"""What lies beside a release's builds, and its notes in several languages: signed, and never a fact of the release."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tuf.api.metadata import TargetFile

from tenure_signing.errors import ImmutableRelease, InvalidReleaseRecord, PublishingError
from tenure_signing.languages import ENGLISH, Language
from tenure_signing.names import FileName
from tenure_signing.release_record import differing_facts, listing_of, releases_of, side_file_target_of, target_of
from tenure_signing.releases import Release, SideFile, SideFileKind, Withdrawal
from tenure_signing.tuf_drafts import with_release
from tenure_signing.update_index import UpdateIndex
from tenure_signing.versions import Version
from tests.signing.small_catalogues import a_product
from tests.signing.tuf_repository import CAD, NOW, Vendor, a_release

DE, FR = Language("de"), Language("fr")
SBOM = SideFile("cad/4.2.1/cad.cdx.json", FileName("cad.cdx.json"), SideFileKind.SBOM, 7, "c" * 64)
NOTES = {"notes_sha256": "a" * 64, "notes_by_language": ((DE, "b" * 64), (FR, "d" * 64))}


def complete(**facts: Any) -> Release:
    return replace(a_release(), side_files=(SBOM,), **facts)


def targets_of(release: Release) -> dict[str, TargetFile]:
    builds = {build.path: target_of(release, build) for build in release.builds}
    return builds | {file.path: side_file_target_of(release, file) for file in release.side_files}


def spoilt(path: str, **facts: Any) -> dict[str, TargetFile]:
    targets = targets_of(complete(**NOTES))
    record = targets[path].custom["tenure"]
    record.update(facts)
    return targets


def test_side_files_and_translations_come_back_as_they_were_signed() -> None:
    release = complete(**NOTES)
    targets = targets_of(release)
    assert releases_of(CAD, targets) == (release,)
    assert listing_of(CAD, targets).releases == (release,)
    assert targets[SBOM.path].custom == {
        "tenure": {"schema": 2, "product": "cad", "version": "4.2.1", "side_file": "sbom"}
    }


def test_a_side_file_is_found_by_its_name_and_is_no_build() -> None:
    release = complete()
    index = UpdateIndex(a_product(release))
    assert index.find(Version("4.2.1"), "cad.cdx.json") == (release, SBOM)
    assert SBOM.path not in {build.path for build in release.builds}
    assert release.files == (*release.builds, SBOM)


def test_side_files_may_follow_and_then_never_change() -> None:
    vendor = Vendor()
    vendor.add_product()
    vendor.publish(a_release())
    vendor.publish(complete())
    assert vendor.releases() == (complete(),)
    role = vendor.repository.roles[CAD]
    assert with_release(role, complete(), NOW) is role
    for change in ({"sha256": "0" * 64}, {"kind": SideFileKind.OTHER}):
        with pytest.raises(ImmutableRelease):
            with_release(role, replace(complete(), side_files=(replace(SBOM, **change),)), NOW)
    vendor.withdraw(CAD, "4.2.1", Withdrawal("bad"))
    assert vendor.releases()[0].side_files == (SBOM,)


def test_a_withdrawn_release_gets_no_side_files() -> None:
    vendor = Vendor()
    vendor.add_product()
    vendor.publish(a_release())
    vendor.withdraw(CAD, "4.2.1", Withdrawal("bad"))
    with pytest.raises(ImmutableRelease, match="withdrawn"):
        vendor.publish(complete())


def test_a_side_file_cannot_take_a_builds_place() -> None:
    (build,) = a_release().builds
    twice = replace(a_release(), side_files=(replace(SBOM, path=build.path, file_name=build.file_name),))
    vendor = Vendor()
    vendor.add_product()
    with pytest.raises(PublishingError, match="two files under one path"):
        vendor.publish(twice)


def test_a_side_file_of_no_release_is_refused_and_left_out_by_programs_that_read() -> None:
    alone = {SBOM.path: side_file_target_of(complete(), SBOM)}
    with pytest.raises(InvalidReleaseRecord, match=r"4\.2\.1 has side files and no build"):
        releases_of(CAD, alone)
    assert listing_of(CAD, alone).releases == ()


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"side_file": "poem"}, "side_file: is none of sbom"),
        ({"side_file": 1}, "side_file: is int"),
        ({"version": "4.2.2"}, "version: is 4.2.2, which is not the version in the path"),
        ({"product": "cam"}, "product: is not cad"),
        ({"os": "linux"}, "does not know: 'os'"),
    ],
)
def test_a_wrong_side_file_is_refused_by_name(facts: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidReleaseRecord, match=words):
        releases_of(CAD, spoilt(SBOM.path, **facts))


def test_a_kind_of_side_file_that_came_later_is_another_one() -> None:
    (release,) = listing_of(CAD, spoilt(SBOM.path, side_file="attestation")).releases
    assert release.side_files[0].kind is SideFileKind.OTHER


@pytest.mark.parametrize(
    "translations", [{}, {"DE": "b" * 64}, {"de": "B" * 64}, {"german": "b" * 64}, {"de": None}, [["de", "b" * 64]]]
)
def test_wrong_translations_are_refused(translations: object) -> None:
    path = a_release().builds[0].path
    with pytest.raises(InvalidReleaseRecord, match="notes_sha256_by_language"):
        releases_of(CAD, spoilt(path, notes_sha256_by_language=translations))


def test_translations_go_with_notes_and_are_facts_of_the_release() -> None:
    with pytest.raises(InvalidReleaseRecord, match="goes with notes_sha256"):
        targets_of(complete(notes_by_language=((DE, "b" * 64),)))
    assert differing_facts(complete(**NOTES), complete(notes_sha256="a" * 64)) == ("notes_by_language",)
    assert differing_facts(complete(), a_release()) == ()
    assert ENGLISH == "en"
