"""Publishing to a server from another machine, and what ``tenure publish`` shows and asks before it signs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import typer

from tenure_server.cli.context import CommandContext
from tenure_server.cli.output import progress_bar, say
from tenure_server.cli.passphrase import ask_passphrase
from tenure_server.cli.publishing_choices import BY_NAMES
from tenure_server.cli.release_facts import show_what_is_signed
from tenure_server.cli.token_source import read_token
from tenure_server.cli.trust_sources import trusted_root
from tenure_server.domain.release_drafts import DraftStanding
from tenure_server.errors import InvalidRequest
from tenure_server.installation import remote_drafts
from tenure_server.use_cases.publish import Published, PublishRequest
from tenure_signing.releases import Release
from tenure_signing.signer_uris import open_signer


@dataclass(frozen=True, slots=True)
class PublishingOptions:
    """How ``tenure publish`` was asked to go about it. ``server`` is None for the installation on this machine;
    ``origins`` says where each fact is from."""

    server: str | None
    root: Path | None
    keys: tuple[str, ...]
    dry_run: bool
    yes: bool
    shows_progress: bool
    origins: Mapping[str, str] = field(default_factory=dict)
    as_draft: bool = False
    publish_at: datetime | None = None

    @property
    def is_found(self) -> bool:
        """Whether something was not told but found in names: then somebody looks at it, or ``--yes`` is said."""
        return any(BY_NAMES in origin for origin in self.origins.values())


def publish_to_server(
    context: CommandContext, request: PublishRequest, options: PublishingOptions, total_bytes: int
) -> Published | DraftStanding:
    """Publish to ``options.server``, or make a draft there: where that is asked for, where the keys are fewer than the
    product takes, where it has a time and where other people approve. With ``dry_run`` nothing is changed, and the
    result says what would be.

    Raises ``InvalidRequest`` (``key_missing``, ``confirmation_missing``), ``TokenRequired``, and what publishing does.
    """
    assert options.server is not None
    if not options.keys and not options.dry_run and not options.as_draft:
        raise InvalidRequest(
            "Publishing to a server signs with your key.",
            code="key_missing",
            hint="say --key file:PATH, hsm:… or awskms:…, or --draft and let others sign",
        )
    root = trusted_root(context, options.root)
    with remote_drafts(options.server, read_token(), root, context.installation.signing_clock) as remote:
        publishing = remote.publishing
        is_unattended = options.yes or not sys.stdin.isatty()
        request = remote.on_its_day(request, options.publish_at)
        with progress_bar("reading", total_bytes, shown=options.shows_progress) as progress:
            prepared = publishing.prepare(request, is_unattended=is_unattended, progress=progress)
        release, upload = prepared.release, prepared.bytes_to_upload
        if options.dry_run or not prepared.is_new:
            if options.dry_run:
                say(f"{upload} bytes would be uploaded.")
            return Published(release, prepared.is_new)
        confirm(release, options, f"to {options.server}, uploading {upload} bytes")
        signers = [open_signer(uri, ask_passphrase) for uri in options.keys]
        with progress_bar("uploading", total_bytes, shown=options.shows_progress) as progress:
            return remote(
                prepared,
                signers=signers,
                publish_at=options.publish_at,
                is_draft=options.as_draft,
                progress=progress,
            )


def confirm(release: Release, options: PublishingOptions, how: str = "") -> None:
    """Show what is about to be signed and ask. Raises ``typer.Abort`` when the answer is no, and ``InvalidRequest``
    (``confirmation_missing``) where nobody is there to ask."""
    if options.yes:
        return
    if not sys.stdin.isatty():
        if options.server is None and not options.is_found:
            return  # a script on the server itself that says everything, as ever
        raise InvalidRequest(
            "Nobody is here to look at what is signed.", code="confirmation_missing", hint="--yes signs without asking"
        )
    say(f"About to sign {release.product} {release.version} and publish it {how}".rstrip() + ":")
    show_what_is_signed(release, options.origins)
    typer.confirm("Sign and publish?", abort=True, err=True)
