"""``tenure publish``, ``releases`` and ``withdraw``: what release engineers do."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from tenure_server.cli.context import (
    AlthoughNeeded,
    AsJson,
    CommandContext,
    ProductOption,
    ReasonOption,
    VersionOption,
    context_of,
    parse_instant,
    parsed,
    parsed_or_none,
)
from tenure_server.cli.output import money_json, print_facts, print_json, print_line, print_table, progress_bar, say
from tenure_server.cli.publishing import PublishingOptions, confirm, publish_to_server
from tenure_server.cli.publishing_choices import Choices, FoundFile, choose, find_publishing_file
from tenure_server.cli.publishing_extras import read_notes, read_side_files
from tenure_server.cli.release_drafts import (
    AtOption,
    DraftOptions,
    RemoteOption,
    RemoteRootOption,
    RemoteYesOption,
    print_draft,
    propose,
)
from tenure_server.cli.release_facts import platform_name, release_facts
from tenure_server.cli.rollouts import KeysOption, signers_of
from tenure_server.domain.money import parse_amount, parse_currency
from tenure_server.domain.release_drafts import DraftStanding
from tenure_server.domain.rollouts import parse_share, show_share
from tenure_server.domain.side_file_names import side_file_kind
from tenure_server.errors import Conflict, InvalidRequest
from tenure_server.use_cases.change_licence import required_reason
from tenure_server.use_cases.publish import Published, PublishRequest
from tenure_server.use_cases.release_drafts_remotely import Proposal, ReleaseDraftsRemotely
from tenure_signing.days import parse_day
from tenure_signing.names import (
    ProductName,
    parse_channel,
    parse_edition,
    parse_platform,
    parse_product,
)
from tenure_signing.problem_numbers import parse_problem_number
from tenure_signing.releases import PaidUpgrade, Release, Rollout, SideFileKind, Withdrawal
from tenure_signing.versions import Kind, Version, parse_version


def register(app: typer.Typer) -> None:
    app.command("publish")(publish)
    app.command("releases")(list_releases)
    app.command("withdraw")(withdraw)


def publish(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Builds of one version.")],
    product: Annotated[str | None, typer.Option("--product", help="Default: tenure.toml, else the file names.")] = None,
    version: Annotated[str | None, typer.Option("--version", help="Default: what the file names say.")] = None,
    platform: Annotated[
        list[str] | None,
        typer.Option(
            "--platform", help="Such as linux-x86_64 or any: once, or once for each file. Default: the names."
        ),
    ] = None,
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
    in_support: Annotated[
        str | None,
        typer.Option(
            "--upgrade-price-in-support", help="Makes it a paid upgrade: per seat, for licences in support on its day."
        ),
    ] = None,
    without_support: Annotated[
        str | None, typer.Option("--upgrade-price-without-support", help="The same for the other licences.")
    ] = None,
    currency: Annotated[str | None, typer.Option("--currency", help="Of both prices. [TENURE_CURRENCY]")] = None,
    notes: Annotated[str | None, typer.Option("--notes", help="Release notes in Markdown.")] = None,
    notes_file: Annotated[
        list[str] | None,
        typer.Option("--notes-file", metavar="FILE", help="The same from a file; de=FILE for a translation."),
    ] = None,
    attach: Annotated[
        list[str] | None,
        typer.Option("--attach", metavar="FILE[:KIND]", help=f"Beside the builds, as {', '.join(SideFileKind)}."),
    ] = None,
    fixes: Annotated[
        list[str] | None,
        typer.Option("--fixes", metavar="P-17", help="A problem that it fixes; repeat. Signed, and never changed."),
    ] = None,
    rollout: Annotated[
        str | None, typer.Option("--rollout", help="Share of installs a new version reaches at first, such as 10%.")
    ] = None,
    server: Annotated[
        str | None, typer.Option("--server", help="Publish to the server at this URL, with a token and your key.")
    ] = None,
    root: Annotated[
        Path | None, typer.Option("--root", help="With --server: the first root, which your products embed.")
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", help="file:PATH, hsm:…, awskms:… that signs; repeat for more. Here: the key kept here."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="Default: tenure.toml in this folder, if there is one.")
    ] = None,
    draft: Annotated[
        bool, typer.Option("--draft", help="With --server: upload and make a draft for others to sign; no key needed.")
    ] = False,
    publish_at: AtOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show everything, change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Sign without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Publish builds. Hashes them, uploads them, signs the release and shows it to the world, in this order.

    Broken off at any point, the same command completes it.
    """
    context = context_of(ctx)
    found = find_publishing_file(config)
    choices = choose(
        found,
        [path for path in files if side_file_kind(path.name) is None],
        parsed_or_none("--product", product, parse_product),
        parsed_or_none("--version", version, parse_version),
        [parsed("--platform", each, parse_platform) for each in platform or ()],
    )
    channel_given = parsed_or_none("--channel", channel, parse_channel)
    editions_given = frozenset(parsed("--edition", each, parse_edition) for each in edition) if edition else None
    given_notes = read_notes(notes, notes_file or (), found)
    beside = [path for path in files if side_file_kind(path.name) is not None]
    request = PublishRequest(
        product=choices.product,
        version=choices.version,
        files=choices.files,
        editions=editions_given or found.settings.editions,
        channel=channel_given or found.settings.channel,
        kind=kind,
        released_on=parsed_or_none("--released-on", released_on, parse_day),
        upgrade_from=parsed_or_none("--upgrade-from", upgrade_from, parse_version),
        open_release=open_release,
        paid_upgrade=_paid_upgrade(context, in_support, without_support, currency),
        notes=given_notes.text,
        translations=given_notes.translations,
        side_files=read_side_files(attach or (), beside, found),
        share_basis_points=parsed_or_none("--rollout", rollout, parse_share),
        fixes=tuple(parsed("--fixes", each, parse_problem_number) for each in fixes) if fixes else found.settings.fixes,
    )
    total_bytes = _total_bytes([file.source for file in request.all_files])
    options = _options(found, choices, server, root, key, dry_run=dry_run, yes=yes, shows_progress=not as_json)
    at = parsed_or_none("--publish-at", publish_at, parse_instant)
    options = replace(options, as_draft=draft, publish_at=at)
    if options.server is None:
        published = _publish_here(context, request, options, total_bytes)
        knows_state = not dry_run
    else:
        result = publish_to_server(context, request, options, total_bytes)
        if isinstance(result, DraftStanding):
            print_draft(result, as_json)
            return
        published, knows_state = result, False
    release = published.release
    if as_json:
        rollout_now = _rollout(context, release) if knows_state else Rollout()
        print_json(
            {**_json(release, rollout_now), "is_new": published.is_new, **({"dry_run": True} if dry_run else {})}
        )
        return
    done = "Would publish" if dry_run else "Published"
    print_line(f"{done if published.is_new else 'Already published:'} {release.product} {release.version}.")
    state = {"state": _state(release, _rollout(context, release))} if knows_state else {}
    print_facts({**release_facts(release), **state})


def _publish_here(
    context: CommandContext, request: PublishRequest, options: PublishingOptions, total_bytes: int
) -> Published:
    """To the installation on this machine."""
    if options.as_draft or options.publish_at is not None:
        raise typer.BadParameter("--draft and --publish-at go with --server")
    installation = context.installation
    if options.dry_run:
        with progress_bar("reading", total_bytes, shown=options.shows_progress) as progress:
            return installation.publish.preview(request, progress=progress)
    online = installation.online_signers()
    if not options.yes and (sys.stdin.isatty() or options.is_found):
        preview = installation.publish.preview(request)
        if preview.is_new:
            confirm(preview.release, options)
    signers = signers_of(context, request.product, options.keys)
    with progress_bar("publishing", 2 * total_bytes, shown=options.shows_progress) as progress:
        return installation.publish(request, signers=signers, online=online, who=context.who, progress=progress)


def _options(
    found: FoundFile,
    choices: Choices,
    server: str | None,
    root: Path | None,
    keys: list[str] | None,
    *,
    dry_run: bool,
    yes: bool,
    shows_progress: bool,
) -> PublishingOptions:
    settings = found.settings
    to_server = server or settings.server
    if to_server is None and root is not None:
        raise typer.BadParameter("--root goes with --server")
    known_root = root or (found.path(settings.root) if settings.root is not None else None)
    given = tuple(keys) if keys else found.key_uris()
    return PublishingOptions(to_server, known_root, given, dry_run, yes, shows_progress, choices.origins)


def list_releases(
    ctx: typer.Context,
    product: Annotated[str | None, typer.Option("--product", help="Only this product's.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what is published, newest version first."""
    wanted = parsed_or_none("--product", product, parse_product)
    installation = context_of(ctx).installation
    catalogue, now = installation.catalogue.current(), installation.clock()
    products = [catalogue.product(wanted)] if wanted is not None else list(catalogue.products.values())
    listed = [
        (release, published.rollouts.get(release.version, Rollout()).at(now))
        for published in products
        for release in sorted(published.releases, key=lambda r: r.version, reverse=True)
    ]
    if as_json:
        print_json([_json(release, rollout) for release, rollout in listed])
        return
    has_side_files = any(release.side_files for release, _ in listed)
    has_fixes = any(release.fixes for release, _ in listed)
    rows: list[tuple[object, ...]] = [
        (
            f"{release.product} {release.version}",
            release.released_on,
            release.kind.value.replace("_", " "),
            release.channel,
            ", ".join(sorted(release.editions)),
            ", ".join(sorted({platform_name(build.platform) for build in release.builds})),
            *([", ".join(sorted({file.kind for file in release.side_files}))] if has_side_files else []),
            *([", ".join(release.fixes)] if has_fixes else []),
            _state(release, rollout),
        )
        for release, rollout in listed
    ]
    beside = ("BESIDE",) if has_side_files else ()
    fixed = ("FIXES",) if has_fixes else ()
    no_extras = ("",) * (len(beside) + len(fixed))
    scheduled: list[tuple[object, ...]] = [
        (
            *(each.draft.subject, each.released_on or "", "", each.draft.channel or "", "", ""),
            *(*no_extras, _draft(each)),
        )
        for each in installation.list_release_drafts(wanted)
        if each.draft.publish_at is not None
    ]
    rows = [*scheduled, *rows]
    columns = ("RELEASE", "DAY", "KIND", "CHANNEL", "EDITIONS", "PLATFORMS", *beside, *fixed, "STATE")
    print_table(columns, rows, nothing="Nothing is published yet: tenure publish does it.")


def _draft(standing: DraftStanding) -> str:
    return f"{standing.words} (to {standing.draft.action}, draft {standing.draft.draft_id})"


def withdraw(
    ctx: typer.Context,
    product: ProductOption,
    version: VersionOption,
    reason: ReasonOption,
    replacement: Annotated[str | None, typer.Option("--replacement", help="The version to use in its place.")] = None,
    although_needed: AlthoughNeeded = False,
    key: KeysOption = None,
    server: RemoteOption = None,
    root: RemoteRootOption = None,
    yes: RemoteYesOption = False,
    as_json: AsJson = False,
) -> None:
    """Withdraw a release.

    Nobody can download it any more, and its number is never used again. The same command again changes nothing. Where
    older installs reach other releases only through it, these are named, and somebody has to say yes. With
    --server by a draft that others sign too.
    """
    context = context_of(ctx)
    product_name = parsed("--product", product, parse_product)
    release_version = parsed("--version", version, parse_version)
    instead = parsed_or_none("--replacement", replacement, parse_version)
    if server is not None:
        withdrawal = Withdrawal(required_reason(reason), instead)
        options = DraftOptions(server, root, tuple(key or ()), yes)
        wanted = partial(_withdrawal, product_name, release_version, withdrawal, although_needed)
        standing = propose(context, options, wanted)
        print_draft(standing, as_json)
        return
    if root is not None:
        raise typer.BadParameter("--root goes with --server")
    installation = context.installation
    signers = signers_of(context, product_name, key)

    def withdrawn(*, although_needed: bool) -> bool:
        return installation.withdraw(
            product_name,
            release_version,
            reason=reason,
            replacement=instead,
            although_needed=although_needed,
            signers=signers,
            online=installation.online_signers(),
            who=context.who,
        )

    try:
        is_new = withdrawn(although_needed=although_needed)
    except Conflict as error:
        if error.code != "needed_as_step" or not sys.stdin.isatty():
            raise
        say(f"warning: {error} They are stranded until there is another step.")
        typer.confirm("Withdraw it all the same?", abort=True, err=True)
        is_new = withdrawn(although_needed=True)
    if as_json:
        why = {"reason": reason.strip(), "replacement": str(instead) if instead is not None else None}
        print_json({"product": product_name, "version": str(release_version), "withdrawn": why, "is_new": is_new})
        return
    print_line(f"{'Withdrew' if is_new else 'Withdrawn before:'} {product_name} {release_version}.")


def _paid_upgrade(
    context: CommandContext, in_support: str | None, without_support: str | None, currency: str | None
) -> PaidUpgrade | None:
    if in_support is None and without_support is None:
        if currency is not None:
            raise typer.BadParameter("--currency goes with the upgrade prices")
        return None
    if in_support is None or without_support is None:
        raise typer.BadParameter("--upgrade-price-in-support and --upgrade-price-without-support go together")
    money = parsed("--currency", currency or context.installation.settings.currency, parse_currency)
    return PaidUpgrade(
        parsed("--upgrade-price-in-support", in_support, lambda text: parse_amount(text, money)),
        parsed("--upgrade-price-without-support", without_support, lambda text: parse_amount(text, money)),
    )


def _total_bytes(paths: list[Path]) -> int:
    """Raises ``InvalidRequest`` for what is no file that can be read, before anybody is asked for a passphrase."""
    total = 0
    for path in paths:
        try:
            with path.open("rb") as file:
                total += file.seek(0, os.SEEK_END)
        except OSError as error:
            raise InvalidRequest(
                f"{path} cannot be read: {error.strerror}.",
                code="unreadable_file",
                hint="a build is one file; pack a folder",
            ) from error
    return total


def _rollout(context: CommandContext, release: Release) -> Rollout:
    """How far the release is rolled out now."""
    installation = context.installation
    rollouts = installation.catalogue.current().product(release.product).rollouts
    return rollouts.get(release.version, Rollout()).at(installation.clock())


def _state(release: Release, rollout: Rollout) -> str:
    if release.withdrawal is not None:
        replacement = f", use {release.withdrawal.replacement}" if release.withdrawal.replacement else ""
        return f"withdrawn: {release.withdrawal.reason}{replacement}"
    if rollout.is_halted:
        return "halted"
    if rollout.share_basis_points < 10_000:
        return f"rolled out to {show_share(rollout.share_basis_points)}"
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
        "paid_upgrade": None
        if release.paid_upgrade is None
        else {
            "price_in_support": money_json(release.paid_upgrade.price_in_support),
            "price_without_support": money_json(release.paid_upgrade.price_without_support),
        },
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
        "fixes": list(release.fixes),
        "notes_languages": [language for language, _ in release.notes_by_language],
        "side_files": [
            {
                "file_name": file.file_name,
                "kind": file.kind.value,
                "length": file.length,
                "sha256": file.sha256,
                "path": file.path,
            }
            for file in release.side_files
        ],
    }


def _withdrawal(
    product: ProductName,
    version: Version,
    withdrawal: Withdrawal,
    although_needed: bool,
    drafts: ReleaseDraftsRemotely,
) -> Proposal:
    return drafts.withdraw(product, version, withdrawal, although_needed=although_needed)
