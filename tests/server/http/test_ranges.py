"""What a ``Range`` header selects of a file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure_server.http.ranges import MAX_RANGES, ByteRange, select_ranges


def chosen(header: str | None, length: int) -> list[tuple[int, int]] | None:
    ranges = select_ranges(header, length)
    return None if ranges is None else [(part.first, part.last) for part in ranges]


@pytest.mark.parametrize(
    ("header", "selected"),
    [
        ("bytes=0-4", [(0, 4)]),
        ("bytes=5-5", [(5, 5)]),
        ("bytes=95-", [(95, 99)]),
        ("bytes=-5", [(95, 99)]),
        ("bytes=-500", [(0, 99)]),
        ("bytes=90-500", [(90, 99)]),
        ("bytes=0-", [(0, 99)]),
        ("bytes=0000000000000000000000001-2", [(1, 2)]),
        ("BYTES = 0-4", [(0, 4)]),
        ("bytes=0-0, -1", [(0, 0), (99, 99)]),
        ("bytes=50-59,\t10-19", [(50, 59), (10, 19)]),
        ("bytes=0-4,5-9,10-14", [(0, 4), (5, 9), (10, 14)]),
        ("bytes=,, 0-4 ,,", [(0, 4)]),
        ("bytes=0-4,200-300", [(0, 4)]),
        ("bytes=0-9,5-14", [(0, 9), (5, 14)]),
    ],
)
def test_ranges_are_served_as_asked_and_cut_at_the_end_of_the_file(
    header: str, selected: list[tuple[int, int]]
) -> None:
    assert chosen(header, 100) == selected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200,300-", "bytes=-0", f"bytes={10**29}-"])
def test_ranges_beyond_the_end_select_nothing(header: str) -> None:
    assert chosen(header, 100) == []


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes= , ",
        "bytes=-",
        "bytes=a-b",
        "bytes=4-0",
        "bytes=0-4;5-9",
        "bytes=0-4,x",
        "bytes=--5",
        "bytes=+1-2",
        "bytes=1_0-20",
        "bytes=1 - 2",
        "bytes=٠-٤",
        "bytes=0-4\n",
        "lines=0-4",
        f"bytes=0-{'9' * 5000}",
    ],
)
def test_a_header_we_do_not_understand_is_ignored(header: str | None) -> None:
    assert chosen(header, 100) is None


def test_an_empty_file_has_no_ranges_and_its_suffix_is_all_of_it() -> None:
    assert chosen("bytes=0-", 0) == []
    assert chosen("bytes=-0", 0) == []
    assert chosen("bytes=-5", 0) is None


def test_a_thousand_ranges_are_served_and_far_more_are_ignored() -> None:
    def header(count: int) -> str:
        return "bytes=" + ",".join(f"{2 * n}-{2 * n}" for n in range(count))

    assert len(chosen(header(1000), 10_000) or []) == 1000
    assert len(chosen(header(MAX_RANGES), 10_000) or []) == MAX_RANGES
    assert chosen(header(MAX_RANGES + 1), 10_000) is None


def test_overlapping_ranges_cannot_ask_for_more_than_the_file() -> None:
    assert chosen("bytes=" + ",".join(["0-"] * 1000), 100) is None
    assert chosen("bytes=0-59,40-99", 100) is None


@given(
    length=st.integers(0, 50),
    asked=st.lists(
        st.tuples(st.none() | st.integers(0, 60), st.none() | st.integers(0, 60)).filter(
            lambda ends: ends != (None, None)
        ),
        min_size=1,
        max_size=5,
    ),
)
def test_what_is_selected_is_what_a_slice_of_the_bytes_would_be(
    length: int, asked: list[tuple[int | None, int | None]]
) -> None:
    header = "bytes=" + ",".join(
        f"{'' if first is None else first}-{'' if last is None else last}" for first, last in asked
    )
    body = bytes(range(length))
    wanted: list[bytes] = []
    for first, last in asked:
        if first is None:
            assert last is not None
            wanted.append(body[max(length - last, 0) :])
        else:
            wanted.append(body[first:] if last is None else body[first : last + 1])
    selected = select_ranges(header, length)
    if selected is None:
        backwards = any(first is not None and last is not None and last < first for first, last in asked)
        assert backwards or sum(map(len, wanted)) > length or length == 0
    else:
        assert [body[part.first : part.last + 1] for part in selected] == [piece for piece in wanted if piece]
        assert sum(part.length for part in selected) <= length


def test_a_range_counts_both_its_ends() -> None:
    assert ByteRange(3, 3).length == 1
    assert ByteRange(0, 99).length == 100
