"""``tenure licence``: selling, showing, renewing and stopping licences."""

from __future__ import annotations

from typing import Annotated

import typer

from tenure_server.cli.context import (
    AsJson,
    CommandContext,
    ReasonOption,
    ReferenceOption,
    context_of,
    once_of,
    parsed,
    parsed_or_none,
)
from tenure_server.cli.output import money_json, plural, print_facts, print_json, print_line, print_table, say
from tenure_server.domain.licences import Licence, PaidPeriod
from tenure_server.domain.money import parse_amount, parse_currency, show
from tenure_server.domain.upgrades import grant_text, parse_line
from tenure_server.use_cases.change_licence import licence_of
from tenure_server.use_cases.issue_licence import LicenceOrder
from tenure_server.use_cases.licence_status import LicenceStanding
from tenure_server.use_cases.support_summary import RenewalOffer, SupportSummary
from tenure_signing.days import parse_day
from tenure_signing.entitlement import Grant, LicenceStatus, SupportPeriod, VersionGrant
from tenure_signing.names import parse_edition, parse_product
from tenure_signing.versions import parse_version

commands = typer.Typer(help="Licences and their support periods.", no_args_is_help=True)

LIST_LIMIT = 100

LicenceArgument = Annotated[str, typer.Argument(metavar="LICENCE", help="The licence's id.")]


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="licence")


@commands.command("issue")
def issue(
    ctx: typer.Context,
    product: Annotated[str, typer.Option("--product", help="The product's name.")],
    edition: Annotated[str, typer.Option("--edition", help="The edition bought.")],
    price: Annotated[str, typer.Option("--price", help="Base price paid, such as 1200.00.")],
    customer: Annotated[
        str | None, typer.Option("--customer", help="Who bought it: a name, which makes a new customer where needed.")
    ] = None,
    customer_id: Annotated[
        str | None, typer.Option("--customer-id", help="Or the id of a customer, as tenure customer list shows it.")
    ] = None,
    email: Annotated[str | None, typer.Option("--email", help="Where reminders go.")] = None,
    currency: Annotated[str | None, typer.Option("--currency", help="ISO 4217. [TENURE_CURRENCY]")] = None,
    users: Annotated[int, typer.Option("--additional-users", help="Users beyond the first.")] = 0,
    users_price: Annotated[
        str | None, typer.Option("--additional-users-price", help="Paid for all of them together.")
    ] = None,
    smp_years: Annotated[int | None, typer.Option("--smp-years", help="SMP bought with it: 1 or 2 years.")] = None,
    purchased_on: Annotated[str | None, typer.Option("--purchased-on", help="YYYY-MM-DD; default today.")] = None,
    reference: ReferenceOption = None,
    as_json: AsJson = False,
) -> None:
    """Issue a licence. Prints its key, once: send it to the customer."""
    context = context_of(ctx)
    money = parsed("--currency", currency or context.installation.settings.currency, parse_currency)
    if (customer is None) == (customer_id is None):
        raise typer.BadParameter("either --customer or --customer-id is needed, not both")
    if customer_id is not None and email is not None:
        raise typer.BadParameter("--email goes with --customer: tenure customer change --email changes a known one's")
    order = LicenceOrder(
        product=parsed("--product", product, parse_product),
        edition=parsed("--edition", edition, parse_edition),
        customer=customer or "",
        email=email,
        customer_id=customer_id,
        base_price=parsed("--price", price, lambda text: parse_amount(text, money)),
        additional_users=users,
        additional_users_price=parsed_or_none(
            "--additional-users-price", users_price, lambda text: parse_amount(text, money)
        ),
        smp_years=smp_years,
        purchased_on=parsed_or_none("--purchased-on", purchased_on, parse_day),
        reference=reference,
    )
    once = once_of(reference, "licence.issue", order)
    issued = context.installation.issue_licence(order, who=context.who, once=once)
    standing = context.installation.show_licence(issued.licence)
    if as_json:
        print_json({**_json(standing), "key": issued.key})
        return
    _print_standing(standing)
    print_line()
    print_line(issued.key)


@commands.command("show")
def show_licence(
    ctx: typer.Context,
    licence_id: LicenceArgument,
    reveal_key: Annotated[bool, typer.Option("--reveal-key", help="Print the licence key too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a licence, its SMP and what a renewal costs."""
    context = context_of(ctx)
    installation = context.installation
    licence = _licence(context, licence_id)
    standing = installation.show_licence(licence)
    key = installation.issue_licence.key_again(licence) if reveal_key else None
    if as_json:
        print_json({**_json(standing), **({"key": key} if key is not None else {})})
        return
    _print_standing(standing)
    if key is not None:
        print_line()
        print_line(key)


@commands.command("list")
def list_licences(
    ctx: typer.Context,
    text: Annotated[
        str, typer.Argument(help="What a caller says: name, e-mail, id, product, characters of the key.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", help="How many at most.", min=1, max=1_000_000)] = LIST_LIMIT,
    as_json: AsJson = False,
) -> None:
    """List licences, newest first."""
    with context_of(ctx).installation.database.reading() as records:
        found = records.licences.search(text, limit=limit + 1)
    licences = found[:limit]
    if len(found) > limit:
        say(f"the newest {limit}; there are more: search for a part of the name, or give --limit")
    if as_json:
        print_json([_summary(licence) for licence in licences])
        return
    rows = [
        (
            licence.licence_id,
            licence.customer,
            f"{licence.product} {licence.edition}",
            licence.seats,
            licence.status,
            licence.last_paid_day or "none",
        )
        for licence in licences
    ]
    columns = ("LICENCE", "CUSTOMER", "PRODUCT", "SEATS", "STATUS", "SUPPORT UNTIL")
    nothing = "There is no such licence." if text else "There is no licence yet: tenure licence issue makes one."
    print_table(columns, rows, nothing=nothing)


@commands.command("renew")
def renew(
    ctx: typer.Context,
    licence_id: LicenceArgument,
    years: Annotated[int | None, typer.Option("--years", help="1 or 2.")] = None,
    by_hand: Annotated[bool, typer.Option("--by-hand", help="Add any period, whatever the rules say.")] = False,
    starts_on: Annotated[str | None, typer.Option("--starts-on", help="With --by-hand: first day.")] = None,
    ends_on: Annotated[str | None, typer.Option("--ends-on", help="With --by-hand: last day, inclusive.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="With --by-hand: why.")] = None,
    reference: ReferenceOption = None,
    as_json: AsJson = False,
) -> None:
    """Buy or renew SMP for a licence.

    Within its renewal window, for one or two years; or any period by hand, with a reason.
    """
    context = context_of(ctx)
    if by_hand:
        if reference is not None:
            raise typer.BadParameter("--reference goes with an order, not with --by-hand")
        paid = _by_hand(context, licence_id, years, starts_on, ends_on, reason)
    else:
        if years is None or starts_on or ends_on or reason:
            raise typer.BadParameter("--years is needed; --starts-on, --ends-on and --reason go with --by-hand")
        once = once_of(reference, "licence.renew", (licence_id, years))
        renew_support = context.installation.renew_support
        paid = renew_support(licence_id, years, who=context.who, reference=reference, once=once)
    if as_json:
        print_json(_period_json(paid))
        return
    price = f", price {show(paid.price)}" if paid.price is not None else ""
    print_line(f"Support from {paid.period.starts_on} up to and including {paid.period.ends_on}{price}.")


def _by_hand(
    context: CommandContext,
    licence_id: str,
    years: int | None,
    starts_on: str | None,
    ends_on: str | None,
    reason: str | None,
) -> PaidPeriod:
    if starts_on is None or ends_on is None or reason is None or years is not None:
        raise typer.BadParameter("--by-hand takes --starts-on, --ends-on and --reason, and no --years")
    first, last = parsed("--starts-on", starts_on, parse_day), parsed("--ends-on", ends_on, parse_day)
    if last < first:
        raise typer.BadParameter("--ends-on is before --starts-on")
    return context.installation.add_period_by_hand(
        licence_id, SupportPeriod(first, last), reason=reason, who=context.who
    )


@commands.command("grant")
def grant(
    ctx: typer.Context,
    licence_id: LicenceArgument,
    reason: ReasonOption,
    version: Annotated[str | None, typer.Option("--version", help="The version to give.")] = None,
    line: Annotated[str | None, typer.Option("--line", help="In its place: every release of this x.y line.")] = None,
    as_json: AsJson = False,
) -> None:
    """Give a licence a release that it does not cover.

    A favour, or what was paid elsewhere; tenure order create --upgrade sells it. The version need not be published yet.
    """
    context = context_of(ctx)
    given = _grant(version, line)
    licence = context.installation.grant_release(licence_id, given, reason=reason, who=context.who)
    if as_json:
        print_json(_summary(licence))
        return
    print_line(f"Licence {licence.licence_id} covers {grant_text(given)} of {licence.product}.")


def _grant(version: str | None, line: str | None) -> Grant:
    if (version is None) == (line is None):
        raise typer.BadParameter("either --version or --line is needed, not both")
    if version is not None:
        return VersionGrant(parsed("--version", version, parse_version))
    return parsed("--line", str(line), parse_line)


@commands.command("move")
def move(
    ctx: typer.Context,
    licence_id: LicenceArgument,
    customer_id: Annotated[str, typer.Option("--customer-id", help="Whose it is from now on.")],
    reason: ReasonOption,
    as_json: AsJson = False,
) -> None:
    """Give a licence to another customer.

    Its support, keys and seats go with it; what was ordered for it stays in the name of who ordered it.
    """
    context = context_of(ctx)
    licence = context.installation.move_licence(licence_id, customer_id, reason=reason, who=context.who)
    if as_json:
        print_json(_summary(licence))
        return
    print_line(f"Licence {licence.licence_id} belongs to {licence.customer} ({licence.customer_id}).")


@commands.command("suspend")
def suspend(ctx: typer.Context, licence_id: LicenceArgument, reason: ReasonOption, as_json: AsJson = False) -> None:
    """Stop updates and downloads for a while."""
    _change(ctx, licence_id, LicenceStatus.SUSPENDED, reason, as_json)


@commands.command("revoke")
def revoke(ctx: typer.Context, licence_id: LicenceArgument, reason: ReasonOption, as_json: AsJson = False) -> None:
    """Take the licence back."""
    _change(ctx, licence_id, LicenceStatus.REVOKED, reason, as_json)


@commands.command("reinstate")
def reinstate(ctx: typer.Context, licence_id: LicenceArgument, reason: ReasonOption, as_json: AsJson = False) -> None:
    """Make a stopped licence active again."""
    _change(ctx, licence_id, LicenceStatus.ACTIVE, reason, as_json)


def _change(ctx: typer.Context, licence_id: str, status: LicenceStatus, reason: str, as_json: bool) -> None:
    context = context_of(ctx)
    licence = context.installation.change_status(licence_id, status, reason=reason, who=context.who)
    if as_json:
        print_json(_summary(licence))
        return
    print_line(f"Licence {licence.licence_id} is {licence.status}.")


def _licence(context: CommandContext, licence_id: str) -> Licence:
    with context.installation.database.reading() as records:
        return licence_of(records, licence_id)


def _print_standing(standing: LicenceStanding) -> None:
    licence = standing.licence
    reason = f" ({licence.status_reason})" if licence.status_reason else ""
    print_facts(
        {
            "licence": licence.licence_id,
            "customer": licence.customer + (f" <{licence.email}>" if licence.email else ""),
            "customer id": licence.customer_id,
            "product": f"{licence.product}, {licence.edition} edition, {plural(licence.seats, 'seat')}",
            "status": f"{licence.status}{reason}",
            "purchased on": f"{licence.purchased_on}, for {show(licence.total_purchase_price)}",
            "support": _support_text(standing.support),
            **({"granted": ", ".join(map(grant_text, licence.grants))} if licence.grants else {}),
            "renewal": _renewal_text(standing.renewal),
        }
    )


def _support_text(support: SupportSummary) -> str:
    if not support.periods:
        return "none was ever bought"
    periods = "\n".join(f"{p.starts_on} to {p.ends_on}, both inclusive" for p in support.periods)
    left = f"{plural(support.days_left, 'day')} left" if support.days_left else "ended"
    return f"{left}\n{periods}"


def _renewal_text(renewal: RenewalOffer) -> str:
    window = renewal.window
    if not renewal.options:
        return "lapsed: contact sales"
    when = "can be ordered today"
    if window.closes_on is not None:
        when = f"can be ordered from {window.opens_on} to {window.closes_on}"
    options = "\n".join(
        f"{plural(option.years, 'year')}: {option.period.starts_on} to {option.period.ends_on}, {show(option.price)}"
        for option in renewal.options
    )
    return f"{when}\n{options}"


def _summary(licence: Licence) -> dict[str, object]:
    last_day = licence.last_paid_day
    return {
        "licence_id": licence.licence_id,
        "customer_id": licence.customer_id,
        "customer": licence.customer,
        "email": licence.email,
        "product": licence.product,
        "edition": licence.edition,
        "seats": licence.seats,
        "status": licence.status.value,
        "status_reason": licence.status_reason,
        "purchased_on": licence.purchased_on.isoformat(),
        "total_purchase_price": money_json(licence.total_purchase_price),
        "grants": [grant_text(grant) for grant in licence.grants],
        "last_covered_day": last_day.isoformat() if last_day is not None else None,
    }


def _json(standing: LicenceStanding) -> dict[str, object]:
    window = standing.renewal.window
    return {
        **_summary(standing.licence),
        "periods": [_period_json(paid) for paid in standing.licence.periods],
        "days_left": standing.support.days_left,
        "renewal": {
            "can_be_ordered": window.can_be_ordered,
            "state": window.ordering.value,
            "opens_on": window.opens_on.isoformat() if window.opens_on is not None else None,
            "closes_on": window.closes_on.isoformat() if window.closes_on is not None else None,
            "options": [
                {
                    "years": option.years,
                    "starts_on": option.period.starts_on.isoformat(),
                    "ends_on": option.period.ends_on.isoformat(),
                    "price": money_json(option.price),
                }
                for option in standing.renewal.options
            ],
        },
    }


def _period_json(paid: PaidPeriod) -> dict[str, object]:
    price = paid.price
    return {
        "starts_on": paid.period.starts_on.isoformat(),
        "ends_on": paid.period.ends_on.isoformat(),
        "source": paid.source.value,
        "price": money_json(price) if price is not None else None,
        "order": paid.order,
    }
