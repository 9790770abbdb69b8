"""``tenure init``, ``serve`` and ``status``: the installation itself."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, CommandContext, context_of
from tenure_server.cli.output import plural, print_facts, print_json, print_line, say
from tenure_server.cli.passphrase import ask_passphrase
from tenure_server.cli.release_draft_review import draft_json
from tenure_server.domain.signer_life import SignerMode
from tenure_server.use_cases.initialise import published_root
from tenure_server.use_cases.system_status import RoleStatus, SignerStatus, SystemStatus, system_status
from tenure_signing.tuf_roles import ROOT, TARGETS

ROOT_FILE = "root.json"
NOT_READY = 1


def register(app: typer.Typer) -> None:
    app.command("init")(init)
    app.command("serve")(serve)
    app.command("signer")(signer)
    app.command("status")(status)


def init(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Make the data directory, the keys and the first root.

    Doing it again completes what was broken off, or confirms what is there.
    """
    context = context_of(ctx)
    installation = context.installation
    settings = installation.settings
    keys = installation.keys
    make_private_directory(settings.data_dir)
    make_private_directory(keys.online.parent)
    installation.upgrade_schema()
    root = published_root(installation.database, installation.online_keys.online_signers)
    is_new = root is None
    if root is None:
        root = _first_root(context)
    root_path = settings.data_dir / ROOT_FILE
    _write_whole(root_path, root)
    if as_json:
        print_json({"data_dir": str(settings.data_dir), "root": str(root_path), "offline_keys": str(keys.offline)})
        return
    print_line(f"Tenure is ready in {settings.data_dir}.")
    if not is_new:
        print_facts({"embed in your product": root_path})
        return
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


def _first_root(context: CommandContext) -> bytes:
    """Makes the keys that are missing. Those of an earlier attempt are opened first: a passphrase that is not theirs
    must not become that of a further key."""
    installation = context.installation
    keys = installation.keys
    existing = [name for name in (ROOT, TARGETS) if keys.offline_path(name).exists()]
    passphrase = ask_passphrase(f"the offline keys in {keys.offline}", is_new=not existing)
    for name in (*existing, *(name for name in (ROOT, TARGETS) if name not in existing)):
        keys.make_offline_key(name, lambda: passphrase)
        keys.offline_signer(name, lambda: passphrase)
    keys.make_online_keys(elsewhere=installation.online_keys.elsewhere)
    return installation.initialise(
        root=keys.offline_signer(ROOT, lambda: passphrase),
        targets=keys.offline_signer(TARGETS, lambda: passphrase),
        online=installation.online_signers(),
        licence_keys=keys.licence_key_set(),
        who=context.who,
    )


def make_private_directory(path: Path) -> None:
    """A directory that only its owner can enter; so is one of ours that is there already."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.stat()
    if found.st_uid == os.geteuid() and found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        path.chmod(0o700)


def _write_whole(path: Path, data: bytes) -> None:
    """All of it or nothing, whatever ends this process."""
    draft = path.with_name(f".{path.name}.new")
    draft.write_bytes(data)
    draft.replace(path)


def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on. [TENURE_HOST]")] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Port; 0 takes a free one. [TENURE_PORT]", min=0, max=65535)
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", help="Processes that answer: one per core. [TENURE_WORKERS]", min=1, max=64),
    ] = None,
    access_log: Annotated[
        bool | None, typer.Option("--access-log/--no-access-log", help="A line per request. [TENURE_ACCESS_LOG]")
    ] = None,
) -> None:
    """Serve update checks, downloads, metadata and the customer page."""
    from tenure_server.serving import run_server  # here: no other command needs a web server

    context = context_of(ctx)
    settings = context.installation.settings
    run_server(
        context.installation,
        host=host if host is not None else settings.host,
        port=port if port is not None else settings.port,
        workers=workers if workers is not None else settings.workers,
        access_log=access_log if access_log is not None else settings.access_log == "on",
        announce=lambda url: say(f"Tenure serves on {url} (customer page: {url}/portal). Control-C stops it."),
    )


def signer(ctx: typer.Context) -> None:
    """Sign in a process that nobody can connect to.

    It signs snapshot and timestamp, and shares only the database and the store with tenure serve, which runs with
    TENURE_SIGNER=external.
    """
    from tenure_server.serving import run_signer

    run_signer(
        context_of(ctx).installation,
        announce=lambda: say("Tenure's signer is at work; it listens to nothing but the database. Control-C stops it."),
    )


def status(ctx: typer.Context, as_json: AsJson = False) -> int:
    """Say whether everything is well.

    The exit code is 1 if something needs somebody.
    """
    context = context_of(ctx)
    found = _status(context)
    if as_json:
        print_json(_json(found))
    else:
        _print(found)
    return 0 if found.is_well else NOT_READY


def _status(context: CommandContext) -> SystemStatus:
    installation = context.installation
    mode = SignerMode(installation.settings.signer)
    return system_status(
        installation.database, installation.store, installation.signing_clock(), mode, installation.list_release_drafts
    )


def _print(found: SystemStatus) -> None:
    print_facts(
        {
            "database": found.database_problem or "answers",
            "store": found.store_problem or "answers",
            "products": found.products,
            "releases": found.releases,
            "signer": _signer_text(found.signer),
            **_damaged(found),
            **_drafts(found),
            "signed metadata": "\n".join(_role_text(role) for role in found.roles) or "none: tenure init makes it",
            **_outgoing(found),
        }
    )


def _damaged(found: SystemStatus) -> dict[str, str]:
    damaged = (f"{name}: {problem}; restore it from a backup" for name, problem in found.damaged_products.items())
    return {"DAMAGED": "\n".join(damaged)} if found.damaged_products else {}


def _drafts(found: SystemStatus) -> dict[str, str]:
    """Release drafts under way, those that should be published by now told apart."""
    lines = (
        f"{each.draft.draft_id} to {each.draft.action.value.replace('_', ' ')} {each.draft.subject}: {each.words}"
        + (", LATE" if each.draft.draft_id in found.late_drafts else "")
        for each in found.drafts
    )
    return {"release drafts": "\n".join(lines)} if found.drafts else {}


def _outgoing(found: SystemStatus) -> dict[str, object]:
    """What does not get out; nothing where all does."""
    facts: dict[str, object] = {}
    if found.disabled_webhooks:
        facts["webhooks"] = "\n".join(
            f"{one.endpoint_id} is DISABLED: {one.disabled_reason}; tenure webhook enable goes on"
            for one in found.disabled_webhooks
        )
    if found.delayed_reminders:
        facts["reminders"] = f"{plural(found.delayed_reminders, 'mail')} waiting: the mail server did not take them"
    return facts


def _signer_text(signer: SignerStatus) -> str:
    who = "embedded, in tenure serve" if signer.mode is SignerMode.EMBEDDED else "external, tenure signer"
    lines = [f"{who}; last signed {signer.last_signed:%Y-%m-%d %H:%M} UTC" if signer.last_signed is not None else who]
    if signer.waiting:
        lines.append(f"{plural(signer.waiting, 'request')} waiting for it")
    if signer.warning is not None:
        lines.append(f"WARNING: {signer.warning}")
    return "\n".join(lines)


def _role_text(role: RoleStatus) -> str:
    days = role.days_left
    left = f"expires in {plural(days, 'day')}" if days > 0 else "expires today" if days == 0 else "has EXPIRED"
    due = ": to be signed anew by its people" if role.needs_people else ", due to be signed anew" if role.is_due else ""
    return f"{role.name} version {role.version} {left} ({role.expires:%Y-%m-%d}){due}"


def _json(found: SystemStatus) -> dict[str, object]:
    return {
        "well": found.is_well,
        "database": found.database_problem,
        "store": found.store_problem,
        "products": found.products,
        "releases": found.releases,
        "damaged_products": dict(found.damaged_products),
        "drafts": [{**draft_json(each), "late": each.draft.draft_id in found.late_drafts} for each in found.drafts],
        "signer": {
            "mode": found.signer.mode.value,
            "last_signed": found.signer.last_signed.isoformat() if found.signer.last_signed is not None else None,
            "waiting": found.signer.waiting,
            "warning": found.signer.warning,
        },
        "roles": [
            {
                "name": role.name,
                "version": role.version,
                "expires": role.expires.isoformat(),
                "due": role.is_due,
                "needs_people": role.needs_people,
            }
            for role in found.roles
        ],
        "disabled_webhooks": [one.endpoint_id for one in found.disabled_webhooks],
        "delayed_reminders": found.delayed_reminders,
    }
