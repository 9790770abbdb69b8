"""When customers are reminded, and in which words. RULES.md, Calendar."""

from __future__ import annotations

import string
from dataclasses import asdict
from datetime import date, timedelta

import pytest

from tenure_server.domain.reminder_words import ENGLISH, WORDS, language_spoken
from tenure_server.domain.reminders import EXPIRED, ReminderRules, due_step, is_told_already, pause_after

ENDS = date(2027, 3, 1)
RULES = ReminderRules()


def step(days_left: int, rules: ReminderRules = RULES) -> int | None:
    return due_step(ENDS, ENDS - timedelta(days=days_left), rules)


def test_customers_are_reminded_90_60_30_14_7_and_1_days_before_and_when_it_is_over() -> None:
    assert [days for days in range(100, -20, -1) if step(days) != step(days + 1)] == [90, 60, 30, 14, 7, 1, -1, -15]


def test_after_a_standstill_the_nearest_reminder_belongs_to_the_day() -> None:
    assert (step(55), step(8), step(0), step(-3)) == (60, 14, 1, EXPIRED)


def test_nobody_is_reminded_too_early_nor_long_after_the_end() -> None:
    assert (step(91), step(-14), step(-15)) == (None, EXPIRED, None)


def test_the_days_are_the_vendors_to_choose_and_none_means_never() -> None:
    rules = ReminderRules((45, 3))
    assert [step(days, rules) for days in (46, 45, 4, 3, -1)] == [None, 45, 45, 3, EXPIRED]
    assert [step(days, ReminderRules(())) for days in (90, 1, -1)] == [None, None, None]
    with pytest.raises(ValueError, match="1 to 366"):
        ReminderRules((0,))


def test_days_are_calendar_days_also_across_a_leap_day() -> None:
    assert due_step(date(2028, 3, 1), date(2028, 2, 23), RULES) == 7
    assert due_step(date(2027, 3, 1), date(2027, 2, 22), RULES) == 7


def test_a_reminder_is_not_sent_again_nor_after_a_nearer_one() -> None:
    assert is_told_already(30, {90, 30})
    assert is_told_already(60, {30})
    assert not is_told_already(30, {90, 60})


def test_a_mail_server_that_is_down_is_asked_every_hour_for_as_long_as_it_takes() -> None:
    assert [pause_after(attempts) // timedelta(minutes=1) for attempts in (1, 2, 3, 4, 5, 999)] == [
        5,
        10,
        20,
        40,
        60,
        60,
    ]


@pytest.mark.parametrize("language", sorted(WORDS))
def test_every_language_says_everything_with_the_same_facts(language: str) -> None:
    def filled_in(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}

    said = asdict(WORDS[language])
    for name, english in asdict(ENGLISH).items():
        assert said[name].strip() == said[name] != ""
        assert filled_in(said[name]) == filled_in(english), name


@pytest.mark.parametrize(
    ("wanted", "spoken"), [("de", "de"), ("de-AT", "de"), ("zh_Hans", "zh"), ("FR", "fr"), ("ms", "en"), ("", "en")]
)
def test_a_language_that_is_not_spoken_is_english(wanted: str, spoken: str) -> None:
    assert language_spoken(wanted) == spoken
