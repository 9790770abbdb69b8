"""Amounts as people write and read them. How many digits a currency has is CLDR's to say (through Babel)."""

from __future__ import annotations

import re
from decimal import Decimal

from babel.numbers import format_currency, get_currency_precision, is_currency

from tenure_signing.releases import Money

_AMOUNT = re.compile(r"\d{1,15}(\.\d{1,4})?", re.ASCII)


def parse_currency(text: str) -> str:
    """An ISO 4217 code. Raises ``ValueError``."""
    if not (len(text) == 3 and text.isascii() and text.isupper() and is_currency(text)):
        raise ValueError("a currency is an ISO 4217 code such as MYR, EUR or JPY")
    return text


def parse_amount(text: str, currency: str) -> Money:
    """``1200`` or ``1200.50``: no sign, no separators, no more digits than the currency has. Raises ``ValueError``."""
    digits = get_currency_precision(parse_currency(currency))
    if not _AMOUNT.fullmatch(text):
        raise ValueError("an amount is written 1200 or 1200.50")
    exact = Decimal(text).scaleb(digits)
    if exact != exact.to_integral_value():
        raise ValueError(f"{currency} has {digits} digits after the point")
    return Money(int(exact), currency)


def show(money: Money) -> str:
    """``MYR 1,200.50``."""
    amount = Decimal(money.minor_units).scaleb(-get_currency_precision(money.currency))
    return format_currency(amount, money.currency, format="¤¤ #,##0.00", locale="en")


def written(money: Money) -> str:
    """As ``parse_amount`` reads it: ``1200.50``."""
    return f"{Decimal(money.minor_units).scaleb(-get_currency_precision(money.currency)):f}"
