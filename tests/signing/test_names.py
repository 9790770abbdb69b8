"""Names that come from outside. The good and bad spellings are in tests/vectors/names.json."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure_signing.errors import InvalidName, SigningError
from tenure_signing.names import (
    OPERATING_SYSTEMS,
    Platform,
    parse_channel,
    parse_edition,
    parse_file_name,
    parse_platform,
    parse_product,
    platform_of,
)
from tests.signing import brute_force, strategies

SLUGS = (parse_product, parse_edition, parse_channel)
hostile_text = st.one_of(
    st.text(max_size=70),
    st.text(alphabet="ab9-_./\\:~%\0\n\r \u212a\u0130\uff0e", max_size=70),
    st.from_regex(r"[a-z0-9-]{1,66}", fullmatch=True),
)


@given(hostile_text, st.sampled_from([*SLUGS, parse_file_name]))
def test_whatever_passes_stays_in_its_place(text: str, parse: Callable[[str], str]) -> None:
    """In a path on any system, and in a URL without escaping."""
    try:
        name = parse(text)
    except InvalidName:
        return
    assert name == text
    assert PurePosixPath("/root", name).parent == PurePosixPath("/root")
    assert PureWindowsPath("C:/root", name).parent == PureWindowsPath("C:/root")
    assert name not in (".", "..")
    assert quote(name, safe="") == name


@given(st.text())
def test_a_refused_name_is_refused_as_an_invalid_name_and_nothing_else(text: str) -> None:
    for parse in (*SLUGS, parse_file_name, parse_platform):
        with suppress(InvalidName):
            parse(text)
    assert issubclass(InvalidName, SigningError)
    assert issubclass(InvalidName, ValueError)


@pytest.mark.parametrize("text", ["<script>", "secret\nX-Header: 1", "\x1b[31m", "ab/../cd", "x" * 1_000])
def test_a_refusal_does_not_repeat_what_was_sent(text: str) -> None:
    for parse in (*SLUGS, parse_file_name, parse_platform):
        with pytest.raises(InvalidName) as refusal:
            parse(f"{text}\n")
        assert text not in str(refusal.value)
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("role", ["root", "targets", "snapshot", "timestamp"])
def test_a_product_cannot_take_the_name_of_a_tuf_role(role: str) -> None:
    with pytest.raises(InvalidName, match=f"'{role}' is the name of a TUF role"):
        parse_product(role)
    assert parse_edition(role) == role


def test_each_refusal_says_what_is_expected() -> None:
    for parse, expected in (
        (parse_product, "a product name is 1 to 64 of a-z, 0-9 and -"),
        (parse_edition, "an? edition name is 1 to 64 of a-z, 0-9 and -"),
        (parse_channel, "a channel name is 1 to 64 of a-z, 0-9 and -"),
        (parse_file_name, "a file name is 1 to 200 of"),
    ):
        with pytest.raises(InvalidName, match=expected):
            parse("A B")
    with pytest.raises(InvalidName, match="such as linux-x86_64"):
        parse_platform("linux")
    with pytest.raises(InvalidName, match="an operating system is one of windows, macos, linux"):
        parse_platform("amiga-m68k")
    with pytest.raises(InvalidName, match="an architecture is 1 to 31"):
        parse_platform("linux-")


@given(st.sampled_from(OPERATING_SYSTEMS), st.from_regex(r"[a-z0-9][a-z0-9_]{0,30}", fullmatch=True))
def test_a_platform_in_normal_form_is_read_back(os: str, arch: str) -> None:
    platform = platform_of(os, arch)
    assert parse_platform(str(platform)) == platform
    assert platform_of(platform.os, platform.arch) == platform
    assert re.fullmatch(r"[a-z-]+-[a-z0-9_]+", str(platform))


def test_a_build_runs_where_the_model_says() -> None:
    architectures = ("x86_64", "aarch64", "x86", "riscv64", "universal2", "intel", "any")
    platforms = [Platform(os, arch) for os, arch in product(OPERATING_SYSTEMS, architectures)]
    for build, machine in product(platforms, strategies.MACHINES):
        assert build.runs_on(machine) is brute_force.runs(build, machine), (build, machine)


def test_a_universal_build_is_made_for_its_machines_and_any_other_for_its_own() -> None:
    assert {str(m) for m in parse_platform("macos-universal2").machines()} == {"macos-x86_64", "macos-aarch64"}
    assert {str(m) for m in parse_platform("macos-intel").machines()} == {"macos-x86_64", "macos-x86"}
    for text in ("linux-x86_64", "linux-universal2", "windows-any", "any-any"):
        assert {str(m) for m in parse_platform(text).machines()} == {text}


def test_every_machine_of_a_build_runs_it() -> None:
    for build in strategies.PLATFORMS:
        assert all(build.runs_on(machine) for machine in build.machines())
