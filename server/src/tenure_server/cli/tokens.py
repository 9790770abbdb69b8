"""``tenure token``: API tokens for build servers and scripts."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, ReasonOption, context_of, parsed, parsed_or_none
from tenure_server.cli.output import print_json, print_line, print_table, say
from tenure_server.domain.api_tokens import ApiToken, Scope
from tenure_server.errors import InvalidRequest
from tenure_server.use_cases.api_tokens import TokenWish
from tenure_signing.days import parse_day
from tenure_signing.names import parse_channel, parse_product

commands = typer.Typer(help="API tokens for build servers and scripts.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="token")


@commands.command("create")
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Option("--name", help="Who or what will use it, such as 'GitHub, cad'.")],
    scope: Annotated[list[Scope], typer.Option("--scope", help="What it is for; repeat for more.")],
    product: Annotated[str | None, typer.Option("--product", help="The product it publishes.")] = None,
    channel: Annotated[str | None, typer.Option("--channel", help="The only channel it publishes to.")] = None,
    person: Annotated[
        str | None, typer.Option("--person", help="Whose it is, and nobody else's; only such a token approves drafts.")
    ] = None,
    days: Annotated[int | None, typer.Option("--days", min=1, help="It expires after so many days.")] = None,
    expires: Annotated[str | None, typer.Option("--expires", help="YYYY-MM-DD, its last day.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it, this once. Only its digest is kept."""
    context = context_of(ctx)
    installation = context.installation
    now = installation.signing_clock()
    last_day = parsed_or_none("--expires", expires, parse_day)
    if (days is None) == (last_day is None):
        raise InvalidRequest("A token expires: say either --days or --expires.", code="token_expiry")
    wish = TokenWish(
        name=name,
        scopes=frozenset(scope),
        product=parsed_or_none("--product", product, parse_product),
        channel=parsed_or_none("--channel", channel, parse_channel),
        person=person,
        expires_at=_end_of(last_day, installation.policy.zone)
        if last_day is not None
        else now + timedelta(days=days or 0),
    )
    created = installation.create_token(wish, who=context.who)
    if as_json:
        print_json({**created.token.facts(), "token": created.secret})
        return
    token = created.token
    say(f"Made the token {token.token_id} for {_limits(token)}, until {token.expires_at:%Y-%m-%d %H:%M} UTC.")
    say("Keep it where secrets are kept: it cannot be shown again.")
    print_line(created.secret)


@commands.command("list")
def list_tokens(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the tokens, newest first, with when each was last used."""
    installation = context_of(ctx).installation
    now = installation.signing_clock()
    with installation.database.reading() as records:
        tokens = records.tokens.all()
    if as_json:
        print_json([{**token.facts(), "state": token.state(now), "last_used_at": _instant(token)} for token in tokens])
        return
    rows = [
        (
            t.token_id,
            t.name,
            t.person or "",
            _limits(t),
            f"{t.expires_at:%Y-%m-%d}",
            (_instant(t) or "never")[:16],
            t.state(now),
        )
        for t in tokens
    ]
    columns = ("ID", "NAME", "PERSON", "FOR", "EXPIRES", "LAST USED", "STATE")
    print_table(columns, rows, nothing="There is no token yet: tenure token create makes one.")


@commands.command("revoke")
def revoke(
    ctx: typer.Context,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As tenure token list shows it; not the token.")],
    reason: ReasonOption,
    as_json: AsJson = False,
) -> None:
    """Revoke a token. Nobody is let in with it from now on."""
    context = context_of(ctx)
    parsed("ID", token_id, _token_id)
    token = context.installation.revoke_token(token_id, reason=reason, who=context.who)
    if as_json:
        print_json({**token.facts(), "state": token.state(context.installation.signing_clock())})
        return
    print_line(f"Revoked the token {token.token_id} ({token.name}).")


def _token_id(text: str) -> str:
    if text.startswith("tenure_"):
        raise ValueError("this is a whole token, which now stands in your shell's history: give its id")
    return text


def _limits(token: ApiToken) -> str:
    limits = ", ".join(sorted(token.scopes))
    if token.product is not None:
        limits += f" of {token.product}"
    return limits + (f", channel {token.channel}" if token.channel is not None else "")


def _end_of(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), zone)


def _instant(token: ApiToken) -> str | None:
    return token.last_used_at.isoformat(timespec="seconds") if token.last_used_at is not None else None
