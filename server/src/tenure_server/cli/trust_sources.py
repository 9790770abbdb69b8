"""What ``tenure trust`` builds on: the first root that is trusted, and metadata verified from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from securesystemslib.signer import Key

from tenure_server.cli.context import CommandContext
from tenure_server.cli.keys import read_public_key
from tenure_server.cli.token_source import read_token, token_or_none
from tenure_server.errors import Conflict, DatabaseUnavailable, Refusal, TenureError
from tenure_server.installation import metadata_of_server, remote_board
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.draft_board import OwnBoard
from tenure_server.use_cases.ports_board import Board
from tenure_signing.tuf_repository import Repository
from tenure_signing.tuf_roles import LICENCE_KEYS_PATH, ROOT, policy_of
from tenure_signing.tuf_verified import Verified, verified_repository

ROOT_FILE = "root.json"

RootOption = Annotated[
    Path | None,
    typer.Option("--root", help="The first root, which your products embed. Default: root.json in the data directory."),
]
ServerOption = Annotated[
    str | None, typer.Option("--server", help="URL of the Tenure server. Default: the installation on this machine.")
]
OutOption = Annotated[Path, typer.Option("--out", help="Draft file to write; it must not exist.")]
PurposeOption = Annotated[str | None, typer.Option("--purpose", help="Why, for those who are asked to sign.")]


class NoTrustedRoot(TenureError):
    """Nobody said which root to trust."""

    hint = "pass --root FILE: the root.json that your products embed, from your own source code, not from the server"


def trusted_root(context: CommandContext, given: Path | None) -> bytes:
    """The first root: the file given, or the one in the data directory. Raises ``NoTrustedRoot``."""
    path = given if given is not None else context.installation.settings.data_dir / ROOT_FILE
    try:
        with path.open("rb") as file:
            return file.read(policy_of(ROOT).max_bytes + 1)
    except OSError as error:
        raise NoTrustedRoot(f"The first root cannot be read from {path}: {error.strerror}.") from error


def verified_metadata(context: CommandContext, server: str | None, root: Path | None) -> Verified:
    """The published metadata, as a real client that embeds the first root takes it.

    A token is sent to the server if there is one: it may show its metadata to those who may read it only. Raises
    ``Conflict`` (``not_initialised``), ``NoTrustedRoot``, ``TokenRequired``, ``PublishingError``.
    """
    first_root = trusted_root(context, root)
    now = context.installation.signing_clock()
    if server is not None:
        return metadata_of_server(server, first_root, now, token_or_none())
    repository, licence_keys = local_metadata(context)
    files = {LICENCE_KEYS_PATH: licence_keys} if licence_keys is not None else {}
    return verified_repository(repository, files, first_root, now)


@contextmanager
def board_at(context: CommandContext, server: str | None) -> Iterator[Board]:
    """The board of the server, which takes a token, or of this machine's installation. Raises ``TokenRequired``."""
    if server is None:
        yield OwnBoard(context.installation.draft_board, context.who)
        return
    with remote_board(server, read_token()) as board:
        yield board


def known_key_holders(context: CommandContext, server: str | None) -> Mapping[str, str]:
    """Whose keys are whose, by the word of the server, if it is asked with a token, or of this machine's database.

    Empty where nobody can be asked: a machine that only signs has no database.
    """
    if server is None and context.lacks_its_database():
        return {}
    if server is not None and token_or_none() is None:
        return {}
    try:
        with board_at(context, server) as board:
            return board.key_holders()
    except (Refusal, DatabaseUnavailable):
        return {}


def local_metadata(context: CommandContext) -> tuple[Repository, bytes | None]:
    """The metadata and licence public keys in this installation's database, not verified.

    Raises ``Conflict`` (``not_initialised``) before the first root.
    """
    with context.installation.database.reading() as records:
        repository = read_repository(records)
        licence_keys = records.signed_files.trusted_target(LICENCE_KEYS_PATH)
    if not repository.roots:
        raise Conflict(
            "No root is published yet.", code="not_initialised", hint="tenure init or tenure trust start makes one"
        )
    return repository, licence_keys


@dataclass(slots=True)
class GivenKeys:
    """Keys as options name them: public key files, or beginnings of key ids. Remembers whose they are."""

    names: dict[str, str] = field(default_factory=dict)

    def read(self, options: Sequence[str] | None) -> list[str | Key]:
        """Keys of files; any other text as it is, for ``chosen_keys``."""
        return [self._key(text) for text in options or ()]

    def files(self, options: Sequence[str] | None) -> tuple[Key, ...]:
        """Keys of files only. Raises ``InvalidRequest`` for anything else."""
        return tuple(self._from_file(Path(text)) for text in options or ())

    def also(self, names: Mapping[str, str]) -> dict[str, str]:
        """The names of these keys and of others."""
        return {**names, **self.names}

    def _key(self, text: str) -> str | Key:
        is_keyid = not Path(text).exists() and all(digit in "0123456789abcdef" for digit in text.lower())
        return text if is_keyid else self._from_file(Path(text))

    def _from_file(self, path: Path) -> Key:
        public = read_public_key(path)
        self.names[public.keyid] = public.name or path.stem
        return public.key
