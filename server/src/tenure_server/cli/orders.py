"""``tenure order``: what was ordered, whether it is paid, and what became of it."""

from __future__ import annotations

from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, ReasonOption, ReferenceOption, context_of, once_of, parsed
from tenure_server.cli.output import money_json, print_facts, print_json, print_line, print_table, say
from tenure_server.cli.sales_options import Wanted, free_support_json, free_support_text, taking_what_is_wanted
from tenure_server.domain.money import parse_amount, show
from tenure_server.domain.orders import Order, OrderState, PriceLine
from tenure_server.domain.shop_payments import NoticeOutcome
from tenure_server.domain.upgrades import grant_text
from tenure_server.use_cases.sell import order_of

commands = typer.Typer(help="Orders, payments and refunds.", no_args_is_help=True)

NumberArgument = Annotated[str, typer.Argument(metavar="ORDER", help="Its number, such as O-2026-00017.")]


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="order")


@commands.command("create")
@taking_what_is_wanted
def create(
    ctx: typer.Context,
    wanted: Wanted,
    reference: ReferenceOption = None,
    as_json: AsJson = False,
) -> None:
    """Write down an order. Nothing is the customer's before tenure order pay."""
    context = context_of(ctx)
    sale = wanted.sale(context)
    once = once_of(reference, "order.create", wanted)
    placed = context.installation.place_order(sale, who=context.who, reference=reference, once=once)
    _print(placed, as_json)


@commands.command("pay")
def pay(
    ctx: typer.Context,
    number: NumberArgument,
    amount: Annotated[
        str | None, typer.Option("--amount", help="What came, such as 1200.00: refused unless it is the price.")
    ] = None,
    payment: Annotated[
        str | None, typer.Option("--payment", help="Which payment it was: a second one is then noticed.")
    ] = None,
    late: Annotated[bool, typer.Option("--late", help="Accept it after the last day of paying.")] = False,
    reason: Annotated[str | None, typer.Option("--reason", help="With --late: why.")] = None,
    as_json: AsJson = False,
) -> None:
    """Confirm that an order is paid. Licence or support period begin to count in the same moment; a repeat changes
    nothing. Prints a new licence's key, once."""
    if late != (reason is not None):
        raise typer.BadParameter("--late and --reason go together")
    context = context_of(ctx)
    with context.installation.database.reading() as records:
        order = order_of(records, number)
    money = parsed("--amount", amount, lambda text: parse_amount(text, order.sale.currency)) if amount else None
    paid = context.installation.confirm_payment(
        number, who=context.who, amount=money, payment=payment, late_reason=reason
    )
    key = paid.fulfilment.key
    if as_json:
        print_json({**order_json(paid.fulfilment.order), "is_new": paid.is_new, "certificate": paid.certificate}
                   | ({"key": key} if key is not None else {}))  # fmt: skip
        return
    if not paid.is_new:
        say("it was paid before; nothing is changed")
    _print(paid.fulfilment.order, as_json=False)
    if key is not None:
        print_line()
        print_line(key)


@commands.command("cancel")
def cancel(ctx: typer.Context, number: NumberArgument, reason: ReasonOption, as_json: AsJson = False) -> None:
    """Cancel an order that is not paid."""
    context = context_of(ctx)
    _print(context.installation.cancel_order(number, reason=reason, who=context.who), as_json)


@commands.command("refund")
def refund(
    ctx: typer.Context,
    number: NumberArgument,
    reason: ReasonOption,
    amount: Annotated[str | None, typer.Option("--amount", help="What went back; default: all of it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write down that a paid order was refunded.

    Its support ends yesterday; what was covered until then stays covered. The grant of an upgrade ends. A licence it
    brought is revoked.
    """
    context = context_of(ctx)
    with context.installation.database.reading() as records:
        order = order_of(records, number)
    money = parsed("--amount", amount, lambda text: parse_amount(text, order.sale.currency)) if amount else None
    _print(context.installation.refund_order(number, reason=reason, who=context.who, amount=money), as_json)


@commands.command("payments")
def payments(
    ctx: typer.Context,
    refused: Annotated[bool, typer.Option("--refused", help="Only those that somebody has to look at.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what shops said of payments, newest first.

    With why some were refused.
    """
    outcome = NoticeOutcome.REFUSED if refused else None
    with context_of(ctx).installation.database.reading() as records:
        found = records.payment_notices.newest(outcome=outcome, limit=1000)
    rows = [
        (f"{one.at:%Y-%m-%d %H:%M}", one.notice.order, show(one.notice.amount), one.notice.shop, one.notice.payment,
         one.code or one.outcome)
        for one in found
    ]  # fmt: skip
    columns = ("AT (UTC)", "ORDER", "AMOUNT", "SHOP", "PAYMENT", "OUTCOME")
    if as_json:
        print_json(
            [dict(zip(("at", "order", "amount", "shop", "payment", "outcome"), row, strict=True)) for row in rows]
        )
        return
    print_table(columns, rows, nothing="No shop has told of a payment.")


@commands.command("show")
def show_order(ctx: typer.Context, number: NumberArgument, as_json: AsJson = False) -> None:
    """Show an order with its prices and the arithmetic behind them."""
    with context_of(ctx).installation.database.reading() as records:
        order = order_of(records, number)
    _print(order, as_json)


@commands.command("list")
def list_orders(
    ctx: typer.Context,
    customer: Annotated[str | None, typer.Option("--customer-id", help="Of this customer.")] = None,
    licence: Annotated[str | None, typer.Option("--licence", help="Of this licence.")] = None,
    state: Annotated[OrderState | None, typer.Option("--state", help="In this state.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="How many at most.", min=1, max=1_000_000)] = 100,
    as_json: AsJson = False,
) -> None:
    """List orders, newest first."""
    list_them = context_of(ctx).installation.list_orders
    page = list_them(customer_id=customer, licence_id=licence, state=state, limit=limit)
    if page.after is not None:
        say(f"the newest {limit}; there are more: narrow it down, or give --limit")
    if as_json:
        print_json([order_json(order) for order in page.entries])
        return
    rows = [
        (o.number, o.ordered_on, o.customer_id, o.licence_id or "", o.sale.kind, show(o.total), o.state)
        for o in page.entries
    ]
    columns = ("ORDER", "ORDERED", "CUSTOMER", "LICENCE", "FOR", "TOTAL", "STATE")
    print_table(columns, rows, nothing="There is no such order.")


def _print(order: Order, as_json: bool) -> None:
    if as_json:
        print_json(order_json(order))
        return
    facts: dict[str, object | None] = {
        "order": order.number,
        "customer": order.customer_id,
        "reference": order.reference,
        "quote": order.quote,
        "licence": order.licence_id,
        "product": f"{order.sale.product}, {order.sale.edition} edition",
        "prices": "\n".join(map(line_text, order.lines)),
        "total": show(order.total),
        "support": f"{order.period.starts_on} to {order.period.ends_on}, both inclusive" if order.period else None,
        "free support until": free_support_text(order.sale),
        "state": _state_text(order),
    }
    print_facts({name: fact for name, fact in facts.items() if fact is not None})


def line_text(line: PriceLine) -> str:
    return f"{show(line.amount)}  {line.text}" + (f": {line.arithmetic}" if line.arithmetic else "")


def _state_text(order: Order) -> str:
    match order.state:
        case OrderState.ORDERED:
            return f"ordered on {order.ordered_on}, to be paid by {order.pay_by}"
        case OrderState.PAID:
            return "paid" + (f" by {order.payment.reference}" if order.payment and order.payment.reference else "")
        case OrderState.CANCELLED | OrderState.REFUNDED:
            assert order.end is not None
            money = f", {show(order.end.refunded)}" if order.end.refunded is not None else ""
            return f"{order.state} on {order.end.day}{money}: {order.end.reason}"


def order_json(order: Order) -> dict[str, object]:
    period, end = order.period, order.end
    refunded = end.refunded if end is not None else None
    return {
        "order": order.number,
        "customer_id": order.customer_id,
        "licence_id": order.licence_id,
        "kind": order.sale.kind.value,
        "product": order.sale.product,
        "edition": order.sale.edition,
        "upgrade": grant_text(order.sale.upgrade) if order.sale.upgrade is not None else None,
        "seats": order.sale.seats,
        "lines": [
            {"text": line.text, "arithmetic": line.arithmetic, "amount": money_json(line.amount)}
            for line in order.lines
        ],
        "total": money_json(order.total),
        "starts_on": period.starts_on.isoformat() if period is not None else None,
        "ends_on": period.ends_on.isoformat() if period is not None else None,
        "free_support_until": free_support_json(order.sale),
        "state": order.state.value,
        "ordered_on": order.ordered_on.isoformat(),
        "pay_by": order.pay_by.isoformat(),
        "reference": order.reference,
        "quote": order.quote,
        "payment": order.payment.reference if order.payment is not None else None,
        "ended_on": end.day.isoformat() if end is not None else None,
        "reason": end.reason if end is not None else None,
        "refunded": money_json(refunded) if refunded is not None else None,
    }
