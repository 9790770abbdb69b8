"""What every ``tenure trust draft …`` has in common: its options, what it builds on, how the draft is handed out."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, get_type_hints

import typer

from tenure_server.cli.context import AsJson, CommandContext, context_of
from tenure_server.cli.output import print_json, print_line
from tenure_server.cli.trust_review import print_review, review_json
from tenure_server.cli.trust_sources import (
    GivenKeys,
    OutOption,
    PurposeOption,
    RootOption,
    ServerOption,
    known_key_holders,
    verified_metadata,
)
from tenure_server.use_cases.key_holders import keyids_in
from tenure_signing.draft_files import Draft, write_draft
from tenure_signing.trust_changes import Changes
from tenure_signing.tuf_review import review
from tenure_signing.tuf_verified import Verified

P = ParamSpec("P")

commands = typer.Typer(help="Make drafts for people to sign.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class Drafting:
    """One draft that is being made. ``server`` is None for the installation on this machine."""

    context: CommandContext
    out: Path
    purpose: str | None
    server: str | None
    root: Path | None
    as_json: bool

    def verified(self) -> Verified:
        """What is published, as a real client that embeds the first root takes it."""
        return verified_metadata(self.context, self.server, self.root)

    def changes(self, verified: Verified, purpose: str, given: GivenKeys | None = None) -> Changes:
        """For drafts that follow ``verified``; ``purpose`` is for those who were told none. The draft says whose the
        keys are that were given, and those that are in use."""
        present = keyids_in(verified.repository)
        known = known_key_holders(self.context, self.server)
        names = {keyid: known[keyid] for keyid in present if keyid in known}
        now = self.context.installation.signing_clock()
        return Changes(verified, now, self.purpose or purpose, {**(given.names if given is not None else {}), **names})

    def hand_out(self, draft: Draft) -> None:
        """Write the file, and say what is in it and what becomes of it."""
        write_draft(self.out, draft, may_replace=False)
        report_draft(self.out, draft, self.as_json)


def draft_command(
    name: str, *, here_only: bool = False
) -> Callable[[Callable[Concatenate[Drafting, P], Draft]], Callable[Concatenate[Drafting, P], Draft]]:
    """Make a sub-command of a function that makes a draft: it gets the options that all of them have.

    ``here_only``: it takes no ``--server``.
    """

    def register(make: Callable[Concatenate[Drafting, P], Draft]) -> Callable[Concatenate[Drafting, P], Draft]:
        @wraps(make)
        def command(**options: Any) -> None:
            shared = {each: options.pop(each, None) for each in _shared_parameters()}
            drafting = Drafting(
                context=context_of(shared["ctx"]),
                out=shared["out"],
                purpose=shared["purpose"],
                server=shared["server"],
                root=shared["root_file"],
                as_json=shared["as_json"],
            )
            drafting.hand_out(make(drafting, **options))  # type: ignore[call-arg]

        wanted = [each for each in _shared_parameters().values() if not (here_only and each.name == "server")]
        parameters = [*_parameters(make)[1:], *wanted]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {each.name: each.annotation for each in parameters}
        commands.command(name)(command)
        return make

    return register


def report_draft(out: Path, draft: Draft, as_json: bool) -> None:
    """The review of a draft that was just written, and what to do with it."""
    if as_json:
        print_json({"draft": str(out), **review_json(review(draft))})
        return
    print_review(review(draft))
    print_line()
    print_line(
        f"Wrote {out}. Each signer, on a machine of their own: tenure trust sign {out} --key URI --root root.json"
    )
    print_line(f"Then, on the server: tenure trust submit {out}")
    if draft.base.roots:
        print_line(f"Or let everybody sign it over the network: tenure trust push {out} --server URL")


def _shared(
    ctx: typer.Context,
    out: OutOption,
    purpose: PurposeOption = None,
    server: ServerOption = None,
    root_file: RootOption = None,
    as_json: AsJson = False,
) -> None:
    """The options of every draft."""


def _shared_parameters() -> dict[str, inspect.Parameter]:
    return {each.name: each for each in _parameters(_shared)}


def _parameters(function: Callable[..., object]) -> list[inspect.Parameter]:
    """Its parameters by name only, with their annotations looked up in its own module."""
    hints = get_type_hints(function, include_extras=True)
    return [
        each.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[each.name])
        for each in inspect.signature(function).parameters.values()
    ]
