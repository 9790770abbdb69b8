"""Events: what they hold, what they never hold, and who wants which."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tenure_server.domain.events import MAX_DATA_BYTES, Event, EventFilter, EventType, told_data

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY = f"{'a' * 40}.{'b' * 120}.{'c' * 86}"
TOKEN = f"tenure_{'a' * 12}_{'2' * 32}"


def test_a_licence_key_or_token_that_somebody_typed_into_a_reason_is_not_told() -> None:
    told = told_data({"reason": f"stolen: {KEY} and {TOKEN}.", "list": [KEY], "more": {"key": KEY}})
    assert told == {"reason": "stolen: [removed] and [removed].", "list": ["[removed]"], "more": {"key": "[removed]"}}


def test_ordinary_words_versions_and_days_are_told_as_they_are() -> None:
    data = {"reason": "crashes in 2.4.1 on 2026-11-23 ✓", "none": None, "number": 3, "both": [True, 1.5]}
    assert told_data(data) == data


def test_a_long_text_is_cut() -> None:
    (told,) = told_data({"text": "x" * 10_000}).values()
    assert told == "x" * 499 + "…"


def test_data_beyond_the_limit_are_refused() -> None:
    with pytest.raises(ValueError, match=f"{MAX_DATA_BYTES} bytes"):
        Event("evt_a", EventType.LICENCE_ISSUED, NOON, "7k2m", {"list": ["x" * 100] * 200})


def test_a_filter_names_types_and_things_and_an_empty_one_wants_everything() -> None:
    some = EventFilter(("licence.revoked", "release"))
    assert [type for type in EventType if some.wants(type) and type.thing == "licence"] == [EventType.LICENCE_REVOKED]
    assert all(some.wants(type) for type in EventType if type.thing == "release")
    assert not some.wants(EventType.PERIOD_ADDED)
    assert all(EventFilter().wants(type) for type in EventType)


@pytest.mark.parametrize("word", ["licence.revokd", "licences", "", "*", "licence."])
def test_a_misspelt_filter_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="there are no events"):
        EventFilter(("licence", word))
