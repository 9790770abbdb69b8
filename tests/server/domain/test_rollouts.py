"""Shares and spans of time as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure_server.domain.rollouts import parse_share, parse_span, show_share


@pytest.mark.parametrize(
    ("text", "basis_points"),
    [("0", 0), ("100%", 10_000), ("12.5%", 1_250), ("0.01 %", 1), ("99.99", 9_999), (" 7.05% ", 705), ("007", 700)],
)
def test_a_share_is_a_percentage(text: str, basis_points: int) -> None:
    assert parse_share(text) == basis_points


@pytest.mark.parametrize(
    "text", ["", "%", "-1", "100.01", "101", "1000", "1.234", "1,5", ".5", "1e1", "٣", "nan", "5%%"]
)
def test_what_is_no_percentage_with_two_decimals_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="percentage from 0 to 100"):
        parse_share(text)


@given(st.integers(0, 10_000))
def test_a_share_reads_back_as_it_was_shown(basis_points: int) -> None:
    assert parse_share(show_share(basis_points)) == basis_points


def test_shares_are_shown_without_superfluous_digits() -> None:
    assert [show_share(each) for each in (0, 1, 1_000, 1_250, 10_000)] == ["0 %", "0.01 %", "10 %", "12.5 %", "100 %"]


def test_a_span_is_in_minutes_hours_or_days() -> None:
    assert [parse_span(text) for text in ("90m", "72h", "3d")] == [
        timedelta(minutes=90),
        timedelta(hours=72),
        timedelta(days=3),
    ]
    for text in ("", "3", "d", "1w", "-1d", "1.5h", "99999d"):
        with pytest.raises(ValueError, match="90m, 72h or 3d"):
            parse_span(text)
