"""Fonts for PDF: one that has every letter of the paper, or the paper is refused. No letter is ever left out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tenure_server.errors import InvalidRequest

if TYPE_CHECKING:
    from fpdf import FPDF

FONTS = (
    Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"),
    Path("/usr/share/fonts/TTF/DejaVuSans.ttf"),
    Path("/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf"),
    Path("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf"),
    Path("/usr/share/fonts/google-droid-sans-fonts/DroidSansFallbackFull.ttf"),
)
"""Where distributions keep those that have the letters of most languages; the last two have Chinese."""

CORE = "helvetica"
"""PDF's own font, which every reader has. Its letters are those of Latin-1."""

_SPACES = {0x202F: 0xA0, 0x2009: 0xA0}  # narrow ones, of French numbers: few fonts have them
_FOR_CORE = {0x2019: "'"}


def plain(text: str, family: str) -> str:
    """The text as the family can write it: with usual spaces, and straight apostrophes where it has no others."""
    text = text.translate(_SPACES)
    return text.translate(_FOR_CORE) if family == CORE else text


def add_font(pdf: FPDF, text: str, chosen: Path | None) -> str:
    """The family in which all of the text can be written; ``chosen`` comes before the fonts at hand.

    Raises ``InvalidRequest`` (``font_missing``).
    """
    from fpdf.fonts import TTFFont

    if _is_core(text):
        return CORE
    letters = {letter for letter in plain(text, "") if not letter.isspace()}
    at_hand = [path for path in (chosen, *FONTS) if path is not None and path.is_file()]
    families, missing = list[str](), set(letters)
    for number, path in enumerate(at_hand):
        family = f"paper{number}"
        pdf.add_font(family, fname=path)
        added = pdf.fonts[family]
        assert isinstance(added, TTFFont)
        has = {letter for letter in letters if ord(letter) in added.cmap}
        if has == letters:
            return family
        if has & missing:
            families.append(family)
            missing -= has
    if missing:
        raise InvalidRequest(
            "The quote has letters that no font at hand has.",
            code="font_missing",
            hint="TENURE_QUOTE_FONT names a TrueType file that has them; for Chinese install fonts-droid-fallback, for"
            " others fonts-dejavu-core; the page needs none",
        )
    pdf.set_fallback_fonts(families[1:])
    return families[0]


@contextmanager
def fonts_closed(pdf: FPDF) -> Iterator[None]:
    """Afterwards no font's file is open, also of those that were looked into and not written with."""
    from fpdf.fonts import TTFFont

    try:
        yield
    finally:
        for font in pdf.fonts.values():
            if isinstance(font, TTFFont):
                font.close()


def _is_core(text: str) -> bool:
    try:
        plain(text, CORE).encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True
