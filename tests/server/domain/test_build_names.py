"""What file names of builds say, and what they leave open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tenure_server.domain.build_names import platform_of_tags, read_build_name
from tenure_signing.names import parse_platform, platform_of
from tests.services.catalogues import catalogue_files


@pytest.mark.parametrize(
    ("name", "version", "platform"),
    [
        ("cad-2.6.0-linux-x86_64.tar.gz", "2.6.0", "linux-x86_64"),
        ("cad_2.6.0_linux_amd64.zip", "2.6.0", "linux-x86_64"),
        ("Cad-Setup-2.6.0-x64.exe", "2.6.0", "windows-x86_64"),
        ("cad-2.6.0-win_amd64.zip", "2.6.0", "windows-x86_64"),
        ("cad-1.2.3.4-win32.zip", "1.2.3.4", "windows-x86"),
        ("cad-1.0-win32-x64.zip", "1.0", "windows-x86_64"),
        ("cad-2026.11-win64.msi", "2026.11", "windows-x86_64"),
        ("cad-2.6.0-x86_64-pc-windows-msvc.zip", "2.6.0", "windows-x86_64"),
        ("cad-2.6.0-i686.exe", "2.6.0", "windows-x86"),
        ("cad-2.6.0-universal2.dmg", "2.6.0", "macos-universal2"),
        ("cad-2.6.0-universal.dmg", "2.6.0", "macos-universal2"),
        ("cad-2.6.0-arm64.pkg", "2.6.0", "macos-aarch64"),
        ("cad-v2.6.0-rc.1-darwin-arm64.tar.gz", "2.6.0rc1", "macos-aarch64"),
        ("cad-2.6.0b1-macos-x86_64.zip", "2.6.0b1", "macos-x86_64"),
        ("cad-2.6.0-beta2-macosx-aarch64.zip", "2.6.0b2", "macos-aarch64"),
        ("cad-2.6.0-x86_64.AppImage", "2.6.0", "linux-x86_64"),
        ("cad-aarch64-unknown-linux-musl-2.6.0.tar.gz", "2.6.0", "linux-musl-aarch64"),
        ("cad_2.6.0-1_amd64.deb", "2.6.0", "linux-x86_64"),
        ("cad_2.6.0_all.deb", "2.6.0", "linux-any"),
        ("cad-2.6.0-1.el9.x86_64.rpm", "2.6.0", "linux-x86_64"),
        ("cad-2.6.0-3.noarch.rpm", "2.6.0", "linux-any"),
        ("cad-2.6.0-any.zip", "2.6.0", "any-any"),
        ("cad-2.6.0-freebsd-amd64.pkg", "2.6.0", "freebsd-x86_64"),
        ("cad-2.6.0.post1-linux-riscv64.tar.xz", "2.6.0.post1", "linux-riscv64"),
        ("cad-2.6.0.dev3-py3-none-any.whl", "2.6.0.dev3", "any-any"),
        ("cad-2.6.0-cp311-abi3-musllinux_1_2_x86_64.whl", "2.6.0", "linux-musl-x86_64"),
    ],
)
def test_common_namings_are_understood(name: str, version: str, platform: str) -> None:
    facts = read_build_name(name)
    assert (facts.product, str(facts.version), facts.platform) == ("cad", version, parse_platform(platform)), facts
    assert facts.version_doubt is facts.platform_doubt is None


@pytest.mark.parametrize(
    ("name", "doubt"),
    [
        ("cad-2.6.0.dmg", "macos, but no architecture"),
        ("cad-2.6.0.tar.gz", "no platform"),
        ("cad-2.6.0-x64.zip", "no operating system"),
        ("cad-2.6.0-windows-linux-x64.zip", "several operating systems, linux and windows"),
        ("cad-2.6.0-linux-x64-arm64.zip", "several architectures, aarch64 and x86_64"),
        ("cad-2.6.0-linux-x64.msi", "linux, and .msi is not for linux"),
        ("cad-2.6.0-universal2.msi", "windows and universal2, which is of macOS"),
        ("cad-2.6.0-cp311-cp311-win_amd64.manylinux1_x86_64.whl", "which mean no single platform"),
        ("cad-2.6.0-linux-x86_64.tar.gz.sha256", "not a build"),
        ("cad-2.6.0.cdx.json", "not a build"),
    ],
)
def test_a_platform_is_never_guessed(name: str, doubt: str) -> None:
    facts = read_build_name(name)
    assert facts.platform is None
    assert doubt in (facts.platform_doubt or "")


@pytest.mark.parametrize(
    ("name", "doubt"),
    [
        ("cad-linux-x64.zip", "no version"),
        ("cad-2026-2.6.0-linux-x64.zip", "several versions, 2.6.0 and 2026"),
        ("cad-2.6.0-1-linux-x64.zip", "several versions, 1 and 2.6.0"),
        ("cad-2.6.0-ubuntu-22.04-x64.zip", "several versions"),
        ("cad-linux.whl", "no name of a wheel"),
        ("cad-1!2.0-py3-none-any.whl", "no name of a wheel"),
    ],
)
def test_a_version_is_never_guessed(name: str, doubt: str) -> None:
    facts = read_build_name(name)
    assert facts.version is None
    assert doubt in (facts.version_doubt or "")


def test_words_of_the_products_own_name_are_no_platform_and_no_version() -> None:
    assert read_build_name("win-tool-3.1-linux-amd64.zip").platform is None
    facts = read_build_name("win-tool-3.1-linux-amd64.zip", "win-tool")
    assert (facts.platform, facts.product) == (parse_platform("linux-x86_64"), "win-tool")
    assert str(read_build_name("Cad_2026-4.1-linux-x64.zip", "cad-2026").version) == "4.1"


def test_tags_of_a_wheel_for_several_machines_mean_the_one_platform_that_has_them_all() -> None:
    assert platform_of_tags(["macosx_10_9_x86_64", "macosx_11_0_arm64"]) == parse_platform("macos-universal2")
    assert platform_of_tags(["macosx_10_6_intel", "macosx_10_9_x86_64"]) == parse_platform("macos-intel")
    assert platform_of_tags(["manylinux_2_17_x86_64", "manylinux2014_x86_64"]) == parse_platform("linux-x86_64")
    assert platform_of_tags(["manylinux1_x86_64", "manylinux1_i686"]) is None
    assert platform_of_tags(["beos_5"]) is None
    assert platform_of_tags([]) is None


@pytest.mark.parametrize("history", ["ruff", "numpy", "pyside6-essentials"])
def test_real_names_of_real_releases_are_understood_as_their_index_has_them(history: str) -> None:
    directory: Path = catalogue_files()
    wrong, read = [], 0
    for release in json.loads((directory / f"{history}.json").read_text(encoding="utf-8"))["releases"]:
        for file in release["files"]:
            facts = read_build_name(file["name"])
            stated = platform_of(file["os"], file["arch"])  # a fat wheel is listed once for each machine
            fits = facts.platform is not None and stated.machines() <= facts.platform.machines()
            if not fits or (facts.product, str(facts.version)) != (history, release["version"]):
                wrong.append((file, facts))
            read += 1
    assert wrong == []
    assert read >= {"ruff": 6_959, "numpy": 800, "pyside6-essentials": 150}[history]
