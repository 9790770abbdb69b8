"""A quote as a page to print and as a PDF, from the same words, in the language of the customer: days, amounts and
percentages as that language writes them (CLDR, through Babel). The vendor's address and terms are as the vendor wrote
them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_percent, get_currency_precision
from jinja2 import Environment, PackageLoader, StrictUndefined

from tenure_server.domain.customers import Customer
from tenure_server.domain.orders import PricedThing, PriceLine
from tenure_server.domain.quotes import Quote
from tenure_server.domain.reminder_words import DEFAULT_LANGUAGE, language_for
from tenure_server.papers.paper_fonts import add_font, fonts_closed, plain
from tenure_server.papers.quote_words import QUOTE_WORDS, QuoteWords
from tenure_signing.entitlement import LineGrant, VersionGrant
from tenure_signing.releases import Money

if TYPE_CHECKING:
    from fpdf import FPDF

_LOCALES = {"en": "en_GB"}  # days as the customer's page writes them
_INK, _GREY = 25, 110


@dataclass(frozen=True, slots=True)
class Vendor:
    """Who makes the quote. ``address`` has lines; ``font`` is a TrueType file for PDF; ``language`` that of customers
    whose own is not known."""

    name: str
    address: str = ""
    font: Path | None = None
    language: str = DEFAULT_LANGUAGE


@dataclass(frozen=True, slots=True)
class QuotePaper:
    """What is written on a quote, line by line."""

    vendor: Vendor
    quote: Quote
    customer: Customer
    today: date

    @property
    def language(self) -> str:
        return language_for(self.customer.details.language, self.vendor.language)

    @property
    def words(self) -> QuoteWords:
        return QUOTE_WORDS[self.language]

    @property
    def title(self) -> str:
        return self.words.title.format(number=self.quote.number)

    @property
    def addressee(self) -> list[str]:
        details = self.customer.details
        vat_id = self.words.vat_id.format(vat_id=details.vat_id) if details.vat_id else None
        return [text for text in (details.name, details.email, vat_id) if text]

    @property
    def facts(self) -> list[tuple[str, str]]:
        quote, words = self.quote, self.words
        until = words.inclusive.format(day=self._day(quote.valid_until))
        facts = [(words.date, self._day(quote.made_on)), (words.valid_until, until)]
        if quote.sale.licence_id is not None:
            facts.append((words.licence, quote.sale.licence_id))
        if quote.sale.free_support_until is not None:
            free = words.inclusive.format(day=self._day(quote.sale.free_support_until))
            facts.append((words.free_support, free))
        state = words.state_word(quote.state_on(self.today))
        return [*facts, *([(words.state, state)] if state is not None else [])]

    @property
    def lines(self) -> list[tuple[str, str, str]]:
        """Text, arithmetic and amount."""
        return [(self._text(line), self._arithmetic(line), self._money(line.amount)) for line in self.quote.lines]

    @property
    def total(self) -> str:
        return self._money(self.quote.total)

    def _text(self, line: PriceLine) -> str:
        sale, words = self.quote.sale, self.words
        match line.thing:
            case PricedThing.BASE:
                return words.base.format(product=sale.product, edition=sale.edition)
            case PricedThing.ADDITIONAL_USERS:
                return words.one_user if sale.additional_users == 1 else words.users.format(count=sale.additional_users)
            case PricedThing.SMP:
                return words.one_year if sale.smp_years == 1 else words.two_years
            case PricedThing.UPGRADE:
                match sale.upgrade:
                    case LineGrant(major, minor):
                        return words.upgrade_line.format(product=sale.product, version=f"{major}.{minor}")
                    case VersionGrant(version):
                        return words.upgrade.format(product=sale.product, version=version)
                return line.text
            case PricedThing.BY_HAND:
                return line.text
            case unexpected:
                assert_never(unexpected)

    def _arithmetic(self, line: PriceLine) -> str:
        """As it was written down where the percentage was not yet kept by itself."""
        seats = self.quote.sale.seats
        if line.thing is PricedThing.UPGRADE and line.basis is not None and seats is not None:
            each, price = self._money(line.basis), self._money(line.amount)
            return self.words.upgrade_arithmetic.format(basis=each, seats=seats, price=price)
        if line.percent is None or line.basis is None:
            return line.arithmetic
        years = self.quote.sale.smp_years or 1
        said = self.words.arithmetic if years == 1 else self.words.arithmetic_two_years
        return said.format(
            percent=self._percent(line.percent),
            each=self._percent(line.percent / years),
            basis=self._money(line.basis),
            price=self._money(line.amount),
        )

    @property
    def _locale(self) -> Locale:
        return Locale.parse(_LOCALES.get(self.language, self.language))

    def _day(self, day: date) -> str:
        return format_date(day, format="long", locale=self._locale)

    def _money(self, amount: Money) -> str:
        exact = Decimal(amount.minor_units).scaleb(-get_currency_precision(amount.currency))
        return format_currency(exact, amount.currency, format="¤¤ #,##0.00", locale=self._locale)

    def _percent(self, percent: Decimal) -> str:
        return format_percent(percent / 100, locale=self._locale, decimal_quantization=False)

    @property
    def address(self) -> list[str]:
        return self.vendor.address.replace("\\n", "\n").splitlines()

    def html(self) -> str:
        """A page of its own, without scripts; styles are in it, for printing."""
        return _environment().get_template("quote.html").render(paper=self)

    def pdf(self) -> bytes:
        """A4. Raises ``InvalidRequest`` (``font_missing``) for letters that no font at hand has."""
        from fpdf import FPDF  # here: it takes 30 MB, and most processes never make a PDF

        pdf = FPDF(format="A4")
        with fonts_closed(pdf):
            return self._written(pdf, add_font(pdf, self._all_text(), self.vendor.font))

    def _written(self, pdf: FPDF, family: str) -> bytes:
        pdf.set_title(self.title)
        pdf.set_author(self.vendor.name)
        pdf.set_creation_date(self.quote.made_at)
        pdf.set_margins(22, 20)
        pdf.add_page()

        def write(text: str, size: float = 10, *, grey: int = _INK, align: str = "L", height: float = 5.5) -> None:
            pdf.set_font(family, size=size)
            pdf.set_text_color(grey)
            pdf.multi_cell(0, height, plain(text, family), align=align, new_x="LMARGIN", new_y="NEXT")

        write(self.vendor.name, 13, height=7)
        for line in self.address:
            write(line, 9, grey=_GREY, height=4.5)
        pdf.ln(12)
        for line in self.addressee:
            write(line)
        pdf.ln(10)
        write(self.title, 18, height=9)
        pdf.ln(2)
        for name, fact in self.facts:
            write(self.words.fact.format(name=name, fact=fact))
        pdf.ln(8)
        for text, arithmetic, amount in self.lines:
            self._priced(pdf, family, text, amount)
            if arithmetic:
                write(arithmetic, 9, grey=_GREY, height=4.5)
            pdf.ln(2)
        pdf.set_draw_color(_GREY)
        pdf.line(pdf.l_margin, pdf.get_y(), pdf.w - pdf.r_margin, pdf.get_y())
        pdf.ln(2)
        self._priced(pdf, family, self.words.total, self.total, size=12)
        if self.quote.terms:
            pdf.ln(10)
            write(self.quote.terms, 9)
        return bytes(pdf.output())

    def _priced(self, pdf: FPDF, family: str, text: str, amount: str, size: float = 10) -> None:
        pdf.set_font(family, size=size)
        pdf.set_text_color(_INK)
        width = pdf.epw - 45
        top = pdf.get_y()
        pdf.multi_cell(width, 5.5, plain(text, family), new_x="RIGHT", new_y="TOP")
        bottom = pdf.get_y()
        pdf.set_font(family, size=size + 1)  # letters of a fallback font leave their size behind
        pdf.set_font(family, size=size)
        pdf.set_xy(pdf.l_margin + width, top)
        pdf.cell(45, 5.5, plain(amount, family), align="R", new_x="LMARGIN", new_y="NEXT")
        pdf.set_y(max(bottom, pdf.get_y()))

    def _all_text(self) -> str:
        words, said = self.words, [self.vendor.name, *self.address, *self.addressee, self.quote.terms, self.title]
        facts = [words.fact.format(name=name, fact=fact) for name, fact in self.facts]
        return "".join([*said, *facts, *("".join(line) for line in self.lines), words.total, self.total])


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("tenure_server.papers"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
