"""``tenure rollout``: how far a release is rolled out, halting and resuming it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from securesystemslib.signer import Signer

from tenure_server.cli.context import (
    AsJson,
    CommandContext,
    ReasonOption,
    context_of,
    parse_instant,
    parsed,
    parsed_or_none,
)
from tenure_server.cli.output import print_facts, print_json, print_line
from tenure_server.cli.passphrase import ask_passphrase
from tenure_server.cli.release_drafts import (
    DraftOptions,
    RemoteOption,
    RemoteRootOption,
    RemoteYesOption,
    print_draft,
    propose,
)
from tenure_server.domain.install_reports import FailureLimit
from tenure_server.domain.release_drafts import DraftAction, DraftWish
from tenure_server.domain.rollouts import parse_share, parse_span, show_share
from tenure_server.errors import InvalidRequest
from tenure_server.use_cases.change_rollout import RolloutChange, limit_facts, rollout_facts
from tenure_server.use_cases.ports import AuditEvent
from tenure_server.use_cases.release_drafts_remotely import Proposal
from tenure_server.use_cases.show_rollout import RolloutStanding
from tenure_signing.names import ProductName, parse_product
from tenure_signing.releases import Ramp, Release, Rollout
from tenure_signing.signer_uris import open_signer
from tenure_signing.versions import Version, parse_version

commands = typer.Typer(help="How far a release is rolled out.", no_args_is_help=True)

ProductArgument = Annotated[str, typer.Argument(metavar="PRODUCT", help="The product's name.")]
VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="The release's version.")]
KeysOption = Annotated[
    list[str] | None,
    typer.Option("--key", help="Signer URI of a product key; repeat for more. Default: the one kept here."),
]


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="rollout")


@commands.command("show")
def show(ctx: typer.Context, product: ProductArgument, version: VersionArgument, as_json: AsJson = False) -> None:
    """Show how far a release is rolled out, and how it goes."""
    standing = context_of(ctx).installation.show_rollout(*release_of(product, version))
    if as_json:
        print_json(_json(standing))
        return
    facts: dict[str, object] = {
        "release": f"{standing.release.product} {standing.release.version}",
        "state": _state(standing.release, standing.now),
    }
    if standing.rollout.ramp is not None:
        facts["ramp"] = _ramp(standing.rollout, standing.rollout.ramp)
    facts |= _reports(standing)
    if standing.history:
        facts["history"] = "\n".join(_event(event) for event in standing.history)
    print_facts(facts)


@commands.command("set")
def set_share(
    ctx: typer.Context,
    product: ProductArgument,
    version: VersionArgument,
    share: Annotated[str, typer.Argument(metavar="SHARE", help="Of installs, such as 12.5%.")],
    as_json: AsJson = False,
) -> None:
    """Reach this share of installs from now on.

    A ramp ends; a halted release stays halted.
    """
    context = context_of(ctx)
    basis_points = parsed("SHARE", share, parse_share)
    change = context.installation.change_rollout.set_share(*release_of(product, version), basis_points, who=context.who)
    _print_change(context, change, as_json)


@commands.command("ramp")
def ramp(
    ctx: typer.Context,
    product: ProductArgument,
    version: VersionArgument,
    to: Annotated[str, typer.Option("--to", help="The share at the end, such as 100%.")],
    over: Annotated[str | None, typer.Option("--over", help="How long it takes: 90m, 72h, 3d.")] = None,
    ends_at: Annotated[str | None, typer.Option("--ends-at", help="Or when it ends: 2026-12-01T09:00+08:00.")] = None,
    starts_at: Annotated[str | None, typer.Option("--starts-at", help="Default: now.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="The share to start at; default: where it is.")] = None,
    as_json: AsJson = False,
) -> None:
    """Let the share grow evenly by itself."""
    context = context_of(ctx)
    begins = parsed_or_none("--starts-at", starts_at, parse_instant) or context.installation.clock()
    wanted = _wanted_ramp(parsed("--to", to, parse_share), begins, over, ends_at)
    change = context.installation.change_rollout.ramp(
        *release_of(product, version),
        wanted,
        start_basis_points=parsed_or_none("--from", start, parse_share),
        who=context.who,
    )
    _print_change(context, change, as_json)


@commands.command("halt")
def halt(
    ctx: typer.Context,
    product: ProductArgument,
    version: VersionArgument,
    reason: ReasonOption,
    as_json: AsJson = False,
) -> None:
    """Stop a release at once.

    It is offered to no one and downloaded by no one. No key is asked for.
    """
    context = context_of(ctx)
    change = context.installation.change_rollout.halt(*release_of(product, version), reason=reason, who=context.who)
    _print_change(context, change, as_json)


@commands.command("limit")
def limit(
    ctx: typer.Context,
    product: ProductArgument,
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="Default: all releases without a limit of their own.")
    ] = None,
    max_failures: Annotated[
        str | None, typer.Option("--max-failures", help="The share that may fail or roll back, such as 5%.")
    ] = None,
    min_installs: Annotated[
        int | None,
        typer.Option("--min-installs", help="How many installs have to have reported.", min=1, max=1_000_000),
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="Remove the limit.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let rollouts halt themselves when too many installs fail."""
    context = context_of(ctx)
    if none == (max_failures is not None) or none == (min_installs is not None):
        raise typer.BadParameter("either --max-failures and --min-installs, or --none is needed")
    wanted = None
    if max_failures is not None and min_installs is not None:
        wanted = FailureLimit(parsed("--max-failures", max_failures, parse_share), min_installs)
    product_name = parsed("PRODUCT", product, parse_product)
    release_version = parsed_or_none("VERSION", version, parse_version)
    context.installation.change_rollout.limit_failures(product_name, release_version, wanted, who=context.who)
    if as_json:
        shown_version = str(release_version) if release_version is not None else None
        print_json({"product": product_name, "version": shown_version, "limit": limit_facts(wanted)})
        return
    subject = f"{product_name} {release_version}" if release_version is not None else f"every release of {product_name}"
    print_line(f"{subject}: {_limit(wanted)}.")


@commands.command("resume")
def resume(
    ctx: typer.Context,
    product: ProductArgument,
    version: VersionArgument,
    keys: KeysOption = None,
    server: RemoteOption = None,
    root: RemoteRootOption = None,
    yes: RemoteYesOption = False,
    as_json: AsJson = False,
) -> None:
    """Take a halted rollout up where it stood.

    The product's keys approve it, as many as publishing takes. With --server by a draft that others sign too.
    """
    context = context_of(ctx)
    product_name, release_version = release_of(product, version)
    if server is not None:
        wish = DraftWish(DraftAction.RESUME, product_name, release_version)
        options = DraftOptions(server, root, tuple(keys or ()), yes)
        print_draft(propose(context, options, lambda _: Proposal(wish, None)), as_json)
        return
    change = context.installation.change_rollout.resume(
        product_name, release_version, signers=signers_of(context, product_name, keys), who=context.who
    )
    _print_change(context, change, as_json)


def release_of(product: str, version: str) -> tuple[ProductName, Version]:
    return parsed("PRODUCT", product, parse_product), parsed("VERSION", version, parse_version)


def signers_of(context: CommandContext, product: ProductName, keys: Sequence[str] | None) -> list[Signer]:
    """The signers of a product that ``--key`` names, else of the key kept here."""
    if keys:
        return [open_signer(uri, ask_passphrase) for uri in keys]
    installation = context.installation
    installation.catalogue.current().product(product)  # an unknown product is told before a passphrase is asked for
    return [installation.keys.product_signer(product, lambda: ask_passphrase(f"the key of {product}"))]


def _wanted_ramp(to_basis_points: int, starts_at: datetime, over: str | None, ends_at: str | None) -> Ramp:
    if over is not None and ends_at is None:
        end = starts_at + parsed("--over", over, parse_span)
    elif ends_at is not None and over is None:
        end = parsed("--ends-at", ends_at, parse_instant)
    else:
        raise typer.BadParameter("one of --over and --ends-at is needed")
    try:
        return Ramp(to_basis_points, starts_at, end)
    except ValueError as error:
        raise InvalidRequest(f"This is no ramp: {error}.", code="invalid_ramp") from error


def _print_change(context: CommandContext, change: RolloutChange, as_json: bool) -> None:
    release, after = change.release, change.after
    now = after.at(context.installation.clock())
    if as_json:
        print_json(
            {
                "product": release.product,
                "version": str(release.version),
                "before": rollout_facts(change.before),
                "after": rollout_facts(after),
                "share_now_basis_points": now.share_basis_points,
                "is_new": change.is_new,
            }
        )
        return
    ramp = f", {_ramp(after, after.ramp)}" if after.ramp is not None else ""
    unchanged = "" if change.is_new else " (as before)"
    print_line(f"{release.product} {release.version}: {_state(release, now)}{ramp}{unchanged}.")


def _state(release: Release, now: Rollout) -> str:
    share = show_share(now.share_basis_points)
    if release.withdrawal is not None:
        return "withdrawn"
    return f"halted, at {share} of installs" if now.is_halted else f"reaches {share} of installs"


def _ramp(rollout: Rollout, ramp: Ramp) -> str:
    return (
        f"from {show_share(rollout.share_basis_points)} at {_minute(ramp.starts_at)}"
        f" to {show_share(ramp.to_basis_points)} at {_minute(ramp.ends_at)}"
    )


def _reports(standing: RolloutStanding) -> dict[str, object]:
    counts = standing.counts
    facts: dict[str, object] = {
        "installs": f"{counts.installed} installed, {counts.failed} failed, {counts.rolled_back} rolled back"
    }
    if standing.days:
        reports = (f"{each.day}  {each.outcome.value.replace('_', ' ')}  {each.reports}" for each in standing.days)
        facts["reports"] = "\n".join(reports)
    facts["halts itself"] = _limit(standing.limit)
    return facts


def _limit(limit: FailureLimit | None) -> str:
    if limit is None:
        return "never"
    return (
        f"above {show_share(limit.max_failure_basis_points)} of failures, once {limit.min_installs} installs reported"
    )


def _event(event: AuditEvent) -> str:
    reason = f": {event.details['reason']}" if event.details.get("reason") else ""
    return f"{_minute(event.at)}  {event.action}  {event.who}{reason}"


def _minute(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _json(standing: RolloutStanding) -> dict[str, object]:
    return {
        "product": standing.release.product,
        "version": str(standing.release.version),
        "withdrawn": standing.release.withdrawal is not None,
        **rollout_facts(standing.rollout),
        "share_now_basis_points": standing.now.share_basis_points,
        "installs": {
            "installed": standing.counts.installed,
            "failed": standing.counts.failed,
            "rolled_back": standing.counts.rolled_back,
        },
        "reports": [
            {"day": each.day.isoformat(), "outcome": each.outcome.value, "reports": each.reports}
            for each in standing.days
        ],
        "limit": limit_facts(standing.limit),
        "history": [
            {"at": event.at.isoformat(), "who": event.who, "action": event.action, "details": dict(event.details)}
            for event in standing.history
        ],
    }
