"""Calendar days as text. The good and bad spellings are in tests/vectors/names.json."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure_signing.days import parse_day
from tenure_signing.errors import InvalidDay


@given(st.dates())
def test_a_day_is_read_back(day: date) -> None:
    assert parse_day(day.isoformat()) == day


@given(st.one_of(st.text(), st.text(alphabet="0123456789-:TWZ+ \n\u0661", min_size=8, max_size=12)))
def test_any_other_text_is_refused_as_an_invalid_day_and_nothing_else(text: str) -> None:
    try:
        day = parse_day(text)
    except InvalidDay:
        return
    assert day.isoformat() == text


@pytest.mark.parametrize(("text", "is_a_day"), [("2024-02-29", True), ("2023-02-29", False), ("2100-02-29", False)])
def test_29_february_is_a_day_of_leap_years_only(text: str, is_a_day: bool) -> None:
    if is_a_day:
        assert parse_day(text) == date.fromisoformat(text)
    else:
        with pytest.raises(InvalidDay, match=f"{text} is not a day of the calendar"):
            parse_day(text)


def test_a_text_of_another_shape_is_not_repeated_in_the_refusal() -> None:
    with pytest.raises(InvalidDay, match=r"^a day is written YYYY-MM-DD$"):
        parse_day("23/11/2026\n")
