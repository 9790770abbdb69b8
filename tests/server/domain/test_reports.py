"""Reports: what is counted where, and in which forms it comes."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from tenure_server.domain.licences import PeriodSource
from tenure_server.domain.report_forms import as_csv, as_json, as_svg
from tenure_server.domain.reports import (
    CustomerState,
    FieldCount,
    LapseReason,
    Month,
    Months,
    Report,
    SoldPeriod,
    SoldSmp,
    income,
    lapse_reason,
    lapsed,
    parse_month,
    renewals,
    versions,
)
from tenure_signing.entitlement import LicenceStatus, SupportPeriod
from tenure_signing.names import ProductName
from tenure_signing.releases import Money
from tenure_signing.versions import Version

CAD = ProductName("cad")
TODAY = date(2026, 11, 23)
AUTUMN = Months(Month(2026, 9), Month(2026, 11))
STATE = CustomerState("Ada", LicenceStatus.ACTIVE, True, False, False, 6)


def sold(
    licence: str, starts: str, ends: str, price: Money | None = None, sold_on: str = "2026-10-05", later: bool = True
) -> SoldPeriod:
    source = PeriodSource.ORDER if later else PeriodSource.PURCHASE
    period = SupportPeriod(date.fromisoformat(starts), date.fromisoformat(ends))
    return SoldPeriod(licence, CAD, period, source, price, date.fromisoformat(sold_on))


def cells(report: Report) -> list[tuple[object, ...]]:
    return [tuple(str(cell) if isinstance(cell, Decimal) else cell for cell in row) for row in report.rows]


OCTOBER = date(2026, 10, 5)


def test_income_counts_in_the_month_of_the_sale_apart_for_purchases_and_renewals() -> None:
    found = income(
        [
            SoldSmp(Money(15_000, "MYR"), OCTOBER, is_with_licence=True),
            SoldSmp(Money(20_050, "MYR"), OCTOBER, is_with_licence=False),
            SoldSmp(Money(100, "MYR"), date(2026, 12, 1), is_with_licence=False),
        ],
        AUTUMN,
    )
    assert found.columns == ("month", "currency", "with_licence", "later", "total", "refunded", "net")
    assert cells(found) == [
        ("2026-09", "MYR", "0.00", "0.00", "0.00", "0.00", "0.00"),
        ("2026-10", "MYR", "150.00", "200.50", "350.50", "0.00", "350.50"),
        ("2026-11", "MYR", "0.00", "0.00", "0.00", "0.00", "0.00"),
    ]


def test_what_went_back_is_subtracted_in_the_month_in_which_it_did() -> None:
    found = income(
        [
            SoldSmp(Money(15_000, "MYR"), OCTOBER, True, Money(15_000, "MYR"), date(2026, 11, 2)),
            SoldSmp(Money(20_000, "MYR"), date(2025, 1, 1), False, Money(5_000, "MYR"), date(2026, 11, 3)),
            SoldSmp(Money(1_000, "MYR"), OCTOBER, False, Money(900, "MYR"), date(2026, 12, 3)),
            SoldSmp(Money(30_000, "MYR"), date(2026, 11, 1), False),
        ],
        AUTUMN,
    )
    assert cells(found)[1:] == [
        ("2026-10", "MYR", "150.00", "10.00", "160.00", "0.00", "160.00"),
        ("2026-11", "MYR", "0.00", "300.00", "300.00", "200.00", "100.00"),
    ]
    assert found.chart.series["MYR refunded"] == (Decimal(0), Decimal(0), Decimal(200))
    assert "MYR refunded 200" in as_svg(found)
    assert as_csv(found).splitlines()[-1] == "2026-11,MYR,0.00,300.00,300.00,200.00,100.00"


def test_a_month_in_which_more_went_back_than_came_in_is_negative() -> None:
    found = income([SoldSmp(Money(100, "MYR"), date(2025, 1, 1), False, Money(100, "MYR"), OCTOBER)], AUTUMN)
    assert cells(found)[1] == ("2026-10", "MYR", "0.00", "0.00", "0.00", "1.00", "-1.00")
    ElementTree.fromstring(as_svg(found))


def test_currencies_are_never_added_up_and_have_their_own_digits() -> None:
    prices = (Money(15_000, "JPY"), Money(15_000, "EUR"))
    found = income([SoldSmp(price, OCTOBER, False) for price in prices], AUTUMN)
    assert {row[1]: row[4] for row in cells(found) if row[0] == "2026-10"} == {"EUR": "150.00", "JPY": "15000"}


def test_renewals_tell_what_became_of_the_terms_that_end_in_a_month() -> None:
    found = renewals(
        [
            sold("kept", "2025-10-01", "2026-09-30"), sold("kept", "2026-10-01", "2027-09-30"),
            sold("late", "2025-10-01", "2026-09-30"), sold("late", "2026-11-01", "2027-10-31"),
            sold("gone", "2025-10-01", "2026-09-30"),
            sold("open", "2025-12-01", "2026-11-30"),
        ],
        AUTUMN,
        TODAY,
    )  # fmt: skip
    assert found.columns == ("month", "due", "renewed", "renewed_late", "open", "lapsed", "rate_percent")
    assert cells(found) == [
        ("2026-09", 3, 1, 1, 0, 1, "66.7"),
        ("2026-10", 0, 0, 0, 0, 0, None),
        ("2026-11", 1, 0, 0, 1, 0, None),
    ]


def test_a_term_that_ends_today_is_still_open() -> None:
    (row,) = renewals([sold("a", "2025-11-24", "2026-11-23")], Months(Month(2026, 11), Month(2026, 11)), TODAY).rows
    assert row[4:6] == (1, 0)


def test_who_lapsed_is_listed_with_the_reason_newest_first() -> None:
    periods = [
        sold("early", "2025-09-11", "2026-09-10"),
        sold("late", "2025-10-11", "2026-10-10"),
        sold("kept", "2025-10-11", "2026-10-10"), sold("kept", "2026-10-11", "2027-10-10"),
    ]  # fmt: skip
    states = dict.fromkeys(("early", "late", "kept"), STATE)
    found = lapsed(periods, states, AUTUMN, TODAY)
    assert [(row[0], row[3], row[5]) for row in found.rows] == [
        ("late", "2026-10-10", "reminded, did not order"),
        ("early", "2026-09-10", "reminded, did not order"),
    ]
    assert found.chart.series == {"licences": (Decimal(2),)}


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (CustomerState("A", LicenceStatus.REVOKED, False, True, True, 0), LapseReason.REVOKED),
        (CustomerState("A", LicenceStatus.SUSPENDED, True, False, False, 6), LapseReason.SUSPENDED),
        (CustomerState("A", LicenceStatus.ACTIVE, False, False, False, 0), LapseReason.NO_ADDRESS),
        (CustomerState("A", LicenceStatus.ACTIVE, True, False, True, 1), LapseReason.ADDRESS_REFUSED),
        (CustomerState("A", LicenceStatus.ACTIVE, True, True, False, 1), LapseReason.OPTED_OUT),
        (CustomerState("A", LicenceStatus.ACTIVE, True, False, False, 0), LapseReason.NOT_REMINDED),
        (STATE, LapseReason.NO_ORDER),
    ],
)
def test_why_a_licence_lapsed(state: CustomerState, reason: LapseReason) -> None:
    assert lapse_reason(state) is reason


def test_versions_are_in_the_order_of_versions_with_their_share() -> None:
    counts = [FieldCount(CAD, Version(text), number) for text, number in (("2.9", 1), ("2.10", 2))]
    assert cells(versions(counts)) == [("cad", "2.10", 2, "66.7"), ("cad", "2.9", 1, "33.3")]


def test_months_are_read_counted_and_limited() -> None:
    assert [str(month) for month in Months(Month(2025, 11), Month(2026, 2))] == [
        "2025-11",
        "2025-12",
        "2026-01",
        "2026-02",
    ]
    assert parse_month("2026-11").plus(-11) == Month(2025, 12)
    for text in ("2026-13", "2026-1", "26-01", "2026-11-01", ""):
        with pytest.raises(ValueError, match="written 2026-11"):
            parse_month(text)
    for first, last in ((Month(2026, 2), Month(2026, 1)), (Month(2000, 1), Month(2026, 1))):
        with pytest.raises(ValueError, match="240"):
            Months(first, last)


def test_csv_holds_no_formula_that_a_customer_could_have_planted() -> None:
    state = CustomerState('=HYPERLINK("http://x"),"Söhne"\n', LicenceStatus.ACTIVE, True, False, False, 1)
    text = as_csv(lapsed([sold("a", "2025-10-11", "2026-10-10")], {"a": state}, AUTUMN, TODAY))
    header, row = csv.reader(io.StringIO(text))
    assert header == ["licence", "customer", "product", "ended_on", "reminders", "reason"]
    assert row[1] == "'" + state.customer


def test_json_holds_amounts_exactly() -> None:
    told = as_json(income([SoldSmp(Money(10, "MYR"), OCTOBER, is_with_licence=False)], AUTUMN))
    assert told["rows"][1]["total"] == "0.10"  # type: ignore[index]


@pytest.mark.parametrize("count", [0, 1, 40])
def test_a_picture_is_well_formed_and_says_every_number_in_words(count: int) -> None:
    counts = [FieldCount(ProductName("cad"), Version(f"1.{number}"), 10**number) for number in range(count)]
    picture = ElementTree.fromstring(as_svg(versions(counts)))
    assert picture.attrib["role"] == "img"
    ids = {element.attrib.get("id"): element for element in picture.iter()}
    named = picture.attrib["aria-labelledby"].split()
    assert all(ids[name].text for name in named)
    told = str(ids["description"].text)
    assert all(f"cad {one.version}: installs {one.installs:,}" in told for one in counts)
    svg = "{http://www.w3.org/2000/svg}"
    bars = [bar for bar in picture.iter(f"{svg}rect") if bar.find(f"{svg}title") is not None]
    assert len(bars) == count
    assert all(0 <= int(bar.attrib["height"]) <= 240 for bar in bars)


def test_a_picture_holds_no_markup_of_a_customers() -> None:
    report = versions([FieldCount(ProductName("<script>&\"'"), Version("1.0"), 1)])
    assert "<script" not in as_svg(report)
    ElementTree.fromstring(as_svg(report))
