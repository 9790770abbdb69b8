"""What orders and quotes are given alike: what is to be sold, to whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Annotated

import typer

from tenure_server.cli.context import CommandContext, parsed, parsed_or_none
from tenure_server.domain.money import parse_amount, parse_currency
from tenure_server.domain.orders import Sale, SaleKind
from tenure_server.use_cases.change_licence import licence_of
from tenure_server.use_cases.ports import Records
from tenure_signing.names import parse_edition, parse_product
from tenure_signing.releases import Money

LicenceOption = Annotated[str | None, typer.Option("--licence", help="Sell SMP or additional users for this licence.")]
CustomerOption = Annotated[str | None, typer.Option("--customer-id", help="Sell a new licence to this customer.")]
Product = Annotated[str | None, typer.Option("--product", help="Of a new licence.")]
Edition = Annotated[str | None, typer.Option("--edition", help="Of a new licence.")]
Price = Annotated[str | None, typer.Option("--price", help="Base price of a new licence, such as 1200.00.")]
Currency = Annotated[str | None, typer.Option("--currency", help="Of a new licence, ISO 4217. [TENURE_CURRENCY]")]
Users = Annotated[int, typer.Option("--additional-users", help="Users beyond those there are.", min=0)]
UsersPrice = Annotated[str | None, typer.Option("--additional-users-price", help="For all of them together.")]
Years = Annotated[int | None, typer.Option("--smp-years", help="SMP: 1 or 2 years.")]
FreeSupport = Annotated[
    str | None, typer.Option("--free-support-until", help="Last day of support given without SMP, 2027-01-31.")
]


def free_support_text(sale: Sale) -> str | None:
    return f"{sale.free_support_until}, inclusive" if sale.free_support_until is not None else None


def free_support_json(sale: Sale) -> str | None:
    return sale.free_support_until.isoformat() if sale.free_support_until is not None else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options as they were typed."""

    licence: str | None
    customer_id: str | None
    product: str | None
    edition: str | None
    price: str | None
    currency: str | None
    users: int
    users_price: str | None
    smp_years: int | None
    free_support_until: str | None = None

    def sale(self, context: CommandContext) -> Callable[[Records], tuple[str, Sale]]:
        """To whom, and what."""
        if self.licence is not None:
            self._require_nothing_else()
            return partial(self._for_licence, self.licence)
        if self.customer_id is None or self.product is None or self.edition is None or self.price is None:
            raise typer.BadParameter(
                "either --licence, or --customer-id with --product, --edition and --price for a new licence"
            )
        currency = parsed("--currency", self.currency or context.installation.settings.currency, parse_currency)
        customer_id = self.customer_id
        sale = Sale(
            SaleKind.LICENCE,
            parsed("--product", self.product, parse_product),
            parsed("--edition", self.edition, parse_edition),
            currency,
            base_price=parsed("--price", self.price, lambda text: parse_amount(text, currency)),
            additional_users=self.users,
            additional_users_price=self._users_price(currency),
            smp_years=self.smp_years,
            free_support_until=self._free_support_until(),
        )
        return lambda _: (customer_id, sale)

    def _require_nothing_else(self) -> None:
        if any((self.customer_id, self.product, self.edition, self.price, self.currency)):
            raise typer.BadParameter("--licence says customer, product, edition and currency already")
        if (self.smp_years is None) == (self.users == 0):
            raise typer.BadParameter("--licence takes either --smp-years or --additional-users: one order for each")

    def _for_licence(self, licence_id: str, records: Records) -> tuple[str, Sale]:
        licence = licence_of(records, licence_id)
        kind = SaleKind.SUPPORT if self.smp_years is not None else SaleKind.USERS
        return licence.customer_id, Sale(
            kind,
            licence.product,
            licence.edition,
            licence.currency,
            licence_id=licence_id,
            additional_users=self.users,
            additional_users_price=self._users_price(licence.currency),
            smp_years=self.smp_years,
            free_support_until=self._free_support_until(),
        )

    def _free_support_until(self) -> date | None:
        return parsed_or_none("--free-support-until", self.free_support_until, date.fromisoformat)

    def _users_price(self, currency: str) -> Money | None:
        return parsed_or_none("--additional-users-price", self.users_price, lambda text: parse_amount(text, currency))
