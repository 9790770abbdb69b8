from __future__ import annotations

from datetime import date

import pytest

from tenure_server.feeds.velopack_packages import packages_among
from tenure_signing.names import FileName
from tenure_signing.releases import DEFAULT_CHANNELS, Build, Release
from tenure_signing.versions import Version, kind_of
from tests.server.world import CAD, LINUX, PRO


def release(version: str, file_name: str, sha1: str | None = "a" * 40) -> Release:
    number = Version(version)
    build = Build(f"cad/{number}/{file_name}", FileName(file_name), LINUX, 10, "0" * 64, sha1)
    return Release(CAD, number, kind_of(number), frozenset({PRO}), date(2026, 1, 1), DEFAULT_CHANNELS[0], (build,))


@pytest.mark.parametrize(
    ("version", "file_name", "package_id", "packed"),
    [
        ("1.1.0", "Cad-1.1.0-full.nupkg", "Cad", "1.1.0"),
        ("1.1.0", "Cad-1.1.0-linux-full.nupkg", "Cad", "1.1.0"),
        ("1.1", "Cad-1.1.0-linux-full.nupkg", "Cad", "1.1.0"),
        ("1.1.0b1", "Cad-1.1.0-beta.1-linux-full.nupkg", "Cad", "1.1.0-beta.1"),
        ("1.1.0b1", "Cad-1.1.0-beta1-full.nupkg", "Cad", "1.1.0-beta1"),
        ("1.1.0", "My-Cad-2-1.1.0-win-x64-full.nupkg", "My-Cad-2", "1.1.0"),
        ("2026.11.3", "vendor.cad-2026.11.3-osx-full.NUPKG", "vendor.cad", "2026.11.3"),
    ],
)
def test_a_full_package_tells_its_id_and_version_as_packed(
    version: str, file_name: str, package_id: str, packed: str
) -> None:
    published = release(version, file_name)
    (package,) = packages_among(published.builds, published)
    assert (package.package_id, package.version) == (package_id, packed)


@pytest.mark.parametrize(
    ("version", "file_name"),
    [
        ("1.1.0", "Cad-1.1.0-delta.nupkg"),
        ("1.1.0", "Cad-1.2.0-full.nupkg"),
        ("1.1.0", "Cad.1.1.0.nupkg"),
        ("1.1.0", "Cad-1.1.0.zip"),
        ("1.1", "Cad-1.1-full.nupkg"),
        ("1.1.0.7", "Cad-1.1.0.7-full.nupkg"),
        ("2026.4.1", "Cad-2026.04.1-full.nupkg"),
        ("1.1.0", "1.1.0-full.nupkg"),
    ],
)
def test_what_velopack_could_not_use_is_no_package(version: str, file_name: str) -> None:
    published = release(version, file_name)
    assert packages_among(published.builds, published) == ()


def test_a_package_whose_sha1_was_not_signed_is_left_out() -> None:
    published = release("1.1.0", "Cad-1.1.0-full.nupkg", sha1=None)
    assert packages_among(published.builds, published) == ()
