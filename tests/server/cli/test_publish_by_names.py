"""``tenure publish dist/*``: what options, ``tenure.toml`` and file names say, in this order."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.server.cli.at_the_terminal import Operator
from tests.server.cli.laptop import Laptop


@pytest.fixture(autouse=True)
def in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dist").mkdir()
    monkeypatch.chdir(tmp_path)


def builds(operator: Operator, *names: str) -> list[Path]:
    return [operator.build(f"dist/{name}") for name in names]


@pytest.fixture
def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Somebody who says yes; the questions they were asked."""
    asked: list[str] = []

    def answer(question: str, **_: object) -> bool:
        asked.append(question)
        return True

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", answer)
    return asked


def fingerprints(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file; SQLite's own notes of who reads are no data."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith("-shm")
    }


def test_names_say_product_version_and_platforms(operator: Operator, at_a_terminal: list[str]) -> None:
    files = builds(operator, "cad-2.6.0-linux-x86_64.tar.gz", "cad-2.6.0-x64.msi", "cad-2.6.0-universal2.dmg")
    said = operator.did("publish", *files)
    assert at_a_terminal == ["Sign and publish?"]
    assert said.out.startswith("Published cad 2.6.0.\n")
    release = operator.did("releases", "--json").json[0]
    platforms = {build["file_name"]: build["platform"] for build in release["builds"]}
    assert platforms == {
        "cad-2.6.0-linux-x86_64.tar.gz": "linux-x86_64",
        "cad-2.6.0-universal2.dmg": "macos-universal2",
        "cad-2.6.0-x64.msi": "windows-x86_64",
    }


def test_a_person_sees_exactly_what_is_signed_and_where_it_is_from(
    operator: Operator, at_a_terminal: list[str]
) -> None:
    (file,) = builds(operator, "cad-2.6.0-linux-x86_64.tar.gz")
    shown = operator.did("publish", file, "--edition", "pro", "--product", "cad").err.splitlines()
    assert shown[0] == "About to sign cad 2.6.0 and publish it:"
    facts = [line.split(maxsplit=1) for line in shown[1:]]
    assert ["product", "cad   (as given)"] in [[name, value] for name, value in facts if name == "product"]
    assert "version      2.6.0   (from the file names)" in shown[2]
    for words in ("release day  2026-11-23", "channel      stable", "editions     pro"):
        assert any(words in line for line in shown)
    columns, row = shown[-2:]
    assert columns.split() == ["FILE", "FOR", "BYTES", "SHA-256"]
    body = file.read_bytes()
    assert row.split() == [file.name, "linux-x86_64", str(len(body)), hashlib.sha256(body).hexdigest()]


def test_options_win_over_the_file_and_the_file_wins_over_names(operator: Operator) -> None:
    (operator.directory / "tenure.toml").write_text(
        'product = "cad"\nchannel = "beta"\neditions = ["lite"]\nnotes = "NOTES.md"\n'
        '[[files]]\npattern = "Harbour*.dmg"\nplatform = "macos-universal2"\n'
    )
    (operator.directory / "NOTES.md").write_text("# Faster")
    (file,) = builds(operator, "Harbour-1.0.dmg")
    as_file_says = operator.did("publish", file, "--dry-run", "--json").json
    assert (as_file_says["product"], as_file_says["version"], as_file_says["channel"]) == ("cad", "1.0", "beta")
    assert as_file_says["editions"] == ["lite"]
    assert as_file_says["builds"][0]["platform"] == "macos-universal2"
    options = ("--version", "1.1", "--platform", "macos-arm64", "--channel", "alpha", "--edition", "pro")
    as_options_say = operator.did("publish", file, *options, "--dry-run", "--json").json
    assert (as_options_say["version"], as_options_say["channel"], as_options_say["editions"]) == (
        "1.1",
        "alpha",
        ["pro"],
    )
    assert as_options_say["builds"][0]["platform"] == "macos-aarch64"
    elsewhere = operator.run("publish", file, "--config", "elsewhere.toml")
    assert "elsewhere.toml" in elsewhere.error


@pytest.mark.parametrize(
    ("names", "words", "hint"),
    [
        (("cad-1.0.dmg",), "cad-1.0.dmg: macos, but no architecture (understood: cad, 1.0)", "--platform"),
        (("cad-linux-x64.zip",), "no version (understood: cad, linux-x86_64)", "--version"),
        (("cad-1.0-any.zip", "cad-1.1-any.zip"), "several versions: 1.0, 1.1", "--version"),
        (("cad-1.0-any.zip", "cam-1.0-any.zip"), "several products: cad, cam", "--product"),
        (("1.0-any.zip",), "1.0-any.zip does not begin with the name of a product", "--product"),
        (("cad-1.0-any.zip", "1.0-any.zip"), "1.0-any.zip does not begin with the name of a product", "--product"),
    ],
)
def test_what_is_not_clear_is_refused_with_what_was_understood(
    operator: Operator, names: tuple[str, ...], words: str, hint: str
) -> None:
    refused = operator.run("publish", *builds(operator, *names), "--yes")
    assert refused.code == 1
    assert words in refused.error
    assert hint in refused.hint
    assert operator.did("releases", "--json").json == []


def test_two_patterns_for_one_name_are_refused(operator: Operator) -> None:
    (operator.directory / "tenure.toml").write_text('[[files]]\npattern = "c*.zip"\n[[files]]\npattern = "*d.zip"\n')
    refused = operator.run("publish", *builds(operator, "cad.zip"))
    assert "cad.zip fits 'c*.zip' and '*d.zip' of tenure.toml" in refused.error


def test_what_names_say_is_signed_unseen_only_with_yes(operator: Operator) -> None:
    (file,) = builds(operator, "cad-1.0-any.zip")
    refused = operator.run("publish", file)
    assert "nobody is here" in refused.error.lower()
    assert "--yes" in refused.hint
    assert operator.did("publish", file, "--yes").out.startswith("Published cad 1.0.\n")


def test_a_dry_run_here_changes_no_file(operator: Operator) -> None:
    operator.publish("0.9")
    files = builds(operator, "cad-1.0-linux-x64.zip")
    before = fingerprints(operator.data_dir)
    said = operator.did("publish", *files, "--dry-run", "--notes", "# New", "--rollout", "10%")
    assert said.out.startswith("Would publish cad 1.0.\n")
    assert fingerprints(operator.data_dir) == before


def test_a_dry_run_from_elsewhere_changes_no_file(laptop: Laptop) -> None:
    files = builds(laptop.operator, "cad-1.0-linux-x64.zip")
    facts = ("--edition", "pro", "--channel", "beta", "--notes", "# New")
    arguments = ("publish", *files, "--server", laptop.url, "--root", laptop.root, "--dry-run", *facts)
    laptop.engineer.did(*arguments, TENURE_TOKEN=laptop.token)  # from now on the token counts as used today
    before = fingerprints(laptop.operator.data_dir)
    said = laptop.engineer.did(*arguments, TENURE_TOKEN=laptop.token)
    assert said.out.startswith("Would publish cad 1.0.\n")
    assert fingerprints(laptop.operator.data_dir) == before
    assert not laptop.engineer.data_dir.exists()


def test_a_build_server_needs_only_the_files_and_tenure_toml(laptop: Laptop) -> None:
    folder = laptop.engineer.directory
    (folder / "tenure.toml").write_text(
        f'product = "cad"\nserver = "{laptop.url}"\nroot = "root.json"\nkey = "file:cad.pem"\n'
        'channel = "beta"\neditions = ["pro"]\n'
    )
    (folder / "cad.pem").write_bytes(laptop.key.read_bytes())
    (folder / "cad.pem").chmod(0o600)
    files = builds(laptop.operator, "cad-1.0-linux-x64.zip", "cad-1.0-win-x64.zip")
    command = ("publish", *files, "--config", folder / "tenure.toml")
    assert "nobody is here" in laptop.engineer.run(*command, TENURE_TOKEN=laptop.token).error.lower()
    done = laptop.engineer.did(*command, "--yes", TENURE_TOKEN=laptop.token)
    assert done.out.startswith("Published cad 1.0.\n")
    assert laptop.versions() == ["1.0"]
