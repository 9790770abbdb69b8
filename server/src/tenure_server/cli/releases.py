"""``tenure publish``, ``releases`` and ``withdraw``: what release engineers do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tenure_server.cli.context import (
    AsJson,
    ProductOption,
    ReasonOption,
    VersionOption,
    context_of,
    parsed,
    parsed_or_none,
)
from tenure_server.cli.output import print_facts, print_json, print_line, print_table, progress_bar
from tenure_server.cli.passphrase import ask_passphrase
from tenure_server.errors import InvalidRequest
from tenure_server.use_cases.publish import MAX_NOTES_BYTES, FileToPublish, PublishRequest
from tenure_signing.days import parse_day
from tenure_signing.names import (
    Platform,
    parse_channel,
    parse_edition,
    parse_file_name,
    parse_platform,
    parse_product,
)
from tenure_signing.releases import Release, Rollout
from tenure_signing.versions import Kind, parse_version


def register(app: typer.Typer) -> None:
    app.command("publish")(publish)
    app.command("releases")(list_releases)
    app.command("withdraw")(withdraw)


def publish(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Builds of one version.")],
    product: ProductOption,
    version: VersionOption,
    platform: Annotated[
        list[str], typer.Option("--platform", help="Such as linux-x86_64 or any: once, or once for each file.")
    ],
    edition: Annotated[
        list[str] | None, typer.Option("--edition", help="An edition; repeat for more; default: all.")
    ] = None,
    channel: Annotated[str | None, typer.Option("--channel", help="Default: the product's most stable.")] = None,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Default: what the version tells.")] = None,
    released_on: Annotated[
        str | None, typer.Option("--released-on", help="YYYY-MM-DD; default today. Signed, and never changed.")
    ] = None,
    upgrade_from: Annotated[
        str | None, typer.Option("--upgrade-from", help="Lowest installed version that may jump here.")
    ] = None,
    open_release: Annotated[
        bool | None, typer.Option("--open/--not-open", help="For every licensee, in support or not.")
    ] = None,
    notes: Annotated[str | None, typer.Option("--notes", help="Release notes in Markdown.")] = None,
    notes_file: Annotated[Path | None, typer.Option("--notes-file", help="The same from a file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Publish builds. Hashes them, uploads them, signs the release and shows it to the world, in this order.

    Broken off at any point, the same command completes it.
    """
    context = context_of(ctx)
    product_name = parsed("--product", product, parse_product)
    request = PublishRequest(
        product=product_name,
        version=parsed("--version", version, parse_version),
        files=_files(files, [parsed("--platform", each, parse_platform) for each in platform]),
        editions=frozenset(parsed("--edition", each, parse_edition) for each in edition) if edition else None,
        channel=parsed_or_none("--channel", channel, parse_channel),
        kind=kind,
        released_on=parsed_or_none("--released-on", released_on, parse_day),
        upgrade_from=parsed_or_none("--upgrade-from", upgrade_from, parse_version),
        open_release=open_release,
        notes=_notes(notes, notes_file),
    )
    installation = context.installation
    online = installation.keys.online_signers
    signer = installation.keys.product_signer(product_name, lambda: ask_passphrase(f"the key of {product_name}"))
    with progress_bar("publishing", 2 * _total_bytes(files), shown=not as_json) as progress:
        published = installation.publish(request, signers=(signer,), online=online, who=context.who, progress=progress)
    if as_json:
        print_json({**_json(published.release, Rollout()), "is_new": published.is_new})
        return
    release = published.release
    print_line(f"{'Published' if published.is_new else 'Already published:'} {release.product} {release.version}.")
    print_facts(
        {
            "kind": release.kind.value.replace("_", " "),
            "release day": release.released_on,
            "channel": release.channel,
            "editions": ", ".join(sorted(release.editions)),
            "builds": "\n".join(f"{b.platform}  {b.file_name}  {b.length} bytes" for b in release.builds),
        }
    )


def list_releases(
    ctx: typer.Context,
    product: Annotated[str | None, typer.Option("--product", help="Only this product's.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what is published, newest version first."""
    wanted = parsed_or_none("--product", product, parse_product)
    catalogue = context_of(ctx).installation.catalogue.current()
    products = [catalogue.product(wanted)] if wanted is not None else list(catalogue.products.values())
    listed = [
        (release, published.rollouts.get(release.version, Rollout()))
        for published in products
        for release in sorted(published.releases, key=lambda r: r.version, reverse=True)
    ]
    if as_json:
        print_json([_json(release, rollout) for release, rollout in listed])
        return
    rows = [
        (
            f"{release.product} {release.version}",
            release.released_on,
            release.kind.value.replace("_", " "),
            release.channel,
            ", ".join(sorted(release.editions)),
            ", ".join(sorted({str(build.platform) for build in release.builds})),
            _state(release, rollout),
        )
        for release, rollout in listed
    ]
    columns = ("RELEASE", "DAY", "KIND", "CHANNEL", "EDITIONS", "PLATFORMS", "STATE")
    print_table(columns, rows, nothing="Nothing is published yet: tenure publish does it.")


def withdraw(
    ctx: typer.Context,
    product: ProductOption,
    version: VersionOption,
    reason: ReasonOption,
    replacement: Annotated[str | None, typer.Option("--replacement", help="The version to use in its place.")] = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw a release: nobody can download it any more, and its number is never used again."""
    context = context_of(ctx)
    product_name = parsed("--product", product, parse_product)
    release_version = parsed("--version", version, parse_version)
    installation = context.installation
    signer = installation.keys.product_signer(product_name, lambda: ask_passphrase(f"the key of {product_name}"))
    installation.withdraw(
        product_name,
        release_version,
        reason=reason,
        replacement=parsed_or_none("--replacement", replacement, parse_version),
        signers=(signer,),
        online=installation.keys.online_signers,
        who=context.who,
    )
    if as_json:
        print_json({"product": product_name, "version": str(release_version), "withdrawn": {"reason": reason}})
        return
    print_line(f"Withdrew {product_name} {release_version}.")


def _files(paths: list[Path], platforms: list[Platform]) -> tuple[FileToPublish, ...]:
    if len(platforms) == 1:
        platforms = platforms * len(paths)
    if len(platforms) != len(paths):
        raise typer.BadParameter(f"--platform is given once or once for each of the {len(paths)} files, in their order")
    return tuple(
        FileToPublish(path, parsed(str(path), path.name, parse_file_name), platform)
        for path, platform in zip(paths, platforms, strict=True)
    )


def _notes(text: str | None, file: Path | None) -> str | None:
    if text is not None and file is not None:
        raise typer.BadParameter("--notes and --notes-file exclude each other")
    if file is None:
        return text
    with file.open("rb") as stream:
        data = stream.read(MAX_NOTES_BYTES + 1)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{file} is not UTF-8 text.", code="notes_not_utf8") from error


def _total_bytes(paths: list[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


def _state(release: Release, rollout: Rollout) -> str:
    if release.withdrawal is not None:
        replacement = f", use {release.withdrawal.replacement}" if release.withdrawal.replacement else ""
        return f"withdrawn: {release.withdrawal.reason}{replacement}"
    if rollout.is_halted:
        return "halted"
    if rollout.share_basis_points < 10_000:
        return f"rolled out to {rollout.share_basis_points / 100:g} %"
    return "published"


def _json(release: Release, rollout: Rollout) -> dict[str, object]:
    withdrawal = release.withdrawal
    return {
        "product": release.product,
        "version": str(release.version),
        "kind": release.kind.value,
        "released_on": release.released_on.isoformat(),
        "channel": release.channel,
        "editions": sorted(release.editions),
        "upgrade_from": str(release.upgrade_from) if release.upgrade_from is not None else None,
        "open_release": release.open_release,
        "halted": rollout.is_halted,
        "rollout_basis_points": rollout.share_basis_points,
        "withdrawn": None
        if withdrawal is None
        else {
            "reason": withdrawal.reason,
            "replacement": str(withdrawal.replacement) if withdrawal.replacement is not None else None,
        },
        "builds": [
            {
                "file_name": build.file_name,
                "platform": str(build.platform),
                "length": build.length,
                "sha256": build.sha256,
                "path": build.path,
            }
            for build in release.builds
        ],
    }
