"""``tenure trust``: ceremonies. Drafts are made, reviewed and signed by people, and submitted at the server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from tenure_server.cli import trust_board, trust_drafting, trust_expiry, trust_names
from tenure_server.cli import trust_drafts as trust_drafts  # its sub-commands
from tenure_server.cli.context import AsJson, CommandContext, context_of
from tenure_server.cli.output import print_facts, print_json, print_line, say
from tenure_server.cli.passphrase import ask_passphrase
from tenure_server.cli.trust_board import draft_on_board, is_file, reviewed_by
from tenure_server.cli.trust_drafting import report_draft
from tenure_server.cli.trust_review import (
    print_review,
    print_signatures,
    requirement_lines,
    requirements_json,
    review_json,
    review_lines,
    shown,
)
from tenure_server.cli.trust_sources import (
    ROOT_FILE,
    GivenKeys,
    OutOption,
    PurposeOption,
    RootOption,
    board_at,
    trusted_root,
)
from tenure_server.errors import Conflict, InvalidRequest
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.ports_board import Board
from tenure_server.use_cases.recover_after_restore import RecoverAfterRestore
from tenure_signing.draft_files import Draft, merged, read_draft, require_sound_base, signed_by, write_draft
from tenure_signing.draft_signatures import new_signatures
from tenure_signing.public_keys import shown_key
from tenure_signing.signer_uris import open_signer
from tenure_signing.trust_changes import beginning
from tenure_signing.tuf_drafts import RoleKeys, RootKeys
from tenure_signing.tuf_recovery import Seen, seen_in
from tenure_signing.tuf_roles import SUGGESTED_THRESHOLD, TARGETS, policy_of

commands = typer.Typer(help="Who may sign what: ceremonies, expiry, recovery.", no_args_is_help=True)
commands.add_typer(trust_drafting.commands, name="draft")

MAX_SEEN_FILES = 100_000

DraftArgument = Annotated[
    str,
    typer.Argument(metavar="DRAFT", help="A draft's file; or its code, or the beginning of it, where it hangs."),
]
BoardOption = Annotated[
    str | None, typer.Option("--server", help="URL of the Tenure server where the draft hangs; takes a token.")
]


def register(app: typer.Typer) -> None:
    trust_board.register(commands)
    trust_expiry.register(commands)
    trust_names.register(commands)
    app.add_typer(commands, name="trust")


@commands.command("start")
def start(
    ctx: typer.Context,
    out: OutOption,
    root_key: Annotated[list[str], typer.Option("--root-key", help="Public key file; repeat for each person.")],
    root_threshold: Annotated[
        int, typer.Option("--root-threshold", help="How many of them must sign.")
    ] = SUGGESTED_THRESHOLD,
    targets_key: Annotated[
        list[str] | None, typer.Option("--targets-key", help="Public key file; default: the root keys.")
    ] = None,
    targets_threshold: Annotated[
        int, typer.Option("--targets-threshold", help="How many of them must sign.")
    ] = SUGGESTED_THRESHOLD,
    purpose: PurposeOption = None,
    as_json: AsJson = False,
) -> None:
    """Prepare a new server whose root and targets several people sign. In place of ``tenure init``."""
    context = context_of(ctx)
    installation = context.installation
    given = GivenKeys()
    root_keys = given.files(root_key)
    targets_keys = given.files(targets_key) or root_keys
    installation.settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    installation.upgrade_schema()
    with installation.database.reading() as records:
        if read_repository(records).roots:
            raise Conflict("This installation has a root already.", code="initialised_already")
    installation.keys.make_online_keys(elsewhere=installation.online_keys.elsewhere)
    online = installation.online_signers()
    keys = RootKeys(
        root=RoleKeys(root_keys, root_threshold),
        targets=RoleKeys(targets_keys, targets_threshold),
        snapshot=online.snapshot.public_key,
        timestamp=online.timestamp.public_key,
    )
    names = given.also(
        {
            online.snapshot.public_key.keyid: "the server's snapshot key",
            online.timestamp.public_key.keyid: "the server's timestamp key",
        }
    )
    draft = beginning(
        keys,
        installation.keys.licence_key_set(),
        installation.signing_clock(),
        purpose=purpose or "the first root",
        names=names,
    )
    write_draft(out, draft, may_replace=False)
    report_draft(out, draft, as_json)


@commands.command("review")
def review_draft(
    ctx: typer.Context,
    draft: DraftArgument,
    server: BoardOption = None,
    root_file: RootOption = None,
    as_json: AsJson = False,
) -> None:
    """Show exactly what a draft changes.

    What it follows is verified first, back to the first root; of a draft on a server also that it follows what a real
    client is shown there now.
    """
    context = context_of(ctx)
    with _sound_draft(context, draft, server, root_file) as (_, found):
        reviewed = reviewed_by(context, server, found)
    if as_json:
        print_json(review_json(reviewed))
        return
    print_review(reviewed)


@commands.command("sign")
def sign_draft(
    ctx: typer.Context,
    draft: DraftArgument,
    key: Annotated[str, typer.Option("--key", help="Your key: file:PATH, hsm:…, awskms:…, gcpkms:…, azurekms:…, hv:…")],
    server: BoardOption = None,
    root_file: RootOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Sign without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a draft changes, ask, and sign it.

    The signature is added to the file, or sent to the server.
    """
    context = context_of(ctx)
    with _sound_draft(context, draft, server, root_file) as (board, found):
        reviewed = reviewed_by(context, server, found)
        for line in review_lines(reviewed):
            say(line)
        if not yes and not typer.confirm("Sign this?", default=False, err=True):
            raise InvalidRequest("Nothing was signed.", code="not_signed")
        signer = open_signer(key, ask_passphrase)
        signed, roles = signed_by(found, signer)
        if board is None:
            write_draft(Path(draft), signed, may_replace=True)
            is_complete, requirements = signed.is_complete, signed.requirements()
        else:
            entry = board.sign(found.code, new_signatures(found, signed))
            is_complete, requirements = entry.is_complete, entry.requirements
    if as_json:
        print_json(
            {
                "signed": list(roles),
                "key_id": signer.public_key.keyid,
                "complete": is_complete,
                "signatures": requirements_json(requirements),
            }
        )
        return
    print_line(f"Signed {', '.join(roles)} with {shown_key(signer.public_key.keyid, reviewed.names)}.")
    for requirement in requirements:
        for line in requirement_lines(requirement, reviewed.names):
            print_line(line)
    where = f"{found.code[:9]} --server {server}" if server is not None else draft
    print_line(
        f"No signature is missing: tenure trust submit {where}" if is_complete else "Signatures are still missing."
    )


@commands.command("merge")
def merge(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Copies of one draft, signed in parallel.")],
    out: Annotated[Path, typer.Option("--out", help="Draft file to write; it must not exist.")],
    as_json: AsJson = False,
) -> None:
    """Put the signatures of several copies of a draft together."""
    first, *others = (read_draft(file) for file in files)
    draft = merged(first, others)
    write_draft(out, draft, may_replace=False)
    if as_json:
        signatures = requirements_json(draft.requirements())
        print_json({"draft": str(out), "complete": draft.is_complete, "signatures": signatures})
        return
    print_signatures(draft, draft.names)


@commands.command("submit")
def submit(ctx: typer.Context, draft: DraftArgument, server: BoardOption = None, as_json: AsJson = False) -> None:
    """Publish a draft that is signed.

    A file at the server, or one that hangs there. Doing it again confirms it.
    """
    context = context_of(ctx)
    if is_file(draft, server):
        _submit_file(context, Path(draft), as_json)
        return
    with board_at(context, server) as board:
        submitted = board.submit(trust_board.code_on(board, draft))
    if as_json:
        print_json({"is_new": submitted.is_new, "roles": sorted(submitted.roles), "taken_up": list(submitted.taken_up)})
        return
    _report_submitted(submitted.is_new, submitted.roles, submitted.taken_up)


def _submit_file(context: CommandContext, file: Path, as_json: bool) -> None:
    installation = context.installation
    draft = read_draft(file)
    submitted = installation.submit_draft(draft, who=context.who)
    root = submitted.repository.roots[0]
    if not draft.base.roots:
        (installation.settings.data_dir / ROOT_FILE).write_bytes(root)
    if as_json:
        print_json(
            {
                "is_new": submitted.is_new,
                "roles": sorted(draft.roles),
                "first_root_sha256": hashlib.sha256(root).hexdigest(),
                "taken_up": list(submitted.taken_up),
            }
        )
        return
    _report_submitted(submitted.is_new, tuple(draft.roles), submitted.taken_up)
    if not draft.base.roots:
        print_facts(
            {
                "embed in your product": installation.settings.data_dir / ROOT_FILE,
                "its sha256, to read aloud": hashlib.sha256(root).hexdigest(),
            }
        )


def _report_submitted(is_new: bool, roles: tuple[str, ...], taken_up: tuple[str, ...]) -> None:
    print_line(f"{'Published' if is_new else 'Already published:'} {', '.join(map(shown, roles))}.")
    if taken_up:
        say(f"now in use: the new {', '.join(taken_up)} keys")


@commands.command("recover")
def recover(
    ctx: typer.Context,
    after_restore: Annotated[
        bool, typer.Option("--after-restore", help="An old backup was restored: clients know more than the server.")
    ] = False,
    seen: Annotated[
        list[Path] | None,
        typer.Option("--seen", help="Metadata published since: a mirror's or client's folder, or a file; repeat."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Go on after an old backup was restored.

    Counts on above everything ever published, and takes up what was published since the backup.
    """
    if not after_restore:
        raise InvalidRequest(
            "Say what happened.",
            code="nothing_to_recover",
            hint="--after-restore for a restored backup; lost and stolen keys are replaced with tenure trust draft",
        )
    context = context_of(ctx)
    installation = context.installation
    use_case = RecoverAfterRestore(installation.database, installation.signing_clock, installation.online_keys)
    recovered = use_case(_seen(seen or []), who=context.who)
    if as_json:
        print_json({role: {"before": was, "after": now} for role, (was, now) in recovered.versions.items()})
        return
    print_line("Clients can follow again.")
    print_facts({role: f"version {was} to {now}" for role, (was, now) in recovered.versions.items()})
    if not seen:
        say("warning: without --seen nobody can tell whether releases or keys published since the backup are missing")


@contextmanager
def _sound_draft(
    context: CommandContext, where: str, server: str | None, root_file: Path | None
) -> Iterator[tuple[Board | None, Draft]]:
    """The draft, after what it follows was verified, and the board where it hangs. The very first needs no root but
    its own, and comes in a file only."""
    if not is_file(where, server):
        with draft_on_board(context, where, server, root_file) as found:
            yield found
        return
    draft = read_draft(Path(where))
    is_first = not draft.base.roots
    first_root = draft.first_root if is_first and root_file is None else trusted_root(context, root_file)
    require_sound_base(draft, first_root)
    yield None, draft


def _seen(paths: list[Path]) -> Seen:
    return seen_in(_files(paths))


def _files(paths: list[Path]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each JSON file that is no larger than metadata can be."""
    count = 0
    for path in paths:
        if not path.exists():
            raise InvalidRequest(f"There is no {path}.", code="nothing_seen")
        for found in sorted(path.rglob("*.json")) if path.is_dir() else [path]:
            count += 1
            if count > MAX_SEEN_FILES:
                raise InvalidRequest(f"There are more than {MAX_SEEN_FILES} files.", code="too_much_seen")
            with found.open("rb") as file:
                data = file.read(policy_of(TARGETS).max_bytes + 1)
            if len(data) <= policy_of(TARGETS).max_bytes:
                yield found.name, data
