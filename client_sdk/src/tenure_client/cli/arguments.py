"""What the command understands: arguments, and the settings file they override."""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path

from tenure_client.client import Client
from tenure_client.configuration import MAX_ROOT_BYTES
from tenure_client.errors import ConfigurationError

SETTINGS_FILE = "tenure-client.toml"

_PATHS = ("root", "state", "seed")
_SETTINGS = (
    "server",
    "metadata",
    "root",
    "product",
    "installed_version",
    "state",
    "seed",
    "channel",
    "platform",
    "language",
)


def parser() -> argparse.ArgumentParser:
    """The arguments. There is none for a licence key: others could read it in the list of processes."""
    common = argparse.ArgumentParser(add_help=False)
    settings = common.add_argument_group(f"settings (also in {SETTINGS_FILE}, with _ for -)")
    settings.add_argument("--config", type=Path, metavar="FILE", help=f"settings file (default: ./{SETTINGS_FILE})")
    settings.add_argument("--server", metavar="URL", help="the vendor's server")
    settings.add_argument(
        "--metadata", metavar="URL", help="a mirror's metadata folder, to read in place of the server's"
    )
    settings.add_argument("--root", type=Path, metavar="FILE", help="the vendor's first root.json")
    settings.add_argument("--product", metavar="NAME")
    settings.add_argument("--installed-version", metavar="VERSION", help="the version that is installed now")
    settings.add_argument("--state", type=Path, metavar="FOLDER", help="where to keep what is known")
    settings.add_argument("--seed", type=Path, metavar="FOLDER", help="a fresh state shipped with the product")
    settings.add_argument("--channel", metavar="NAME", help="default: stable")
    settings.add_argument("--platform", metavar="OS-ARCH", help="default: this machine")
    settings.add_argument("--language", metavar="TAG", help="of release notes, such as de")
    settings.add_argument(
        "--unsafe-plain-http", action="store_true", help="let the licence key travel unencrypted over http"
    )
    common.add_argument("--json", action="store_true", help="answer in JSON, for programs")

    top = argparse.ArgumentParser(
        prog="tenure-client", description="Checks for updates inside the support period, downloads and verifies them."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    check = commands.add_parser("check", parents=[common], help="ask whether there is an update")
    check.add_argument("--background", action="store_true", help="nobody is waiting: heed partial rollouts")
    download = commands.add_parser("download", parents=[common], help="download and verify an update")
    download.add_argument("version", nargs="?", help="a covered release (default: the one on offer)")
    download.add_argument("--to", type=Path, default=Path(), metavar="FOLDER", help="default: the current folder")
    download.add_argument("--file", metavar="NAME", help="which file, where a release has several for this machine")
    download.add_argument("--side-file", metavar="NAME", help="instead: what lies beside its files, such as an SBOM")
    download.add_argument("--allow-downgrade", action="store_true", help="also below the installed version")
    commands.add_parser("status", parents=[common], help="show what is known, without the network")
    verify = commands.add_parser("verify", parents=[common], help="check a file against the signed facts")
    verify.add_argument("file", type=Path)
    verify.add_argument("--version", required=True, help="the release it should be of")
    bundle = commands.add_parser("bundle", help="update from a file, without a network").add_subparsers(
        dest="bundle_command", required=True, metavar="COMMAND"
    )
    check_bundle = bundle.add_parser("verify", parents=[common], help="show and check what a bundle holds")
    check_bundle.add_argument("file", type=Path)
    extract = bundle.add_parser("extract", parents=[common], help="take a verified build out of a bundle")
    extract.add_argument("file", type=Path)
    extract.add_argument("version", nargs="?", help="a release in it (default: the highest above the installed one)")
    extract.add_argument("--to", type=Path, default=Path(), metavar="FOLDER", help="default: the current folder")
    extract.add_argument("--name", metavar="NAME", help="which file, where a release has several for this machine")
    extract.add_argument("--allow-downgrade", action="store_true", help="also below the installed version")
    licence = commands.add_parser("licence", help="the licence key").add_subparsers(
        dest="licence_command", required=True, metavar="COMMAND"
    )
    set_key = licence.add_parser("set", parents=[common], help="take a licence key from a file, a pipe or a prompt")
    set_key.add_argument("--file", type=Path, help="the file that holds the key")
    licence.add_parser("show", parents=[common], help="show the kept licence, without the key")
    return top


def opened_client(options: argparse.Namespace) -> Client:
    """The client that arguments and settings describe. Raises ``ConfigurationError``."""
    settings = _settings(options)
    without = ("server",) if options.command == "bundle" else ()  # a bundle is for machines that reach none
    needed = ("server", "root", "product", "installed_version")
    missing = [name for name in needed if name not in settings and name not in without]
    if missing:
        raise ConfigurationError(
            f"not given: {', '.join(missing)}",
            hint=f"give --{missing[0].replace('_', '-')}, or write {missing[0]} into {SETTINGS_FILE}",
        )
    return Client.open(
        root=_root(Path(settings["root"])),
        server_url=settings.get("server"),
        product=settings["product"],
        version=settings["installed_version"],
        state_directory=settings.get("state"),
        seed_directory=settings.get("seed"),
        channel=settings.get("channel", "stable"),
        platform=settings.get("platform"),
        language=settings.get("language"),
        metadata_url=settings.get("metadata"),
        unsafe_plain_http=options.unsafe_plain_http,
    )


def _settings(options: argparse.Namespace) -> dict[str, str]:
    """The file's settings, overridden by the arguments; paths in the file are relative to it."""
    file = options.config or Path(SETTINGS_FILE)
    settings: dict[str, str] = {}
    if options.config is not None or file.exists():
        try:
            read = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{file} cannot be read: {error}") from error
        for name, value in read.items():
            if name not in _SETTINGS or not isinstance(value, str):
                raise ConfigurationError(f"{file}: {name} is no setting, or its value is no text")
            settings[name] = str(file.parent / value) if name in _PATHS else value
    given = {name: getattr(options, name) for name in _SETTINGS}
    return settings | {name: str(value) for name, value in given.items() if value is not None}


def _root(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_ROOT_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"the root file {file} cannot be read: {error.strerror}") from error
