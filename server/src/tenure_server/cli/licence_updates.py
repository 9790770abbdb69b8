"""``tenure licence channels`` and ``updates``: what a licence's copies are offered of what it covers."""

from __future__ import annotations

from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, context_of, parsed
from tenure_server.cli.licences import LicenceArgument, commands
from tenure_server.cli.output import print_facts, print_json
from tenure_server.domain.licences import Licence
from tenure_server.domain.update_rules import parse_pin
from tenure_server.use_cases.change_update_rules import rule_facts
from tenure_signing.entitlement import Turn
from tenure_signing.names import parse_channel


def register() -> None:
    commands.command("channels")(channels)
    commands.command("updates")(updates)


def channels(
    ctx: typer.Context,
    licence_id: LicenceArgument,
    allow: Annotated[list[str] | None, typer.Option("--allow", help="A channel; repeat for more.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every channel of the product, as by default.")] = False,
    as_json: AsJson = False,
) -> None:
    """Limit a licence to some of the product's channels."""
    if bool(allow) == every:
        raise typer.BadParameter("either --allow, once or more, or --all is needed")
    context = context_of(ctx)
    names = frozenset(parsed("--allow", each, parse_channel) for each in allow) if allow else None
    _show(context.installation.change_update_rules.allow_channels(licence_id, names, who=context.who), as_json)


def updates(
    ctx: typer.Context,
    licence_id: LicenceArgument,
    pin: Annotated[str | None, typer.Option("--pin", help="Stay at this line and below: 2 or 2.4.")] = None,
    no_pin: Annotated[bool, typer.Option("--no-pin", help="Go on to the newest.")] = False,
    turn: Annotated[Turn | None, typer.Option("--turn", help="When in a rollout its installs come.")] = None,
    as_json: AsJson = False,
) -> None:
    """Pin a licence to a line, or set its turn in rollouts."""
    if pin is not None and no_pin:
        raise typer.BadParameter("--pin and --no-pin exclude each other")
    if pin is None and not no_pin and turn is None:
        raise typer.BadParameter("one of --pin, --no-pin and --turn is needed")
    context = context_of(ctx)
    change = context.installation.change_update_rules
    wanted = parsed("--pin", pin, parse_pin) if pin is not None else None
    if pin is not None or no_pin:
        licence = change.pin(licence_id, wanted, who=context.who)
    if turn is not None:
        licence = change.take_turn(licence_id, turn, who=context.who)
    _show(licence, as_json)


def _show(licence: Licence, as_json: bool) -> None:
    facts = rule_facts(licence.updates)
    if as_json:
        print_json({"licence_id": licence.licence_id, **facts})
        return
    allowed = licence.updates.channels
    print_facts(
        {
            "licence": licence.licence_id,
            "channels": ", ".join(sorted(allowed)) if allowed is not None else "all",
            "pin": licence.updates.pin or "none",
            "turn": licence.updates.turn.value,
        }
    )
