"""RULES.md, Support periods: each sentence, in plain words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tenure_server.domain.orders import OrderState, SaleKind
from tenure_server.domain.products import LapsePolicy
from tenure_server.errors import Conflict
from tenure_signing.entitlement import SupportPeriod
from tests.rules.shop import Shop, day
from tests.server.use_cases.test_remind import Post
from tests.server.world import WHO

# "SMP is optional. When it is bought with the licence, the first period starts on the day of purchase of the licence."


def test_a_licence_can_be_bought_without_smp(shop: Shop) -> None:
    licence = shop.sell(smp_years=None)
    assert shop.periods(licence) == []
    shop.release("1.0", "2026-11-01")
    assert shop.covers(licence, "1.0") == "purchased"


def test_smp_bought_with_the_licence_starts_on_the_day_of_purchase(shop: Shop) -> None:
    assert shop.periods(shop.on("2026-03-02").sell(smp_years=1)) == ["2026-03-02..2027-03-01"]


# "SMP bought later for the first time starts on the day it is bought; what was released in between is not covered."


def test_smp_bought_later_starts_on_that_day_and_what_was_released_in_between_is_not_covered(shop: Shop) -> None:
    shop.release("1.1", "2026-05-01")
    shop.release("1.2", "2026-09-02")
    licence = shop.on("2026-03-02").sell()
    assert shop.on("2026-09-01").renew(licence) == ["2026-09-01..2027-08-31"]
    shop.on("2026-09-02").with_settings()
    assert shop.covers(licence, "1.1") == "between_periods"
    assert shop.covers(licence, "1.2") == "support_period"


# "Renewal: can be ordered from 90 days before the last paid ends_on up to and including ends_on itself."


@pytest.mark.parametrize("today", ["2026-10-02", "2026-12-01", "2026-12-31"])
def test_a_renewal_can_be_ordered_from_90_days_before_the_end_to_the_end_itself(shop: Shop, today: str) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=1)
    assert shop.on(today).renew(licence)[-1] == "2027-01-01..2027-12-31"


def test_91_days_before_the_end_it_cannot_be_ordered_yet(shop: Shop) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=1)
    assert shop.on("2026-10-01").refusal(licence).code == "too_early"


# "The new term starts the day after the old ends_on, whatever day it was ordered on, for one or two years, any number
# of times."


def test_the_new_term_starts_the_day_after_the_old_end_for_one_or_two_years_any_number_of_times(shop: Shop) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=1)
    shop.on("2026-10-02").renew(licence, 2)
    shop.on("2028-12-31").renew(licence, 1)
    assert shop.on("2029-11-11").renew(licence, 2) == [
        "2026-01-01..2026-12-31",
        "2027-01-01..2028-12-31",
        "2029-01-01..2029-12-31",
        "2030-01-01..2031-12-31",
    ]


def test_a_renewal_ordered_in_time_and_paid_after_the_end_starts_the_day_after_it_all_the_same(shop: Shop) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=1)
    order = shop.on("2026-12-31").order(licence, 1)
    shop.on("2027-01-15").pay(order)
    assert shop.periods(licence)[-1] == "2027-01-01..2027-12-31"


# "The window is measured from the last paid end, so a renewal already ordered closes it until 90 days before the new
# end."


def test_a_renewal_already_ordered_closes_the_window_until_90_days_before_the_new_end(shop: Shop) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=1)
    shop.on("2026-12-01").renew(licence)
    assert shop.on("2026-12-02").refusal(licence).code == "too_early"
    assert shop.on("2027-10-01").refusal(licence).code == "too_early"
    assert shop.on("2027-10-02").renew(licence)[-1] == "2028-01-01..2028-12-31"


# "14 days before the end a last call goes out (both numbers are settings)."


def reminded(shop: Shop, *days: str) -> list[str]:
    """The subjects of the mails of those days."""
    post = Post()
    for today in days:
        replace(shop.on(today).world.installation.remind_customers, mailer=post)()
    return [mail.subject for mail in post.sent]


def test_14_days_before_the_end_a_last_call_goes_out(shop: Shop) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=1)
    assert not any("Last call" in subject for subject in reminded(shop, "2026-12-01", "2026-12-16"))
    assert not shop.standing(licence).renewal.window.is_last_call
    (subject,) = reminded(shop, "2026-12-17")
    assert subject.startswith("Last call")
    assert shop.standing(licence).renewal.window.is_last_call


def test_the_days_of_window_and_last_call_are_settings(shop: Shop) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=1)
    shop.with_settings(renewal_window_days=30, last_call_days=10)
    assert shop.on("2026-11-30").refusal(licence).code == "too_early"
    assert shop.on("2026-12-20").standing(licence).renewal.window.is_last_call is False
    assert shop.on("2026-12-21").standing(licence).renewal.window.is_last_call is True
    shop.on("2026-12-01").renew(licence)


def test_a_last_call_goes_out_on_the_day_that_the_setting_says(shop: Shop) -> None:
    """Whether or not it is a day of reminders anyway."""
    shop.on("2026-01-01").sell(smp_years=1)
    shop.with_settings(last_call_days=10)
    assert not any("Last call" in subject for subject in reminded(shop, "2026-12-17", "2026-12-20"))
    (subject,) = reminded(shop, "2026-12-21")
    assert subject.startswith("Last call")


# "Ordering too early is refused, saying from which day it is possible. Ordering after the end is refused as lapsed."


def test_ordering_too_early_is_refused_and_says_from_which_day_it_is_possible(shop: Shop) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=1)
    refusal = shop.on("2026-06-01").refusal(licence)
    assert refusal.code == "too_early"
    assert "from 2026-10-02 up to and including 2026-12-31" in str(refusal)


def test_ordering_after_the_end_is_refused_as_lapsed(shop: Shop) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=1)
    assert shop.on("2027-01-01").refusal(licence).code == "lapsed_closed"


# "Lapsed licences follow a product setting: closed (…), gap (…), backdate (…)."


def test_closed_is_the_default_and_refers_to_sales(shop: Shop) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=1)
    refusal = shop.on("2028-01-01").refusal(licence)
    assert (refusal.code, "contact sales" in (refusal.hint or "")) == ("lapsed_closed", True)


def test_with_gap_a_fresh_term_starts_on_the_day_it_is_bought_and_the_gap_stays_uncovered(shop: Shop) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=1, product=shop.sell_product(LapsePolicy.GAP))
    assert shop.on("2027-03-01").renew(licence) == ["2026-01-01..2026-12-31", "2027-03-01..2028-02-29"]


def test_with_backdate_a_fresh_term_starts_the_day_after_the_old_end_and_is_paid_for_from_there(shop: Shop) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=1, product=shop.sell_product(LapsePolicy.BACKDATE))
    assert shop.on("2027-03-01").renew(licence) == ["2026-01-01..2026-12-31", "2027-01-01..2027-12-31"]


# "A vendor's operator can always add a period by hand; who, when and why goes to the audit trail."


def test_an_operator_can_always_add_a_period_by_hand_and_who_when_and_why_is_written_down(shop: Shop) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=1)
    period = SupportPeriod(day("2027-06-01"), day("2027-06-30"))
    shop.on("2028-01-01").world.installation.add_period_by_hand(
        licence.licence_id, period, reason="a favour", who="mei"
    )
    assert shop.periods(licence)[-1] == "2027-06-01..2027-06-30"
    with shop.world.database.reading() as records:
        entry = records.audit.newest(subject=licence.licence_id)[0]
    assert (entry.who, entry.at, entry.details["reason"]) == ("mei", shop.world.now(), "a favour")


# "Periods of one licence never overlap. An attempt to store an overlap is refused."


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-12-31", "2027-01-31"),
        ("2025-12-01", "2026-01-01"),
        ("2026-05-01", "2026-05-01"),
        ("2025-01-01", "2030-01-01"),
    ],
)
def test_a_period_that_shares_a_day_with_another_one_is_refused(shop: Shop, first: str, last: str) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=1)
    with pytest.raises(Conflict, match="overlaps"):
        shop.world.installation.add_period_by_hand(
            licence.licence_id, SupportPeriod(day(first), day(last)), reason="a slip", who=WHO
        )
    assert shop.periods(licence) == ["2026-01-01..2026-12-31"]


# "A refund or a cancelled order ends its period on the day before the cancellation; what was covered by the days before
# stays so."


def test_a_refund_ends_the_period_on_the_day_before_and_what_was_covered_until_then_stays_so(shop: Shop) -> None:
    shop.release("1.1", "2026-05-31")
    shop.release("1.2", "2026-06-01")
    licence = shop.on("2025-12-01").sell()
    shop.on("2026-01-01").renew(licence)
    shop.on("2026-06-01").refund(licence, SaleKind.SUPPORT)
    assert shop.periods(licence) == ["2026-01-01..2026-05-31"]
    shop.with_settings()
    assert shop.covers(licence, "1.1") == "support_period"
    assert shop.covers(licence, "1.2") == "after_support"


def test_a_term_that_had_not_begun_is_gone_and_one_that_was_over_stays(shop: Shop) -> None:
    licence = shop.on("2026-01-01").sell()
    shop.renew(licence)
    shop.on("2026-12-01").renew(licence)
    shop.on("2026-12-02").refund(licence, SaleKind.SUPPORT)
    assert shop.periods(licence) == ["2026-01-01..2026-12-31"]
    other = shop.on("2026-01-01").sell()
    shop.renew(other)
    shop.on("2027-02-01").refund(other, SaleKind.SUPPORT)
    assert shop.periods(other) == ["2026-01-01..2026-12-31"]


def test_an_order_that_is_cancelled_before_it_was_paid_gave_no_period(shop: Shop) -> None:
    licence = shop.on("2026-01-01").sell()
    order = shop.order(licence, 1)
    assert shop.periods(licence) == []
    cancelled = shop.world.installation.cancel_order(order.number, reason="no budget", who=WHO)
    assert (cancelled.state, shop.periods(licence)) == (OrderState.CANCELLED, [])
