"""What each command does: one call of the client, and its answer shown."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable
from pathlib import Path

from tenure_client.answers import UpdateAnswer
from tenure_client.cli.arguments import opened_client
from tenure_client.cli.progress import progress_shown
from tenure_client.cli.texts import answer_lines, build_lines, bundle_lines, licence_lines, print_json, print_lines
from tenure_client.client import Client
from tenure_client.errors import ConfigurationError, NotCovered, OfflineAndNothingKnown
from tenure_signing.coverage import RefusalReason

_MAX_KEY_CHARACTERS = 65_536


def perform(options: argparse.Namespace) -> int:
    """Runs the chosen command; 0."""
    client = opened_client(options)
    name = options.command
    if name in ("licence", "bundle"):
        name = f"{name} {getattr(options, f'{name}_command')}"
    _COMMANDS[name](client, options)
    return 0


def _check(client: Client, options: argparse.Namespace) -> None:
    answer = client.check(manual=not options.background)
    if options.json:
        print_json(answer)
    else:
        print_lines(answer_lines(answer))


def _download(client: Client, options: argparse.Namespace) -> None:
    version: str | None = options.version
    if version is None:
        answer = client.check(manual=True)
        if answer.offer is None:
            _nothing_to_download(answer, options)
            return
        version = str(answer.offer.version)
    with progress_shown(f"{client.product} {version}") as on_progress:
        if options.side_file is not None:
            path = client.download_side_file(version, options.side_file, options.to, on_progress=on_progress)
        else:
            path = client.download_release(
                version,
                options.to,
                file_name=options.file,
                on_progress=on_progress,
                allow_downgrade=options.allow_downgrade,
            )
    if options.json:
        print_json({"version": version, "path": str(path)})
    else:
        print_lines([str(path)])


def _nothing_to_download(answer: UpdateAnswer, options: argparse.Namespace) -> None:
    newest = answer.newest
    if newest is not None and not newest.is_covered and newest.version > answer.installed.version:
        assert isinstance(newest.reason, RefusalReason)
        raise NotCovered(
            f"{newest.version} of {newest.released_on} is not covered: {newest.reason.replace('_', ' ')}",
            reason=newest.reason,
            price=newest.price,
            hint=f"renew at {answer.renewal.url}" if answer.renewal is not None else None,
        )
    if options.json:
        print_json({"version": None, "path": None})
    sys.stderr.write(f"{answer.product} {answer.installed.version}: nothing to download\n")


def _status(client: Client, options: argparse.Namespace) -> None:
    licence = client.licence
    try:
        answer = client.kept_answer() if licence is not None else None
    except OfflineAndNothingKnown:
        answer = None
    if options.json:
        print_json({"licence": licence, "answer": answer})
        return
    print_lines(licence_lines(licence))
    print_lines(answer_lines(answer) if answer is not None else ["nothing is known of releases yet"])


def _verify(client: Client, options: argparse.Namespace) -> None:
    build = client.verify_file(options.file, options.version)
    if options.json:
        print_json(build)
    else:
        print_lines(build_lines(options.file.name, build))


def _bundle_verify(client: Client, options: argparse.Namespace) -> None:
    bundle = client.verify_bundle(options.file)
    if options.json:
        print_json(bundle)
    else:
        print_lines(bundle_lines(bundle))


def _bundle_extract(client: Client, options: argparse.Namespace) -> None:
    with progress_shown(client.product) as on_progress:
        path = client.download_from_bundle(
            options.file,
            options.to,
            options.version,
            file_name=options.name,
            on_progress=on_progress,
            allow_downgrade=options.allow_downgrade,
        )
    if options.json:
        print_json({"path": str(path)})
    else:
        print_lines([str(path)])


def _licence_set(client: Client, options: argparse.Namespace) -> None:
    licence = client.set_licence_key(_pasted_key(options.file))
    if options.json:
        print_json(licence)
    else:
        print_lines(licence_lines(licence))


def _licence_show(client: Client, options: argparse.Namespace) -> None:
    licence = client.licence
    if options.json:
        print_json(licence)
    else:
        print_lines(licence_lines(licence))


def _pasted_key(file: Path | None) -> str:
    """The key from a file, a pipe, or a person; a key may have been broken over several lines."""
    if file is not None:
        try:
            with file.open(encoding="utf-8") as opened:
                return opened.read(_MAX_KEY_CHARACTERS)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{file} cannot be read as text") from error
    if sys.stdin.isatty():
        return getpass.getpass("licence key: ", stream=sys.stderr)
    return sys.stdin.read(_MAX_KEY_CHARACTERS)


_COMMANDS: dict[str, Callable[[Client, argparse.Namespace], None]] = {
    "check": _check,
    "download": _download,
    "status": _status,
    "verify": _verify,
    "bundle verify": _bundle_verify,
    "bundle extract": _bundle_extract,
    "licence set": _licence_set,
    "licence show": _licence_show,
}
