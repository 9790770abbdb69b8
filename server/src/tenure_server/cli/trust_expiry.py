"""``tenure trust status``: how long every role lives, and who has signed a draft."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, CommandContext, context_of
from tenure_server.cli.output import print_json, print_table
from tenure_server.cli.trust_board import code_on, is_file, reviewed_by
from tenure_server.cli.trust_review import print_signatures, requirements_json
from tenure_server.cli.trust_sources import (
    RootOption,
    ServerOption,
    board_at,
    known_key_holders,
    local_metadata,
    verified_metadata,
)
from tenure_server.use_cases.trust_status import RoleLife, trust_status
from tenure_signing.draft_files import read_draft

NEEDS_PEOPLE = 1


def register(commands: typer.Typer) -> None:
    commands.command("status")(status)


def status(
    ctx: typer.Context,
    draft: Annotated[
        str | None, typer.Argument(metavar="[DRAFT]", help="A draft's file, or its code where it hangs: who signed it.")
    ] = None,
    server: ServerOption = None,
    root_file: RootOption = None,
    as_json: AsJson = False,
) -> int:
    """Days left of every role, or who has signed a draft.

    Exits with 1 if people have something to do.
    """
    context = context_of(ctx)
    if draft is not None:
        return _draft_status(context, draft, server, as_json)
    is_remote = server is not None
    repository = verified_metadata(context, server, root_file).repository if is_remote else local_metadata(context)[0]
    lives = trust_status(repository, context.installation.signing_clock())
    names = known_key_holders(context, server)
    if as_json:
        print_json([_life_json(life, names) for life in lives])
    else:
        rows = [(x.role, x.version, f"{x.expires:%Y-%m-%d}", x.days_left, _signers(x, names), _state(x)) for x in lives]
        print_table(("ROLE", "VERSION", "EXPIRES", "DAYS LEFT", "SIGNED BY", "STATE"), rows, nothing="No root.")
    return NEEDS_PEOPLE if any(life.needs_people for life in lives) else 0


def _draft_status(context: CommandContext, where: str, server: str | None, as_json: bool) -> int:
    """Who has signed the draft, by its signatures and by nobody's word."""
    if is_file(where, server):
        draft = read_draft(Path(where))
    else:
        with board_at(context, server) as board:
            draft = board.fetch(code_on(board, where))
    reviewed = reviewed_by(context, server, draft)
    if as_json:
        signatures = requirements_json(draft.requirements())
        print_json(
            {"code": draft.code, "complete": draft.is_complete, "signatures": signatures, "names": dict(reviewed.names)}
        )
    else:
        print_signatures(draft, reviewed.names)
    return 0 if draft.is_complete else NEEDS_PEOPLE


def _signers(life: RoleLife, names: Mapping[str, str]) -> str:
    if not life.keys:
        return "nobody"
    people = ", ".join(names[keyid] for keyid in life.keys if keyid in names)
    return f"{life.threshold} of {len(life.keys)}" + (f": {people}" if people and not life.is_online else "")


def _state(life: RoleLife) -> str:
    if life.is_retired:
        return "retired"
    if life.has_expired:
        return "EXPIRED: is the server running?" if life.is_online else "EXPIRED: tenure trust draft renew"
    if life.is_online:
        return "renewed by the server"
    return "due: tenure trust draft renew" if life.is_due else "well"


def _life_json(life: RoleLife, names: Mapping[str, str]) -> dict[str, object]:
    return {
        "role": life.role,
        "version": life.version,
        "expires": life.expires.isoformat(),
        "days_left": life.days_left,
        "online": life.is_online,
        "retired": life.is_retired,
        "due": life.is_due,
        "needs_people": life.needs_people,
        "threshold": life.threshold,
        "keys": list(life.keys),
        "names": {keyid: names[keyid] for keyid in life.keys if keyid in names},
    }
