"""``tenure customer``: who bought what, and whom to talk to there."""

from __future__ import annotations

from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, CommandContext, ReasonOption, ReferenceOption, context_of, once_of
from tenure_server.cli.output import print_facts, print_json, print_line, print_table, say
from tenure_server.domain.customers import DEFAULT_LANGUAGE, Contact, Customer, CustomerDetails
from tenure_server.domain.licences import Licence
from tenure_server.use_cases.customers import ContactDetails, customer_of

commands = typer.Typer(help="Customers and their contacts.", no_args_is_help=True)

CustomerArgument = Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's id.")]
Email = Annotated[str | None, typer.Option("--email", help="Where mail about licences goes.")]
Reference = Annotated[str | None, typer.Option("--number", help="Your own number for the customer; only one has it.")]
Language = Annotated[str | None, typer.Option("--language", help="Of mail: en, de, pt-BR.")]
Country = Annotated[str | None, typer.Option("--country", help="ISO 3166, such as MY.")]
TimeZone = Annotated[str | None, typer.Option("--time-zone", help="Such as Asia/Kuala_Lumpur.")]
VatId = Annotated[str | None, typer.Option("--vat-id", help="VAT or tax number, as the customer writes it.")]
Notes = Annotated[str | None, typer.Option("--notes", help="For yourselves.")]


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="customer")


@commands.command("add")
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Option("--name", help="A person or a company.")],
    email: Email = None,
    number: Reference = None,
    language: Language = None,
    country: Country = None,
    time_zone: TimeZone = None,
    vat_id: VatId = None,
    notes: Notes = None,
    reference: ReferenceOption = None,
    as_json: AsJson = False,
) -> None:
    """Add a customer. tenure licence issue does so by itself when it is given a new name."""
    context = context_of(ctx)
    details = CustomerDetails(
        name, email, number, language or DEFAULT_LANGUAGE, country, time_zone, vat_id, notes or ""
    )
    once = once_of(reference, "customer.add", details)
    _print(context, context.installation.add_customer(details, who=context.who, once=once), as_json)


@commands.command("change")
def change(
    ctx: typer.Context,
    customer_id: CustomerArgument,
    name: Annotated[str | None, typer.Option("--name", help="A person or a company.")] = None,
    email: Email = None,
    number: Reference = None,
    language: Language = None,
    country: Country = None,
    time_zone: TimeZone = None,
    vat_id: VatId = None,
    notes: Notes = None,
    as_json: AsJson = False,
) -> None:
    """Change what is known of a customer. An empty value takes it away."""
    context = context_of(ctx)
    given = {
        "name": name,
        "email": email,
        "reference": number,
        "language": language,
        "country": country,
        "time_zone": time_zone,
        "vat_id": vat_id,
        "notes": notes,
    }
    changes: dict[str, object] = {
        what: value if value or what in ("name", "notes", "language") else None
        for what, value in given.items()
        if value is not None
    }
    if not changes:
        raise typer.BadParameter("nothing is to be changed")
    _print(context, context.installation.change_customer(customer_id, changes, who=context.who), as_json)


@commands.command("contact")
def contact(
    ctx: typer.Context,
    customer_id: CustomerArgument,
    name: Annotated[str, typer.Option("--name", help="Who it is.")],
    email: Annotated[str | None, typer.Option("--email", help="Their address.")] = None,
    phone: Annotated[str | None, typer.Option("--phone", help="Their telephone number.")] = None,
    role: Annotated[str | None, typer.Option("--role", help="Such as purchasing.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take everyone of this name off the list.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put somebody on a customer's list of contacts.

    In place of who had the name before; or take them off.
    """
    context = context_of(ctx)
    with context.installation.database.reading() as records:
        known = customer_of(records, customer_id).contacts
    others = [_details(one) for one in known if one.name != name]
    if remove and len(others) == len(known):
        raise typer.BadParameter("the customer has no contact of this name", param_hint="--name")
    contacts = others if remove else [*others, ContactDetails(name, email, phone, role)]
    changed = context.installation.change_customer(customer_id, {"contacts": contacts}, who=context.who)
    _print(context, changed, as_json)


@commands.command("show")
def show(ctx: typer.Context, customer_id: CustomerArgument, as_json: AsJson = False) -> None:
    """Show a customer and the licences sold to them."""
    context = context_of(ctx)
    with context.installation.database.reading() as records:
        customer = customer_of(records, customer_id)
    _print(context, customer, as_json)


@commands.command("list")
def list_customers(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(help="What a caller says: name, e-mail, your number, a contact.")] = "",
    limit: Annotated[int, typer.Option("--limit", help="How many at most.", min=1, max=1_000_000)] = 100,
    as_json: AsJson = False,
) -> None:
    """List customers, newest first. Every word has to begin a word of theirs; accents and case do not matter."""
    page = context_of(ctx).installation.list_customers(text, limit=limit)
    if page.after is not None:
        say(f"the newest {limit}; there are more: say more words, or give --limit")
    if as_json:
        print_json([_json(customer) for customer in page.entries])
        return
    rows = [(c.customer_id, c.name, c.email or "", c.details.reference or "") for c in page.entries]
    nothing = "There is no such customer." if text else "There is no customer yet: tenure customer add makes one."
    print_table(("CUSTOMER", "NAME", "E-MAIL", "NUMBER"), rows, nothing=nothing)


@commands.command("delete")
def delete(ctx: typer.Context, customer_id: CustomerArgument, reason: ReasonOption) -> None:
    """Delete a customer to whom nothing was sold."""
    context = context_of(ctx)
    context.installation.delete_customer(customer_id, reason=reason, who=context.who)
    print_line(f"Customer {customer_id} is deleted.")


@commands.command("anonymise")
def anonymise(ctx: typer.Context, customer_id: CustomerArgument, reason: ReasonOption, as_json: AsJson = False) -> None:
    """Remove all that tells who a customer is.

    Licences and what was paid stay. It cannot be undone.
    """
    context = context_of(ctx)
    _print(context, context.installation.anonymise_customer(customer_id, reason=reason, who=context.who), as_json)


@commands.command("merge")
def merge(
    ctx: typer.Context,
    kept: Annotated[str, typer.Argument(metavar="KEPT", help="The id of the customer that stays.")],
    gone: Annotated[str, typer.Argument(metavar="GONE", help="The id of the record that goes into it.")],
    reason: ReasonOption,
    despite_differences: Annotated[
        bool, typer.Option("--despite-differences", help="Although they say different things: what KEPT says stands.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make one customer of two records.

    Licences, orders, quotes, requests and contacts of the second become the first's. It cannot be undone.
    """
    context = context_of(ctx)
    merge_them = context.installation.merge_customers
    whole = merge_them(kept, gone, reason=reason, who=context.who, despite_differences=despite_differences)
    _print(context, whole, as_json)


def _print(context: CommandContext, customer: Customer, as_json: bool) -> None:
    with context.installation.database.reading() as records:
        licences = records.licences.of_customer(customer.customer_id)
    if as_json:
        print_json({**_json(customer), "licences": [licence.licence_id for licence in licences]})
        return
    details = customer.details
    facts = {
        "customer": customer.customer_id,
        "name": details.name,
        "e-mail": details.email,
        "number": details.reference,
        "language": details.language,
        "country": details.country,
        "time zone": details.time_zone,
        "VAT id": details.vat_id,
        "notes": details.notes,
        "merged into": customer.merged_into,
        "contacts": "\n".join(map(_contact_text, customer.contacts)),
        "licences": "\n".join(map(_licence_text, licences)) or "none",
    }
    print_facts({name: value for name, value in facts.items() if value})


def _contact_text(contact: Contact) -> str:
    return ", ".join(text for text in (contact.name, contact.role, contact.email, contact.phone) if text)


def _licence_text(licence: Licence) -> str:
    until = f"support until {licence.last_paid_day}" if licence.last_paid_day is not None else "no support"
    return f"{licence.licence_id}  {licence.product} {licence.edition}, {licence.status}, {until}"


def _details(contact: Contact) -> ContactDetails:
    return ContactDetails(contact.name, contact.email, contact.phone, contact.role)


def _json(customer: Customer) -> dict[str, object]:
    details = customer.details
    return {
        "customer_id": customer.customer_id,
        "name": details.name,
        "email": details.email,
        "number": details.reference,
        "language": details.language,
        "country": details.country,
        "time_zone": details.time_zone,
        "vat_id": details.vat_id,
        "notes": details.notes,
        "contacts": [
            {"contact_id": one.contact_id, "name": one.name, "email": one.email, "phone": one.phone, "role": one.role}
            for one in customer.contacts
        ],
        "created_at": customer.created_at.isoformat(timespec="seconds"),
        "is_anonymised": customer.anonymised_at is not None,
        "merged_into": customer.merged_into,
    }
