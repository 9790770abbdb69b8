"""``tenure mirror``: metadata, and builds where that is wanted, to a directory, bucket or CDN origin."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from enum import StrEnum
from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, CommandContext, context_of
from tenure_server.cli.output import plural, print_facts, print_json, print_line, print_table, progress_bar, say
from tenure_server.cli.trust_sources import RootOption, trusted_root
from tenure_server.domain.mirrors import GRACE, MirroredFile, MirrorPlan
from tenure_server.errors import Forbidden
from tenure_server.use_cases.mirror import Mirrored, MirrorOrder
from tenure_server.use_cases.ports import Progress


class Readers(StrEnum):
    """Who can read what lies in the mirror."""

    ANYONE = "anyone"
    NOBODY = "nobody"


def register(app: typer.Typer) -> None:
    app.command("mirror")(mirror)


def mirror(
    ctx: typer.Context,
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A directory, or s3://BUCKET/PREFIX.")],
    builds: Annotated[bool, typer.Option("--builds", help="Copy builds too; needs --readable-by.")] = False,
    readable_by: Annotated[
        Readers | None,
        typer.Option("--readable-by", help="Who can read the target: what is for licensees is copied only if you say."),
    ] = None,
    read_back: Annotated[
        bool, typer.Option("--verify", help="Read back everything that is there, not only what is sent.")
    ] = False,
    root_file: RootOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done; change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring a mirror in a directory or bucket up to date.

    Only what changed is sent, in an order that is safe to break off. Give the command regularly: a timestamp lives two
    days.
    """
    context = context_of(ctx)
    is_public = _is_public(context, target, with_builds=builds, readable_by=readable_by)
    order = MirrorOrder(trusted_root(context, root_file), builds, is_public, read_back)
    reached = context.installation.mirror_target(target, is_public=is_public)
    use_case = context.installation.mirror
    if dry_run:
        found = use_case.plan(reached, order)
    else:
        with ExitStack() as bars:
            found = use_case(reached, order, who=context.who, progress=_progress(bars, shown=not as_json))
    if as_json:
        print_json({"target": reached.name, "dry_run": dry_run, **_json(found)})
    elif dry_run:
        _print_plan(found)
    else:
        _print_done(reached.name, found)
    for product in found.lapsed:
        say(f"warning: {product} has expired: clients of that product find nothing current; tenure trust status")


def _is_public(context: CommandContext, target: str, *, with_builds: bool, readable_by: Readers | None) -> bool:
    """Whether strangers may read the target. Nothing that is for licensees gets there unless it was said who can read.

    Raises ``Forbidden`` (``audience_not_said``).
    """
    if readable_by is not None:
        return readable_by is Readers.ANYONE
    if with_builds:
        raise Forbidden(
            f"Builds are for licensees, and nobody said who can read {target}.",
            code="audience_not_said",
            hint="--readable-by nobody keeps them private, --readable-by anyone gives them to people without a licence;"
            " without --builds this server goes on handing out short-lived links to licensees (docs/mirrors.md)",
        )
    if context.installation.settings.metadata_access != "public":
        raise Forbidden(
            f"Metadata is for licensees (TENURE_METADATA_ACCESS), and nobody said who can read {target}.",
            code="audience_not_said",
            hint="--readable-by nobody, or --readable-by anyone if that is what you want",
        )
    return True


def _progress(bars: ExitStack, *, shown: bool) -> Callable[[MirrorPlan], Progress]:
    return lambda plan: bars.enter_context(progress_bar("sending", plan.bytes_to_send, shown=shown))


def _print_plan(found: Mirrored) -> None:
    rows: list[tuple[object, ...]] = [("send", _kind(file), file.key, file.length) for file in found.plan.send]
    rows += [("read back", _kind(file), file.key, file.length) for file in found.plan.check]
    rows += [("remove", "", key, "") for key in found.plan.remove]
    print_table(("do", "kind", "file", "bytes"), rows, nothing="Nothing to do: the mirror is up to date.")
    if rows:
        print_line()
        print_line(
            f"{plural(len(found.plan.send), 'file')} to send, {found.plan.bytes_to_send:,} bytes. Nothing was changed."
        )
    _say_notes(found)


def _kind(file: MirroredFile) -> str:
    return file.stage.name.lower().replace("_", " ")


def _print_done(name: str, found: Mirrored) -> None:
    sent = sum(file.length for file in found.sent)
    print_facts(
        {
            "mirror": name,
            "sent": f"{plural(len(found.sent), 'file')}, {sent:,} bytes, each read back and compared",
            "removed": plural(len(found.removed), "file"),
            "accepted by": "a TUF client that starts from the first root",
        }
    )
    _say_notes(found)


def _say_notes(found: Mirrored) -> None:
    if found.problem_before is not None:
        say(f"warning: clients could not use the mirror as it was: {found.problem_before}")
    builds = sum(key.startswith("downloads/") for key in found.plan.later)
    if builds:
        say(
            f"{plural(builds, 'build')} that this run does not ask for will be removed {GRACE.days * 24} hours after it"
        )


def _json(found: Mirrored) -> dict[str, object]:
    return {
        "sent": [{"file": file.key, "length": file.length, "sha256": file.sha256} for file in found.sent],
        "read_back": found.checked,
        "removed": list(found.removed),
        "unneeded_since": {key: at.isoformat() for key, at in found.plan.later.items()},
        "withheld_builds": found.withheld,
        "expired_products": list(found.lapsed),
        "problem_before": found.problem_before,
    }
