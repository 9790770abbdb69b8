"""``tenure keys``: the keys of people. A private key is made where it stays, and only its public half is handed out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from securesystemslib.signer import Key

from tenure_server.cli.context import AsJson
from tenure_server.cli.output import print_facts, print_json, print_line
from tenure_server.cli.passphrase import ask_passphrase
from tenure_server.errors import Conflict, InvalidRequest
from tenure_signing.errors import InvalidPublicKey
from tenure_signing.key_sources import new_key, tuf_signer, write_encrypted
from tenure_signing.public_keys import MAX_FILE_BYTES, PublicKey
from tenure_signing.signer_uris import FILE, path_of, public_key_of, scheme_of

commands = typer.Typer(help="Keys that people sign with.", no_args_is_help=True)

SignerUri = Annotated[
    str, typer.Argument(metavar="URI", help="file:PATH, hsm:2?label=TOKEN, awskms:…, gcpkms:…, azurekms:… or hv:…")
]
NameOption = Annotated[str, typer.Option("--name", help="Whose key it is, such as 'Ada, token 1'; shown, not signed.")]


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="keys")


@commands.command("new")
def new(
    path: Annotated[Path, typer.Argument(help="File to make; it must not exist.")], as_json: AsJson = False
) -> None:
    """Make an encrypted Ed25519 key; show its public half.

    The passphrase is asked for.
    """
    if path.exists():
        raise Conflict(f"{path} exists already and was left as it is.", code="key_exists")
    key = new_key()
    write_encrypted(path, key, ask_passphrase(f"the new key {path}", is_new=True))
    public = PublicKey(tuf_signer(key).public_key)
    if as_json:
        print_json({"path": str(path), **facts_of(public)})
        return
    print_line(f"Made {path}.")
    print_facts(facts_of(public))
    print_line(f"Keep it to yourself, and a copy in a safe. The others get: tenure keys public {path} --out NAME.json")


@commands.command("show")
def show(uri: SignerUri, as_json: AsJson = False) -> None:
    """Show the key ids and the public half of a key. A public key file can be shown too."""
    public = read_public_key(path_of(uri)) if _is_public_key_file(uri) else PublicKey(_public_key(uri))
    if as_json:
        print_json(facts_of(public))
        return
    print_facts(facts_of(public))


@commands.command("public")
def public_key(
    uri: SignerUri,
    out: Annotated[Path, typer.Option("--out", help="Public key file to write.")],
    name: NameOption = "",
    as_json: AsJson = False,
) -> None:
    """Write the public key file that a ceremony asks for."""
    public = PublicKey(_public_key(uri), name)
    try:
        with out.open("xb") as file:
            file.write(public.to_json())
    except FileExistsError as error:
        raise Conflict(f"{out} exists already and was left as it is.", code="file_exists") from error
    if as_json:
        print_json({"path": str(out), **facts_of(public)})
        return
    print_line(f"Wrote {out}: {public.keyid}")


def read_public_key(path: Path) -> PublicKey:
    """The key in a public key file. Raises ``InvalidRequest`` (``public_key_file``)."""
    try:
        with path.open("rb") as file:
            return PublicKey.from_json(file.read(MAX_FILE_BYTES + 1))
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}.", code="public_key_file") from error
    except InvalidPublicKey as error:
        raise InvalidRequest(
            f"{path}: {error}.", code="public_key_file", hint="tenure keys public URI --out FILE makes one"
        ) from error


def facts_of(public: PublicKey) -> dict[str, object]:
    """Key ids and the public half; nothing else of a key is ever shown."""
    facts: dict[str, object] = {"name": public.name} if public.name else {}
    facts |= {"key_id": public.keyid, "type": public.key.keytype, "scheme": public.key.scheme}
    if public.statement_kid is not None:
        facts["statement_key_id"] = public.statement_kid
    return facts | {"public": public.key.keyval["public"]}


def _public_key(uri: str) -> Key:
    return public_key_of(uri, ask_passphrase)


def _is_public_key_file(uri: str) -> bool:
    if scheme_of(uri) != FILE or not path_of(uri).is_file():
        return False
    with path_of(uri).open("rb") as file:
        return file.read(1) == b"{"
