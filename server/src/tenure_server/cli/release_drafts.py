"""``tenure drafts``: releases that several people sign and approve, each on a machine of their own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from securesystemslib.signer import Signer

from tenure_server.cli.context import AsJson, CommandContext, context_of, parse_instant, parsed_or_none
from tenure_server.cli.output import print_facts, print_json, print_line, print_table, say
from tenure_server.cli.passphrase import ask_passphrase
from tenure_server.cli.release_draft_review import draft_json, draft_lines, review_json_of, reviewed_lines
from tenure_server.cli.token_source import read_token
from tenure_server.cli.trust_sources import trusted_root
from tenure_server.domain.release_drafts import DraftAction, DraftStanding, DraftState, DraftWish
from tenure_server.errors import Conflict, InvalidRequest
from tenure_server.installation import remote_drafts
from tenure_server.use_cases.release_drafts_remotely import (
    Proposal,
    PublishByDraft,
    ReleaseDraftsRemotely,
    ReviewedDraft,
)
from tenure_signing.names import ProductName, parse_product
from tenure_signing.signer_uris import open_signer

Wanted = Callable[[ReleaseDraftsRemotely], Proposal]
"""Makes a proposal with what is known of the server."""

commands = typer.Typer(help="Releases that several people sign and approve.", no_args_is_help=True)

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="As tenure drafts list shows it.")]
ServerOption = Annotated[str, typer.Option("--server", help="URL of the Tenure server.")]
RootOption = Annotated[
    Path | None, typer.Option("--root", help="The first root, which your products embed; with --server.")
]
SignersOption = Annotated[
    list[str] | None, typer.Option("--key", help="file:PATH, hsm:…, awskms:… that signs; repeat for more.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
CodeOption = Annotated[
    str | None, typer.Option("--code", help="The code that was reviewed; needed where nobody is there to look.")
]
RemoteOption = Annotated[
    str | None, typer.Option("--server", help="By a draft on the server at this URL, with a token and your key.")
]
RemoteRootOption = Annotated[
    Path | None, typer.Option("--root", help="With --server: the first root, which your products embed.")
]
RemoteYesOption = Annotated[bool, typer.Option("--yes", help="With --server: do not ask.")]
AtOption = Annotated[str | None, typer.Option("--publish-at", help="Not before that instant: 2026-12-01T09:00+08:00.")]


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="drafts")


@dataclass(frozen=True, slots=True)
class DraftOptions:
    """How a command that makes a draft was asked to go about it."""

    server: str
    root: Path | None
    keys: tuple[str, ...]
    yes: bool = False


@commands.command("list")
def list_drafts(
    ctx: typer.Context,
    product: Annotated[str | None, typer.Option("--product", help="Only this product's.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Those that are over too, newest first.")] = False,
    server: Annotated[
        str | None, typer.Option("--server", help="URL of the Tenure server. Default: the one on this machine.")
    ] = None,
    root: RootOption = None,
    as_json: AsJson = False,
) -> None:
    """List the drafts under way and how far each is."""
    context = context_of(ctx)
    name = parsed_or_none("--product", product, parse_product)
    if server is None:
        found = context.installation.list_release_drafts(name, over=everything)
    else:
        with _remote(context, server, root) as remote:
            found = remote.drafts.server.list(name, over=everything)
    if as_json:
        print_json([draft_json(each) for each in found])
        return
    rows = [
        (
            each.draft.draft_id,
            each.draft.action.value.replace("_", " "),
            each.draft.subject,
            each.draft.channel or "",
            ", ".join(each.draft.makers),
            each.words,
        )
        for each in found
    ]
    print_table(("ID", "WHAT", "RELEASE", "CHANNEL", "BY", "STATE"), rows, nothing="No draft is under way.")


@commands.command("review")
def review(
    ctx: typer.Context, draft: IdArgument, server: ServerOption, root: RootOption = None, as_json: AsJson = False
) -> None:
    """Show exactly what would be signed.

    Measured at metadata that a TUF client verified on this machine.
    """
    with _remote(context_of(ctx), server, root) as remote:
        reviewed = _review(remote.drafts, draft)
    if as_json:
        print_json(review_json_of(reviewed))
        return
    for line in reviewed_lines(reviewed):
        print_line(line)


@commands.command("sign")
def sign(
    ctx: typer.Context,
    draft: IdArgument,
    server: ServerOption,
    keys: SignersOption = None,
    root: RootOption = None,
    code: CodeOption = None,
    yes: YesOption = False,
    as_json: AsJson = False,
) -> None:
    """Review a draft and sign it with your key, on this machine.

    The last signature publishes it, at once or at its time. Broken off, the same command completes it.
    """
    context = context_of(ctx)
    if not keys:
        raise InvalidRequest("Signing takes a key.", code="key_missing", hint="say --key file:PATH, hsm:… or awskms:…")
    with _remote(context, server, root) as remote:
        reviewed = _agreed(remote.drafts, draft, code, yes, "Sign")
        standing = remote.drafts.sign(reviewed, open_signers(keys)) if reviewed is not None else _over(remote, draft)
    print_draft(standing, as_json)


@commands.command("approve")
def approve(
    ctx: typer.Context,
    draft: IdArgument,
    server: ServerOption,
    root: RootOption = None,
    code: CodeOption = None,
    yes: YesOption = False,
    as_json: AsJson = False,
) -> None:
    """Review a draft and approve it, as the person whose the token is. No key is asked for."""
    with _remote(context_of(ctx), server, root) as remote:
        reviewed = _agreed(remote.drafts, draft, code, yes, "Approve")
        standing = remote.drafts.approve(reviewed) if reviewed is not None else _over(remote, draft)
    print_draft(standing, as_json)


@commands.command("rebuild")
def rebuild(
    ctx: typer.Context,
    draft: IdArgument,
    server: ServerOption,
    keys: SignersOption = None,
    root: RootOption = None,
    publish_at: AtOption = None,
    yes: YesOption = False,
    as_json: AsJson = False,
) -> None:
    """Put a stale draft on top of what is published now.

    Without another upload.

    It is signed and approved anew, beginning with your keys.
    """
    context = context_of(ctx)
    at = parsed_or_none("--publish-at", publish_at, parse_instant)
    with _remote(context, server, root) as remote:
        drafts = remote.drafts
        found = drafts.server.one(draft)
        if found.draft.state.is_over:
            raise Conflict(f"The draft {draft} is over: {found.words}.", code="draft_over", hint="publish it again")
        before, now = found.draft.publish_at, context.installation.signing_clock()
        at = before if at is None and before is not None and before > now else at
        proposal = drafts.again(found.draft, drafts.metadata(), at)
        standing = _proposed(drafts, proposal, keys or (), yes, rebuilds=draft)
    print_draft(standing, as_json)


@commands.command("cancel")
def cancel(
    ctx: typer.Context,
    draft: IdArgument,
    server: ServerOption,
    reason: Annotated[str, typer.Option("--reason", help="Why; it goes to the audit trail.")],
    root: RootOption = None,
    as_json: AsJson = False,
) -> None:
    """Cancel a draft, a scheduled one too. One person is enough."""
    with _remote(context_of(ctx), server, root) as remote:
        standing = remote.drafts.server.cancel(draft, reason=reason)
    print_draft(standing, as_json)


def propose(context: CommandContext, options: DraftOptions, wanted: Wanted) -> DraftStanding | None:
    """Make a draft of what is wanted, once somebody has looked at it. None where it was done before."""
    with _remote(context, options.server, options.root) as remote:
        return _proposed(remote.drafts, wanted(remote.drafts), options.keys, options.yes)


def lower_approvals(
    context: CommandContext, options: DraftOptions, product: ProductName, approvals: int
) -> DraftStanding:
    """A draft to ask for fewer approvals, which others approve."""
    with _remote(context, options.server, options.root) as remote:
        wish = DraftWish(DraftAction.LOWER_APPROVALS, product, None, lower_to=approvals)
        standing = remote.drafts.propose(Proposal(wish, None), ())
    assert standing is not None
    return standing


def print_draft(standing: DraftStanding | None, as_json: bool) -> None:
    """How far a draft is after a command; None: it was done before."""
    if as_json:
        print_json({"draft": draft_json(standing) if standing is not None else None})
        return
    if standing is None:
        print_line("Nothing is left to do: it was done before.")
        return
    draft = standing.draft
    print_line(f"Draft {draft.draft_id} to {draft.action.value.replace('_', ' ')} {draft.subject}: {standing.words}.")
    print_facts(dict(draft_lines(standing)))
    if draft.state is DraftState.OPEN:
        what = "sign" if len(standing.signed) < standing.threshold else "approve"
        say(f"The others look at it and {what} it: tenure drafts {what} {draft.draft_id} --server URL --root root.json")


def open_signers(keys: Sequence[str]) -> list[Signer]:
    return [open_signer(uri, ask_passphrase) for uri in keys]


@contextmanager
def _remote(context: CommandContext, server: str, root: Path | None) -> Iterator[PublishByDraft]:
    clock = context.installation.signing_clock
    with remote_drafts(server, read_token(), trusted_root(context, root), clock) as remote:
        yield remote


def _proposed(
    drafts: ReleaseDraftsRemotely, proposal: Proposal, keys: Sequence[str], yes: bool, rebuilds: str | None = None
) -> DraftStanding | None:
    if proposal.role is not None or proposal.wish.version is not None:
        preview = drafts.preview(proposal)
        if preview is None:
            return None
        _ask(preview, yes, "Make this draft" if not keys else "Make and sign this draft")
    return drafts.propose(proposal, open_signers(keys), rebuilds=rebuilds)


def _review(drafts: ReleaseDraftsRemotely, draft_id: str) -> ReviewedDraft:
    try:
        return drafts.review(draft_id)
    except Conflict as error:
        if error.code != "stale_draft":
            raise
        raise Conflict(
            str(error),
            code="stale_draft",
            hint=f"tenure drafts rebuild {draft_id} makes it anew, without another upload",
        ) from error


def _agreed(
    drafts: ReleaseDraftsRemotely, draft_id: str, code: str | None, yes: bool, what: str
) -> ReviewedDraft | None:
    """The draft, once somebody has looked at it; None where it has been published meanwhile.

    Raises ``InvalidRequest`` (``confirmation_missing``), ``Conflict`` (``draft_changed``).
    """
    standing = drafts.server.one(draft_id)
    if standing.draft.state is DraftState.PUBLISHED:
        return None
    reviewed = _review(drafts, draft_id)
    if code is not None and code != reviewed.draft.code:
        raise Conflict(
            f"The draft's code is {reviewed.draft.code}, not the one given.",
            code="draft_changed",
            hint=f"tenure drafts review {draft_id} shows what it is now",
        )
    if code is None and (yes or not sys.stdin.isatty()):
        raise InvalidRequest(
            "Nobody is here to look at what is signed.",
            code="confirmation_missing",
            hint="say --code with the code that tenure drafts review shows",
        )
    _ask(reviewed, yes or not sys.stdin.isatty(), what)
    return reviewed


def _ask(reviewed: ReviewedDraft, yes: bool, what: str) -> None:
    """Show it and ask. Raises ``typer.Abort`` when the answer is no, ``InvalidRequest`` where nobody can answer."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidRequest(
            "Nobody is here to look at what is signed.", code="confirmation_missing", hint="--yes does not ask"
        )
    for line in reviewed_lines(reviewed):
        say(line)
    typer.confirm(f"{what}?", abort=True, err=True)


def _over(remote: PublishByDraft, draft_id: str) -> DraftStanding:
    return remote.drafts.server.one(draft_id)
