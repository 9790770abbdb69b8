"""``tenure publish`` with notes in several languages and with side files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenure_server.domain.side_file_names import side_file_kind
from tenure_signing.releases import SideFileKind
from tests.server.cli.at_the_terminal import Operator

BUILD = "dist/cad-1.0-linux-x64.zip"


@pytest.fixture(autouse=True)
def in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / BUILD).write_bytes(b"the build")
    monkeypatch.chdir(tmp_path)


def test_notes_come_from_files_by_language(operator: Operator) -> None:
    operator.build("notes.md", b"# Faster")
    operator.build("notes.de.md", b"# Schneller")
    options = ("--notes-file", "notes.md", "--notes-file", "DE=notes.de.md", "--yes", "--json")
    assert operator.did("publish", BUILD, *options).json["notes_languages"] == ["de"]
    said = operator.did("publish", BUILD, "--yes").out
    assert said.startswith("Already published")
    assert "notes in de  SHA-256" in said


def test_tenure_toml_finds_translations_beside_the_notes_and_side_files_by_pattern(operator: Operator) -> None:
    for name, body in (
        ("notes.md", b"# Faster"),
        ("notes.de.md", b"# Schneller"),
        ("notes.pt-BR.md", b"# Mais"),
        ("notes.old.draft.md", b"nothing"),
        ("dist/cad.cdx.json", b"{}"),
        ("dist/manual.pdf", b"%PDF"),
    ):
        operator.build(name, body)
    (operator.directory / "tenure.toml").write_text(
        'notes = "notes.md"\n[[side_files]]\nfile = "dist/*.pdf"\nkind = "other"\n'
    )
    published = operator.did("publish", BUILD, "dist/cad.cdx.json", "--yes", "--json").json
    assert published["notes_languages"] == ["de", "pt-br"]
    assert {file["file_name"]: file["kind"] for file in published["side_files"]} == {
        "cad.cdx.json": "sbom",
        "manual.pdf": "other",
    }
    assert [build["file_name"] for build in published["builds"]] == ["cad-1.0-linux-x64.zip"]
    columns, line = operator.did("releases").out.splitlines()
    assert "BESIDE" in columns
    assert "other, sbom" in line
    assert operator.did("releases", "--json").json[0]["side_files"] == published["side_files"]


def test_a_file_is_attached_as_what_is_said_else_as_its_name_tells(operator: Operator) -> None:
    operator.build("SHA256SUMS", b"00")
    operator.build("parts.json", b"{}")
    attached = ("--attach", "SHA256SUMS", "--attach", "parts.json:sbom", "--attach", "./parts.json:sbom")
    said = operator.did("publish", BUILD, *attached, "--dry-run").out
    assert "checksum  SHA256SUMS  2 bytes" in said
    assert "sbom  parts.json  2 bytes" in said
    assert said.count("parts.json") == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--attach", "missing.txt"), "missing.txt cannot be read"),
        (("--attach", "a b.txt"), "a file name is"),
        (("--attach", BUILD), "two of the files have the same name"),
        (("--notes-file", "de=notes.md"), "given once without a language"),
        (("--notes-file", "notes.md", "--notes-file", "notes.md"), "given once without a language"),
        (("--notes", "x", "--notes-file", "deutsch=notes.md"), "a language is a tag"),
        (("--notes", "x", "--notes-file", "de=notes.md", "--notes-file", "de=notes.md"), "twice for de"),
        (("--notes", "x", "--notes-file", "en=notes.md"), "notes of cad are in en"),
        (("--notes-file", "missing.md"), "missing.md"),
    ],
)
def test_what_makes_no_sense_is_refused(operator: Operator, options: tuple[str, ...], words: str) -> None:
    operator.build("notes.md", b"# Faster")
    operator.build("a b.txt", b"x")
    refused = operator.run("publish", BUILD, "--yes", *options)
    assert words in refused.error.lower() or words in refused.error
    assert operator.did("releases", "--json").json == []


def test_a_pattern_that_fits_nothing_is_refused(operator: Operator) -> None:
    (operator.directory / "tenure.toml").write_text('[[side_files]]\nfile = "dist/*.spdx"\n')
    assert "no file is dist/*.spdx" in operator.run("publish", BUILD, "--yes").error


def test_side_files_without_a_build_are_refused(operator: Operator) -> None:
    operator.build("dist/SHA256SUMS", b"00")
    assert "no build among the files" in operator.run("publish", "dist/SHA256SUMS", "--yes").error


def test_a_product_has_its_own_language(operator: Operator) -> None:
    assert operator.did("product", "notes-language", "cad", "DE").out == "From now on, the notes of cad are in de.\n"
    assert operator.did("product", "notes-language", "cad", "de").out == "As before, the notes of cad are in de.\n"
    assert operator.audit_trail("cad") == ["product.notes_language", "product.add"]
    assert operator.did("product", "list", "--json").json[0]["notes_language"] == "de"
    assert "no such product" in operator.run("product", "notes-language", "cod", "de").error
    assert "a language is a tag" in operator.run("product", "notes-language", "cad", "German").error


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cad-1.0.cdx.json", SideFileKind.SBOM),
        ("bom.xml", SideFileKind.SBOM),
        ("cad.spdx", SideFileKind.SBOM),
        ("SHA512SUMS.txt", SideFileKind.CHECKSUM),
        ("cad.zip.sha256", SideFileKind.CHECKSUM),
        ("cad.zip.asc", SideFileKind.SIGNATURE),
        ("LICENSE", SideFileKind.LICENCE),
        ("licence-third-party.txt", SideFileKind.LICENCE),
        ("cad.pdb", SideFileKind.SYMBOLS),
        ("cad-1.0-symbols.zip", SideFileKind.SYMBOLS),
        ("cad-1.0-linux-x64.zip", None),
        ("cad.exe", None),
        ("notes.json", None),
    ],
)
def test_well_known_names_tell_what_a_file_is(name: str, kind: SideFileKind | None) -> None:
    assert side_file_kind(name) is kind
