"""The command's entry point: sub-commands put together, and errors turned into lines and exit codes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tenure_server import __version__
from tenure_server.cli import keys, licences, products, releases, server, trust
from tenure_server.cli.context import CommandContext, context_of
from tenure_server.cli.output import print_error, print_line, say
from tenure_server.errors import TenureError
from tenure_signing.errors import SigningError

FAILED = 1
USAGE = 2
INTERRUPTED = 130

_UsageError = typer.BadParameter.__mro__[1]  # typer does not export it by name

app = typer.Typer(
    name="tenure",
    help="Licences, support periods and updates for the software you sell.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print_line(f"tenure {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    ctx: typer.Context,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="Directory of database, store and keys. [TENURE_DATA_DIR]")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    context_of(ctx).data_dir = data_dir


server.register(app)
products.register(app)
licences.register(app)
releases.register(app)
keys.register(app)
trust.register(app)


def main(arguments: Sequence[str] | None = None, context: CommandContext | None = None) -> int:
    """Run one command; returns its exit code: 0 done, 1 refused or failed, 2 misspelt, 130 interrupted."""
    command = typer.main.get_command(app)
    try:
        result = command.main(
            args=None if arguments is None else list(arguments),
            prog_name="tenure",
            obj=context or CommandContext(),
            standalone_mode=False,
        )
        return result if isinstance(result, int) else 0
    except typer.TyperException as error:
        _print_usage_error(error)
    except (typer.Abort, KeyboardInterrupt):
        print_error("interrupted", None)
        return INTERRUPTED
    except TenureError as error:
        print_error(str(error), error.hint)
        return FAILED
    except SigningError as error:
        print_error(str(error), None)
        return FAILED
    except OSError as error:
        print_error(f"{error.filename or 'the operating system'}: {error.strerror or error}", None)
        return FAILED
    return USAGE


def _print_usage_error(error: typer.TyperException) -> None:
    """What was misspelt, or the help text where nothing was asked for."""
    message = error.format_message() if isinstance(error, _UsageError) else str(error)
    if "\n" in message:
        say(message)
        return
    command = getattr(getattr(error, "ctx", None), "command_path", "tenure")
    print_error(message, f"{command} --help shows how it is written")
