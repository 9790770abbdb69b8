"""``tenure init``, ``serve`` and ``status``: the installation itself."""

from __future__ import annotations

from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, CommandContext, context_of
from tenure_server.cli.output import print_facts, print_json, print_line, say
from tenure_server.cli.passphrase import ask_passphrase
from tenure_server.serving import run_server
from tenure_server.use_cases.system_status import RoleStatus, SystemStatus, system_status
from tenure_signing.tuf_roles import ROOT, TARGETS

ROOT_FILE = "root.json"
NOT_READY = 1


def register(app: typer.Typer) -> None:
    app.command("init")(init)
    app.command("serve")(serve)
    app.command("status")(status)


def init(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Make the data directory, the keys and the first root. Doing it again completes or confirms it."""
    context = context_of(ctx)
    installation = context.installation
    settings = installation.settings
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = installation.keys
    passphrase = ask_passphrase(f"the offline keys in {keys.offline}", is_new=not keys.offline_path(ROOT).exists())
    installation.upgrade_schema()
    for name in (ROOT, TARGETS):
        keys.make_offline_key(name, lambda: passphrase)
    keys.make_online_keys()
    root = installation.initialise(
        root=keys.offline_signer(ROOT, lambda: passphrase),
        targets=keys.offline_signer(TARGETS, lambda: passphrase),
        online=keys.online_signers,
        licence_keys=keys.licence_key_set(),
        who=context.who,
    )
    root_path = settings.data_dir / ROOT_FILE
    root_path.write_bytes(root)
    if as_json:
        print_json({"data_dir": str(settings.data_dir), "root": str(root_path), "offline_keys": str(keys.offline)})
        return
    print_line(f"Tenure is ready in {settings.data_dir}.")
    print_facts(
        {
            "embed in your product": f"{root_path}",
            "keep offline": f"{keys.offline_path(ROOT)}\n{keys.offline_path(TARGETS)}\n"
            "move them to another machine or a stick, and a copy to a safe;\n"
            "they are needed to add a product, never to serve",
            "keep on this server": f"{keys.online}",
            "next": "tenure product add NAME --edition EDITION\ntenure serve",
        }
    )
    say("warning: root and targets are signed by one key each; larger teams want two of three")


def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on. [TENURE_HOST]")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port; 0 takes a free one. [TENURE_PORT]")] = None,
) -> None:
    """Serve update checks, downloads, metadata and the customer page."""
    context = context_of(ctx)
    settings = context.installation.settings
    run_server(
        context.installation,
        host=host if host is not None else settings.host,
        port=port if port is not None else settings.port,
        announce=lambda url: say(f"Tenure serves on {url} (customer page: {url}/portal). Control-C stops it."),
    )


def status(ctx: typer.Context, as_json: AsJson = False) -> int:
    """Say whether everything is well; exits with 1 if something needs somebody."""
    context = context_of(ctx)
    found = _status(context)
    if as_json:
        print_json(_json(found))
    else:
        _print(found)
    return 0 if found.is_well else NOT_READY


def _status(context: CommandContext) -> SystemStatus:
    installation = context.installation
    return system_status(installation.database, installation.store, installation.signing_clock())


def _print(found: SystemStatus) -> None:
    print_facts(
        {
            "database": found.database_problem or "answers",
            "store": found.store_problem or "answers",
            "products": found.products,
            "releases": found.releases,
            "metadata": "\n".join(_role_text(role) for role in found.roles) or "none: tenure init makes it",
        }
    )


def _role_text(role: RoleStatus) -> str:
    days = role.days_left
    left = f"expires in {days} days" if days > 0 else "expires today" if days == 0 else "has EXPIRED"
    due = ", to be signed anew" if role.is_due else ""
    return f"{role.name} version {role.version} {left} ({role.expires:%Y-%m-%d}){due}"


def _json(found: SystemStatus) -> dict[str, object]:
    return {
        "well": found.is_well,
        "database": found.database_problem,
        "store": found.store_problem,
        "products": found.products,
        "releases": found.releases,
        "roles": [
            {
                "name": role.name,
                "version": role.version,
                "expires": role.expires.isoformat(),
                "due": role.is_due,
            }
            for role in found.roles
        ],
    }
