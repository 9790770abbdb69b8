"""Quotes: a price that holds, on paper, and becomes an order once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from tenure_server.domain.customers import CustomerDetails
from tenure_server.domain.orders import Sale, SaleKind
from tenure_server.domain.quotes import Quote, QuoteState
from tenure_server.errors import Conflict, InvalidRequest
from tenure_server.papers.quote_paper import QuotePaper, Vendor
from tenure_server.use_cases.customers import customer_of
from tenure_server.use_cases.once import Once
from tenure_server.use_cases.renew_support import support_sale
from tenure_signing.releases import Money
from tests.server.use_cases.test_orders import NEW, Desk, myr
from tests.server.world import CAD, PRO, TODAY, WHO, World


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def quoted(desk: Desk, sale: Sale = NEW, *, customer: str | None = None, **more: object) -> Quote:
    customer_id = customer or desk.sold(desk.world.today).customer_id
    return desk.world.installation.make_quote(lambda _: (customer_id, sale), who=WHO, **more)  # type: ignore[arg-type]


def test_a_quote_has_a_number_a_validity_and_the_arithmetic(desk: Desk) -> None:
    quote = quoted(desk, replace(NEW, smp_years=2))
    assert (quote.number, quote.valid_until, quote.total) == ("Q-2026-00001", TODAY + timedelta(days=30), myr(1200))
    assert quote.lines[1].arithmetic.startswith("20 % (10 % a year for 2 years) of the total purchase price")


def test_an_accepted_quote_is_an_order_at_its_price_and_only_one(desk: Desk) -> None:
    quote = quoted(desk, replace(NEW, smp_years=1))
    accept = desk.world.installation.accept_quote
    order = accept(quote.number, who=WHO, reference="PO 7")
    assert accept(quote.number, who=WHO) == order
    assert (order.total, order.quote, order.reference) == (quote.total, quote.number, "PO 7")
    assert desk.pay(order).period is not None


def test_free_support_is_quoted_until_a_day_and_goes_with_the_order(desk: Desk) -> None:
    until = TODAY + timedelta(days=60)
    quote = quoted(desk, replace(NEW, free_support_until=until))
    with desk.world.database.reading() as records:
        customer = customer_of(records, quote.customer_id)
    paper = QuotePaper(Vendor("Anker CAD"), quote, customer, TODAY)
    assert ("Free support until", "2027-01-22, inclusive") in paper.facts
    assert "<dt>Free support until</dt><dd>2027-01-22, inclusive</dd>" in paper.html()
    assert paper.pdf().startswith(b"%PDF")
    assert desk.world.installation.accept_quote(quote.number, who=WHO).sale.free_support_until == until


def test_a_quote_accepted_after_its_free_support_is_over_is_an_order_all_the_same(desk: Desk) -> None:
    quote = quoted(desk, replace(NEW, free_support_until=TODAY))
    desk.world.today = TODAY + timedelta(days=1)
    assert desk.world.installation.accept_quote(quote.number, who=WHO).sale.free_support_until == TODAY


@pytest.mark.parametrize("until", [TODAY - timedelta(days=1), date(2037, 1, 1), date.max])
def test_free_support_until_yesterday_or_for_ever_is_refused(desk: Desk, until: date) -> None:
    sale = replace(NEW, free_support_until=until)
    for ask in (lambda: quoted(desk, sale), lambda: desk.order(sale)):
        with pytest.raises(InvalidRequest) as refused:
            ask()
        assert refused.value.code == "invalid_free_support"


def test_a_quoted_price_holds_when_the_percentages_are_raised(desk: Desk) -> None:
    licence = desk.sold(TODAY, smp_years=None)
    quote = quoted(desk, support_sale(licence, 1), customer=licence.customer_id)
    dearer = desk.world.reopened(one_year_percent=20)
    assert dearer.accept_quote(quote.number, who=WHO).total == myr(150)


def test_a_quote_can_be_accepted_up_to_its_last_day(desk: Desk) -> None:
    first, second = quoted(desk, valid_days=10), quoted(desk, valid_days=10)
    accept = desk.world.installation.accept_quote
    desk.world.today = TODAY + timedelta(days=10)
    accept(first.number, who=WHO)
    desk.world.today = TODAY + timedelta(days=11)
    with pytest.raises(Conflict) as refused:
        accept(second.number, who=WHO)
    assert refused.value.code == "quote_expired"
    assert second.state_on(desk.world.today) is QuoteState.EXPIRED


def test_a_quote_made_before_the_window_opens_is_accepted_when_it_is_open(desk: Desk) -> None:
    licence = desk.sold(date(2025, 1, 1))
    quote = quoted(desk, support_sale(licence, 1), customer=licence.customer_id, valid_days=366)
    accept = desk.world.installation.accept_quote
    with pytest.raises(Conflict) as refused:
        accept(quote.number, who=WHO)
    assert refused.value.code == "too_early"
    desk.world.today = date(2025, 12, 1)
    order = accept(quote.number, who=WHO)
    assert order.period is not None
    assert order.period.starts_on == date(2026, 1, 1)


def test_a_quote_that_does_not_know_of_new_users_is_outdated(desk: Desk) -> None:
    licence = desk.sold(TODAY, smp_years=None)
    quote = quoted(desk, support_sale(licence, 1), customer=licence.customer_id)
    users = Sale(SaleKind.USERS, CAD, PRO, "MYR", licence.licence_id, None, 1, myr(500))
    desk.pay(desk.order(users, licence.customer_id))
    with pytest.raises(Conflict) as refused:
        desk.world.installation.accept_quote(quote.number, who=WHO)
    assert refused.value.code == "quote_outdated"


def test_a_withdrawn_quote_cannot_be_accepted_nor_an_accepted_one_withdrawn(desk: Desk) -> None:
    first, second = quoted(desk), quoted(desk)
    shop = desk.world.installation
    withdrawn = shop.withdraw_quote(first.number, reason="a slip", who=WHO)
    assert shop.withdraw_quote(first.number, reason="again", who=WHO) == withdrawn
    with pytest.raises(Conflict) as refused:
        shop.accept_quote(first.number, who=WHO)
    shop.accept_quote(second.number, who=WHO)
    with pytest.raises(Conflict) as too_late:
        shop.withdraw_quote(second.number, reason="x", who=WHO)
    assert (refused.value.code, too_late.value.code) == ("quote_withdrawn", "quote_accepted")


def test_a_repeat_makes_no_second_quote_and_absurd_days_none(desk: Desk) -> None:
    customer = desk.sold(TODAY).customer_id
    once = Once.of("shop", "k", {})
    assert quoted(desk, customer=customer, once=once) == quoted(desk, customer=customer, once=once)
    with pytest.raises(InvalidRequest):
        quoted(desk, customer=customer, valid_days=0)


# --- On paper


def paper(desk: Desk, name: str = "Ada Tan", terms: str = "") -> QuotePaper:
    quote = replace(quoted(desk, replace(NEW, base_price=Money(123_456, "MYR"), smp_years=1)), terms=terms)
    with desk.world.database.reading() as records:
        customer = customer_of(records, quote.customer_id)
    named = replace(customer, details=CustomerDetails(name, "it@ada.example", vat_id="X 1"))
    return QuotePaper(Vendor("Harbour Software", "1 Jalan\\nKuala Lumpur"), quote, named, TODAY)


def test_the_page_says_all_that_is_on_the_quote_and_nothing_runs_in_it(desk: Desk) -> None:
    page = paper(desk, "<script>alert(1)</script> & Söhne", "Payment within 30 days.").html()
    for said in (
        "Quote Q-2026-00001", "2026-12-23, inclusive", "MYR 1,234.56", "15 % of the total purchase price",
        "MYR 185.18", "MYR 1,419.74", "Payment within 30 days.", "&lt;script&gt;", "Kuala Lumpur", "VAT id X 1",
    ):  # fmt: skip
        assert said in page
    assert "<script" not in page


@pytest.mark.parametrize("name", ["Ada Tan", "Łódź Große Straße"])
def test_the_pdf_is_one_and_has_the_letters_of_the_name(desk: Desk, name: str) -> None:
    body = paper(desk, name, "Terms. " * 50).pdf()
    assert body.startswith(b"%PDF-")
    assert body.rstrip().endswith(b"%%EOF")


def test_letters_that_no_font_has_are_refused_not_dropped(desk: Desk) -> None:
    with pytest.raises(InvalidRequest) as refused:
        paper(desk, "株式会社").pdf()
    assert refused.value.code == "font_missing"
    assert "株式会社" in paper(desk, "株式会社").html()
