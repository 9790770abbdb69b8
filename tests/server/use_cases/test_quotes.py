"""Quotes: a price that holds, on paper, and becomes an order once."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import date, timedelta

import pytest

from tenure_server.domain.customers import CustomerDetails
from tenure_server.domain.orders import Sale, SaleKind
from tenure_server.domain.quotes import Quote, QuoteState
from tenure_server.domain.reminder_words import WORDS
from tenure_server.errors import Conflict, InvalidRequest
from tenure_server.papers import paper_fonts
from tenure_server.papers.quote_paper import QuotePaper, Vendor
from tenure_server.papers.quote_words import QUOTE_WORDS, QuoteWords
from tenure_server.use_cases.customers import customer_of
from tenure_server.use_cases.once import Once
from tenure_server.use_cases.renew_support import support_sale
from tenure_signing.releases import Money
from tests.server.use_cases.test_orders import NEW, Desk, myr
from tests.server.world import CAD, PRO, TODAY, WHO, World
from tests.services.leaving_out import leave_out_optional


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
    assert ("Free support until", "22 January 2027, inclusive") in paper.facts
    assert "<dt>Free support until</dt><dd>22 January 2027, inclusive</dd>" in paper.html()
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


def paper(desk: Desk, name: str = "Ada Tan", terms: str = "", language: str = "en", years: int = 1) -> QuotePaper:
    quote = replace(quoted(desk, replace(NEW, base_price=Money(123_456, "MYR"), smp_years=years)), terms=terms)
    with desk.world.database.reading() as records:
        customer = customer_of(records, quote.customer_id)
    named = replace(customer, details=CustomerDetails(name, "it@ada.example", vat_id="X 1", language=language))
    return QuotePaper(Vendor("Harbour Software", "1 Jalan\\nKuala Lumpur"), quote, named, TODAY)


def test_the_page_says_all_that_is_on_the_quote_and_nothing_runs_in_it(desk: Desk) -> None:
    page = paper(desk, "<script>alert(1)</script> & Söhne", "Payment within 30 days.").html()
    for said in (
        "Quote Q-2026-00001", "23 December 2026, inclusive", "MYR 1,234.56", "15% of the total purchase price of MYR",
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
    """Ugaritic and Sumerian: those of living languages may have a font on some machine."""
    with pytest.raises(InvalidRequest) as refused:
        paper(desk, "\U00010380\U00012000").pdf()
    assert refused.value.code == "font_missing"
    assert "TENURE_QUOTE_FONT" in str(refused.value.hint)
    assert "\U00012000" in paper(desk, "\U00012000").html()


@pytest.mark.parametrize(
    ("language", "years", "said"),
    [
        ("de", 1, ("Angebot Q-", "einschließlich 23. Dezember 2026", "MYR 1.234,56", "15\u00a0% vom Gesamtkaufpreis")),
        ("de-AT", 2, ("zwei Jahre", "20\u00a0% (10\u00a0% pro Jahr für 2 Jahre) vom", "MYR 246,91", "MYR 1.481,47")),
        (
            "fr",
            1,
            ("Devis Q-", "23 décembre 2026 inclus", "MYR 1\u202f234,56", "du prix d’achat total", "N° de TVA X 1"),
        ),
        (
            "zh-CN",
            2,
            ("报价单 Q-", "2026年12月23日（含）", "总购买价 MYR 1,234.56 的 20%（每年 10%，共 2 年）", "合计"),
        ),
    ],
)
def test_a_quote_speaks_the_customers_language(desk: Desk, language: str, years: int, said: tuple[str, ...]) -> None:
    page = paper(desk, language=language, years=years).html()
    assert f'<html lang="{language[:2]}">' in page
    for words in said:
        assert words in page
    for english in ("Valid until", "Support and maintenance", "perpetual"):
        assert english not in page


def test_a_customer_of_no_known_language_is_spoken_to_in_the_vendors(desk: Desk) -> None:
    german = replace(paper(desk), vendor=Vendor("Harbour Software", language="de"))
    assert "Angebot" in german.html()
    assert german.language == "de"


def test_every_language_fills_in_the_same_words() -> None:
    assert set(QUOTE_WORDS) == set(WORDS)
    for field in fields(QuoteWords):
        filled = {
            language: sorted(re.findall(r"{\w+}", getattr(words, field.name)))
            for language, words in QUOTE_WORDS.items()
        }
        assert len(set(map(str, filled.values()))) == 1, (field.name, filled)
        assert all(getattr(words, field.name) for words in QUOTE_WORDS.values())


def test_german_and_french_quotes_need_no_font(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper_fonts, "FONTS", ())
    for language in ("de", "fr"):
        body = paper(desk, "Große Straße", language=language).pdf()
        assert b"/Helvetica" in body
    with pytest.raises(InvalidRequest) as refused:
        paper(desk, language="zh").pdf()
    assert "fonts-droid-fallback" in str(refused.value.hint)


def test_a_chinese_quote_has_its_letters_from_the_fonts_that_have_them(desk: Desk) -> None:
    """A name in Polish and words in Chinese: no font of these has both."""
    fonts = [path for path in paper_fonts.FONTS if path.is_file()]
    if not any("Droid" in path.name for path in fonts):
        leave_out_optional("a Chinese font", "apt-get install fonts-droid-fallback")
    body = paper(desk, "Łódź", language="zh", years=2).pdf()
    assert b"Droid" in body


def test_a_quote_from_before_percentages_were_kept_shows_the_arithmetic_that_it_was_made_with(desk: Desk) -> None:
    made = paper(desk, language="de")
    old = replace(made.quote, lines=tuple(replace(line, percent=None) for line in made.quote.lines))
    assert "15 % of the total purchase price" in replace(made, quote=old).html()
