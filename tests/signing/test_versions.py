"""Versions. The good, normalised and bad spellings, kinds and orders are in tests/vectors/versions.json."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure_signing.errors import InvalidVersion
from tenure_signing.versions import MAX_VERSION_CHARACTERS, Kind, Version, kind_of, line_of, parse_version

numbers = st.lists(st.integers(0, 3_000), min_size=1, max_size=5)
suffixes = st.sampled_from(["", "a1", "b2", "rc1", ".post1", ".dev0"])


@given(numbers, suffixes)
def test_a_version_in_its_normal_spelling_is_read_back(parts: list[int], suffix: str) -> None:
    text = ".".join(str(part) for part in parts) + suffix
    assert str(parse_version(text)) == text


@given(st.one_of(st.text(), st.text(alphabet="0123456789.abrc+!-_ \n\0/\u0661", max_size=70)))
def test_any_other_text_is_refused_as_an_invalid_version_and_nothing_else(text: str) -> None:
    try:
        version = parse_version(text)
    except InvalidVersion:
        return
    assert version == parse_version(str(version))
    assert set(str(version)) <= set("0123456789.abrcpostdev")
    assert len(text) <= MAX_VERSION_CHARACTERS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4.2.1+build7", "a version has no '\\+' part"),
        ("1!4.2.1", "a version has no epoch"),
        ("1" * 65, "a version has at most 64 characters"),
        ("\uff14.2", "a version is written in ASCII"),
        ("latest", "a version looks like 4.2.1, 2026.11, 4.2.0.7 or 4.3b1"),
    ],
)
def test_each_refusal_says_what_is_wrong(text: str, expected: str) -> None:
    with pytest.raises(InvalidVersion, match=expected):
        parse_version(text)


def test_the_longest_version_is_accepted_to_the_character() -> None:
    longest = "1." + "0" * 61 + "1"
    assert len(longest) == MAX_VERSION_CHARACTERS
    assert parse_version(longest) == Version("1.1")
    with pytest.raises(InvalidVersion):
        parse_version(longest + "0")


@given(numbers, numbers)
def test_versions_order_number_by_number(one: list[int], other: list[int]) -> None:
    """4-part, calendar and ordinary versions in one order; missing numbers are zeros."""
    left, right = (Version(".".join(map(str, parts))) for parts in (one, other))
    padded_left, padded_right = (tuple(parts + [0] * (5 - len(parts))) for parts in (one, other))
    assert (left < right) is (padded_left < padded_right)
    assert (left == right) is (padded_left == padded_right)


@given(numbers, suffixes)
def test_the_kind_follows_from_the_numbers(parts: list[int], suffix: str) -> None:
    minor, rest = ([*parts, 0])[1], parts[2:]
    expected = Kind.MAJOR if minor == 0 else Kind.MINOR
    if any(rest) or suffix == ".post1":
        expected = Kind.SERVICE_PACK
    version = Version(".".join(map(str, parts)) + suffix)
    assert kind_of(version) is expected
    assert line_of(version) == (parts[0], minor)
