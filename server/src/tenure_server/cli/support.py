"""``tenure support``: the queue of requests, and what operators do with them."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tenure_server.cli.context import (
    AsJson,
    ReferenceOption,
    context_of,
    once_of,
    parsed_or_none,
)
from tenure_server.cli.output import print_json, print_line, say
from tenure_server.cli.support_view import (
    caller_json,
    line_json,
    print_callers,
    print_queue,
    print_request,
    request_json,
    shown_json,
)
from tenure_server.domain.support_messages import MAX_BODY_CHARACTERS
from tenure_server.domain.support_requests import (
    IN_WORK,
    Category,
    Priority,
    RequestChannel,
    RequestContact,
    RequestFilter,
    RequestStatus,
    parse_place,
    place_text,
)
from tenure_server.use_cases.support_requests import SETTABLE, NewRequest, RequestChanges
from tenure_signing.names import parse_product

commands = typer.Typer(help="Support requests: the queue, threads and who calls.", no_args_is_help=True)

RequestArgument = Annotated[str, typer.Argument(metavar="REQUEST", help="Its number, such as R-1042, or its id.")]
Message = Annotated[str | None, typer.Option("--message", help="The words; or give --message-file.")]
MessageFile = Annotated[
    Path | None, typer.Option("--message-file", help="A file with the words, - for standard input.")
]
Revision = Annotated[
    int | None, typer.Option("--revision", help="Only if nothing has changed since you saw this revision.", min=1)
]


class AfterReply(StrEnum):
    """What a request is after a reply."""

    WAITING_FOR_CUSTOMER = "waiting_for_customer"
    OPEN = "open"
    RESOLVED = "resolved"


_CATEGORIES = f"One of {', '.join(Category)}."
_PRIORITIES = f"One of {', '.join(Priority)}."
_STATUSES = f"One of {', '.join(SETTABLE)}."
_AFTER_REPLY = f"What it is now: one of {', '.join(AfterReply)}."


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="support")


@commands.command("open")
def open_request(
    ctx: typer.Context,
    category: Annotated[Category, typer.Option("--category", metavar="CATEGORY", help=_CATEGORIES)],
    subject: Annotated[str, typer.Option("--subject", help="In one line.")],
    licence: Annotated[str | None, typer.Option("--licence", help="Its terms hold.")] = None,
    customer_id: Annotated[str | None, typer.Option("--customer-id", help="Where no licence is at hand.")] = None,
    message: Message = None,
    message_file: MessageFile = None,
    channel: Annotated[RequestChannel, typer.Option("--channel", help="How it came.")] = RequestChannel.TELEPHONE,
    priority: Annotated[Priority, typer.Option("--priority", metavar="PRIORITY", help=_PRIORITIES)] = Priority.NORMAL,
    name: Annotated[str | None, typer.Option("--name", help="Who asks; default: the customer.")] = None,
    email: Annotated[str | None, typer.Option("--email", help="Where replies go; default: the customer's.")] = None,
    phone: Annotated[str | None, typer.Option("--phone", help="Where to ring back.")] = None,
    installed: Annotated[str | None, typer.Option("--installed", help="Version; default: the last one seen.")] = None,
    assignee: Annotated[str | None, typer.Option("--assignee", help="Who looks after it.")] = None,
    reference: ReferenceOption = None,
    as_json: AsJson = False,
) -> None:
    """Write down a request, with the terms that the licence has today. Consulting is referred to sales."""
    context = context_of(ctx)
    if name is None and (email or phone):
        raise typer.BadParameter("--email and --phone go with --name")
    contact = RequestContact(name, email, phone) if name is not None else None
    new = NewRequest(
        category, subject, _words(message, message_file) or subject, channel, licence, customer_id, contact, priority,
        installed, assignee,
    )  # fmt: skip
    once = once_of(reference, "support.open", new)
    request = context.installation.open_request(new, who=context.who, once=once)
    _print(ctx, request.request_id, as_json)


@commands.command("list")
def list_requests(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(help="What a caller says: name, e-mail, order or request number, key.")] = "",
    status: Annotated[
        list[RequestStatus] | None, typer.Option("--status", metavar="STATUS", help="Default: all in work.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what is resolved or closed.")] = False,
    assignee: Annotated[str | None, typer.Option("--assignee", help="Looked after by this person.")] = None,
    unassigned: Annotated[bool, typer.Option("--unassigned", help="Looked after by nobody.")] = False,
    category: Annotated[
        Category | None, typer.Option("--category", metavar="CATEGORY", help="Only about this.")
    ] = None,
    product: Annotated[str | None, typer.Option("--product", help="Only of this product.")] = None,
    customer_id: Annotated[str | None, typer.Option("--customer-id", help="Only of this customer.")] = None,
    licence: Annotated[str | None, typer.Option("--licence", help="Only of this licence.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="How many at most.", min=1, max=10_000)] = 50,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Go on where a list said so.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the queue: priority incidents first, then what is due first."""
    if everything and status:
        raise typer.BadParameter("--all and --status exclude each other")
    if unassigned and assignee is not None:
        raise typer.BadParameter("--unassigned and --assignee exclude each other")
    context = context_of(ctx)
    wanted = RequestFilter(
        text=text,
        statuses=() if everything else tuple(status or IN_WORK),
        assignee="" if unassigned else assignee,
        category=category,
        product=parsed_or_none("--product", product, parse_product),
        customer_id=customer_id,
        licence_id=licence,
    )
    after = parsed_or_none("--cursor", cursor, parse_place)
    page = context.installation.list_requests(wanted, limit=limit, after=after)
    following = place_text(page.after) if page.after is not None else None
    if as_json:
        print_json({"requests": [line_json(line) for line in page.entries], "next_cursor": following})
        return
    print_queue(page.entries, context.installation.settings.zone)
    if following is not None:
        say(f"there are more: give --limit, or --cursor {following}")


@commands.command("show")
def show(ctx: typer.Context, request: RequestArgument, as_json: AsJson = False) -> None:
    """Show a request with its terms and everything that was said."""
    _print(ctx, request, as_json)


@commands.command("reply")
def reply(
    ctx: typer.Context,
    request: RequestArgument,
    message: Message = None,
    message_file: MessageFile = None,
    by_telephone: Annotated[bool, typer.Option("--by-telephone", help="It was said; no mail goes out.")] = False,
    status: Annotated[
        AfterReply, typer.Option("--status", metavar="STATUS", help=_AFTER_REPLY)
    ] = AfterReply.WAITING_FOR_CUSTOMER,
    revision: Revision = None,
    reference: ReferenceOption = None,
    as_json: AsJson = False,
) -> None:
    """Answer the customer. The mail goes out as soon as the mail server takes it."""
    context = context_of(ctx)
    body = _required_words(message, message_file)
    written = context.installation.reply_to_request(
        request,
        body,
        who=context.who,
        by_mail=not by_telephone,
        status=RequestStatus(status.value),
        revision=revision,
        once=once_of(reference, "support.reply", (request, body, by_telephone, status)),
    )
    if as_json:
        print_json(request_json(written.request) | {"message_id": written.message.message_id})
        return
    how = f"A mail to {written.message.mailed_to} is queued." if written.message.mailed_to else "No mail goes out."
    print_line(f"{written.request.number} is answered and now {written.request.status}. {how}")


@commands.command("note")
def note(
    ctx: typer.Context,
    request: RequestArgument,
    message: Message = None,
    message_file: MessageFile = None,
    as_json: AsJson = False,
) -> None:
    """Note something for operators; the customer never sees it."""
    context = context_of(ctx)
    written = context.installation.note_on_request(request, _required_words(message, message_file), who=context.who)
    if as_json:
        print_json(request_json(written.request) | {"message_id": written.message.message_id})
        return
    print_line(f"The note is kept with {written.request.number}.")


@commands.command("heard")
def heard(
    ctx: typer.Context,
    request: RequestArgument,
    message: Message = None,
    message_file: MessageFile = None,
    name: Annotated[str | None, typer.Option("--name", help="Who said it; default: the request's contact.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write down what the customer said when they rang again. It is your turn then."""
    context = context_of(ctx)
    body = _required_words(message, message_file)
    written = context.installation.hear_customer(request, body, who=context.who, name=name)
    _print(ctx, written.request.request_id, as_json)


@commands.command("change")
def change(
    ctx: typer.Context,
    request: RequestArgument,
    priority: Annotated[Priority | None, typer.Option("--priority", metavar="PRIORITY", help=_PRIORITIES)] = None,
    category: Annotated[Category | None, typer.Option("--category", metavar="CATEGORY", help=_CATEGORIES)] = None,
    status: Annotated[RequestStatus | None, typer.Option("--status", metavar="STATUS", help=_STATUSES)] = None,
    assignee: Annotated[str | None, typer.Option("--assignee", help="Who looks after it; '' for nobody.")] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", help="Which licence it is about: brings its terms.")
    ] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="In one line.")] = None,
    installed: Annotated[str | None, typer.Option("--installed", help="Version; '' for unknown.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Who asks.")] = None,
    email: Annotated[str | None, typer.Option("--email", help="Where replies go; '' for nowhere.")] = None,
    phone: Annotated[str | None, typer.Option("--phone", help="Where to ring back; '' for nowhere.")] = None,
    revision: Revision = None,
    as_json: AsJson = False,
) -> None:
    """Change a request. Terms stay as they were taken on the day it was opened."""
    context = context_of(ctx)
    contact = None
    if (name, email, phone) != (None, None, None):
        known = context.installation.show_request(request).request.contact
        contact = RequestContact(
            name if name is not None else known.name,
            (email or None) if email is not None else known.email,
            (phone or None) if phone is not None else known.phone,
        )
    changes = RequestChanges(priority, category, status, assignee, licence, subject, installed, contact)
    if changes == RequestChanges():
        raise typer.BadParameter("nothing is to be changed")
    changed = context.installation.change_request(request, changes, who=context.who, revision=revision)
    _print(ctx, changed.request_id, as_json)


@commands.command("close")
def close(ctx: typer.Context, request: RequestArgument, revision: Revision = None, as_json: AsJson = False) -> None:
    """Close a request: nothing more is to be done."""
    context = context_of(ctx)
    closed = context.installation.close_request(request, who=context.who, revision=revision)
    if as_json:
        print_json(request_json(closed))
        return
    print_line(f"{closed.number} is closed.")


@commands.command("reopen")
def reopen(ctx: typer.Context, request: RequestArgument, as_json: AsJson = False) -> None:
    """Open a request again, with the terms it was opened with."""
    context = context_of(ctx)
    _print(ctx, context.installation.reopen_request(request, who=context.who).request_id, as_json)


@commands.command("caller")
def caller(
    ctx: typer.Context,
    words: Annotated[
        list[str], typer.Argument(help="Name, e-mail, order or request number, a few characters of the key.")
    ],
    limit: Annotated[int, typer.Option("--limit", help="How many at most.", min=1, max=100)] = 10,
    as_json: AsJson = False,
) -> None:
    """Show who is on the telephone: SMP, plan, versions, open requests."""
    installation = context_of(ctx).installation
    found = installation.who_calls(" ".join(words), limit=limit + 1)
    if len(found) > limit:
        say(f"the first {limit}; there are more: say more words, or give --limit")
    if as_json:
        print_json([caller_json(one) for one in found[:limit]])
        return
    print_callers(found[:limit], installation.settings.zone)


def _print(ctx: typer.Context, request: str, as_json: bool) -> None:
    installation = context_of(ctx).installation
    shown = installation.show_request(request)
    if as_json:
        print_json(shown_json(shown))
        return
    print_request(shown, installation.settings.zone)


def _words(message: str | None, file: Path | None) -> str | None:
    if message is not None and file is not None:
        raise typer.BadParameter("--message and --message-file exclude each other")
    if file is None:
        return message
    most = MAX_BODY_CHARACTERS * 4  # bytes; what is longer is refused for its length
    if file == Path("-"):
        return sys.stdin.read(MAX_BODY_CHARACTERS + 1)
    with file.open("rb") as opened:
        return opened.read(most + 1).decode(errors="replace")


def _required_words(message: str | None, file: Path | None) -> str:
    words = _words(message, file)
    if words is None:
        raise typer.BadParameter("give --message or --message-file")
    return words
