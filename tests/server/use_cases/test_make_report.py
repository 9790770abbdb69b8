"""Reports over a vendor's real records: in memory, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.domain.customers import Customer, CustomerDetails
from tenure_server.domain.install_reports import InstallReport, Outcome
from tenure_server.domain.licences import PaidPeriod, PeriodSource
from tenure_server.domain.orders import SaleKind
from tenure_server.domain.reports import Month, Months, ReportName
from tenure_server.domain.support_requests import Category, RequestChannel
from tenure_server.errors import NotFound
from tenure_server.use_cases.issue_licence import LicenceOrder
from tenure_server.use_cases.support_requests import NewRequest
from tenure_signing.entitlement import LicenceStatus, SupportPeriod
from tenure_signing.names import ProductName
from tenure_signing.releases import Money
from tenure_signing.versions import Version
from tests.server.adapters.sample_records import NOON, plain_licence
from tests.server.databases import DATABASES, migrated
from tests.server.use_cases.test_remind import Post
from tests.server.world import CAD, CAM, MYR_1000, PRO, TODAY, WHO, World


@pytest.fixture(params=["memory", *DATABASES])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "memory":
        yield World(tmp_path, MemoryDatabase())
        return
    with migrated(request, tmp_path) as database:
        yield World(tmp_path, database)


def sell(world: World, bought: date, customer: str = "Ada", email: str | None = "a@example.com") -> str:
    today, world.today = world.today, bought
    order = LicenceOrder(CAD, PRO, customer, MYR_1000, email, smp_years=1)
    licence_id = world.installation.issue_licence(order, who=WHO).licence.licence_id
    world.today = today
    return licence_id


def test_income_renewals_and_lapses_come_from_what_was_sold_and_reminded(world: World) -> None:
    world.add_product()
    kept = sell(world, date(2025, 10, 1), "Kept")
    gone = sell(world, date(2025, 10, 2), "Gone")
    sell(world, date(2025, 10, 3), "Nowhere", email=None)
    barred = sell(world, date(2025, 10, 4), "Barred")
    remind = replace(world.installation.remind_customers, mailer=Post())
    world.today = date(2026, 9, 24)
    remind()
    world.installation.renew_support(kept, 1, who=WHO)
    world.installation.change_status(barred, LicenceStatus.REVOKED, reason="chargeback", who=WHO)
    world.installation.reminder_choice.opt_out(gone, who=WHO)
    world.today = TODAY
    make = world.installation.make_report
    months = Months(Month(2025, 10), Month(2026, 10))
    income = {row[0]: (str(row[2]), str(row[3])) for row in make(ReportName.INCOME, months=months).rows}
    assert income["2025-10"] == ("600.00", "0.00")
    assert income["2026-09"] == ("0.00", "150.00")
    due = {row[0]: row[1:6] for row in make(ReportName.RENEWALS, months=months).rows}
    assert due["2026-09"] == (1, 1, 0, 0, 0)
    assert due["2026-10"] == (3, 0, 0, 0, 3)
    lapsed = {row[1]: row[4:] for row in make(ReportName.LAPSED, months=months).rows}
    assert lapsed == {
        "Gone": (1, "wanted no reminders"),
        "Nowhere": (0, "no e-mail address: never reminded"),
        "Barred": (1, "licence revoked"),
    }
    assert make(ReportName.INCOME, months=months, product=CAD).rows == make(ReportName.INCOME, months=months).rows


def test_refunds_are_subtracted_from_income_in_their_month_and_the_income_before_stays(world: World) -> None:
    """Also those of terms that had not begun, of which no support period is left."""
    world.add_product()
    world.add_product(CAM)
    world.today = date(2025, 10, 1)
    licence_id = sell(world, world.today)
    world.today = date(2026, 8, 1)
    paid = world.installation.renew_support(licence_id, 2, who=WHO)
    world.today = date(2026, 9, 1)
    world.installation.refund_order(str(paid.order), reason="sent back", who=WHO)
    with world.database.reading() as records:
        (bought,) = [one for one in records.orders.search() if one.sale.kind is SaleKind.LICENCE]
    world.installation.refund_order(bought.number, reason="half", who=WHO, amount=Money(57_500, "MYR"))
    months = Months(Month(2025, 10), Month(2026, 9))
    make = world.installation.make_report
    found = {row[0]: tuple(map(str, row[2:])) for row in make(ReportName.INCOME, months=months).rows}
    assert found["2025-10"] == ("150.00", "0.00", "150.00", "0.00", "150.00")
    assert found["2026-08"] == ("0.00", "200.00", "200.00", "0.00", "200.00")
    assert found["2026-09"] == ("0.00", "0.00", "0.00", "275.00", "-275.00")  # 200, and half of 150
    assert make(ReportName.INCOME, months=months, product=CAM).rows == ()


def test_income_of_before_there_were_orders_counts_too(world: World) -> None:
    world.add_product()
    with world.database.writing() as records:
        records.customers.add(Customer("c-1", CustomerDetails("Ada"), NOON))
        period = SupportPeriod(date(2026, 1, 1), date(2026, 12, 31))
        paid = (PaidPeriod(period, PeriodSource.PURCHASE, Money(700, "MYR"), NOON),)
        licence = replace(plain_licence("1"), customer_id="c-1", periods=paid)
        records.licences.add(licence, feed_token_digest="0" * 64)
    (row,) = world.installation.make_report(
        ReportName.INCOME, months=Months(Month(2026, 11), Month(2026, 11)), product=CAD
    ).rows
    assert tuple(map(str, row[2:])) == ("7.00", "0.00", "7.00", "0.00", "7.00")


def test_an_install_counts_once_by_the_version_it_reported_last(world: World) -> None:
    world.add_product()
    world.add_product(CAM)
    world.publish("2.0", TODAY)
    world.publish("2.1", TODAY)

    def report(install: str, version: str, minutes: int, outcome: Outcome = Outcome.INSTALLED) -> InstallReport:
        at = world.now() + timedelta(minutes=minutes)
        digest = install * 64
        return InstallReport(CAD, Version(version), None, outcome, digest, "7k2m", 99, None, at, world.today)

    with world.database.writing() as records:
        records.install_reports.add([report("a", "2.0", 1), report("b", "2.0", 1), report("c", "2.0", 1)])
        records.install_reports.add([report("a", "2.1", 2), report("b", "2.1", 3, Outcome.FAILED)])
    make = world.installation.make_report
    assert [(*row[:3], str(row[3])) for row in make(ReportName.VERSIONS).rows] == [
        ("cad", "2.1", 1, "33.3"),
        ("cad", "2.0", 2, "66.7"),
    ]
    assert make(ReportName.VERSIONS, product=CAM).rows == ()


def test_without_any_sale_the_reports_are_empty(world: World) -> None:
    assert all(not row[1] for row in world.installation.make_report(ReportName.RENEWALS).rows)
    for name in (ReportName.INCOME, ReportName.LAPSED, ReportName.VERSIONS, ReportName.REQUESTS):
        assert world.installation.make_report(name).rows == ()
    with pytest.raises(NotFound):
        world.installation.make_report(ReportName.INCOME, product=ProductName("nothing"))


def test_requests_are_counted_by_month_and_category_with_the_share_answered_in_time(world: World) -> None:
    world.add_product()
    licence_id = sell(world, date(2026, 10, 1))
    installation = world.installation

    def ask(day: date, category: Category = Category.LICENSING) -> str:
        world.today = day
        new = NewRequest(category, "Help", "Please.", RequestChannel.TELEPHONE, licence_id)
        return installation.open_request(new, who=WHO).number

    in_time, late, closed = ask(date(2026, 10, 5)), ask(date(2026, 10, 5)), ask(date(2026, 10, 5))
    installation.reply_to_request(in_time, "Yes.", who=WHO)
    installation.close_request(closed, who=WHO)
    ask(date(2026, 10, 6), Category.CONSULTING)
    forgotten = ask(date(2026, 11, 2))
    world.today = date(2026, 10, 30)
    installation.reply_to_request(late, "Sorry.", who=WHO)
    world.today = TODAY
    ask(TODAY)
    months = Months(Month(2026, 10), Month(2026, 11))
    report = installation.make_report(ReportName.REQUESTS, months=months, product=CAD)
    assert [tuple(str(cell) for cell in row) for row in report.rows] == [
        ("2026-10", "licensing", "3", "2", "1", "0", "0", "66.7"),
        ("2026-10", "consulting", "1", "0", "0", "0", "1", "None"),
        ("2026-11", "licensing", "2", "0", "1", "1", "0", "0.0"),
    ]
    assert report.chart.series["late"] == (Decimal(1), Decimal(1))
    assert installation.make_report(ReportName.REQUESTS, months=Months(Month(9999, 12), Month(9999, 12))).rows == ()
    assert forgotten == "R-1005"
