"""``tenure promote``: the same bytes on a more stable channel."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, context_of, parse_instant, parsed, parsed_or_none
from tenure_server.cli.output import print_json, print_line
from tenure_server.cli.release_drafts import (
    AtOption,
    DraftOptions,
    RemoteOption,
    RemoteRootOption,
    RemoteYesOption,
    print_draft,
    propose,
)
from tenure_server.cli.rollouts import KeysOption, ProductArgument, VersionArgument, release_of, signers_of
from tenure_server.domain.rollouts import parse_share
from tenure_server.use_cases.release_drafts_remotely import Proposal, ReleaseDraftsRemotely
from tenure_signing.names import ChannelName, ProductName, parse_channel
from tenure_signing.versions import Version


def register(app: typer.Typer) -> None:
    app.command("promote")(promote)


def promote(
    ctx: typer.Context,
    product: ProductArgument,
    version: VersionArgument,
    to: Annotated[str, typer.Option("--to", help="The more stable channel, such as stable.")],
    rollout: Annotated[
        str | None, typer.Option("--rollout", help="Share of installs it reaches from then on; default: as before.")
    ] = None,
    keys: KeysOption = None,
    server: RemoteOption = None,
    root: RemoteRootOption = None,
    publish_at: AtOption = None,
    yes: RemoteYesOption = False,
    as_json: AsJson = False,
) -> None:
    """Move a release to a more stable channel.

    The same files, the same release day, no upload. With --server by a draft that others sign too.
    """
    context = context_of(ctx)
    installation = context.installation
    product_name, release_version = release_of(product, version)
    channel = parsed("--to", to, parse_channel)
    share = parsed_or_none("--rollout", rollout, parse_share)
    if server is not None:
        at = parsed_or_none("--publish-at", publish_at, parse_instant)
        wanted = partial(_proposal, product_name, release_version, channel, share, at)
        print_draft(propose(context, DraftOptions(server, root, tuple(keys or ()), yes), wanted), as_json)
        return
    if publish_at is not None:
        raise typer.BadParameter("--publish-at goes with --server")
    promoted = installation.promote(
        product_name,
        release_version,
        channel,
        share_basis_points=share,
        signers=signers_of(context, product_name, keys),
        online=installation.online_signers(),
        who=context.who,
    )
    release = promoted.release
    if as_json:
        print_json(
            {
                "product": release.product,
                "version": str(release.version),
                "channel": release.channel,
                "promoted_from": list(release.promoted_from),
                "is_new": promoted.is_new,
            }
        )
        return
    done = f"from {release.promoted_from[-1]} to" if promoted.is_new else "before: it is on"
    print_line(f"Promoted {release.product} {release.version} {done} {release.channel}.")


def _proposal(
    product: ProductName,
    version: Version,
    channel: ChannelName,
    share_basis_points: int | None,
    publish_at: datetime | None,
    drafts: ReleaseDraftsRemotely,
) -> Proposal:
    return drafts.promote(product, version, channel, share_basis_points=share_basis_points, publish_at=publish_at)
