"""The command's entry point: sub-commands put together, and errors turned into lines and exit codes."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from tenure_server import __version__
from tenure_server.cli import (
    audit,
    bundle,
    customers,
    edge,
    events,
    explain,
    keys,
    licence_updates,
    licences,
    mail,
    mirror,
    orders,
    problems,
    products,
    promote,
    quotes,
    release_drafts,
    releases,
    reminders,
    reports,
    rollouts,
    row_files,  # noqa: F401 (adds commands to the groups of customers, licences and orders)
    seats,
    server,
    support,
    tokens,
    trust,
    webhooks,
)
from tenure_server.cli.context import CommandContext, context_of
from tenure_server.cli.output import print_error, print_line, say
from tenure_server.errors import Conflict, DatabaseUnavailable, InvalidRequest, NotFound, StoreError, TenureError
from tenure_signing.errors import ImmutableRelease, KeySourceError, NotEnoughSignatures, PublishingError, SigningError

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
edge.register(app)
products.register(app)
licences.register(app)
customers.register(app)
support.register(app)
orders.register(app)
problems.register(app)
quotes.register(app)
seats.register(app)
licence_updates.register()
explain.register(app)
releases.register(app)
rollouts.register(app)
promote.register(app)
release_drafts.register(app)
keys.register(app)
trust.register(app)
tokens.register(app)
audit.register(app)
mail.register(app)
events.register(app)
mirror.register(app)
bundle.register(app)
webhooks.register(app)
reminders.register(app)
reports.register(app)


def main(arguments: Sequence[str] | None = None, context: CommandContext | None = None) -> int:
    """Run one command; returns its exit code: 0 done, 1 refused or failed, 2 misspelt, 130 interrupted."""
    context = context or CommandContext()
    try:
        result = _command().main(
            args=None if arguments is None else list(arguments),
            prog_name="tenure",
            obj=context,
            standalone_mode=False,
        )
        if result == INTERRUPTED:  # how typer puts Control-C
            raise KeyboardInterrupt
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except typer.TyperException as error:
        _print_usage_error(error)
        return USAGE
    except (typer.Abort, KeyboardInterrupt):
        print_error("interrupted", "nothing is left half done: look at what there is, then give the command again")
        return INTERRUPTED
    except DatabaseUnavailable as error:
        if context.lacks_its_database():
            print_error(f"there is no database in {context.installation.settings.data_dir}", _NO_DATABASE_HINT)
        else:
            print_error(str(error), error.hint or _hint_for(error))
    except (TenureError, SigningError) as error:
        print_error(str(error), getattr(error, "hint", None) or _hint_for(error))
    except BrokenPipeError:  # head, or a pager that was left: nobody reads any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        print_error(f"{error.filename or 'the operating system'}: {error.strerror or error}", _hint_for(error))
    except Exception as error:
        print_error(f"something unexpected happened ({type(error).__name__})", _kept_traceback())
    finally:
        context.close()
    return FAILED


@cache
def _command() -> Any:
    return typer.main.get_command(app)


def _print_usage_error(error: typer.TyperException) -> None:
    """What was misspelt, or the help text where nothing was asked for."""
    message = error.format_message() if isinstance(error, _UsageError) else str(error)
    if type(error).__name__ == "NoArgsIsHelpError":  # typer does not export it
        say(message)
        return
    command = getattr(getattr(error, "ctx", None), "command_path", "tenure")
    print_error(message, f"{command} --help shows how it is written")


_NO_DATABASE_HINT = "tenure init makes it; --data-dir or TENURE_DATA_DIR names another place"
_HINTS: tuple[tuple[type[Exception], str], ...] = (
    (ImmutableRelease, "publish a new version: what was published never changes"),
    (NotEnoughSignatures, "tenure trust status shows who may sign what"),
    (PublishingError, "nothing was changed; tenure releases shows what is published"),
    (KeySourceError, "check the key file, its permissions (600) and its passphrase"),
    (SigningError, "nothing was changed"),
    (DatabaseUnavailable, "check that the database runs and that TENURE_DATABASE_URL is right"),
    (StoreError, "check that the store can be reached and written"),
    (NotFound, "the list and releases commands show what there is"),
    (Conflict, "nothing was changed"),
    (InvalidRequest, "--help shows what is expected"),
    (TenureError, "tenure status shows whether everything is well"),
    (OSError, "check that it exists, who may read and write it, and that the disk has space"),
)
"""What to do about an error that brings no hint of its own; the first that fits."""


def _hint_for(error: Exception) -> str:
    return next(hint for kind, hint in _HINTS if isinstance(error, kind))


def _kept_traceback() -> str:
    """Where a bug's traceback was put, for its owner only: it does not belong on the terminal."""
    try:
        with tempfile.NamedTemporaryFile("w", prefix="tenure-", suffix=".txt", delete=False) as file:
            traceback.print_exc(file=file)
    except OSError:
        return "this is a bug: please report the command"
    return f"this is a bug: please report it with {file.name}"
