"""What orders and quotes are given alike: what is to be sold, to whom."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date
from functools import wraps
from inspect import Parameter
from typing import Annotated, get_type_hints

import typer

from tenure_server.cli.context import CommandContext, parsed, parsed_or_none
from tenure_server.domain.money import parse_amount, parse_currency
from tenure_server.domain.orders import LineByHand, Sale, SaleKind, sale_for
from tenure_server.domain.upgrades import parse_line
from tenure_server.use_cases.change_licence import licence_of
from tenure_server.use_cases.ports import Records
from tenure_signing.entitlement import Grant, VersionGrant
from tenure_signing.names import parse_edition, parse_product
from tenure_signing.releases import Money
from tenure_signing.versions import parse_version


def free_support_text(sale: Sale) -> str | None:
    return f"{sale.free_support_until}, inclusive" if sale.free_support_until is not None else None


def free_support_json(sale: Sale) -> str | None:
    return sale.free_support_until.isoformat() if sale.free_support_until is not None else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options as they were typed; the annotations are what they look like."""

    licence: Annotated[
        str | None, typer.Option("--licence", help="Sell SMP, users or an upgrade for this licence.")
    ] = None
    customer_id: Annotated[str | None, typer.Option("--customer-id", help="Sell a new licence to this customer.")] = (
        None
    )
    product: Annotated[str | None, typer.Option("--product", help="Of a new licence.")] = None
    edition: Annotated[str | None, typer.Option("--edition", help="Of a new licence.")] = None
    price: Annotated[str | None, typer.Option("--price", help="Base price of a new licence, such as 1200.00.")] = None
    currency: Annotated[
        str | None, typer.Option("--currency", help="Of a new licence, ISO 4217. [TENURE_CURRENCY]")
    ] = None
    users: Annotated[int, typer.Option("--additional-users", help="Users beyond those there are.", min=0)] = 0
    users_price: Annotated[str | None, typer.Option("--additional-users-price", help="For all of them together.")] = (
        None
    )
    smp_years: Annotated[int | None, typer.Option("--smp-years", help="SMP: 1 or 2 years.")] = None
    upgrade: Annotated[str | None, typer.Option("--upgrade", help="A version that the licence does not cover.")] = None
    upgrade_line: Annotated[
        str | None, typer.Option("--upgrade-line", help="In its place: every release of this x.y line.")
    ] = None
    free_support_until: Annotated[
        str | None, typer.Option("--free-support-until", help="Last day of support given without SMP, 2027-01-31.")
    ] = None

    line_by_hand: Annotated[
        str | None, typer.Option("--line", help="Charge something else besides: what it is; with --line-price.")
    ] = None
    line_price: Annotated[str | None, typer.Option("--line-price", help="Its price, such as 60.00.")] = None

    def sale(self, context: CommandContext) -> Callable[[Records], tuple[str, Sale]]:
        """To whom, and what."""
        if self.licence is not None:
            return self._for_licence(self.licence)
        if self.customer_id is None or self.product is None or self.edition is None or self.price is None:
            raise typer.BadParameter(
                "either --licence, or --customer-id with --product, --edition and --price for a new licence"
            )
        if self.upgrade or self.upgrade_line:
            raise typer.BadParameter("--upgrade and --upgrade-line go with --licence")
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
            by_hand=self._by_hand(currency),
        )
        return lambda _: (customer_id, sale)

    def _for_licence(self, licence_id: str) -> Callable[[Records], tuple[str, Sale]]:
        if any((self.customer_id, self.product, self.edition, self.price, self.currency)):
            raise typer.BadParameter("--licence says customer, product, edition and currency already")
        given = (self.smp_years is not None, self.users > 0, self.upgrade is not None, self.upgrade_line is not None)
        if sum(given) != 1:
            raise typer.BadParameter(
                "--licence takes one of --smp-years, --additional-users, --upgrade and --upgrade-line: one order for"
                " each"
            )
        grant, free_support = self._grant(), self._free_support_until()

        def sale(records: Records) -> tuple[str, Sale]:
            licence = licence_of(records, licence_id)
            return licence.customer_id, sale_for(
                licence,
                smp_years=self.smp_years,
                additional_users=self.users,
                additional_users_price=self._users_price(licence.currency),
                free_support_until=free_support,
                upgrade=grant,
                by_hand=self._by_hand(licence.currency),
            )

        return sale

    def _by_hand(self, currency: str) -> LineByHand | None:
        if (self.line_by_hand is None) != (self.line_price is None):
            raise typer.BadParameter("--line and --line-price go together")
        if self.line_by_hand is None or self.line_price is None:
            return None
        price = parsed("--line-price", self.line_price, lambda text: parse_amount(text, currency))
        return LineByHand(self.line_by_hand, price)

    def _grant(self) -> Grant | None:
        if self.upgrade_line is not None:
            return parsed("--upgrade-line", self.upgrade_line, parse_line)
        return VersionGrant(parsed("--upgrade", self.upgrade, parse_version)) if self.upgrade is not None else None

    def _free_support_until(self) -> date | None:
        return parsed_or_none("--free-support-until", self.free_support_until, date.fromisoformat)

    def _users_price(self, currency: str) -> Money | None:
        return parsed_or_none("--additional-users-price", self.users_price, lambda text: parse_amount(text, currency))


def taking_what_is_wanted(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of ``Wanted`` in place of its parameter ``wanted``."""
    hints = get_type_hints(Wanted, include_extras=True)
    names = [each.name for each in fields(Wanted)]
    options = [
        Parameter(each.name, Parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name])
        for each in fields(Wanted)
    ]
    own = inspect.signature(command, eval_str=True)
    place = list(own.parameters).index("wanted")
    others = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in own.parameters.values() if each.name != "wanted"]

    @wraps(command)
    def run(**given: object) -> None:
        wanted = Wanted(**{name: given.pop(name) for name in names})  # type: ignore[arg-type]
        command(wanted=wanted, **given)

    parameters = [*others[:place], *options, *others[place:]]
    run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run
