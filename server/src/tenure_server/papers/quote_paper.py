"""A quote as a page to print and as a PDF, from the same words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from fpdf import FPDF
from fpdf.fonts import TTFFont
from jinja2 import Environment, PackageLoader, StrictUndefined

from tenure_server.domain.customers import Customer
from tenure_server.domain.money import show
from tenure_server.domain.quotes import Quote
from tenure_server.errors import InvalidRequest

FONTS = (
    Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"),
    Path("/usr/share/fonts/TTF/DejaVuSans.ttf"),
    Path("/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf"),
)
"""Where distributions keep one that has the letters of most languages; used unless a setting names another."""

_INK, _GREY = 25, 110


@dataclass(frozen=True, slots=True)
class Vendor:
    """Who makes the quote. ``address`` has lines; ``font`` is a TrueType file for PDF."""

    name: str
    address: str = ""
    font: Path | None = None


@dataclass(frozen=True, slots=True)
class QuotePaper:
    """What is written on a quote, line by line."""

    vendor: Vendor
    quote: Quote
    customer: Customer
    today: date

    @property
    def title(self) -> str:
        return f"Quote {self.quote.number}"

    @property
    def addressee(self) -> list[str]:
        details = self.customer.details
        vat_id = f"VAT id {details.vat_id}" if details.vat_id else None
        return [text for text in (details.name, details.email, vat_id) if text]

    @property
    def facts(self) -> list[tuple[str, str]]:
        quote = self.quote
        facts = [("Date", str(quote.made_on)), ("Valid until", f"{quote.valid_until}, inclusive")]
        if quote.sale.licence_id is not None:
            facts.append(("For licence", quote.sale.licence_id))
        if quote.sale.free_support_until is not None:
            facts.append(("Free support until", f"{quote.sale.free_support_until}, inclusive"))
        state = quote.state_on(self.today)
        return [*facts, *([("State", str(state))] if state != "open" else [])]

    @property
    def lines(self) -> list[tuple[str, str, str]]:
        """Text, arithmetic and amount."""
        return [(line.text, line.arithmetic, show(line.amount)) for line in self.quote.lines]

    @property
    def total(self) -> str:
        return show(self.quote.total)

    @property
    def address(self) -> list[str]:
        return self.vendor.address.replace("\\n", "\n").splitlines()

    def html(self) -> str:
        """A page of its own, without scripts; styles are in it, for printing."""
        return _environment().get_template("quote.html").render(paper=self)

    def pdf(self) -> bytes:
        """A4. Raises ``InvalidRequest`` (``font_missing``) for letters that no font at hand has."""
        pdf = FPDF(format="A4")
        family = self._font(pdf)
        pdf.set_title(self.title)
        pdf.set_author(self.vendor.name)
        pdf.set_creation_date(self.quote.made_at)
        pdf.set_margins(22, 20)
        pdf.add_page()

        def write(text: str, size: float = 10, *, grey: int = _INK, align: str = "L", height: float = 5.5) -> None:
            pdf.set_font(family, size=size)
            pdf.set_text_color(grey)
            pdf.multi_cell(0, height, text, align=align, new_x="LMARGIN", new_y="NEXT")

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
            write(f"{name}: {fact}")
        pdf.ln(8)
        for text, arithmetic, amount in self.lines:
            self._priced(pdf, family, text, amount)
            if arithmetic:
                write(arithmetic, 9, grey=_GREY, height=4.5)
            pdf.ln(2)
        pdf.set_draw_color(_GREY)
        pdf.line(pdf.l_margin, pdf.get_y(), pdf.w - pdf.r_margin, pdf.get_y())
        pdf.ln(2)
        self._priced(pdf, family, "Total", self.total, size=12)
        if self.quote.terms:
            pdf.ln(10)
            write(self.quote.terms, 9)
        return bytes(pdf.output())

    def _priced(self, pdf: FPDF, family: str, text: str, amount: str, size: float = 10) -> None:
        pdf.set_font(family, size=size)
        pdf.set_text_color(_INK)
        width = pdf.epw - 45
        top = pdf.get_y()
        pdf.multi_cell(width, 5.5, text, new_x="RIGHT", new_y="TOP")
        bottom = pdf.get_y()
        pdf.set_xy(pdf.l_margin + width, top)
        pdf.cell(45, 5.5, amount, align="R", new_x="LMARGIN", new_y="NEXT")
        pdf.set_y(max(bottom, pdf.get_y()))

    def _font(self, pdf: FPDF) -> str:
        """PDF's own font where its letters do, else one with more."""
        words = [self.vendor.name, *self.address, *self.addressee, self.quote.terms]
        text = "".join([*words, *(f"{line}{arithmetic}{amount}" for line, arithmetic, amount in self.lines)])
        if text.isascii():
            return "helvetica"
        font = self.vendor.font or next((path for path in FONTS if path.is_file()), None)
        if font is None:
            raise InvalidRequest(
                "The quote has letters that need a font.",
                code="font_missing",
                hint="TENURE_QUOTE_FONT names a TrueType file, such as DejaVuSans.ttf; the page needs none",
            )
        pdf.add_font("paper", fname=font)
        added = pdf.fonts["paper"]
        assert isinstance(added, TTFFont)
        if any(ord(letter) not in added.cmap for letter in text if letter.isprintable()):
            raise InvalidRequest(
                "The quote has letters that the font has not.",
                code="font_missing",
                hint="TENURE_QUOTE_FONT names a TrueType file that has them; the page needs none",
            )
        return "paper"


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("tenure_server.papers"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
