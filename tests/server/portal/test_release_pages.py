"""A history as long as ruff's stays usable: fifty releases on a page."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from tenure_server.portal.release_view import RELEASES_ON_A_PAGE, release_page
from tenure_server.portal.wording import platform, size
from tenure_server.use_cases.list_releases import ListedRelease
from tenure_signing.coverage import CoverageReason, Covered
from tenure_signing.names import FileName, Platform, parse_platform
from tenure_signing.releases import DEFAULT_CHANNELS, Build, Release
from tenure_signing.versions import Version, kind_of
from tests.server.portal.counter import Counter
from tests.server.world import CAD, LINUX, PRO


def listing(count: int) -> list[ListedRelease]:
    """Newest first."""
    listed = []
    for number in reversed(range(count)):
        version = Version(f"0.{number}")
        name = FileName(f"cad-{version}.zip")
        build = Build(f"cad/{version}/{name}", name, LINUX, 10, "0" * 64)
        day = date(2020, 1, 1) + timedelta(days=number)
        release = Release(CAD, version, kind_of(version), frozenset({PRO}), day, DEFAULT_CHANNELS[0], (build,))
        listed.append(ListedRelease(release, (build,), Covered(CoverageReason.PURCHASED), None))
    return listed


@pytest.mark.parametrize("count", [0, 1, 50, 51, 433])
def test_every_release_is_on_exactly_one_page(counter: Counter, count: int) -> None:
    standing = counter.world.installation.show_licence(counter.ada.licence)
    listed, seen, before = listing(count), [], None
    for _ in range(count // RELEASES_ON_A_PAGE + 1):
        page = release_page(listed, standing, DEFAULT_CHANNELS, "Harbour Software", before=before)
        assert len(page.releases) <= RELEASES_ON_A_PAGE
        assert page.total == count
        seen += [release.version for release in page.releases]
        before = page.older
        if before is None:
            break
    assert before is None
    assert seen == [str(each.release.version) for each in listed]


def test_a_long_history_is_walked_by_links(own_counter: Counter) -> None:
    for number in range(60):
        own_counter.world.publish(f"0.{number}", date(2024, 1, 1), platforms=(LINUX,))
    client = own_counter.signed_in(own_counter.ada)
    first = client.get("/portal")
    link = re.search(r'href="(/portal/releases\?before=[^"]+)"', first.text)
    assert link is not None
    second = client.get(link[1])
    assert second.status_code == 200
    assert "CAD 0.0</h3>" in second.text
    assert "before=" not in second.text
    shown = re.findall(r"<h3[^>]*>CAD ([^<]+)</h3>", first.text + second.text)
    assert len(shown) == len(set(shown)) == 69


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (48_213_377, "48.2 MB"),
        (999_960, "1.0 MB"),
        (3_000_000_000, "3.0 GB"),
        (4_000_000_000_000, "4.0 TB"),
    ],
)
def test_sizes_are_those_of_file_managers(length: int, text: str) -> None:
    assert size(length) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("linux-aarch64", "Linux, 64-bit ARM"),
        ("macos-universal2", "macOS, Intel and Apple silicon"),
        ("any", "Any system"),
        ("linux-riscv64", "Linux, riscv64"),
    ],
)
def test_platforms_are_named_as_people_name_them(name: str, text: str) -> None:
    assert platform(parse_platform(name)) == text
    assert isinstance(parse_platform(name), Platform)
