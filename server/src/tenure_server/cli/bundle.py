"""``tenure bundle``: updates for machines without a network, as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, context_of, parsed
from tenure_server.cli.output import print_facts, print_json, print_line, progress_bar, say
from tenure_server.cli.passphrase import ask_passphrase
from tenure_server.cli.trust_sources import RootOption, ServerOption, trusted_root, verified_metadata
from tenure_server.errors import Conflict, InvalidRequest
from tenure_server.use_cases.create_bundle import BundleOrder, PlannedBundle
from tenure_signing.air_gap import draft_of_air_gap_root
from tenure_signing.errors import PublishingError
from tenure_signing.names import parse_platform
from tenure_signing.signer_uris import open_signer
from tenure_signing.tuf_drafts import sign
from tenure_signing.tuf_repository import signature_status
from tenure_signing.tuf_roles import ROOT, SNAPSHOT, TIMESTAMP, policy_of
from tenure_signing.versions import parse_version

commands = typer.Typer(help="Updates for machines without a network.", no_args_is_help=True)
root_commands = typer.Typer(help="The root that the root keys sign for bundles.", no_args_is_help=True)
commands.add_typer(root_commands, name="root")

RootFile = Annotated[Path, typer.Argument(metavar="FILE", help="The air-gap root.")]
KeyOption = Annotated[
    list[str] | None, typer.Option("--key", help="A root key: file:PATH, hsm:…, awskms:…; repeat for several.")
]


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="bundle")


@commands.command("create")
def create(
    ctx: typer.Context,
    licence_id: Annotated[str, typer.Argument(metavar="LICENCE", help="The licence's id.")],
    out: Annotated[Path, typer.Option("--out", help="The bundle to write; it must not exist.")],
    version: Annotated[
        list[str] | None, typer.Option("--version", help="A release; repeat. Default: the newest that is covered.")
    ] = None,
    platform: Annotated[
        list[str] | None, typer.Option("--platform", help="Such as linux-x86_64; repeat. Default: all.")
    ] = None,
    root_file: RootOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would hold; write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write one file that updates a machine without a network.

    It holds signed metadata, builds, and the certificate that proves that the licence covers them.
    """
    context = context_of(ctx)
    order = BundleOrder(
        licence_id,
        trusted_root(context, root_file),
        tuple(parsed("--version", text, parse_version) for text in version or ()),
        tuple(parsed("--platform", text, parse_platform) for text in platform or ()),
    )
    use_case = context.installation.create_bundle
    planned = use_case.plan(order)
    if dry_run:
        _show(planned, as_json, {"file": str(out), "written": False})
        return
    with progress_bar("writing", planned.length, shown=not as_json) as progress:
        created = use_case(planned, out, who=context.who, progress=progress)
    _show(planned, as_json, {"file": str(out), "written": True, "sha256": created.sha256})


def _show(planned: PlannedBundle, as_json: bool, about: dict[str, object]) -> None:
    expires = planned.expires_at
    if as_json:
        print_json(
            {
                **about,
                "licence_id": planned.licence.licence_id,
                "product": planned.licence.product,
                "versions": [str(release.version) for release in planned.releases],
                "builds": [
                    {"path": build.path, "length": build.length, "sha256": build.sha256} for build in planned.builds
                ],
                "length": planned.length,
                "expires": expires.isoformat(),
            }
        )
        return
    print_facts(
        {
            "bundle": about["file"] if about["written"] else f"{about['file']} (nothing was written)",
            "size": f"{planned.length:,} bytes",
            **({"sha-256": about["sha256"]} if "sha256" in about else {}),
            "licence": f"{planned.licence.licence_id} ({planned.licence.customer})",
            "holds": "\n".join(f"{build.path}  {build.length:,} bytes" for build in planned.builds),
            "use before": f"{expires:%Y-%m-%d}",
        }
    )


@root_commands.command("draft")
def draft_root(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option("--out", help="File to write; it must not exist.")],
    key: KeyOption = None,
    root_file: RootOption = None,
) -> None:
    """Draft an air-gap root for the keys of bundles.

    The keys are made if they are missing. With --key it is signed at once.
    """
    context = context_of(ctx)
    published = verified_metadata(context, None, root_file).repository
    if out.exists():
        raise Conflict(f"{out} exists already.", code="file_exists", hint="give another name with --out")
    data = context.installation.draft_air_gap_root(published)
    for uri in key or ():
        data = sign(ROOT, data, open_signer(uri, ask_passphrase))
    _write(out, data)
    status = signature_status(ROOT, data, published.root())
    print_line(f"Wrote {out}, signed by {len(status.signed)} of the {status.threshold} root keys it needs.")
    if not status.verified:
        print_line(f"Each holder of a root key: tenure bundle root sign {out} --key URI --server URL --root root.json")
    print_line(f"Then, on the server: tenure bundle root accept {out}")


@root_commands.command("sign")
def sign_root(
    ctx: typer.Context,
    file: RootFile,
    key: Annotated[str, typer.Option("--key", help="Your root key: file:PATH, hsm:…, awskms:…")],
    server: ServerOption = None,
    root_file: RootOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Sign without asking.")] = False,
) -> None:
    """Show what an air-gap root trusts, ask, and sign it."""
    published = verified_metadata(context_of(ctx), server, root_file).repository.root()
    data = _read(file)
    draft = draft_of_air_gap_root(data, published)
    say("This root is for bundles only: no client takes it up from a server.")
    say(f"It trusts the root and targets keys of the published root, version {published.version}, and for bundles:")
    for name in (SNAPSHOT, TIMESTAMP):
        say(f"  {name}  {', '.join(draft.roles[name].keyids)}")
    say(f"It expires on {draft.expires:%Y-%m-%d}.")
    if not yes and not typer.confirm("Sign this?", default=False, err=True):
        raise InvalidRequest("Nothing was signed.", code="not_signed")
    signer = open_signer(key, ask_passphrase)
    if signer.public_key.keyid not in published.roles[ROOT].keyids:
        raise PublishingError(f"the key {signer.public_key.keyid[:12]} is no root key")
    signed = sign(ROOT, data, signer)
    draft_file = file.with_name(f".{file.name}.new")
    draft_file.write_bytes(signed)
    draft_file.replace(file)
    status = signature_status(ROOT, signed, published)
    print_line(f"Signed by {len(status.signed)} of the {status.threshold} root keys it needs.")


@root_commands.command("accept")
def accept_root(ctx: typer.Context, file: RootFile) -> None:
    """Use a signed air-gap root for the bundles made from now on."""
    context = context_of(ctx)
    context.installation.accept_air_gap_root(_read(file), who=context.who)
    print_line("Bundles made from now on rest on this root: tenure bundle create LICENCE --out FILE")


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(policy_of(ROOT).max_bytes + 1)


def _write(out: Path, data: bytes) -> None:
    with out.open("xb") as file:
        file.write(data)
