"""``tenure.toml``: every key is checked, and what is wrong is named."""

from __future__ import annotations

import pytest

from tenure_server.domain.publishing_file import PublishingFile, parse_publishing_file
from tenure_server.errors import InvalidRequest
from tenure_signing.errors import InvalidName, InvalidVersion
from tenure_signing.names import parse_platform
from tenure_signing.versions import Version

WHOLE = """
product = "cad"
server = "https://updates.example.com"
root = "root.json"
key = ["file:cad.pem", "awskms:alias/cad"]
channel = "beta"
editions = ["pro", "lite"]
notes = "RELEASE_NOTES.md"

[[files]]
pattern = "Cad_{version}_{os}_{arch}.zip"

[[files]]
pattern = "Cad*.dmg"
platform = "macos-universal2"

[[side_files]]
file = "dist/*.cdx.json"
kind = "sbom"
"""


def parsed(text: str) -> PublishingFile:
    return parse_publishing_file(text, "tenure.toml")


def test_every_key_is_read() -> None:
    file = parsed(WHOLE)
    assert (file.product, file.server, file.root, file.channel) == (
        "cad",
        "https://updates.example.com",
        "root.json",
        "beta",
    )
    assert sorted(file.editions or ()) == ["lite", "pro"]
    assert file.keys == ("file:cad.pem", "awskms:alias/cad")
    assert file.notes == "RELEASE_NOTES.md"
    assert file.side_files == (("dist/*.cdx.json", "sbom"),)
    assert len(file.files) == 2
    assert parsed("") == PublishingFile()
    assert parsed('key = "hsm:2"').keys == ("hsm:2",)


def test_patterns_say_what_names_do_not() -> None:
    with_places, with_platform = parsed(WHOLE).files
    assert with_places.read("Cad_2.6.0_win_x64.zip") == (Version("2.6.0"), parse_platform("windows-x86_64"))
    assert with_places.read("Cad_2.6.0.zip") is None
    assert with_platform.read("Cad 2.6.0.dmg") == (None, parse_platform("macos-universal2"))
    with pytest.raises(InvalidName):
        with_places.read("Cad_2.6.0_amiga_m68k.zip")
    with pytest.raises(InvalidVersion):
        with_places.read("Cad_next_win_x64.zip")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("product = ", "is no TOML"),
        ("product = 1", "product is written as text"),
        ('product = "Cad!"', "product is 'Cad!': a product name"),
        ('product = "root"', "TUF role"),
        ('produkt = "cad"', "'produkt' is not known; there are product, server"),
        ('server = "updates.example.com"', "server is written https://host"),
        ('server = "https://user:secret@host"', "server is written https://host"),
        ('root = " "', "root is no path"),
        ('key = "-----BEGIN PRIVATE KEY-----"', "key is a URI"),
        ("key = []", "key is empty"),
        ('key = ["hsm:2", "hsm:2"]', "key has something twice"),
        ('channel = "Beta"', "channel is 'Beta'"),
        ("editions = [1]", "editions is written as text"),
        ("editions = []", "editions is empty"),
        ("[notes]", "notes is written as text"),
        ('files = "x"', "files is written as tables, each below [[files]]"),
        ("[[files]]", "files[1].pattern is missing"),
        ('[[files]]\npattern = "a/b"', "files[1].pattern is a file name without a folder"),
        ('[[files]]\npattern = "{name}.zip"', "files[1].pattern {name} is none of"),
        ('[[files]]\npattern = "{version}{version}"', "stands there twice"),
        ('[[files]]\npattern = "{os}.zip"', "{os} and {arch} go together"),
        ('[[files]]\npattern = "{os}{arch}"\nplatform = "any"', "files[1].platform is given by"),
        ('[[files]]\npattern = "x"\nplatform = "amiga"', "files[1].platform is 'amiga'"),
        ('[[files]]\npattern = "x"\narch = "x"', "files[1].'arch' is not known"),
        ('[[side_files]]\nfile = "x"\nkind = "poem"', "side_files[1].kind is one of sbom"),
        ('[[side_files]]\nkind = "sbom"', "side_files[1].file is missing"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_key(text: str, words: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parsed(text)
    assert str(caught.value).startswith("tenure.toml: ")
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.code == "publishing_file"
