"""``tenure snapshot`` and ``tenure edge``: update checks answered where there is no database."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, context_of
from tenure_server.cli.output import print_json, print_line, say


def register(app: typer.Typer) -> None:
    app.command("snapshot")(snapshot)
    app.command("edge")(edge)


def snapshot(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to write it; an older one is replaced whole.")],
    as_json: AsJson = False,
) -> None:
    """Write what update checks need into one file, for tenure edge.

    It is what tenure serve copies every second: everything published, and the licences seen lately, by digest.
    """
    state = context_of(ctx).installation.snapshot.write_copy(file)
    as_of = f"{state.as_of:%Y-%m-%dT%H:%M:%SZ}"
    if as_json:
        print_json({"file": str(file), "as_of": as_of})
    else:
        print_line(f"{file} holds what was so at {as_of}.")


def edge(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="The snapshot, written by tenure snapshot. A newer one is taken up.")],
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on. [TENURE_HOST]")] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Port; 0 takes a free one. [TENURE_PORT]", min=0, max=65535)
    ] = None,
    access_log: Annotated[
        bool | None, typer.Option("--access-log/--no-access-log", help="A line per request. [TENURE_ACCESS_LOG]")
    ] = None,
) -> None:
    """Answer update checks from a snapshot alone.

    It has no database and no private key: licences in the snapshot are known, others by their SMP certificates.
    """
    from tenure_server.edge_serving import run_edge  # here: few commands need a web server

    settings = context_of(ctx).installation.settings

    def announce(url: str, as_of: datetime) -> None:
        say(f"Tenure answers update checks on {url}, as of {as_of:%Y-%m-%dT%H:%M:%SZ}. Control-C stops it.")

    run_edge(
        settings,
        file,
        host=host if host is not None else settings.host,
        port=port if port is not None else settings.port,
        access_log=access_log if access_log is not None else settings.access_log == "on",
        announce=announce,
    )
