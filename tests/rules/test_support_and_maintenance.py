"""RULES.md, Support and maintenance: each sentence, in plain words."""

from __future__ import annotations

from datetime import date

import pytest

from tenure_server.domain.licences import Licence
from tenure_server.domain.orders import sale_for
from tenure_server.domain.problems import FixKind, FixPlanned, Plan, Reproduced, WorkAroundGiven
from tenure_server.domain.support_requests import (
    Category,
    Priority,
    RequestChannel,
    RequestFilter,
    RequestStatus,
    SupportRequest,
)
from tenure_server.domain.support_terms import TermsBasis
from tenure_server.errors import Conflict
from tenure_server.use_cases.support_requests import NewRequest
from tests.rules.shop import Shop, myr
from tests.server.use_cases.test_problems import Desk
from tests.server.world import WHO


def ask(
    shop: Shop,
    licence: Licence,
    category: Category = Category.REGISTRATION,
    *,
    channel: RequestChannel = RequestChannel.TELEPHONE,
    priority: Priority = Priority.NORMAL,
) -> SupportRequest:
    new = NewRequest(category, "Help", "Please.", channel, licence_id=licence.licence_id, priority=priority)
    return shop.world.installation.open_request(new, who=WHO)


# "A support request has a channel (telephone, e-mail, portal), a category (installation help, registration, licensing,
# key code, feature request, bug report, consulting) and a priority."


@pytest.mark.parametrize("channel", ["telephone", "email", "portal"])
def test_a_request_comes_by_telephone_by_mail_or_on_the_customers_page(shop: Shop, channel: str) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=1)
    assert ask(shop, licence, channel=RequestChannel(channel)).channel == channel


@pytest.mark.parametrize(
    "category",
    ["installation_help", "registration", "licensing", "key_code", "feature_request", "bug_report", "consulting"],
)
def test_a_request_has_one_of_seven_categories_and_a_priority(shop: Shop, category: str) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=1)
    request = ask(shop, licence, Category(category), priority=Priority.LOW)
    assert (request.category, request.priority) == (category, "low")


# "Its terms come from the licence on the day it is opened: in a support period, the plan's response terms, with
# priority incidents first; outside, the terms of the quotation (free_support_until, possibly none)."


@pytest.mark.parametrize(("years", "hours"), [(1, 16), (2, 8)])
def test_in_a_support_period_a_request_has_the_terms_of_the_plan(shop: Shop, years: int, hours: int) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=years)
    terms = ask(shop.on("2026-06-01"), licence).terms
    assert (terms.basis, terms.plan_years, terms.response_hours) == (TermsBasis.SUPPORT_PERIOD, years, hours)


def test_the_terms_are_those_of_the_day_the_request_is_opened_and_stay_so(shop: Shop) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=1)
    on_the_last_day = ask(shop.on("2026-12-31"), licence)
    on_the_day_after = ask(shop.on("2027-01-01"), licence)
    assert on_the_last_day.terms.basis is TermsBasis.SUPPORT_PERIOD
    assert on_the_day_after.terms.basis is TermsBasis.NONE
    kept = shop.on("2028-01-01").world.installation.show_request(on_the_last_day.number).request
    assert kept.terms == on_the_last_day.terms


def test_priority_incidents_come_first_in_the_queue(shop: Shop) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=1)
    usual = ask(shop, licence)
    incident = ask(shop, licence, priority=Priority.URGENT)
    listed = shop.world.installation.list_requests(RequestFilter(), limit=10).entries
    assert [shown.request.number for shown in listed] == [incident.number, usual.number]


@pytest.mark.parametrize(("today", "basis"), [("2026-03-31", TermsBasis.QUOTATION), ("2026-04-01", TermsBasis.NONE)])
def test_outside_a_support_period_the_quotations_free_support_counts_to_its_last_day(
    shop: Shop, today: str, basis: TermsBasis
) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=None)
    sale = sale_for(licence, additional_users=1, additional_users_price=myr(100), free_support_until=date(2026, 3, 31))
    order = shop.world.installation.place_order(lambda _: (licence.customer_id, sale), who=WHO)
    shop.pay(order)
    assert ask(shop.on(today), licence).terms.basis is basis


def test_without_smp_and_without_a_quotation_there_are_no_terms(shop: Shop) -> None:
    terms = ask(shop, shop.on("2026-01-01").sell(smp_years=None)).terms
    assert (terms.basis, terms.response_hours) == (TermsBasis.NONE, None)


# "Consulting is not covered by SMP: such a request is recorded and referred to sales."


def test_consulting_is_recorded_and_referred_to_sales(shop: Shop) -> None:
    licence = shop.on("2026-01-01").sell(smp_years=2)
    request = ask(shop, licence, Category.CONSULTING, priority=Priority.URGENT)
    assert (request.status, request.due_at) == (RequestStatus.REFERRED_TO_SALES, None)


# "A bug report opened in a support period can become a problem record: reported, reproduced (material or not),
# work-around given, fix planned for a service pack or release, released."


def test_a_bug_report_goes_from_report_to_release(shop: Shop) -> None:
    desk = Desk(shop.world)
    problem = desk.from_request(desk.asks(shop.on("2026-01-01").sell(smp_years=1)))
    seen = [problem.status.value]
    plan = Plan(FixKind.SERVICE_PACK)
    for step in (Reproduced(material=True), WorkAroundGiven("Save twice."), FixPlanned(plan)):
        problem = desk.step(problem, step)
        seen.append(problem.status.value)
    desk.fixes(problem, version="1.0.1")
    seen.append(desk.now(problem).status.value)
    assert seen == ["reported", "reproduced", "work_around_given", "fix_planned", "released"]


def test_a_bug_report_opened_outside_a_support_period_does_not_become_one_by_right(shop: Shop) -> None:
    desk = Desk(shop.world)
    request = desk.asks(shop.on("2026-01-01").sell(smp_years=None))
    with pytest.raises(Conflict, match="no support was ever bought"):
        desk.from_request(request)


# "Publishing the release that names the problem closes it and tells every reporter, with whether their licence covers
# the fix."


def test_publishing_the_release_that_names_the_problem_tells_every_reporter_whether_the_fix_is_theirs(
    shop: Shop,
) -> None:
    shop.on("2026-01-01")
    desk = Desk(shop.world)
    covered, over = (
        desk.sell(email, bought=date(2026, 1, 1), smp=years)
        for email, years in (("ada@example.com", 2), ("bo@example.com", 1))
    )
    problem = desk.reports(covered)
    desk.joins(problem, over)
    desk.world.today = date(2027, 6, 1)
    desk.fixes(problem, version="1.0.1")
    told = {mail.to: mail.text for mail in desk.sends()}
    assert sorted(told) == ["ada@example.com", "bo@example.com"]
    assert "covers" in told["ada@example.com"]
    assert "not" in told["bo@example.com"]
    assert desk.sends() == []
