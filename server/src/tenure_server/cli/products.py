"""``tenure product``: what the vendor sells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated

import typer
from securesystemslib.signer import Signer

from tenure_server.cli.context import AsJson, CommandContext, context_of, parsed, parsed_or_none
from tenure_server.cli.output import money_json, plural, print_facts, print_json, print_line, print_table
from tenure_server.cli.passphrase import ask_passphrase
from tenure_server.cli.release_drafts import (
    DraftOptions,
    RemoteOption,
    RemoteRootOption,
    lower_approvals,
    print_draft,
)
from tenure_server.domain.money import parse_amount, parse_currency, show
from tenure_server.domain.products import LapsePolicy, Product
from tenure_server.domain.seats import MOST_EXPIRY_DAYS, ProductSeatRules, SeatLimit
from tenure_server.errors import Conflict
from tenure_server.use_cases.set_seat_rules import rule_facts
from tenure_server.use_cases.signers import OnlineSigners
from tenure_signing.entitlement import ServicePacks
from tenure_signing.languages import ENGLISH, parse_language
from tenure_signing.names import parse_channel, parse_edition, parse_product
from tenure_signing.releases import DEFAULT_CHANNELS
from tenure_signing.signer_uris import open_signer
from tenure_signing.tuf_roles import TARGETS
from tenure_signing.versions import parse_version

commands = typer.Typer(help="Products that licences and releases belong to.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="product")


@commands.command("add")
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Short name: a-z, 0-9 and -. It never changes.")],
    edition: Annotated[list[str], typer.Option("--edition", help="An edition; repeat for more.")],
    title: Annotated[str | None, typer.Option("--title", help="The name customers see.")] = None,
    channel: Annotated[
        list[str] | None, typer.Option("--channel", help="A channel; repeat for more, most stable first.")
    ] = None,
    service_packs: Annotated[
        ServicePacks, typer.Option("--service-packs", help="Whether service packs follow their x.y release.")
    ] = ServicePacks.PERIOD,
    lapse: Annotated[
        LapsePolicy, typer.Option("--lapse", help="What a licence may order once support has lapsed.")
    ] = LapsePolicy.CLOSED,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", help="Release engineer's key: file:PATH, hsm:…, awskms:…; repeat. Default: a new one."),
    ] = None,
    threshold: Annotated[int, typer.Option("--threshold", help="How many of these keys a release takes.")] = 1,
    targets_key: Annotated[
        list[str] | None, typer.Option("--targets-key", help="The same of targets. Default: the one kept here.")
    ] = None,
    notes_language: Annotated[
        str, typer.Option("--notes-language", help="The language of its release notes; others are translations.")
    ] = ENGLISH,
    as_json: AsJson = False,
) -> None:
    """Add a product. Makes the key that its release engineers sign with, unless --key names theirs.

    Broken off at any point, the same command completes it.
    """
    context = context_of(ctx)
    product_name = parsed("NAME", name, parse_product)
    product = Product(
        name=product_name,
        title=title or name,
        editions=tuple(parsed("--edition", each, parse_edition) for each in edition),
        channels=tuple(parsed("--channel", each, parse_channel) for each in channel) if channel else DEFAULT_CHANNELS,
        service_packs=service_packs,
        lapse_policy=lapse,
        notes_language=parsed("--notes-language", notes_language, parse_language),
    )
    installation = context.installation
    keys = installation.keys
    online = installation.online_signers()
    is_new = not _is_there(context, product)
    if is_new:
        _add(context, product, online, _Keys(key or (), threshold, targets_key or ()))
    path = keys.product_key_path(product_name) if keys.product_key_path(product_name).exists() else None
    if as_json:
        print_json({**_json(product), "key": str(path) if path is not None else None, "is_new": is_new})
        return
    print_line(f"{'Added' if is_new else 'Added before:'} {product.name}.")
    print_facts(
        {
            "editions": ", ".join(product.editions),
            "channels": ", ".join(product.channels),
            **({"signing key": f"{path} (encrypted; for the release engineers)"} if path is not None else {}),
        }
    )


@dataclass(frozen=True, slots=True)
class _Keys:
    """Signer URIs, as the options name them."""

    product: Sequence[str]
    threshold: int
    targets: Sequence[str]


def _is_there(context: CommandContext, product: Product) -> bool:
    """Whether this very product was added before. Raises ``Conflict`` if it was with other settings."""
    with context.installation.database.reading() as records:
        found = records.products.get(product.name)
    if found is not None and found != product:
        raise Conflict(
            f"There is a product {product.name} already, with other settings.",
            code="product_exists",
            hint="tenure product list shows them",
        )
    return found is not None


def _add(context: CommandContext, product: Product, online: OnlineSigners, given: _Keys) -> None:
    keys = context.installation.keys
    passphrase = cache(lambda: ask_passphrase(f"the offline keys in {keys.offline}"))
    targets: list[Signer] = [open_signer(uri, ask_passphrase) for uri in given.targets]
    if not targets:
        targets.append(keys.offline_signer(TARGETS, passphrase))
    signers = [open_signer(uri, ask_passphrase) for uri in given.product]
    if not signers:
        keys.make_product_key(product.name, passphrase)
        signers.append(keys.product_signer(product.name, passphrase))
    context.installation.add_product(
        product,
        targets=targets,
        product_signers=signers,
        threshold=given.threshold,
        online=online,
        who=context.who,
    )


@commands.command("notes-language")
def set_notes_language(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The product's name.")],
    language: Annotated[str, typer.Argument(help="Such as de or pt-br.")],
    as_json: AsJson = False,
) -> None:
    """Say which language a product's release notes are in. Readers of any other get a translation, if there is one."""
    context = context_of(ctx)
    product, wanted = parsed("NAME", name, parse_product), parsed("LANGUAGE", language, parse_language)
    is_new = context.installation.set_notes_language(product, wanted, who=context.who)
    if as_json:
        print_json({"product": product, "notes_language": wanted, "is_new": is_new})
        return
    print_line(f"{'From now on' if is_new else 'As before'}, the notes of {product} are in {wanted}.")


_AS_SET = "default"
_NEVER = "never"


@commands.command("seats")
def seats(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="PRODUCT", help="The product's name.")],
    limit: Annotated[
        str | None, typer.Option("--limit", help="At the limit: refuse, warn, or default: as TENURE_SEAT_LIMIT says.")
    ] = None,
    expiry: Annotated[
        str | None,
        typer.Option("--expiry-days", help="A number, never, or default: as TENURE_SEAT_EXPIRY_DAYS says."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show or change what holds for machines' seats.

    What happens to one machine more than a licence has seats, and after how many days without contact one is free.
    """
    context = context_of(ctx)
    product, rules = parsed("PRODUCT", name, parse_product), context.installation.set_seat_rules
    found = rules.show(product)
    if limit is not None or expiry is not None:
        wanted = ProductSeatRules(
            found.own.limit if limit is None else parsed("--limit", limit, _limit),
            found.own.expiry_days if expiry is None else parsed("--expiry-days", expiry, _expiry_days),
        )
        found = rules(product, wanted, who=context.who)
    days = found.rules.expiry.days if found.rules.expiry is not None else None
    if as_json:
        holds = {"limit": found.rules.limit.value, "expiry_days": days}
        print_json({"product": product, "own": dict(rule_facts(found.own)), "holds": holds})
        return
    by_limit = "" if found.own.limit is not None else " (the setting)"
    by_expiry = "" if found.own.expiry_days is not None else " (the setting)"
    when = f"after {plural(days, 'day')} without contact" if days is not None else "never"
    print_facts({"at the limit": f"{found.rules.limit}{by_limit}", "seats expire": f"{when}{by_expiry}"})


def _limit(text: str) -> SeatLimit | None:
    if text == _AS_SET:
        return None
    if text not in tuple(SeatLimit):
        raise ValueError(f"is {', '.join(SeatLimit)} or {_AS_SET}")
    return SeatLimit(text)


def _expiry_days(text: str) -> int | None:
    """0: never. Raises ``ValueError``."""
    if text in (_AS_SET, _NEVER):
        return None if text == _AS_SET else 0
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_EXPIRY_DAYS:
        raise ValueError(f"is a number of days from 1 to {MOST_EXPIRY_DAYS}, {_NEVER} or {_AS_SET}")
    return int(text)


@commands.command("price")
def price(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="PRODUCT", help="The product's name.")],
    version: Annotated[str, typer.Argument(help="The release.")],
    amount: Annotated[str | None, typer.Argument(metavar="[PRICE]", help="For each seat, such as 120.00.")] = None,
    currency: Annotated[str | None, typer.Option("--currency", help="ISO 4217. [TENURE_CURRENCY]")] = None,
    none: Annotated[bool, typer.Option("--none", help="It is not sold singly any more.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what a release costs singly.

    For licences that do not cover it. A paid upgrade's prices are signed with it, and go before this one.
    """
    if none == (amount is not None):
        raise typer.BadParameter("either a price or --none is needed, not both")
    context = context_of(ctx)
    product, release = parsed("PRODUCT", name, parse_product), parsed("VERSION", version, parse_version)
    unit = parsed("--currency", currency or context.installation.settings.currency, parse_currency)
    money = parsed_or_none("PRICE", amount, lambda text: parse_amount(text, unit))
    is_new = context.installation.set_release_price(product, release, money, who=context.who)
    if as_json:
        shown = money_json(money) if money is not None else None
        print_json({"product": product, "version": str(release), "price": shown, "is_new": is_new})
        return
    costs = f"costs {show(money)} a seat" if money is not None else "is not"
    print_line(f"{'From now on' if is_new else 'As before'}, {product} {release} {costs} sold singly.")


@commands.command("list")
def list_products(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the products."""
    with context_of(ctx).installation.database.reading() as records:
        products = records.products.all()
    if as_json:
        print_json([_json(product) for product in products])
        return
    rows = [
        (p.name, p.title, ", ".join(p.editions), ", ".join(p.channels), p.service_packs, p.lapse_policy)
        for p in products
    ]
    columns = ("PRODUCT", "TITLE", "EDITIONS", "CHANNELS", "SERVICE PACKS", "AFTER LAPSE")
    print_table(columns, rows, nothing="There is no product yet: tenure product add makes one.")


@commands.command("approvals")
def approvals(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="PRODUCT", help="The product's name.")],
    number: Annotated[
        int | None,
        typer.Argument(metavar="[NUMBER]", help="How many people beside its maker approve a draft.", min=0, max=10),
    ] = None,
    server: RemoteOption = None,
    root: RemoteRootOption = None,
    as_json: AsJson = False,
) -> None:
    """Show or change how many people approve releases.

    Others than who made the change.

    Raising takes one person. Lowering takes as many approvals as it was: with --server it makes a draft.
    """
    context = context_of(ctx)
    product = parsed("PRODUCT", name, parse_product)
    if server is not None:
        if number is None:
            raise typer.BadParameter("--server goes with a lower number")
        print_draft(lower_approvals(context, DraftOptions(server, root, ()), product, number), as_json)
        return
    installation = context.installation
    if number is None:
        installation.catalogue.current().product(product)
        with installation.database.reading() as records:
            number = before = records.approval_rules.of(product)
    else:
        before = installation.raise_approvals(product, number, who=context.who)
    if as_json:
        print_json({"product": product, "approvals": number, "is_new": before != number})
        return
    print_line(f"Drafts of {product} take {plural(number, 'approval')} of other people.")


def _json(product: Product) -> dict[str, object]:
    return {
        "name": product.name,
        "title": product.title,
        "editions": list(product.editions),
        "channels": list(product.channels),
        "service_packs": product.service_packs.value,
        "lapse": product.lapse_policy.value,
        "notes_language": product.notes_language,
    }
