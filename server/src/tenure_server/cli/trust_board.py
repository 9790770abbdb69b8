"""``tenure trust drafts``, ``push``, ``fetch``, ``cancel``: drafts that people sign over the network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, CommandContext, ReasonOption, context_of
from tenure_server.cli.output import print_json, print_line, print_table, say
from tenure_server.cli.trust_review import requirement_lines, requirements_json, shown
from tenure_server.cli.trust_sources import (
    OutOption,
    RootOption,
    ServerOption,
    board_at,
    known_key_holders,
    trusted_root,
    verified_metadata,
)
from tenure_server.domain.trust_drafts import DraftState, is_code_beginning
from tenure_server.errors import Conflict, InvalidRequest, NotFound
from tenure_server.use_cases.ports_board import Board, BoardEntry
from tenure_signing.draft_files import Draft, read_draft, require_sound_base, write_draft
from tenure_signing.draft_signatures import outdated_roles
from tenure_signing.errors import InvalidDraft
from tenure_signing.tuf_review import Review, named, review
from tenure_signing.tuf_roles import ONLINE_ROLES

CodeArgument = Annotated[
    str, typer.Argument(metavar="CODE", help="A draft's code, or its beginning: tenure trust drafts lists them.")
]


def register(commands: typer.Typer) -> None:
    commands.command("drafts")(list_drafts)
    commands.command("push")(push)
    commands.command("fetch")(fetch)
    commands.command("cancel")(cancel)


def list_drafts(
    ctx: typer.Context,
    server: ServerOption = None,
    all_drafts: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the drafts that wait for signatures, newest first."""
    with board_at(context_of(ctx), server) as board:
        entries = [each for each in board.entries() if all_drafts or each.state in _WAITING]
    if as_json:
        print_json([entry_json(each) for each in entries])
        return
    rows = [
        (each.code[:9], each.state, ", ".join(each.roles), _counts(each), f"{each.expires_at:%Y-%m-%d}", each.purpose)
        for each in entries
    ]
    columns = ("CODE", "STATE", "ROLES", "SIGNATURES", "UNTIL", "PURPOSE")
    print_table(columns, rows, nothing="No draft waits: tenure trust push hangs one up.")


def push(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A draft, signed or not.")],
    server: ServerOption = None,
    as_json: AsJson = False,
) -> None:
    """Hang a draft up for everybody to sign.

    Or add the signatures of a file to the draft that hangs there.
    """
    draft = read_draft(file)
    with board_at(context_of(ctx), server) as board:
        entry = board.push(draft)
    report_entry(entry, as_json, f"Pushed {entry.purpose}.", draft.names)
    if not as_json and not entry.is_complete:
        where = f" --server {server}" if server is not None else ""
        print_line(f"Each signer: tenure trust sign {entry.code[:9]}{where} --key URI --root root.json")


def fetch(
    ctx: typer.Context,
    code: CodeArgument,
    out: OutOption,
    server: ServerOption = None,
    root_file: RootOption = None,
    as_json: AsJson = False,
) -> None:
    """Verify a draft at the server and write it to a file.

    To be carried on a stick.
    """
    with draft_on_board(context_of(ctx), code, server, root_file) as (_, draft):
        write_draft(out, draft, may_replace=False)
    if as_json:
        print_json({"draft": str(out), "code": draft.code, "complete": draft.is_complete})
        return
    print_line(f"Wrote {out}: {shown(draft.purpose)}, code {draft.code}.")


def cancel(
    ctx: typer.Context,
    code: CodeArgument,
    reason: ReasonOption,
    server: ServerOption = None,
    as_json: AsJson = False,
) -> None:
    """Take a draft down for good.

    A copy with all its signatures could still be submitted until something else is published in its place.
    """
    with board_at(context_of(ctx), server) as board:
        entry = board.cancel(code_on(board, code), reason)
    report_entry(entry, as_json, f"Cancelled {entry.purpose}.", {})


@contextmanager
def draft_on_board(
    context: CommandContext, code: str, server: str | None, root_file: Path | None
) -> Iterator[tuple[Board, Draft]]:
    """The draft of that code, after a real client verified what the server publishes, back to the first root, and
    the draft was found to follow exactly that. The server is believed nothing.

    Raises ``InvalidDraft`` for one that is not what was asked for or does not rest on signed metadata, ``Conflict``
    (``stale_draft``), and as ``verified_metadata`` does.
    """
    first_root = trusted_root(context, root_file)
    with board_at(context, server) as board:
        whole = code_on(board, code)
        draft = board.fetch(whole)
        if draft.code != whole:
            raise InvalidDraft("the server sent another draft than the one of this code")
        require_sound_base(draft, first_root)
        verified = verified_metadata(context, server, root_file)
        if outdated := outdated_roles(draft, verified.repository):
            raise Conflict(
                f"The draft does not follow what is published: {', '.join(map(shown, outdated))}.",
                code="stale_draft",
                hint="make the draft again and let it be signed again",
            )
        if late := [role for role in ONLINE_ROLES if role in verified.expired]:
            say(f"warning: the server's {' and '.join(late)} expired: it may be showing the past")
        yield board, draft


def code_on(board: Board, text: str) -> str:
    """The whole code of the one draft whose code begins so; four digits or more.

    Raises ``InvalidRequest`` (``draft_code``), ``NotFound`` (``unknown_draft``), ``Conflict`` (``ambiguous_code``).
    """
    wanted = text.strip().lower()
    if not is_code_beginning(wanted):
        raise InvalidRequest(
            "This is neither a file nor the beginning of a draft's code.",
            code="draft_code",
            hint="tenure trust drafts lists the codes; four digits or more are enough",
        )
    digits = wanted.replace("-", "")
    found = [each.code for each in board.entries() if each.code.replace("-", "").startswith(digits)]
    if not found:
        raise NotFound("There is no such draft.", code="unknown_draft", hint="tenure trust drafts --all lists them")
    if len(found) > 1:
        raise Conflict(f"{len(found)} drafts begin so.", code="ambiguous_code", hint="give more digits of the code")
    return found[0]


def is_file(where: str, server: str | None) -> bool:
    """Whether a draft is named by its file. What a server is asked for is a code."""
    return server is None and (Path(where).exists() or not is_code_beginning(where))


def reviewed_by(context: CommandContext, server: str | None, draft: Draft) -> Review:
    """What the draft changes, with the names that the server or this machine keeps for key holders."""
    return named(review(draft), known_key_holders(context, server))


def report_entry(entry: BoardEntry, as_json: bool, done: str, names: Mapping[str, str]) -> None:
    """What the board says of a draft after something was done with it."""
    if as_json:
        print_json(entry_json(entry))
        return
    print_line(shown(done))
    for line in entry_lines(entry, names):
        print_line(line)


def entry_lines(entry: BoardEntry, names: Mapping[str, str]) -> Iterable[str]:
    yield f"code        {entry.code}"
    yield f"state       {entry.state}" + (f" by {shown(entry.closed_by)}" if entry.closed_by is not None else "")
    if entry.state is DraftState.OPEN:
        yield f"until       {entry.expires_at:%Y-%m-%d}"
    for requirement in entry.requirements:
        yield from requirement_lines(requirement, names)


def entry_json(entry: BoardEntry) -> dict[str, object]:
    return {
        "code": entry.code,
        "purpose": entry.purpose,
        "state": entry.state.value,
        "roles": list(entry.roles),
        "pushed_by": entry.pushed_by,
        "pushed_at": entry.pushed_at.isoformat(),
        "expires_at": entry.expires_at.isoformat(),
        "complete": entry.is_complete,
        "signatures": requirements_json(entry.requirements),
        "closed_by": entry.closed_by,
        "closed_at": entry.closed_at.isoformat() if entry.closed_at is not None else None,
        "reason": entry.reason,
    }


_WAITING = (DraftState.OPEN, DraftState.STALE)


def _counts(entry: BoardEntry) -> str:
    """Such as ``root 1 of 2, targets 2 of 2``; root is asked for twice, and the smaller number counts."""
    counted: dict[str, str] = {}
    for each in sorted(entry.requirements, key=lambda one: len(one.signed) - one.threshold):
        counted.setdefault(each.role, f"{each.role} {len(each.signed)} of {each.threshold}")
    return ", ".join(counted.values())
