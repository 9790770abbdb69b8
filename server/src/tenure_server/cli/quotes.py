"""``tenure quote``: prices that hold until a day, on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, CommandContext, ReasonOption, ReferenceOption, context_of, once_of
from tenure_server.cli.orders import line_text, order_json
from tenure_server.cli.output import money_json, print_facts, print_json, print_line, print_table, say
from tenure_server.cli.sales_options import Wanted, free_support_json, free_support_text, taking_what_is_wanted
from tenure_server.domain.money import show
from tenure_server.domain.quotes import Quote
from tenure_server.papers.quote_paper import QuotePaper
from tenure_server.use_cases.customers import customer_of
from tenure_server.use_cases.quotes import quote_of

commands = typer.Typer(help="Quotes, as a page and as PDF.", no_args_is_help=True)

NumberArgument = Annotated[str, typer.Argument(metavar="QUOTE", help="Its number, such as Q-2026-00017.")]


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="quote")


@commands.command("create")
@taking_what_is_wanted
def create(
    ctx: typer.Context,
    wanted: Wanted,
    valid_days: Annotated[int | None, typer.Option("--valid-days", help="[TENURE_QUOTE_DAYS]")] = None,
    reference: ReferenceOption = None,
    as_json: AsJson = False,
) -> None:
    """Make a quote. tenure quote print writes it as a page or PDF."""
    context = context_of(ctx)
    sale = wanted.sale(context)
    once = once_of(reference, "quote.create", (wanted, valid_days))
    _print(context, context.installation.make_quote(sale, who=context.who, valid_days=valid_days, once=once), as_json)


@commands.command("show")
def show_quote(ctx: typer.Context, number: NumberArgument, as_json: AsJson = False) -> None:
    """Show a quote with the arithmetic behind its prices."""
    context = context_of(ctx)
    with context.installation.database.reading() as records:
        quote = quote_of(records, number)
    _print(context, quote, as_json)


@commands.command("list")
def list_quotes(
    ctx: typer.Context,
    customer: Annotated[str | None, typer.Option("--customer-id", help="Of this customer.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="How many at most.", min=1, max=1_000_000)] = 100,
    as_json: AsJson = False,
) -> None:
    """List quotes, newest first."""
    context = context_of(ctx)
    page = context.installation.list_quotes(customer_id=customer, limit=limit)
    if page.after is not None:
        say(f"the newest {limit}; there are more: give --limit")
    if as_json:
        print_json([_json(context, quote) for quote in page.entries])
        return
    rows = [
        (q.number, q.made_on, q.customer_id, show(q.total), q.valid_until, _state(context, q)) for q in page.entries
    ]
    print_table(("QUOTE", "MADE", "CUSTOMER", "TOTAL", "VALID UNTIL", "STATE"), rows, nothing="There is no quote.")


@commands.command("print")
def print_quote(
    ctx: typer.Context,
    number: NumberArgument,
    file: Annotated[Path, typer.Option("--to", help="A new file ending in .pdf or .html.")],
) -> None:
    """Write a quote to a file, for mail or a printer."""
    context = context_of(ctx)
    installation = context.installation
    with installation.database.reading() as records:
        quote = quote_of(records, number)
        customer = customer_of(records, quote.customer_id)
    paper = QuotePaper(installation.vendor, quote, customer, installation.policy.day_of(installation.clock()))
    match file.suffix.lower():
        case ".pdf":
            body = paper.pdf()
        case ".html":
            body = paper.html().encode()
        case _:
            raise typer.BadParameter("the file's name ends in .pdf or .html", param_hint="--to")
    with file.open("xb") as opened:
        opened.write(body)
    print_line(f"Wrote quote {number} to {file}.")


@commands.command("accept")
def accept(
    ctx: typer.Context, number: NumberArgument, reference: ReferenceOption = None, as_json: AsJson = False
) -> None:
    """Order what a quote offers, at its price. Accepted again, it is the same order."""
    context = context_of(ctx)
    order = context.installation.accept_quote(number, who=context.who, reference=reference)
    if as_json:
        print_json(order_json(order))
        return
    print_line(f"Quote {number} is order {order.number}, {show(order.total)}, to be paid by {order.pay_by}.")


@commands.command("withdraw")
def withdraw(ctx: typer.Context, number: NumberArgument, reason: ReasonOption, as_json: AsJson = False) -> None:
    """Take back a quote that was not accepted."""
    context = context_of(ctx)
    _print(context, context.installation.withdraw_quote(number, reason=reason, who=context.who), as_json)


def _print(context: CommandContext, quote: Quote, as_json: bool) -> None:
    if as_json:
        print_json(_json(context, quote))
        return
    facts: dict[str, object | None] = {
        "quote": quote.number,
        "customer": quote.customer_id,
        "licence": quote.sale.licence_id,
        "prices": "\n".join(map(line_text, quote.lines)),
        "total": show(quote.total),
        "valid until": f"{quote.valid_until}, inclusive",
        "free support until": free_support_text(quote.sale),
        "terms": quote.terms or None,
        "state": _state(context, quote) + (f", as order {quote.order}" if quote.order is not None else ""),
    }
    print_facts({name: fact for name, fact in facts.items() if fact is not None})


def _state(context: CommandContext, quote: Quote) -> str:
    installation = context.installation
    return quote.state_on(installation.policy.day_of(installation.clock())).value


def _json(context: CommandContext, quote: Quote) -> dict[str, object]:
    return {
        "quote": quote.number,
        "customer_id": quote.customer_id,
        "licence_id": quote.sale.licence_id,
        "lines": [
            {"text": line.text, "arithmetic": line.arithmetic, "amount": money_json(line.amount)}
            for line in quote.lines
        ],
        "total": money_json(quote.total),
        "made_on": quote.made_on.isoformat(),
        "valid_until": quote.valid_until.isoformat(),
        "free_support_until": free_support_json(quote.sale),
        "terms": quote.terms,
        "state": _state(context, quote),
        "order": quote.order,
    }
