"""``tenure trust names`` and ``name``: whose key is whose, for those who read a review or a status."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, context_of
from tenure_server.cli.keys import read_public_key
from tenure_server.cli.output import print_json, print_line, print_table
from tenure_server.cli.trust_sources import local_metadata
from tenure_server.errors import InvalidRequest
from tenure_server.use_cases.key_holders import keyids_in
from tenure_signing.public_keys import shown_key
from tenure_signing.trust_changes import role_keys_of
from tenure_signing.tuf_repository import Repository, delegations_of
from tenure_signing.tuf_roles import TOP_LEVEL_ROLES


def register(commands: typer.Typer) -> None:
    commands.command("names")(list_names)
    commands.command("name")(name_holder)


def list_names(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the keys that sign here, and whose they are."""
    context = context_of(ctx)
    repository, names = local_metadata(context)[0], context.installation.draft_board.key_holders()
    listed = [(keyid, names.get(keyid), _roles_of(repository, keyid)) for keyid in keyids_in(repository)]
    if as_json:
        print_json([{"key_id": keyid, "name": name, "roles": roles} for keyid, name, roles in listed])
        return
    rows = [(keyid, name or "", ", ".join(roles)) for keyid, name, roles in listed]
    print_table(("KEY ID", "NAME", "SIGNS"), rows, nothing="No key.")


def name_holder(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="A public key file, or the beginning of a key id.")],
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Default: the name in the file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say whose key it is. Names are kept for people; what a draft asks for is decided by key ids."""
    context = context_of(ctx)
    repository = local_metadata(context)[0]
    if Path(key).exists():
        public = read_public_key(Path(key))
        keyid, wanted = public.keyid, name or public.name
    else:
        keyid, wanted = _keyid(repository, key), name or ""
    is_new = context.installation.name_key_holder(keyid, wanted, who=context.who)
    if as_json:
        print_json({"key_id": keyid, "name": wanted, "is_new": is_new})
        return
    print_line(f"{'Named' if is_new else 'Named before:'} {shown_key(keyid, {keyid: wanted})}.")


def _keyid(repository: Repository, beginning: str) -> str:
    found = [keyid for keyid in keyids_in(repository) if keyid.startswith(beginning.lower())]
    if len(beginning) < 8 or len(found) != 1:
        raise InvalidRequest(
            "This is neither a public key file nor the beginning of one present key id.",
            code="unknown_key",
            hint="tenure trust names lists the keys; eight digits or more are enough",
        )
    return found[0]


def _roles_of(repository: Repository, keyid: str) -> list[str]:
    root, targets = repository.root(), repository.targets()
    roles = [role for role in TOP_LEVEL_ROLES if keyid in role_keys_of(root, role).keyids]
    return roles + [role for role in delegations_of(targets) if keyid in role_keys_of(targets, role).keyids]
