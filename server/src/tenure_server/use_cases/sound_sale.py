"""Whether a sale makes sense at all, before anything is reckoned."""

from __future__ import annotations

from datetime import date, timedelta

from tenure_server.domain.customers import is_line
from tenure_server.domain.orders import LARGEST_AMOUNT, MAX_USERS, Sale, SaleKind
from tenure_server.domain.products import Product
from tenure_server.domain.smp import PLAN_YEARS
from tenure_server.errors import InvalidRequest, NotFound
from tenure_server.use_cases.ports import Records

MAX_LINE_CHARACTERS = 200

MOST_FREE_SUPPORT = timedelta(days=3_660)
"""Beyond that it is a slip of the keyboard."""


def product_of(records: Records, sale: Sale) -> Product:
    """Raises ``NotFound`` (``unknown_product``) and ``InvalidRequest`` (``unknown_edition``)."""
    product = records.products.get(sale.product)
    if product is None:
        raise NotFound("There is no such product.", code="unknown_product")
    if sale.edition not in product.editions:
        raise InvalidRequest(
            f"{product.name} has no edition {sale.edition}.",
            code="unknown_edition",
            hint=f"its editions are {', '.join(product.editions)}",
        )
    return product


def require_sound(sale: Sale, today: date) -> None:
    """Raises ``InvalidRequest`` for the first thing that makes no sense."""
    is_whole = {
        SaleKind.LICENCE: sale.licence_id is None and sale.base_price is not None,
        SaleKind.SUPPORT: sale.licence_id is not None and sale.smp_years is not None and sale.additional_users == 0,
        SaleKind.USERS: sale.licence_id is not None and sale.smp_years is None and sale.additional_users > 0,
        SaleKind.UPGRADE: sale.licence_id is not None and sale.smp_years is None and sale.additional_users == 0,
    }
    has_foreign_parts = (sale.kind is not SaleKind.LICENCE and sale.base_price is not None) or (
        (sale.kind is SaleKind.UPGRADE) != (sale.upgrade is not None)
    )
    if not is_whole[sale.kind] or has_foreign_parts:
        raise InvalidRequest(
            "An order is for a new licence at a base price, or for one licence's support, users or upgrade.",
            code="invalid_sale",
        )
    if sale.purchased_on is not None and sale.purchased_on > today:
        raise InvalidRequest("A licence cannot have been purchased in the future.", code="future_purchase")
    if sale.smp_years is not None and sale.smp_years not in PLAN_YEARS:
        raise InvalidRequest("An SMP plan is for one or two years.", code="invalid_plan")
    if not 0 <= sale.additional_users <= MAX_USERS:
        raise InvalidRequest("Additional users are from 0 to 1 000 000.", code="invalid_seats")
    if (sale.additional_users_price is not None) != (sale.additional_users > 0):
        raise InvalidRequest("Additional users and their price go together.", code="invalid_price")
    if sale.by_hand is not None and sale.kind is SaleKind.UPGRADE:
        raise InvalidRequest("An upgrade has its own price only.", code="invalid_sale")
    if sale.by_hand is not None and not is_line(sale.by_hand.text, MAX_LINE_CHARACTERS):
        raise InvalidRequest(
            f"What a line is for is said in 1 to {MAX_LINE_CHARACTERS} printable characters.", code="invalid_sale"
        )
    by_hand = sale.by_hand.price if sale.by_hand is not None else None
    for amount in (sale.base_price, sale.additional_users_price, by_hand):
        if amount is not None and not 0 <= amount.minor_units <= LARGEST_AMOUNT:
            raise InvalidRequest("A price is not negative and not beyond reason.", code="invalid_price")
        if amount is not None and amount.currency != sale.currency:
            raise InvalidRequest("All prices of an order are in one currency.", code="mixed_currencies")


def require_free_support_ahead(sale: Sale, today: date) -> None:
    """For what is offered or ordered today; accepting a quote takes its day as it is.

    Raises ``InvalidRequest`` (``invalid_free_support``).
    """
    until = sale.free_support_until
    if until is not None and not today <= until <= today + MOST_FREE_SUPPORT:
        raise InvalidRequest(
            "Free support is given until a day from today on, ten years at most.", code="invalid_free_support"
        )
