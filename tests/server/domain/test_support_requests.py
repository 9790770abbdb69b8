"""Places in the queue, numbers as people say them, and where a licence stands."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tenure_server.domain.smp import term
from tenure_server.domain.support_requests import QueuePlace, number_in, parse_place, place_text
from tenure_server.use_cases.support_glance import SmpStanding, SmpState, standing_on

FIRST, SECOND = term(date(2025, 1, 1), 1), term(date(2026, 1, 1), 2)
LATE = term(date(2029, 1, 1), 1)


@pytest.mark.parametrize("said", ["R-1042", "r-1042", "R1042", " r1042 ", "R-01042"])
def test_a_number_is_understood_as_people_say_it(said: str) -> None:
    assert number_in(said) == "R-1042"


@pytest.mark.parametrize("said", ["", "1042x", "req_1", "R--1", "R-٤", "R-" + "1" * 16])
def test_what_is_no_number_is_none(said: str) -> None:
    assert number_in(said) is None


def test_a_cursor_leads_to_the_same_place() -> None:
    place = QueuePlace(2, datetime(2026, 11, 23, 12, 0, 0, 5, tzinfo=UTC), "req_abc")
    assert parse_place(place_text(place)) == place


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "e30", "W10", "ü", "A" * 301, "WzFd",
        place_text(QueuePlace(10, datetime(2026, 1, 1, tzinfo=UTC), "req_a")),
        place_text(QueuePlace(1, datetime(2026, 1, 1), "req_a")),  # noqa: DTZ001
        place_text(QueuePlace(True, datetime(2026, 1, 1, tzinfo=UTC), "req_a")),
        place_text(QueuePlace(1, datetime(2026, 1, 1, tzinfo=UTC), "a\0b")),
    ],
)  # fmt: skip
def test_what_no_queue_has_given_out_is_no_cursor(text: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        parse_place(text)


def test_a_licence_is_in_smp_from_the_first_to_the_last_paid_day() -> None:
    in_smp = SmpStanding(SmpState.IN_SMP, FIRST.ends_on, 1, SECOND.ends_on)
    assert standing_on(FIRST.starts_on, (FIRST, SECOND)) == standing_on(FIRST.ends_on, (FIRST, SECOND)) == in_smp
    assert standing_on(SECOND.starts_on, (FIRST, SECOND)).plan_years == 2


def test_a_licence_has_lapsed_after_it_and_may_begin_again_later() -> None:
    after = SECOND.ends_on + timedelta(days=1)
    assert standing_on(after, (FIRST, SECOND)) == SmpStanding(SmpState.LAPSED, SECOND.ends_on, None, SECOND.ends_on)
    assert standing_on(after, (FIRST, LATE)) == SmpStanding(SmpState.BEGINS_LATER, LATE.starts_on, 1, LATE.ends_on)
    assert standing_on(after, ()) == SmpStanding(SmpState.NEVER)
