"""Keys by URI, as far as files go; tokens and key services are tested with the ``tenure keys`` command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tenure_signing.errors import KeySourceError
from tenure_signing.key_sources import new_key, tuf_signer, write_encrypted, write_unencrypted
from tenure_signing.signer_uris import open_signer, public_key_of, scheme_of

PASSPHRASE = b"correct horse battery staple"


class Person:
    """Answers with a secret, and remembers what was asked for."""

    def __init__(self, secret: bytes = PASSPHRASE) -> None:
        self.secret = secret
        self.asked: list[str] = []

    def __call__(self, what: str) -> bytes:
        self.asked.append(what)
        return self.secret


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys of ada" / "root.pem"
    write_encrypted(path, new_key(), PASSPHRASE)
    return path


@pytest.mark.parametrize("spelt", [str, "file:{}".format, "file://{}".format, "file://localhost{}".format])
def test_a_key_file_is_named_by_path_or_uri(key_file: Path, spelt: Callable[[Path], str]) -> None:
    person = Person()
    signer = open_signer(spelt(key_file), person)
    signer.public_key.verify_signature(signer.sign(b"data"), b"data")
    assert public_key_of(spelt(key_file), person).keyid == signer.public_key.keyid
    assert person.asked == [f"the key {key_file}"] * 2


def test_a_path_with_percent_signs_is_taken_as_it_is_but_in_a_file_url(key_file: Path) -> None:
    url = f"file://{key_file}".replace(" ", "%20")
    assert open_signer(url, Person()).public_key is not None
    with pytest.raises(KeySourceError, match="cannot be read: No such file"):
        open_signer(url.removeprefix("file://"), Person())


def test_a_wrong_passphrase_is_said_to_be_wrong_and_never_repeated(key_file: Path) -> None:
    person = Person(b"another passphrase, just as long")
    with pytest.raises(KeySourceError, match="the passphrase is wrong") as refused:
        open_signer(f"file:{key_file}", person)
    assert "another passphrase" not in str(refused.value)
    assert len(person.asked) == 1


def test_a_key_that_lies_in_the_open_is_refused_without_asking(tmp_path: Path) -> None:
    path = tmp_path / "open.pem"
    write_unencrypted(path, new_key())
    person = Person()
    with pytest.raises(KeySourceError, match="is not encrypted"):
        open_signer(f"file:{path}", person)
    assert person.asked == []


@pytest.mark.parametrize("scheme", ["file2", "envvar", "gnupg", "sigstore", "tkey"])
def test_signers_that_are_not_safe_enough_are_refused_with_the_reason(scheme: str) -> None:
    with pytest.raises(KeySourceError, match=f"a signer {scheme}: is refused: .*use file:"):
        open_signer(f"{scheme}:/keys/root.pem", Person())


def test_a_file_on_another_machine_is_refused() -> None:
    with pytest.raises(KeySourceError, match="on this machine"):
        open_signer("file://server/keys/root.pem", Person())


@pytest.mark.parametrize(
    ("uri", "extra"),
    [
        ("gcpkms:projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1", "gcpkms"),
        ("azurekms://vendor.vault.azure.net/keys/root/1", "azurekms"),
        ("hv:root/1", "vault"),
    ],
)
def test_a_missing_extra_is_named(uri: str, extra: str) -> None:
    with pytest.raises(KeySourceError, match=rf"pip install 'tenure-signing\[{extra}\]'"):
        open_signer(uri, Person())


@pytest.mark.parametrize("uri", ["azurekms://elsewhere.example/keys/root/1", "azurekms:root", "azurekms://a/b"])
def test_an_azure_key_is_written_as_azure_writes_it(uri: str) -> None:
    with pytest.raises(KeySourceError, match="written azurekms://VAULT"):
        open_signer(uri, Person())


def test_a_token_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYKCS11LIB", raising=False)
    with pytest.raises(KeySourceError, match="needs PYKCS11LIB"):
        open_signer("hsm:2", Person())


@pytest.mark.parametrize("uri", ["hsm:two", "hsm:-1", "hsm:²", "hsm:0x2?label=a"])
def test_a_token_s_key_has_a_number(uri: str) -> None:
    with pytest.raises(KeySourceError, match="the key id is a number"):
        open_signer(uri, Person())


def test_a_windows_path_is_a_path() -> None:
    assert scheme_of(r"C:\keys\root.pem") == "file"


def test_a_signer_and_its_key_do_not_show_the_private_key(key_file: Path) -> None:
    signer = open_signer(str(key_file), Person())
    assert "PRIVATE" not in repr(signer)
    assert tuf_signer(new_key()).public_key.keyid != signer.public_key.keyid
